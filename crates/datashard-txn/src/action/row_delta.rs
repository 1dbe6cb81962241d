//! [`RowDelta`]: adds rows, and deletes rows of data files that stay.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::expr::Predicate;
use datashard_spec::id::{MetadataVersion, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::puffin::DeletionVector;

use super::metadata_form::existing;
use super::placed::{Placed, adds_data};
use crate::base::Base;
use crate::change::checks::{Checks, IsolationLevel, Place, RowDeltaChecks, Scope};
use crate::change::notes::{Notes, noted};
use crate::change::removal::{DeleteFileKey, Removal};
use crate::change::vectors::{Merged, Vectors};
use crate::change::{Change, Label, purpose, referenced};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const NAME: &str = "row delta";

/// Adds rows, and deletes rows of data files that stay: what `DELETE`, `UPDATE` and `MERGE` commit when they do not write whole files anew,
/// and what a stream of upserts commits.
///
/// Rows are deleted in one of three ways:
///
/// - by position, given as numbers ([`deleting_rows`](Self::deleting_rows)): on tables of format version 3. They become deletion vectors
///   when it is committed, merged with those that are there; so deletes of different rows of one file never stand against each other;
/// - by position, in a file that somebody has written ([`with_delete_file`](Self::with_delete_file)): position delete files on tables of
///   format version 2, deletion vectors on those of 3;
/// - by value, in an equality delete file: all rows of older data files that have these values.
///
/// Of rows given as numbers and of deletion vectors it is always checked that the data files are still there and that the same rows were not
/// deleted by others. All else that was committed since the snapshot that was read is checked with
/// [`validated_from`](Self::validated_from): without it, a position delete file of a data file that others have rewritten meanwhile deletes
/// nothing.
///
/// # Examples
/// ```
/// use datashard_spec::expr::col;
/// use datashard_spec::id::SnapshotId;
/// use datashard_spec::puffin::DeletionVector;
/// use datashard_txn::IsolationLevel;
/// use datashard_txn::action::RowDelta;
///
/// let rows = DeletionVector::from_positions([3, 17])?;
/// let delta = RowDelta::new()
///     .deleting_rows("s3://b/t/data/e7-0.parquet", rows)
///     .validated_from(Some(SnapshotId(7)), IsolationLevel::Serializable)
///     .with_conflict_filter(col("id").less_than(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RowDelta {
    placed: Placed,
    /// Positions of rows, by the location of their data file.
    rows: BTreeMap<String, DeletionVector>,
    /// Positions that position delete files hold, by the locations of delete file and data file.
    folded: BTreeMap<(String, String), DeletionVector>,
    removed_deletes: BTreeSet<DeleteFileKey>,
    validated: Option<(Option<SnapshotId>, IsolationLevel)>,
    conflict_filter: Option<Predicate>,
    ignores_case: bool,
    notes: Notes,
}

impl RowDelta {
    /// A change of no row yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Deletes the rows at these positions of a data file, counted from 0. Positions given before for the same file are kept.
    pub fn deleting_rows(mut self, data_file: impl Into<String>, rows: DeletionVector) -> Self {
        self.rows.entry(data_file.into()).or_default().union(&rows);
        self
    }

    /// Tells the positions that a position delete file holds for a data file whose rows are deleted here. A table that was of format version
    /// 2 may have such files; they count no longer beside a deletion vector, so that it has to take their positions over.
    pub fn with_positions_of(
        mut self,
        delete_file: impl Into<String>,
        data_file: impl Into<String>,
        positions: DeletionVector,
    ) -> Self {
        self.folded.insert((delete_file.into(), data_file.into()), positions);
        self
    }

    /// With a delete file that is there.
    pub fn with_delete_file(mut self, schema_id: SchemaId, spec_id: PartitionSpecId, file: DataFile) -> Self {
        self.placed.add_deletes(schema_id, spec_id, file);
        self
    }

    /// With a delete file that nobody has written yet: the commit writes its bytes to this path.
    pub fn with_unwritten_delete_file(
        mut self,
        schema_id: SchemaId,
        spec_id: PartitionSpecId,
        file: DataFile,
        path: TablePath,
        bytes: Bytes,
    ) -> Self {
        self.placed.payload.push((path, bytes));
        self.with_delete_file(schema_id, spec_id, file)
    }

    /// Removes a delete file whose deletes stand in one that is added: the old deletion vector of a data file, say.
    pub fn removing_deletes(mut self, file: &DataFile) -> Self {
        self.removed_deletes.insert(DeleteFileKey::of(file));
        self
    }

    /// The snapshot that was read, `None` for an empty table, and the isolation level: what was committed since and stands against it is a
    /// conflict.
    pub fn validated_from(mut self, snapshot_id: Option<SnapshotId>, level: IsolationLevel) -> Self {
        self.validated = Some((snapshot_id, level));
        self
    }

    /// The rows that were read to find out what to change; all by default.
    pub fn with_conflict_filter(mut self, filter: Predicate) -> Self {
        self.conflict_filter = Some(filter);
        self
    }

    /// Names in the filter are not told apart by case.
    pub fn ignoring_case(mut self) -> Self {
        self.ignores_case = true;
        self
    }

    fn place<'a>(&'a self, base: &'a Base, inputs: &'a Inputs<'a>) -> Place<'a> {
        Place { operation: NAME, branch: self.notes.branch(), base, inputs }
    }

