//! What a change adds and removes, as the summary of its snapshot tells it.
//!
//! # Spec
//! "Optional Snapshot Summary Fields", "Metrics".

use std::collections::{BTreeMap, BTreeSet};

use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::snapshot::{Summary, summary_key as key};
use datashard_spec::value::Tuple;

use super::removal::Removed;
use crate::action::NewFile;

/// Counts files one by one.
#[derive(Debug, Default)]
pub(super) struct Tally<'t> {
    counts: BTreeMap<&'static str, i64>,
    partitions: BTreeSet<(PartitionSpecId, &'t Tuple)>,
}

impl<'t> Tally<'t> {
    fn count(&mut self, key: &'static str, by: i64) {
        let count = self.counts.entry(key).or_default();
        *count = count.saturating_add(by.max(0));
    }

    pub(super) fn add(&mut self, new: &'t NewFile) {
        let file: &DataFile = &new.file;
        self.partitions.insert((new.spec_id, &file.partition));
        self.count(key::ADDED_FILES_SIZE, size_bytes(file));
        match file.content {
            FileContent::Data => {
                self.count(key::ADDED_DATA_FILES, 1);
                self.count(key::ADDED_RECORDS, file.record_count);
            }
            FileContent::PositionDeletes => {
                self.count(key::ADDED_DELETE_FILES, 1);
                let kind =
                    if file.is_deletion_vector() { key::ADDED_DVS } else { key::ADDED_POSITION_DELETE_FILES };
                self.count(kind, 1);
                self.count(key::ADDED_POSITION_DELETES, file.record_count);
            }
            FileContent::EqualityDeletes => {
                self.count(key::ADDED_DELETE_FILES, 1);
                self.count(key::ADDED_EQUALITY_DELETE_FILES, 1);
                self.count(key::ADDED_EQUALITY_DELETES, file.record_count);
            }
        }
    }

    pub(super) fn remove(&mut self, removed: &'t Removed) {
        for file in &removed.data {
            self.partitions.insert((file.spec_id, &file.partition));
            self.count(key::DELETED_DATA_FILES, 1);
            self.count(key::DELETED_RECORDS, file.record_count);
            self.count(key::REMOVED_FILES_SIZE, file.size_bytes);
        }
        for file in &removed.deletes {
            self.partitions.insert((file.spec_id, &file.partition));
            self.count(key::REMOVED_DELETE_FILES, 1);
            self.count(key::REMOVED_FILES_SIZE, file.size_bytes);
            if file.content == FileContent::EqualityDeletes {
                self.count(key::REMOVED_EQUALITY_DELETE_FILES, 1);
                self.count(key::REMOVED_EQUALITY_DELETES, file.record_count);
            } else {
                let is_vector = file.key.referenced_data_file.is_some();
                self.count(if is_vector { key::REMOVED_DVS } else { key::REMOVED_POSITION_DELETE_FILES }, 1);
                self.count(key::REMOVED_POSITION_DELETES, file.record_count);
            }
        }
    }

    /// The entries of a summary, after those of the caller's.
    pub(super) fn finish(self, notes: &BTreeMap<String, String>) -> Summary {
        let mut summary = Summary::default();
        for (key, value) in notes {
            summary.set(key, value);
        }
        for (key, count) in self.counts.into_iter().filter(|(_, count)| *count > 0) {
            summary.set(key, count);
        }
        summary.with(key::CHANGED_PARTITION_COUNT, self.partitions.len())
    }
}

/// Of a deletion vector, its own bytes: its Puffin file may hold others.
fn size_bytes(file: &DataFile) -> i64 {
    match file.content_size_in_bytes {
        Some(size_bytes) if file.is_deletion_vector() => size_bytes,
        _ => file.file_size_in_bytes,
    }
}
