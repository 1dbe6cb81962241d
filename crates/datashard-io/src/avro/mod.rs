//! Avro data files.
//!
//! Rows go between Avro's bytes and Arrow's columns in one checked walk of our own: a decoder that is to be safe on damaged bytes needs that
//! walk in any case, and ids, maps as arrays of pairs and UUIDs need care that no library takes.
//!
//! ```text
//! read   header ─ windows of the file ─ blocks: frame, codec, each value checked ─ column builders ─ batches
//! write  batches ─ each value checked and encoded ─ blocks: codec, frame ─ file
//! ```

mod budget;
mod builder;
mod column;
mod decimal;
mod encode;
mod header;
mod iceberg_schema;
pub(crate) mod options;
pub(crate) mod read;
mod schema;
mod skip;
mod window;
pub(crate) mod write;
