//! Parquet data files.
//!
//! ```text
//! read   footer ─ row groups left by byte range, statistics, bloom filters ─ rows left by the page index and deletes ─ bytes of columns, checked ─ batches
//! write  batches ─ row groups by encoded size ─ column chunks, their checksums taken as bytes leave ─ footer
//! ```

mod bloom;
mod bounds;
pub(crate) mod checksum;
mod chunks;
mod columns;
mod fetch;
mod footer;
mod footer_shape;
mod late;
mod levels;
pub(crate) mod options;
mod page_header;
mod page_index;
mod page_scan;
mod prune;
pub(crate) mod read;
mod row_group;
mod rows;
mod schema;
mod sound;
mod stored;
#[cfg(test)]
pub(crate) mod testing;
mod thrift;
mod unfold;
pub(crate) mod write;

use crate::data_error::DataError;

/// An error of the decoder, as damage of a file.
fn undecodable(file: &str, place: impl Into<String>, error: ::parquet::errors::ParquetError) -> DataError {
    DataError::undecodable(file, place, error)
}
