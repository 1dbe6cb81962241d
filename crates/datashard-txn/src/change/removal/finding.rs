//! What is found in a manifest: the files that go, and the manifest without them.

use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::value::Tuple;

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

    pub(super) fn add(&mut self, filtered: &Filtered) {
        self.data.extend(filtered.removed.data.iter().cloned());
        self.deletes.extend(filtered.removed.deletes.iter().cloned());
    }

    pub(super) fn note(&mut self, file: &DataFile, spec_id: PartitionSpecId, number: DataSequenceNumber) {
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
#[derive(Debug, Default)]
pub(super) struct Filtered {
    pub(super) removed: Removed,
    /// The manifest without them; `None` if nothing goes.
    pub(super) rewritten: Option<NewManifest>,
    /// Locations of files of which some rows match the filter and some may not.
    pub(super) partial: Vec<String>,
    /// What it was found for; `None` if it depends on more than the manifest and these.
    pub(super) found_for: Option<(SchemaId, FormatVersion)>,
}

impl Finding for Filtered {
    fn size_bytes(&self) -> usize {
        let manifest = self.rewritten.as_ref().map_or(0, |manifest| manifest.bytes.len());
        let data = self.removed.data.iter().map(|file| file.location.len().saturating_add(128));
        let deletes = self.removed.deletes.iter().map(|file| file.key.location.len().saturating_add(160));
        let partial = self.partial.iter().map(String::len);
        data.chain(deletes).chain(partial).fold(manifest, usize::saturating_add).saturating_add(64)
    }

    fn holds_for(&self, base: &Base) -> bool {
        self.found_for == Some((base.metadata.current_schema_id(), base.metadata.format_version()))
    }
}
