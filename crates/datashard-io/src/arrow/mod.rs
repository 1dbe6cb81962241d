//! Rows as Arrow: schemas both ways, values, casts, projection by field id, filters.

pub(crate) mod cast;
mod extension;
pub(crate) mod filter;
mod from_schema;
pub(crate) mod project;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod to_schema;
pub(crate) mod value;

pub use arrow::{array, datatypes, record_batch};
pub use cast::conform_batch;
pub use from_schema::{schema_from_arrow, schema_from_arrow_with_fresh_ids};
pub use to_schema::{schema_to_arrow, type_to_arrow};

/// The key of a field's metadata that holds its field id, as the Parquet crate reads and writes it.
pub const FIELD_ID_KEY: &str = "PARQUET:field_id";
