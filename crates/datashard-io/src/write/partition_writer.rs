//! [`PartitionWriter`]: one partition's rows, sorted if they are to be, on their way into files.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datashard_spec::manifest::DataFile;
use datashard_spec::value::Tuple;

use super::files::{Files, OpenFile};
use super::rolling::RollingWriter;
use super::sort::{SortBuffer, Sorter};
use crate::data_error::DataError;

/// How a writer makes the writers of its partitions.
#[derive(Debug, Clone)]
pub(crate) struct PartitionWriters {
    pub(crate) files: Arc<Files>,
    pub(crate) sorter: Option<Arc<Sorter>>,
    pub(crate) sort_memory_limit_bytes: usize,
}

/// Writes the rows of one partition.
#[derive(Debug)]
pub(crate) struct PartitionWriter {
    rolling: RollingWriter,
    waiting: Option<SortBuffer>,
}

impl PartitionWriters {
    pub(crate) fn begin(&self, partition: Tuple) -> PartitionWriter {
        let sorter = self.sorter.as_ref();
        PartitionWriter {
            rolling: RollingWriter::new(Arc::clone(&self.files), partition, sorter.map(|s| s.id())),
            waiting: sorter.map(|s| SortBuffer::new(Arc::clone(s), self.sort_memory_limit_bytes)),
        }
    }
}

impl PartitionWriter {
    /// Whether there are rows that are not in a closed file.
    pub(crate) fn is_open(&self) -> bool {
        self.rolling.is_open() || self.waiting.as_ref().is_some_and(|waiting| waiting.memory_bytes() > 0)
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let waiting = self.waiting.as_ref().map_or(0, SortBuffer::memory_bytes);
        self.rolling.memory_bytes().saturating_add(waiting)
    }

    /// Writes rows; files that are full go to `done`.
    pub(crate) async fn write(
        &mut self,
        batch: &RecordBatch,
        done: &mut Vec<DataFile>,
    ) -> Result<(), DataError> {
        let Some(waiting) = &mut self.waiting else { return self.rolling.write(batch, done).await };
        waiting.push(batch)?;
        if waiting.is_full() { self.write_run(done).await } else { Ok(()) }
    }

    /// Writes what waits, and closes the file.
    pub(crate) async fn close(&mut self, done: &mut Vec<DataFile>) -> Result<(), DataError> {
        self.write_run(done).await?;
        self.rolling.close(done).await
    }

    /// What is open, to be given up.
    pub(crate) fn into_open(self) -> Option<OpenFile> {
        self.rolling.into_open()
    }

    async fn write_run(&mut self, done: &mut Vec<DataFile>) -> Result<(), DataError> {
        let Some(mut run) = self.waiting.as_mut().and_then(SortBuffer::take) else { return Ok(()) };
        self.rolling.begin_run(run.ends.clone());
        while let Some(batch) = run.next_batch()? {
            self.rolling.write(&batch, done).await?;
        }
        Ok(())
    }
}
