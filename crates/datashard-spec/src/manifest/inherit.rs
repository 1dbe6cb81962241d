//! What entries inherit from the row of their manifest, and manifests from the commit.
//!
//! New entries leave ids and sequence numbers null, so that a manifest written for one attempt of a commit is still true
//! in the next one. Readers fill them in here, walking the entries in the order of the file.

use super::{ManifestContent, ManifestEntry, ManifestError, ManifestFile, ManifestStatus};
use crate::id::{DataSequenceNumber, FieldId, FileSequenceNumber, SequenceNumber, SnapshotId};

/// Fills in what the entries of one manifest inherit. Feed it every entry, in order.
///
/// # Spec
/// "Sequence Number Inheritance", "First Row ID Inheritance".
#[derive(Debug, Clone)]
pub struct Inheritance {
    snapshot_id: SnapshotId,
    sequence_number: SequenceNumber,
    next_row_id: Option<i64>,
    position: u64,
}

/// The ids and numbers of an entry, after inheritance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inherited {
    /// Snapshot that added the file, or deleted it.
    pub snapshot_id: SnapshotId,
    /// Decides which deletes apply to the file.
    pub data_sequence_number: DataSequenceNumber,
    /// The commit that added the file.
    pub file_sequence_number: FileSequenceNumber,
    /// Row id of the first row; `None` for delete files and in tables without row lineage.
    pub first_row_id: Option<i64>,
}

/// What an entry says by itself, before inheritance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these fields are what inheritance works on")]
pub struct Explicit {
    /// The entry's status.
    pub status: ManifestStatus,
    /// The entry's snapshot id.
    pub snapshot_id: Option<SnapshotId>,
    /// The entry's data sequence number.
    pub data_sequence_number: Option<DataSequenceNumber>,
    /// The entry's file sequence number.
    pub file_sequence_number: Option<FileSequenceNumber>,
    /// The file's first row id.
    pub first_row_id: Option<i64>,
    /// Rows in the file.
    pub record_count: u64,
}

impl Inheritance {
    /// For the entries of this manifest.
    pub fn new(manifest: &ManifestFile) -> Self {
        Self {
            snapshot_id: manifest.added_snapshot_id,
            sequence_number: manifest.sequence_number,
            next_row_id: manifest.first_row_id.filter(|_| manifest.content == ManifestContent::Data),
            position: 0,
        }
    }

    /// The ids and numbers of the next entry.
    ///
    /// # Errors
    /// `InvalidData` if an entry that is not new has no sequence number of its own, or row ids overflow.
    pub fn next(&mut self, entry: Explicit) -> Result<Inherited, ManifestError> {
        let position = self.position;
        self.position = self.position.saturating_add(1);
        // A manifest of version 1 knows no sequence numbers; all of its files are older than all deletes.
        let inherits = entry.status == ManifestStatus::Added || self.sequence_number == SequenceNumber(0);
        let missing =
            |field, name| ManifestError::Missing { what: "entry", position, field: FieldId(field), name };
        let data_sequence_number = entry
            .data_sequence_number
            .or_else(|| inherits.then(|| self.sequence_number.into()))
            .ok_or_else(|| missing(3, "sequence_number"))?;
        let file_sequence_number = entry
            .file_sequence_number
            .or_else(|| inherits.then(|| self.sequence_number.into()))
            .ok_or_else(|| missing(4, "file_sequence_number"))?;
        Ok(Inherited {
            snapshot_id: entry.snapshot_id.unwrap_or(self.snapshot_id),
            data_sequence_number,
            file_sequence_number,
            first_row_id: self.next_first_row_id(&entry)?,
        })
    }

    fn next_first_row_id(&mut self, entry: &Explicit) -> Result<Option<i64>, ManifestError> {
        // A deleted entry carries its row id; where it has none, it had none before, and takes none now.
        if entry.first_row_id.is_some() || entry.status == ManifestStatus::Deleted {
            return Ok(entry.first_row_id);
        }
        let Some(first) = self.next_row_id else { return Ok(None) };
        let next = i64::try_from(entry.record_count).ok().and_then(|rows| first.checked_add(rows));
        self.next_row_id = Some(next.ok_or(ManifestError::Overflow { what: "the row ids of a manifest" })?);
        Ok(Some(first))
    }

    /// Fills in the next entry.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn fill(&mut self, entry: &mut ManifestEntry) -> Result<(), ManifestError> {
        let inherited = self.next(Explicit {
            status: entry.status,
            snapshot_id: entry.snapshot_id,
            data_sequence_number: entry.data_sequence_number,
            file_sequence_number: entry.file_sequence_number,
            first_row_id: entry.data_file.first_row_id,
            record_count: entry.data_file.record_count,
        })?;
        entry.snapshot_id = Some(inherited.snapshot_id);
        entry.data_sequence_number = Some(inherited.data_sequence_number);
        entry.file_sequence_number = Some(inherited.file_sequence_number);
        entry.data_file.first_row_id = inherited.first_row_id;
        Ok(())
    }
}

