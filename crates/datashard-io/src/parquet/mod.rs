//! Parquet data files.
//!
//! ```text
//! footer ─ row groups left by byte range, statistics, bloom filters ─ rows left by the page index and deletes ─ bytes of the columns, checked ─ batches
//! ```

mod bloom;
mod bounds;
mod chunks;
mod columns;
mod footer;
mod page_header;
mod page_index;
mod prune;
pub(crate) mod read;
mod rows;
#[cfg(test)]
mod tests;

use crate::data_error::DataError;

/// An error of the decoder, as damage of a file.
fn undecodable(file: &str, place: impl Into<String>, error: parquet::errors::ParquetError) -> DataError {
    DataError::undecodable(file, place, error)
}
