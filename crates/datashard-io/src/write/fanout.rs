//! [`Fanout`]: an open file for each of several partitions, with a bound on memory and on open files.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use datashard_spec::manifest::DataFile;
use datashard_spec::value::Tuple;
use futures_util::StreamExt;

use super::files::OpenFile;
use super::options::WriteOptions;
use super::partition_writer::{PartitionWriter, PartitionWriters};
use crate::data_error::DataError;

/// Files that are completed at the same time at the end.
const FILES_AT_ONCE: usize = 8;

/// Writes partitions side by side.
#[derive(Debug)]
pub(crate) struct Fanout {
    writers: PartitionWriters,
    /// By tuple, so that what happens does not depend on hashes.
    open: BTreeMap<Tuple, Opened>,
    memory_bytes: usize,
    memory_limit_bytes: usize,
    max_open_files: usize,
    /// Those that could not be closed, to be given up.
    failed: Vec<PartitionWriter>,
}

#[derive(Debug)]
struct Opened {
    writer: PartitionWriter,
    /// Its share of the memory, when it was written to last.
    memory_bytes: usize,
}

impl Fanout {
    pub(crate) fn new(writers: PartitionWriters, options: &WriteOptions) -> Self {
        Self {
            writers,
            open: BTreeMap::new(),
            memory_bytes: 0,
            memory_limit_bytes: options.memory_limit_bytes,
            max_open_files: options.max_open_files.max(1),
            failed: Vec::new(),
        }
    }

    /// Writes the rows of one partition. The largest files are closed until what is open is within the bounds.
    pub(crate) async fn write(
        &mut self,
        partition: &Tuple,
        batch: &RecordBatch,
        done: &mut Vec<DataFile>,
    ) -> Result<(), DataError> {
        if !self.open.contains_key(partition) {
            while self.open.len() >= self.max_open_files {
                self.close_largest(done).await?;
            }
        }
        let begin = || Opened { writer: self.writers.begin(partition.clone()), memory_bytes: 0 };
        let opened = self.open.entry(partition.clone()).or_insert_with(begin);
        opened.writer.write(batch, done).await?;
        self.memory_bytes = self.memory_bytes.saturating_sub(opened.memory_bytes);
        opened.memory_bytes = opened.writer.memory_bytes();
        self.memory_bytes = self.memory_bytes.saturating_add(opened.memory_bytes);
        if !opened.writer.is_open() {
            self.open.remove(partition);
        }
        while self.memory_bytes > self.memory_limit_bytes && !self.open.is_empty() {
            self.close_largest(done).await?;
        }
        Ok(())
    }

    /// Closes the file that holds most memory; of equal ones the first by partition.
    async fn close_largest(&mut self, done: &mut Vec<DataFile>) -> Result<(), DataError> {
        let largest = self.open.iter().rev().max_by_key(|(_, opened)| opened.memory_bytes);
        let Some(tuple) = largest.map(|(tuple, _)| tuple.clone()) else { return Ok(()) };
        if let Some(opened) = self.open.get_mut(&tuple) {
            tracing::debug!(bytes = opened.memory_bytes, "largest open file closed to make room");
            opened.writer.close(done).await?;
            self.memory_bytes = self.memory_bytes.saturating_sub(opened.memory_bytes);
            self.open.remove(&tuple);
        }
        Ok(())
    }

    /// Closes all files, several at a time. After an error those that were not begun stay open.
    pub(crate) async fn close(&mut self, done: &mut Vec<DataFile>) -> Result<(), DataError> {
        while !self.open.is_empty() {
            let mut several = Vec::with_capacity(FILES_AT_ONCE);
            while let Some((_, opened)) =
                (several.len() < FILES_AT_ONCE).then(|| self.open.pop_first()).flatten()
            {
                self.memory_bytes = self.memory_bytes.saturating_sub(opened.memory_bytes);
                several.push(close_one(opened.writer));
            }
            let closed: Vec<_> = futures_util::stream::iter(several).buffered(FILES_AT_ONCE).collect().await;
            let mut failed = None;
            for outcome in closed {
                match outcome {
                    Ok(files) => done.extend(files),
                    Err((writer, error)) => {
                        self.failed.push(*writer);
                        failed = failed.or(Some(error));
                    }
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(())
    }

    /// What is open, to be given up.
    pub(crate) fn take_open(&mut self) -> Vec<OpenFile> {
        self.memory_bytes = 0;
        let open = std::mem::take(&mut self.open).into_values().map(|opened| opened.writer);
        let failed = std::mem::take(&mut self.failed);
        open.chain(failed).filter_map(PartitionWriter::into_open).collect()
    }
}

/// The files, or the writer as it was left.
async fn close_one(mut writer: PartitionWriter) -> Result<Vec<DataFile>, (Box<PartitionWriter>, DataError)> {
    let mut files = Vec::new();
    match writer.close(&mut files).await {
        Ok(()) => Ok(files),
        Err(error) => Err((Box::new(writer), error)),
    }
}
