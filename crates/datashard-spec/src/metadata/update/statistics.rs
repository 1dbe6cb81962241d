//! Updates of statistics files: at most one of a kind per snapshot.

use super::Draft;
use crate::id::SnapshotId;
use crate::metadata::history::not_found;
use crate::metadata::{MetadataError, PartitionStatisticsFile, StatisticsFile};

impl Draft {
    pub(super) fn set_statistics(&mut self, file: &StatisticsFile) -> Result<(), MetadataError> {
        self.check_snapshot_exists(file.snapshot_id)?;
        self.remove_statistics(file.snapshot_id);
        self.metadata.statistics.push(file.clone());
        Ok(())
    }

    pub(super) fn remove_statistics(&mut self, id: SnapshotId) {
        self.metadata.statistics.retain(|file| file.snapshot_id != id);
    }

    pub(super) fn set_partition_statistics(
        &mut self,
        file: &PartitionStatisticsFile,
    ) -> Result<(), MetadataError> {
        self.check_snapshot_exists(file.snapshot_id)?;
        self.remove_partition_statistics(file.snapshot_id);
        self.metadata.partition_statistics.push(file.clone());
        Ok(())
    }

    pub(super) fn remove_partition_statistics(&mut self, id: SnapshotId) {
        self.metadata.partition_statistics.retain(|file| file.snapshot_id != id);
    }

    fn check_snapshot_exists(&self, id: SnapshotId) -> Result<(), MetadataError> {
        if self.metadata.has_snapshot(id) { Ok(()) } else { Err(not_found("snapshot", id)) }
    }
}
