//! [`PartitionedWriter`]: rows of any partition into files, by either way of keeping them open. What all writers share.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datashard_spec::manifest::DataFile;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::value::Tuple;

use super::clustered::Clustered;
use super::fanout::Fanout;
use super::files::Files;
use super::options::WriteOptions;
use super::partition::Grouping;
use super::partition_writer::PartitionWriters;
use super::sort::Sorter;
use super::table_writer::WriteResult;
use crate::data_error::DataError;
use crate::store::DeleteReport;

/// Writes groups of rows of one partition each, in the Arrow schema of the files.
#[derive(Debug)]
pub(crate) struct PartitionedWriter {
    files: Arc<Files>,
    open: Open,
    done: Vec<DataFile>,
    state: State,
}

#[derive(Debug)]
enum Open {
    Fanout(Fanout),
    Clustered(Box<Clustered>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// A call is at work, failed, or was dropped.
    Broken,
    Finished,
}

impl PartitionedWriter {
    pub(crate) fn new(
        files: Files,
        spec: &PartitionSpec,
        sorter: Option<Arc<Sorter>>,
        options: &WriteOptions,
    ) -> Self {
        let files = Arc::new(files);
        let sort_memory_limit_bytes = options.sort_memory_limit_bytes;
        let writers = PartitionWriters { files: Arc::clone(&files), sorter, sort_memory_limit_bytes };
        let open = if options.clustered {
            Open::Clustered(Box::new(Clustered::new(writers, spec.clone())))
        } else {
            Open::Fanout(Fanout::new(writers, options))
        };
        Self { files, open, done: Vec::new(), state: State::Ready }
    }

    /// Whether the writer takes rows.
    ///
    /// # Errors
    /// `InvalidInput` after an error and after the end.
    pub(crate) fn check_ready(&self) -> Result<(), DataError> {
        let reason = match self.state {
            State::Ready => return Ok(()),
            State::Broken => {
                "an earlier call failed or was dropped, so that it is not known what was written: abort it, and begin anew"
            }
            State::Finished => "it was finished: begin a new one",
        };
        Err(DataError::InvalidInput { what: "writer", reason: reason.to_owned() })
    }

    /// Whether the rows may follow those written so far.
    ///
    /// # Errors
    /// `InvalidInput` if rows are to be clustered, and a partition comes back.
    pub(crate) fn check_order(&self, rows: &Grouping) -> Result<(), DataError> {
        match &self.open {
            Open::Fanout(_) => Ok(()),
            Open::Clustered(clustered) => clustered.check(rows),
        }
    }

    /// Writes the rows of a batch, which was taken apart before.
    pub(crate) async fn write(&mut self, rows: Grouping) -> Result<(), DataError> {
        self.check_ready()?;
        self.check_order(&rows)?;
        for (partition, batch) in &rows.groups {
            self.write_partition(partition, batch).await?;
        }
        Ok(())
    }

    /// Writes rows of one partition.
    async fn write_partition(&mut self, partition: &Tuple, batch: &RecordBatch) -> Result<(), DataError> {
        self.check_ready()?;
        self.state = State::Broken;
        match &mut self.open {
            Open::Fanout(fanout) => fanout.write(partition, batch, &mut self.done).await?,
            Open::Clustered(clustered) => clustered.write(partition, batch, &mut self.done).await?,
        }
        self.state = State::Ready;
        Ok(())
    }

    async fn close_files(&mut self) -> Result<(), DataError> {
        self.check_ready()?;
        self.state = State::Broken;
        match &mut self.open {
            Open::Fanout(fanout) => fanout.close(&mut self.done).await?,
            Open::Clustered(clustered) => clustered.close(&mut self.done).await?,
        }
        self.state = State::Ready;
        Ok(())
    }

    /// Completes all files and hands them over.
    pub(crate) async fn finish(&mut self) -> Result<WriteResult, DataError> {
        self.close_files().await?;
        self.state = State::Finished;
        self.files.hand_over();
        Ok(WriteResult::new(std::mem::take(&mut self.done)))
    }

    /// Gives up what is open and deletes what was written.
    pub(crate) async fn abort(mut self) -> DeleteReport {
        let open = match &mut self.open {
            Open::Fanout(fanout) => fanout.take_open(),
            Open::Clustered(clustered) => clustered.take_open(),
        };
        self.files.abort(open).await
    }
}
