//! [`RewriteFiles`]: puts files with the same rows in the place of others.

use std::collections::BTreeSet;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::{DataSequenceNumber, MetadataVersion, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::metadata_form::existing;
use super::placed::{Placed, adds_data, is_change};
use crate::base::Base;
use crate::change::checks::{Check, Checks};
use crate::change::notes::{Notes, noted};
use crate::change::removal::{DeleteFileKey, Removal};
use crate::change::{Change, Extra, Label};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const NAME: &str = "rewrite files";

/// Puts files with the same rows in the place of others: what a compaction commits. The rows of the table do not change, and readers of
/// changes pass it over.
///
/// What others append meanwhile is kept. If others removed one of the files, or deleted rows of one, that is a conflict: the new files would
/// bring the rows back. Equality deletes are none if the new files keep the data sequence number of what was read
/// ([`with_data_sequence_number`](Self::with_data_sequence_number)), for then those deletes reach them as they reached the old ones.
///
/// # Examples
/// ```
/// use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SchemaId, SnapshotId};
/// use datashard_spec::manifest::{DataFile, FileFormat};
/// use datashard_txn::action::RewriteFiles;
///
/// let file = DataFile::new("s3://b/t/data/e7-0.parquet", FileFormat::Parquet, 200, 8192);
/// let rewrite = RewriteFiles::new(Some(SnapshotId(7)))
///     .removing(["s3://b/t/data/e2-0.parquet", "s3://b/t/data/e3-0.parquet"])
///     .with_file(SchemaId(0), PartitionSpecId(0), file)
///     .with_data_sequence_number(DataSequenceNumber(2));
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RewriteFiles {
    placed: Placed,
    files: BTreeSet<String>,
    delete_files: BTreeSet<DeleteFileKey>,
    /// The data files that its new delete files are about, as far as those tell.
    referenced: BTreeSet<String>,
    since: Option<SnapshotId>,
    data_sequence_number: Option<DataSequenceNumber>,
    notes: Notes,
}

impl RewriteFiles {
    /// A rewrite of nothing yet, planned on this snapshot.
    pub fn new(planned_on: Option<SnapshotId>) -> Self {
        Self { since: planned_on, ..Self::default() }
    }

    /// Removes the data files at these locations. Each must be part of the table.
    pub fn removing(mut self, locations: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.files.extend(locations.into_iter().map(Into::into));
        self
    }

    /// Removes a delete file, because its deletes are applied in the new files or stand in a new delete file.
    pub fn removing_deletes(mut self, file: &DataFile) -> Self {
        self.delete_files.insert(DeleteFileKey::of(file));
        self
    }

    /// With a delete file in the place of others.
    pub fn with_delete_file(mut self, schema_id: SchemaId, spec_id: PartitionSpecId, file: DataFile) -> Self {
        self.referenced.extend(file.referenced_data_file.clone());
        self.placed.add_deletes(schema_id, spec_id, file);
        self
    }

    /// The new data files keep this data sequence number: the one of the snapshot that was read, so that equality deletes committed later
    /// reach them. None of the files that it removes may have a greater one.
    pub fn with_data_sequence_number(mut self, number: DataSequenceNumber) -> Self {
        self.data_sequence_number = Some(number);
        self
    }

    fn change(&self, base: &Base) -> Result<Change<'_>, Refusal> {
        let last = base.metadata.last_sequence_number();
        if let Some(number) = self.data_sequence_number.filter(|number| number.0 > last.0 || number.0 < 0) {
            let reason = format!("its data sequence number is {}, and the table's last is {last}", number.0);
            return Err(Refusal::Rejected { operation: NAME, reason });
        }
        let planned_on = match self.since {
            None => None,
            Some(id) => {
                base.metadata.snapshot(id).map_err(|e| crate::segments::damaged(base, e.to_string()))?
            }
        };
        // Equality deletes reach the new files as they reached the old ones only if they are newer than the number that those keep.
        let reaches = |number: DataSequenceNumber| {
            planned_on.is_some_and(|snapshot| number.0 <= snapshot.sequence_number.0)
        };
        let checks = if self.files.is_empty() {
            Checks::since(self.since)
        } else {
            Checks::of_rewrite(self.since, self.data_sequence_number.is_some_and(reaches))
        };
        let checks =
            checks.with_if(!self.referenced.is_empty(), || Check::KeepsFiles(&self.referenced)).with_if(
                !self.referenced.is_empty(),
                || Check::FilesExist { files: &self.referenced, skip_deletes: false },
            );
        Ok(Change {
            name: NAME,
            label: Label::Fixed(SnapshotOperation::Replace),
            notes: &self.notes,
            added: &self.placed.data,
            data_sequence_number: self.data_sequence_number,
            added_deletes: &self.placed.deletes,
            removal: Removal {
                files: Some(&self.files),
                delete_files: Some(&self.delete_files),
                given_vectors: Some(&self.referenced),
                must_exist: true,
                ..Removal::default()
            },
            checks,
            extra: Extra::default(),
        })
    }
}

noted!(RewriteFiles);
adds_data!(RewriteFiles);

impl Operation for RewriteFiles {
    is_change!();

    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let files = self.files.iter().flat_map(|file| file.bytes().chain([0]));
        let rest = format!("{:?}\0{:?}\0{:?}\0", self.delete_files, self.since, self.data_sequence_number);
        let own = NAME.bytes().chain([0]).chain(files).chain([0]).chain(self.placed.fingerprint());
        own.chain(rest.into_bytes()).chain(self.notes.fingerprint()).collect()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = existing(base, NAME)?;
        let rejected = |reason: &str| Err(Refusal::Rejected { operation: NAME, reason: reason.to_owned() });
        if self.files.is_empty() && self.delete_files.is_empty() {
            return rejected("it removes nothing");
        }
        if self.files.is_empty() && !self.placed.data.is_empty() {
            return rejected("it adds data files and removes none: rows would be added");
        }
        if self.delete_files.is_empty() && !self.placed.deletes.is_empty() {
            return rejected("it adds delete files and removes none: rows would be deleted");
        }
        if self.placed.deletes.iter().any(|new| new.file.content == FileContent::EqualityDeletes) {
            // Of a new sequence number they would reach rows that were written since.
            return rejected(
                "it adds equality deletes, which would reach rows that were written after the old ones",
            );
        }
        self.change(base)?;
        self.placed.check(base, NAME)?;
        self.notes.check(base, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        self.placed.check_places(inputs.location, NAME)?;
        self.change(base)?.produce(base, inputs)
    }

    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        self.placed.payload.clone()
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.placed.oldest_epoch()
    }
}
