//! A row group being encoded, and when it is full.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;

/// Arrow bytes after which the size of a row group is looked at when they could fill it, however few rows they are: what is held is bounded
/// by bytes.
const CHECK_BYTES: u64 = 16 << 20;

/// When to look at the size of a row group, and when to end it.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowGroupLimit {
    /// Bytes of a row group.
    pub(super) size_bytes: u64,
    /// Rows from one look at the size to the next, at least.
    pub(super) check_min_rows: u64,
    /// Rows from one look at the size to the next, at most.
    pub(super) check_max_rows: u64,
    /// Whether the size is that of the rows in memory, not of what is written.
    pub(super) is_uncompressed: bool,
}

/// The rows of a row group, encoded as they come.
pub(super) struct OpenRowGroup {
    writers: Vec<ArrowColumnWriter>,
    rows: u64,
    /// Of the rows in memory.
    arrow_bytes: u64,
}

impl OpenRowGroup {
    pub(super) fn new(writers: Vec<ArrowColumnWriter>) -> Self {
        Self { writers, rows: 0, arrow_bytes: 0 }
    }

    /// Encodes rows, given as columns of `schema`, which take so many bytes in memory.
    pub(super) fn write(
        &mut self,
        schema: &SchemaRef,
        columns: &[ArrayRef],
        rows: u64,
        arrow_bytes: u64,
    ) -> Result<(), ParquetError> {
        let mut writers = self.writers.iter_mut();
        for (field, column) in schema.fields().iter().zip(columns) {
            for leaf in compute_leaves(field, column)? {
                let writer = writers.next();
                writer
                    .ok_or_else(|| ParquetError::General("more leaves than columns".to_owned()))?
                    .write(&leaf)?;
            }
        }
        self.rows = self.rows.saturating_add(rows);
        self.arrow_bytes = self.arrow_bytes.saturating_add(arrow_bytes);
        Ok(())
    }

    /// Bytes that it would take in the file, by estimate.
    pub(super) fn encoded_bytes(&self) -> u64 {
        let bytes = self.writers.iter().map(|writer| to_u64(writer.get_estimated_total_bytes()));
        bytes.fold(0, u64::saturating_add)
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.writers.iter().map(ArrowColumnWriter::memory_size).fold(0, usize::saturating_add)
    }

    /// How many more rows may be added before [`is_full`](Self::is_full) is to be asked; at least 1.
    ///
    /// As the size nears the limit, ever fewer: half of what would reach it. Rows seldom take more in a file than in Arrow, so half of what
    /// would reach it at their size in Arrow may come in one go, whatever the limits on rows are: wide tables are then written column by column,
    /// not in turns of a few rows each.
    pub(super) fn rows_to_check(&self, limit: &RowGroupLimit, row_bytes: u64) -> usize {
        let (least, most) = (limit.check_min_rows, limit.check_max_rows.max(limit.check_min_rows));
        let left = limit.size_bytes.saturating_sub(self.size_bytes(limit));
        let written = match self.size_bytes(limit).checked_div(self.rows) {
            None | Some(0) => most,
            Some(row) => left.checked_div(row).unwrap_or(most) / 2,
        };
        let rows = if self.rows == 0 { least } else { written.clamp(least, most) };
        let by_bytes = CHECK_BYTES.checked_div(row_bytes.max(1)).unwrap_or(1);
        let unseen = left.checked_div(row_bytes.max(1)).unwrap_or(0) / 2;
        usize::try_from(rows.min(by_bytes).max(unseen).max(1)).unwrap_or(usize::MAX)
    }

    /// Whether it has reached the limit.
    pub(super) fn is_full(&self, limit: &RowGroupLimit) -> bool {
        self.size_bytes(limit) >= limit.size_bytes
    }

    /// The column chunks, complete, in the order of the columns.
    pub(super) fn close(self) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        self.writers.into_iter().map(ArrowColumnWriter::close).collect()
    }

    fn size_bytes(&self, limit: &RowGroupLimit) -> u64 {
        if limit.is_uncompressed { self.arrow_bytes } else { self.encoded_bytes() }
    }
}

pub(super) fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
