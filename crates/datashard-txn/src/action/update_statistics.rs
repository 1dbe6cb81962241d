//! [`UpdateStatistics`]: sets and removes statistics files.

use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::metadata::{PartitionStatisticsFile, StatisticsFile, TableUpdate};

use super::files::excerpt;
use super::metadata_change::{changed, listed};
use super::metadata_form::existing;
use crate::base::Base;
use crate::epoch;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "update statistics";

/// Sets and removes statistics files of snapshots: at most one of a kind for each. The files are there already.
///
/// It never conflicts with other commits, but for those that expire the snapshot. Of two who set the file of one snapshot, the last one
/// committed stands.
///
/// # Examples
/// ```
/// use datashard_spec::id::SnapshotId;
/// use datashard_spec::metadata::StatisticsFile;
/// use datashard_txn::action::UpdateStatistics;
///
/// let file = StatisticsFile::new(SnapshotId(7), "s3://b/t/metadata/e4-7.stats", 2_048, 512);
/// let update = UpdateStatistics::new().set(file).remove(SnapshotId(3));
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct UpdateStatistics {
    changes: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Set(StatisticsFile),
    SetPartition(PartitionStatisticsFile),
    Remove(SnapshotId),
    RemovePartition(SnapshotId),
}

impl UpdateStatistics {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the statistics file of a snapshot.
    pub fn set(mut self, file: StatisticsFile) -> Self {
        self.changes.push(Change::Set(file));
        self
    }

    /// Sets the partition statistics file of a snapshot.
    pub fn set_partition(mut self, file: PartitionStatisticsFile) -> Self {
        self.changes.push(Change::SetPartition(file));
        self
    }

    /// Removes the statistics file of a snapshot, if it has one.
    pub fn remove(mut self, snapshot_id: SnapshotId) -> Self {
        self.changes.push(Change::Remove(snapshot_id));
        self
    }

    /// Removes the partition statistics file of a snapshot, if it has one.
    pub fn remove_partition(mut self, snapshot_id: SnapshotId) -> Self {
        self.changes.push(Change::RemovePartition(snapshot_id));
        self
    }

    fn set_files(&self) -> impl Iterator<Item = (SnapshotId, &str, [i64; 2])> {
        self.changes.iter().filter_map(|change| match change {
            Change::Set(file) => {
                Some((file.snapshot_id, file.path.as_str(), [file.file_size_bytes, file.footer_size_bytes]))
            }
            Change::SetPartition(file) => {
                Some((file.snapshot_id, file.path.as_str(), [file.file_size_bytes, 0]))
            }
            Change::Remove(_) | Change::RemovePartition(_) => None,
        })
    }
}

impl Operation for UpdateStatistics {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{:?}", self.changes).into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME)?;
        let rejected = |reason: String| Err(Refusal::Rejected { operation: NAME, reason });
        if self.changes.is_empty() {
            return rejected("it changes nothing".to_owned());
        }
        for (_, path, [size_bytes, footer_bytes]) in self.set_files() {
            if size_bytes < 0 || footer_bytes < 0 || footer_bytes > size_bytes {
                return rejected(format!(
                    "file `{}` cannot have {size_bytes} bytes and a footer of {footer_bytes}",
                    excerpt(path)
                ));
            }
        }
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        for (snapshot_id, path, _) in self.set_files() {
            // A sweep finds what refers to a file below the table only.
            let place = inputs.location.relative(path);
            place.map_err(|e| Refusal::Rejected { operation: NAME, reason: e.to_string() })?;
            listed(NAME, base, inputs, snapshot_id)?;
        }
        let updates = self.changes.iter().cloned().map(Change::into_update).collect();
        changed(NAME, base, inputs, updates)
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.set_files().filter_map(|(_, path, _)| epoch::of_file(path)).min()
    }
}

impl Change {
    fn into_update(self) -> TableUpdate {
        match self {
            Self::Set(statistics) => TableUpdate::SetStatistics { statistics },
            Self::SetPartition(partition_statistics) => {
                TableUpdate::SetPartitionStatistics { partition_statistics }
            }
            Self::Remove(snapshot_id) => TableUpdate::RemoveStatistics { snapshot_id },
            Self::RemovePartition(snapshot_id) => TableUpdate::RemovePartitionStatistics { snapshot_id },
        }
    }
}

#[cfg(test)]
mod tests;
