//! [`RollingWriter`]: the rows of one partition as files of about the target size.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::row::OwnedRow;
use datashard_spec::id::SortOrderId;
use datashard_spec::manifest::DataFile;
use datashard_spec::value::Tuple;

use super::files::{Files, OpenFile};
use crate::data_error::DataError;

/// A file may be larger than its target by about this share: so large are the pieces between looks at its size.
const OVERSHOOT: u64 = 64;

/// Writes the rows of one partition into one file after the other. Without rows there is no file.
#[derive(Debug)]
pub(crate) struct RollingWriter {
    files: Arc<Files>,
    partition: Tuple,
    open: Option<OpenFile>,
    /// The order that runs of rows are in, if they are.
    order: Option<SortOrderId>,
    /// Whether the open file's rows are in that order from first to last.
    sorted: bool,
    /// The key of the open file's last row, where the order is one.
    last_key: Option<OwnedRow>,
}

/// The keys of the first and the last row of a sorted run.
pub(crate) type RunEnds = (OwnedRow, OwnedRow);

impl RollingWriter {
    pub(crate) fn new(files: Arc<Files>, partition: Tuple, order: Option<SortOrderId>) -> Self {
        Self { files, partition, open: None, order, sorted: true, last_key: None }
    }

    /// Whether a file is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Bytes of memory that the open file holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, OpenFile::memory_bytes)
    }

    /// Writes rows; files that are full are closed and go to `done`.
    pub(crate) async fn write(
        &mut self,
        batch: &RecordBatch,
        done: &mut Vec<DataFile>,
    ) -> Result<(), DataError> {
        let target = self.files.target_size_bytes();
        let row_bytes = bytes_per_row(batch);
        let mut start = 0_usize;
        while start < batch.num_rows() {
            // The file stays in its place while it is written to, so that it can be given up in order after an error or a drop.
            let file = match &mut self.open {
                Some(file) => file,
                none => none.insert(self.files.begin(&self.partition)?),
            };
            let rows = piece_rows(file, target, row_bytes).clamp(1, batch.num_rows().saturating_sub(start));
            file.writer.write(&batch.slice(start, rows)).await?;
            file.rows = file.rows.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
            let full = file.writer.size_bytes() >= target;
            start = start.saturating_add(rows);
            if full {
                self.close(done).await?;
            }
        }
        Ok(())
    }

    /// To be called before the rows of a sorted run are written.
    pub(crate) fn begin_run(&mut self, (first, last): RunEnds) {
        if self.is_open() && self.last_key.as_ref().is_some_and(|before| *before > first) {
            self.sorted = false;
        }
        self.last_key = Some(last);
    }

    /// Closes the open file, if there is one.
    pub(crate) async fn close(&mut self, done: &mut Vec<DataFile>) -> Result<(), DataError> {
        let Some(file) = self.open.take() else { return Ok(()) };
        let sorted = std::mem::replace(&mut self.sorted, true);
        let mut entry = self.files.finish(file, &self.partition).await?;
        entry.sort_order_id = Some(self.order.filter(|_| sorted).unwrap_or(UNSORTED));
        done.push(entry);
        Ok(())
    }

    /// What is open, to be given up.
    pub(crate) fn into_open(self) -> Option<OpenFile> {
        self.open
    }
}

/// The order of files whose rows are in none.
const UNSORTED: SortOrderId = SortOrderId(0);

/// How many rows may follow before the size of the file has to be looked at again.
fn piece_rows(file: &OpenFile, target: u64, row_bytes_in_memory: u64) -> usize {
    let least = target / OVERSHOOT;
    let size = file.writer.size_bytes();
    // What a row takes in this file is known once there are some, and taken for what it takes in memory before.
    let (room, row_bytes) = match size.checked_div(file.rows) {
        None => (least, row_bytes_in_memory),
        Some(in_file) => (target.saturating_sub(size).max(least), in_file.max(row_bytes_in_memory)),
    };
    usize::try_from(room.checked_div(row_bytes).unwrap_or(room)).unwrap_or(usize::MAX)
}

/// What a row takes in Arrow, which is seldom less than in a file.
pub(crate) fn bytes_per_row(batch: &RecordBatch) -> u64 {
    let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
    u64::try_from(slice_bytes(batch)).unwrap_or(u64::MAX).checked_div(rows).unwrap_or(0).max(1)
}

/// Bytes of the rows of a batch, without those that its buffers hold beside them.
pub(crate) fn slice_bytes(batch: &RecordBatch) -> usize {
    let of_column = |column: &Arc<dyn Array>| {
        // Fails only for types that no schema of ours leads to.
        column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
    };
    batch.columns().iter().map(of_column).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests;
