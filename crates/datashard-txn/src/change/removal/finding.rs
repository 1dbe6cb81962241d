//! What is found in a manifest: the files that go, and the manifest without them.

use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::value::{Tuple, Value};
use sha2::{Digest, Sha256};

use super::DeleteFileKey;
use crate::base::Base;
use crate::produced::NewManifest;
use crate::read::Finding;

/// A data file that goes.
#[derive(Debug, Clone)]
pub(crate) struct RemovedFile {
    pub(crate) location: String,
    pub(crate) spec_id: PartitionSpecId,
    pub(crate) partition: Tuple,
    pub(crate) data_sequence_number: DataSequenceNumber,
    pub(crate) record_count: i64,
    pub(crate) size_bytes: i64,
}

/// A delete file that goes.
#[derive(Debug, Clone)]
pub(crate) struct RemovedDeletes {
    pub(crate) key: DeleteFileKey,
    pub(crate) content: FileContent,
    pub(crate) spec_id: PartitionSpecId,
    pub(crate) partition: Tuple,
    pub(crate) record_count: i64,
    pub(crate) size_bytes: i64,
}

/// All files that go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Removed {
    pub(crate) data: Vec<RemovedFile>,
    pub(crate) deletes: Vec<RemovedDeletes>,
}

impl Removed {
    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_empty() && self.deletes.is_empty()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.data.extend(other.data.iter().cloned());
        self.deletes.extend(other.deletes.iter().cloned());
    }

    fn note(&mut self, file: &DataFile, spec_id: PartitionSpecId, number: DataSequenceNumber) {
        let (record_count, size_bytes) = (file.record_count.max(0), file.file_size_in_bytes.max(0));
        let (location, partition) = (file.file_path.clone(), file.partition.clone());
        match file.content {
            FileContent::Data => self.data.push(RemovedFile {
                location,
                spec_id,
                partition,
                data_sequence_number: number,
                record_count,
                size_bytes,
            }),
            content => self.deletes.push(RemovedDeletes {
                key: DeleteFileKey::of(file),
                content,
                spec_id,
                partition,
                record_count,
                // A Puffin file may hold vectors that stay: what goes is the vector.
                size_bytes: if file.is_deletion_vector() {
                    file.content_size_in_bytes.unwrap_or(0).max(0)
                } else {
                    size_bytes
                },
            }),
        }
    }
}

impl DeleteFileKey {
    pub(crate) fn of(file: &DataFile) -> Self {
        let referenced = file.referenced_data_file.as_ref().filter(|_| file.is_deletion_vector());
        Self { location: file.file_path.clone(), referenced_data_file: referenced.cloned() }
    }
}

/// What was found in a manifest.
#[derive(Debug)]
pub(super) struct Filtered {
    pub(super) removed: Removed,
    /// The manifest without them; `None` if nothing goes.
    pub(super) rewritten: Option<NewManifest>,
    /// Locations of files of which some rows match the filter and some may not; the first of them.
    pub(super) partial: Vec<String>,
    /// Data files that would have two deletion vectors; the first of them.
    pub(super) twice: Vec<String>,
    /// Of the locations of the data files that go: the same for the same files, in whatever manifests they are.
    pub(super) digest: u128,
    /// Of a delete manifest, what was found depends on this.
    pub(super) after: Option<After>,
    found_for: (SchemaId, FormatVersion),
}

/// What is found in delete manifests depends on: the data files that go, and those that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct After {
    /// Of the locations of the data files that go, in any order.
    pub(super) digest: u128,
    /// No data file of the table is older.
    pub(super) oldest_sequence_number: i64,
}

/// How many files a conflict names at most; more are not kept.
const MOST_NAMED: usize = 16;

impl Filtered {
    pub(super) fn for_base(base: &Base) -> Self {
        Self {
            removed: Removed::default(),
            rewritten: None,
            partial: Vec::new(),
            twice: Vec::new(),
            digest: 0,
            after: None,
            found_for: (base.metadata.current_schema_id(), base.metadata.format_version()),
        }
    }

    pub(super) fn note_partial(&mut self, file: DataFile) {
        if self.partial.len() < MOST_NAMED {
            self.partial.push(file.file_path);
        }
    }

    pub(super) fn note_second(&mut self, vector: DataFile) {
        if self.twice.len() < MOST_NAMED {
            self.twice.extend(vector.referenced_data_file);
        }
    }

    /// A file goes.
    pub(super) fn note_removed(
        &mut self,
        file: &DataFile,
        spec_id: PartitionSpecId,
        number: DataSequenceNumber,
    ) {
        self.removed.note(file, spec_id, number);
        if file.content == FileContent::Data {
            let digest = Sha256::digest(file.file_path.as_bytes());
            let digest = digest.iter().take(16).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
            self.digest = self.digest.wrapping_add(digest);
        }
    }

    /// Whether what was found in a delete manifest is what would be found.
    pub(super) fn holds_after(&self, after: After) -> bool {
        self.after.is_some_and(|found| {
            found.digest == after.digest && found.oldest_sequence_number <= after.oldest_sequence_number
        })
    }
}

impl Finding for Filtered {
    fn size_bytes(&self) -> usize {
        let manifest = self.rewritten.as_ref().map_or(0, |manifest| manifest.bytes.len());
        let tuple = |tuple: &Tuple| tuple.len().saturating_mul(size_of::<Option<Value>>());
        let data = self.removed.data.iter().map(|file| {
            file.location
                .len()
                .saturating_add(size_of::<RemovedFile>())
                .saturating_add(tuple(&file.partition))
        });
        let deletes = self.removed.deletes.iter().map(|file| {
            let referenced = file.key.referenced_data_file.as_ref().map_or(0, String::len);
            let fixed = size_of::<RemovedDeletes>().saturating_add(tuple(&file.partition));
            file.key.location.len().saturating_add(referenced).saturating_add(fixed)
        });
        let named = self.partial.iter().chain(&self.twice).map(String::len);
        data.chain(deletes)
            .chain(named)
            .fold(manifest, usize::saturating_add)
            .saturating_add(size_of::<Self>())
    }

    fn holds_for(&self, base: &Base) -> bool {
        self.found_for == (base.metadata.current_schema_id(), base.metadata.format_version())
    }
}