    /// The rows to be deleted, with what is known of delete files that somebody has written.
    fn vectors(&self) -> Vectors<'_> {
        let vectors = Vectors::new(&self.rows, &self.folded, &self.removed_deletes);
        vectors.with_brought(&self.placed.deletes, &self.placed.data)
    }

    fn with_change<T>(&self, merged: Merged, then: impl FnOnce(Change<'_>) -> T) -> T {
        let delete_files: BTreeSet<DeleteFileKey> =
            self.removed_deletes.iter().cloned().chain(merged.obsolete).collect();
        let brought = self.vectors().brought_for();
        let mut referenced = referenced(&self.placed.deletes);
        referenced.extend(self.rows.keys().cloned());
        let has_rows = !self.rows.is_empty();
        let checks = self.validated.map_or_else(Checks::default, |(since, level)| {
            let delta = RowDeltaChecks {
                conflict_filter: Scope::of_filter(self.conflict_filter.as_ref(), !self.ignores_case),
                referenced: &referenced,
                vectors: &brought,
                adds_rows: !self.placed.data.is_empty(),
                needs_files: has_rows || !brought.is_empty(),
                is_merged: has_rows && self.placed.deletes.is_empty(),
            };
            Checks::of_row_delta(since, level, delta)
        });
        then(Change {
            name: NAME,
            label: Label::ByContent,
            notes: &self.notes,
            added: &self.placed.data,
            data_sequence_number: None,
            added_deletes: &self.placed.deletes,
            removal: Removal { delete_files: Some(&delete_files), must_exist: true, ..Removal::default() },
            checks,
            extra: merged.extra,
        })
    }

    /// What comes of the rows to be deleted; `None` as long as not all was read that it depends on.
    fn merged(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Option<Merged>, Refusal> {
        let (vectors, place) = (self.vectors(), self.place(base, inputs));
        if vectors.are_read(place)? { vectors.merged(place).map(Some) } else { Ok(None) }
    }
}

noted!(RowDelta);
adds_data!(RowDelta);

impl Operation for RowDelta {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        let mut bytes = [NAME.as_bytes(), &[0]].concat();
        for (file, rows) in &self.rows {
            bytes.extend_from_slice(file.as_bytes());
            bytes.push(0);
            rows.iter().for_each(|row| bytes.extend_from_slice(&row.to_le_bytes()));
        }
        for ((deletes, file), rows) in &self.folded {
            bytes.extend([deletes.as_bytes(), &[0], file.as_bytes(), &[0]].concat());
            rows.iter().for_each(|row| bytes.extend_from_slice(&row.to_le_bytes()));
        }
        let read = (self.validated, &self.conflict_filter, self.ignores_case);
        let rest = format!("{:?}\0{read:?}", self.removed_deletes);
        bytes.extend(self.placed.fingerprint());
        bytes.extend_from_slice(rest.as_bytes());
        bytes.extend(self.notes.fingerprint());
        bytes
    }

    fn branch(&self) -> &str {
        self.notes.branch()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let vectors = self.vectors().reads(self.place(base, inputs));
        match vectors.and_then(|reads| Ok((reads, self.merged(base, inputs)?))) {
            Ok((mut reads, merged)) => {
                if let Some(merged) = merged {
                    reads.extend(self.with_change(merged, |change| change.reads(base, inputs))?);
                }
                Ok(reads)
            }
            // Better told with the snapshot that is at fault.
            Err(Refusal::Conflict(_)) => {
                self.with_change(Merged::default(), |change| change.check_reads(base, inputs))
            }
            Err(refusal) => Err(refusal),
        }
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        match read {
            Read::Manifest { row, purpose: purpose::VECTORS } => {
                self.vectors().remember(self.place(base, inputs), row, &bytes)
            }
            Read::Manifest { purpose: purpose::CHECK, .. } => {
                self.with_change(Merged::default(), |change| change.remember(base, inputs, read, bytes))
            }
            Read::Manifest { .. } => {
                // Which delete files go is known without merging anything.
                let obsolete = self.vectors().obsolete(self.place(base, inputs))?;
                let merged = Merged { obsolete, ..Merged::default() };
                self.with_change(merged, |change| change.remember(base, inputs, read, bytes))
            }
            _ => Ok(Remembered::Bytes(bytes)),
        }
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        let base = existing(base, NAME)?;
        let rejected = |reason: String| Err(Refusal::Rejected { operation: NAME, reason });
        if self.placed.data.is_empty() && self.placed.deletes.is_empty() && self.rows.is_empty() {
            return rejected("it changes no row".to_owned());
        }
        let version = base.metadata.format_version();
        if !self.rows.is_empty() && version < FormatVersion::V3 {
            return rejected(format!(
                "positions of rows become deletion vectors, which a table of format version {version} does not have: write a position delete file"
            ));
        }
        if let Some((file, _)) = self.rows.iter().find(|(_, rows)| rows.is_empty()) {
            return rejected(format!("it names `{}` and deletes none of its rows", super::excerpt(file)));
        }
        let both = self.placed.deletes.iter().find(|new| {
            let of = new.file.referenced_data_file.as_ref();
            new.file.content == FileContent::PositionDeletes
                && of.is_some_and(|of| self.rows.contains_key(of))
        });
        if let Some(both) = both {
            let file = super::excerpt(&both.file.file_path);
            return rejected(format!(
                "`{file}` deletes rows of a data file of which positions are given, too"
            ));
        }
        self.placed.check(base, NAME)?;
        self.notes.check(base, NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        self.placed.check_places(inputs.location, NAME)?;
        let merged = self.vectors().merged(self.place(base, inputs));
        if let Err(Refusal::Conflict(_)) = merged {
            self.with_change(Merged::default(), |change| change.verify(base, inputs))?;
        }
        self.with_change(merged?, |change| change.produce(base, inputs))
    }

    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        self.placed.payload.clone()
    }

    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        self.placed.oldest_epoch()
    }
}

#[cfg(test)]
mod tests;
