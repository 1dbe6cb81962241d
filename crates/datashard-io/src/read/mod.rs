//! Reading data files of any format as Arrow record batches in a table's schema.
//!
//! ```text
//! Parquet ┐
//! Avro    ├─ Decoder: the file's own columns, with row positions ─ projection ─ deletes ─ filter ─ metadata columns ─ batches
//! ORC     ┘
//! ```

pub(crate) mod decoder;
mod request;

pub use request::ReadRequest;
