//! [`Clustered`]: one open file at a time, for rows that come partition by partition.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use datashard_spec::manifest::DataFile;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::value::Tuple;

use super::files::OpenFile;
use super::partition::Grouping;
use super::partition_writer::{PartitionWriter, PartitionWriters};
use crate::data_error::DataError;

/// Writes partitions one after the other.
#[derive(Debug)]
pub(crate) struct Clustered {
    writers: PartitionWriters,
    spec: PartitionSpec,
    current: Option<(Tuple, PartitionWriter)>,
    closed: BTreeSet<Tuple>,
}

impl Clustered {
    pub(crate) fn new(writers: PartitionWriters, spec: PartitionSpec) -> Self {
        Self { writers, spec, current: None, closed: BTreeSet::new() }
    }

    /// Whether the rows may follow those written so far.
    ///
    /// # Errors
    /// `InvalidInput` naming the partition that comes back.
    pub(crate) fn check(&self, rows: &Grouping) -> Result<(), DataError> {
        let back = rows.groups.iter().enumerate().find(|(at, (tuple, _))| {
            // The first group may go on with the current partition, later ones come back to it.
            let current = self.current.as_ref().is_some_and(|(current, _)| current == tuple);
            rows.scattered == Some(*at) || self.closed.contains(tuple) || (current && *at > 0)
        });
        match back {
            None => Ok(()),
            Some((_, (tuple, _))) => Err(DataError::InvalidInput {
                what: "order of rows",
                reason: format!(
                    "rows of partition `{}` come back after rows of others: sort the rows by partition, or let the writer keep \
                     several files open (`with_clustered_rows(false)`)",
                    self.spec.partition_path(tuple)
                ),
            }),
        }
    }

    /// Writes the rows of one partition.
    pub(crate) async fn write(
        &mut self,
        partition: &Tuple,
        batch: &RecordBatch,
        done: &mut Vec<DataFile>,
    ) -> Result<(), DataError> {
        if self.current.as_ref().is_none_or(|(current, _)| current != partition) {
            self.close(done).await?;
        }
        let (_, writer) =
            self.current.get_or_insert_with(|| (partition.clone(), self.writers.begin(partition.clone())));
        writer.write(batch, done).await
    }

    /// Closes the open file.
    pub(crate) async fn close(&mut self, done: &mut Vec<DataFile>) -> Result<(), DataError> {
        if let Some((_, writer)) = &mut self.current {
            writer.close(done).await?;
        }
        self.closed.extend(self.current.take().map(|(tuple, _)| tuple));
        Ok(())
    }

    /// What is open, to be given up.
    pub(crate) fn take_open(&mut self) -> Vec<OpenFile> {
        self.current.take().and_then(|(_, writer)| writer.into_open()).into_iter().collect()
    }
}
