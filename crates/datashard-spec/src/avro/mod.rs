//! Manifests and manifest lists from and to Avro bytes: a codec of our own over slices, because no library resolves by
//! field id, and because planning should cost little more than decompression.
//!
//! The writer's schema is compiled once per file to a plan: what is wanted is decoded in place, all else is stepped
//! over. Every length is held against what is left before anything is allocated.

mod codec;
mod container;
mod entry_view;
mod list_read;
mod list_write;
mod manifest_read;
mod manifest_write;
mod partition;
mod plan;
mod schema;
mod schema_write;
mod skip;
mod value;
mod varint;

pub use codec::{Codec, Compressor, Decompressor};
pub use entry_view::{EntryColumn, EntryView};
pub use list_read::ManifestListReader;
pub use list_write::{ListSnapshot, ManifestListWriter};
pub use manifest_read::{ManifestPlanner, ManifestReader, ReadOptions};
pub use manifest_write::{ManifestWriter, WriteOptions};
pub use varint::{Cursor, put_bytes, put_length, put_long};

#[cfg(test)]
mod tests;

pub use crate::avro_error::{AvroError, AvroFault};
