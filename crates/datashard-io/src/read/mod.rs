//! Reading data files of any format as Arrow record batches in a table's schema.
//!
//! ```text
//! Parquet ┐
//! Avro    ├─ Decoder: the file's own columns, with row positions ─ projection ─ deletes ─ filter ─ metadata columns ─ batches
//! ORC     ┘
//! ```

mod columns;
mod constants;
pub(crate) mod decoder;
mod format;
mod metadata_columns;
mod pipeline;
mod read_schema;
mod reader;
mod request;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use columns::ColumnPath;
pub use constants::identity_constants;
pub(crate) use read_schema::add_column;
pub use reader::FileReader;
pub use request::ReadRequest;
pub use verify::{Verified, verify_file};