/// Gives row ids to the data manifests of a new manifest list that have none, in the order of the list. Returns the
/// table's next row id after them.
///
/// A manifest that is new to row lineage gets as many ids as it has added and existing rows, which may be more than are
/// used; gaps are harmless, a second use is not.
///
/// # Errors
/// `InvalidData` if a manifest without row ids does not say how many rows it has, or row ids overflow.
///
/// # Spec
/// "Row Lineage Assignment".
pub fn assign_first_row_ids(manifests: &mut [ManifestFile], next_row_id: i64) -> Result<i64, ManifestError> {
    let mut next = next_row_id;
    for (position, manifest) in (0..).zip(manifests) {
        if manifest.content == ManifestContent::Deletes {
            manifest.first_row_id = None;
            continue;
        }
        if manifest.first_row_id.is_some() {
            continue;
        }
        let missing =
            |field, name| ManifestError::Missing { what: "row", position, field: FieldId(field), name };
        let added = manifest.added_rows_count.ok_or_else(|| missing(512, "added_rows_count"))?;
        let existing = manifest.existing_rows_count.ok_or_else(|| missing(513, "existing_rows_count"))?;
        manifest.first_row_id = Some(next);
        next = added
            .checked_add(existing)
            .and_then(|rows| i64::try_from(rows).ok())
            .and_then(|rows| next.checked_add(rows))
            .ok_or(ManifestError::Overflow { what: "the row ids of a table" })?;
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PartitionSpecId;

    fn manifest(sequence_number: i64, first_row_id: Option<i64>) -> ManifestFile {
        let mut file = ManifestFile::new("m", 1, PartitionSpecId(0), ManifestContent::Data, SnapshotId(7));
        file.sequence_number = SequenceNumber(sequence_number);
        file.first_row_id = first_row_id;
        file
    }

    fn entry(
        status: ManifestStatus,
        sequence: Option<i64>,
        first_row_id: Option<i64>,
        rows: u64,
    ) -> Explicit {
        Explicit {
            status,
            snapshot_id: None,
            data_sequence_number: sequence.map(DataSequenceNumber),
            file_sequence_number: sequence.map(FileSequenceNumber),
            first_row_id,
            record_count: rows,
        }
    }

    #[test]
    fn added_entries_inherit_and_explicit_numbers_stay() {
        let mut inheritance = Inheritance::new(&manifest(9, None));
        let new = inheritance.next(entry(ManifestStatus::Added, None, None, 1)).unwrap();
        assert_eq!((new.snapshot_id.0, new.data_sequence_number.0, new.file_sequence_number.0), (7, 9, 9));
        let compacted = Explicit {
            data_sequence_number: Some(DataSequenceNumber(4)),
            ..entry(ManifestStatus::Added, None, None, 1)
        };
        let compacted = inheritance.next(compacted).unwrap();
        assert_eq!((compacted.data_sequence_number.0, compacted.file_sequence_number.0), (4, 9));
    }

    #[test]
    fn an_existing_entry_without_a_number_is_refused_but_in_version_1() {
        for status in [ManifestStatus::Existing, ManifestStatus::Deleted] {
            let error = Inheritance::new(&manifest(9, None)).next(entry(status, None, None, 1)).unwrap_err();
            assert!(
                matches!(error, ManifestError::Missing { field: FieldId(3), position: 0, .. }),
                "{error}"
            );
            let old = Inheritance::new(&manifest(0, None)).next(entry(status, None, None, 1)).unwrap();
            assert_eq!(old.data_sequence_number, DataSequenceNumber(0));
        }
    }

    #[test]
    fn row_ids_run_through_the_files_that_have_none() {
        let mut inheritance = Inheritance::new(&manifest(9, Some(1000)));
        let mut ids =
            |status, own, rows| inheritance.next(entry(status, Some(1), own, rows)).unwrap().first_row_id;
        assert_eq!(ids(ManifestStatus::Added, None, 25), Some(1000));
        assert_eq!(ids(ManifestStatus::Existing, Some(3), 50), Some(3));
        assert_eq!(ids(ManifestStatus::Deleted, None, 70), None);
        assert_eq!(ids(ManifestStatus::Existing, None, 10), Some(1025));
        assert_eq!(ids(ManifestStatus::Added, None, 1), Some(1035));
        let none = Inheritance::new(&manifest(9, None)).next(entry(ManifestStatus::Added, None, None, 1));
        assert_eq!(none.unwrap().first_row_id, None);
    }

    #[test]
    fn new_manifests_take_row_ids_in_the_order_of_the_list() {
        let rows = |added, existing| {
            let mut file = manifest(1, None);
            (file.added_rows_count, file.existing_rows_count) = (Some(added), Some(existing));
            file
        };
        let mut list = [rows(100, 25), rows(0, 100), rows(125, 25)];
        assert_eq!(assign_first_row_ids(&mut list, 1000), Ok(1375));
        assert_eq!(list.map(|file| file.first_row_id), [Some(1000), Some(1125), Some(1225)]);

        let mut deletes = rows(5, 0);
        deletes.content = ManifestContent::Deletes;
        let kept = ManifestFile { first_row_id: Some(3), ..rows(50, 0) };
        let mut list = [deletes, kept, rows(1, 0)];
        assert_eq!(assign_first_row_ids(&mut list, 10), Ok(11));
        assert_eq!(list.map(|file| file.first_row_id), [None, Some(3), Some(10)]);

        let error = assign_first_row_ids(&mut [manifest(1, None)], 0).unwrap_err();
        assert!(matches!(error, ManifestError::Missing { field: FieldId(512), .. }));
        assert!(assign_first_row_ids(&mut [rows(u64::MAX, 1)], 0).is_err());
    }
}
