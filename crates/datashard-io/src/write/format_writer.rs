//! The contract of the formats that are written: batches in, one file out.

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datashard_spec::manifest::DataFile;

use crate::data_error::DataError;

/// One file being written.
#[async_trait]
pub(crate) trait FormatWriter: Send {
    /// Adds rows, in exactly the Arrow schema of the table's (`schema_to_arrow`).
    async fn write(&mut self, batch: &RecordBatch) -> Result<(), DataError>;

    /// Bytes that have left, and an estimate of what those still held will come to.
    fn size_bytes(&self) -> u64;

    /// Bytes of memory held.
    fn memory_bytes(&self) -> usize;

    /// Completes the file. Answers its format, path, size, row count, column metrics, split offsets and SHA-256 (field 9001); partition,
    /// content, sort order and the like are for the caller to set.
    async fn finish(self: Box<Self>) -> Result<DataFile, DataError>;

    /// Gives the file up.
    async fn abort(self: Box<Self>) -> Result<(), DataError>;
}
