//! Inheritance: what entries take over from the manifest list, and manifests from the commit. Nothing inside a manifest
//! depends on the commit that lists it, so that a retried commit writes a new list and no new manifests.

use super::data_file::FileContent;
use super::entry::{ManifestEntry, ManifestStatus};
use super::error::ManifestError;
use super::field_id;
use super::list::{ManifestContent, ManifestFile};
use crate::id::{DataSequenceNumber, FileSequenceNumber, SequenceNumber};

/// Fills in what the entries of one manifest inherit. Entries must be passed in file order, each once, deleted ones
/// too, because row ids are counted along the way.
///
/// # Spec
/// "Sequence Number Inheritance", "First Row ID Inheritance".
#[derive(Debug, Clone)]
pub struct Inheritance {
    added_snapshot_id: crate::id::SnapshotId,
    sequence_number: SequenceNumber,
    /// Row id of the next file that has none, if the manifest has row ids.
    next_row_id: Option<i64>,
}

impl ManifestFile {
    /// What the entries of this manifest inherit.
    pub fn inherit(&self) -> Inheritance {
        Inheritance {
            added_snapshot_id: self.added_snapshot_id,
            // A list written by v1 has no sequence numbers; all its files are of number 0.
            sequence_number: self.sequence_number.unwrap_or(SequenceNumber(0)),
            next_row_id: self.first_row_id.filter(|_| self.content == ManifestContent::Data),
        }
    }
}

impl Inheritance {
    /// Fills in the next entry.
    ///
    /// # Errors
    /// `InvalidData` if the data sequence number is null in an entry that existed before or was deleted, or row ids
    /// overflow.
    pub fn apply(&mut self, entry: &mut ManifestEntry) -> Result<(), ManifestError> {
        entry.snapshot_id.get_or_insert(self.added_snapshot_id);
        let number = self.sequence_number;
        // Number 0 is that of v1, whose manifests have no such columns, whatever the status. Such a manifest keeps the 0
        // when a list of v2 takes it over, and the Java reference lets its existing and deleted entries inherit it too.
        let may_inherit = entry.status == ManifestStatus::Added || number == SequenceNumber(0);
        if entry.data_sequence_number.is_none() && !may_inherit {
            return Err(ManifestError::NothingToInherit {
                path: crate::error::excerpt(&entry.data_file.file_path),
                field: field_id::SEQUENCE_NUMBER,
                status: entry.status.as_str(),
            });
        }
        entry.data_sequence_number.get_or_insert(DataSequenceNumber::from(number));
        // Early writers of v2 did not keep it when they wrote an entry again. It is unknown then, and no rule needs it.
        if may_inherit {
            entry.file_sequence_number.get_or_insert(FileSequenceNumber::from(number));
        }
        let file = &mut entry.data_file;
        if file.content != FileContent::Data {
            file.first_row_id = None;
        } else if let Some(next) = self.next_row_id
            && file.first_row_id.is_none()
            && entry.status != ManifestStatus::Deleted
        {
            file.first_row_id = Some(next);
            self.next_row_id = Some(advance(next, file.record_count)?);
        }
        Ok(())
    }
}

/// Gives row ids to the data manifests of a list that have none, in list order, and returns the table's next row id.
///
/// # Errors
/// `InvalidData` if a count is negative or row ids overflow; `InvalidInput` if a count is unknown.
///
/// # Spec
/// "First Row ID Assignment".
pub fn assign_first_row_ids(list: &mut [ManifestFile], next_row_id: i64) -> Result<i64, ManifestError> {
    let mut next = next_row_id;
    for manifest in list {
        if manifest.content == ManifestContent::Deletes {
            manifest.first_row_id = None;
        } else if manifest.first_row_id.is_none() {
            manifest.first_row_id = Some(next);
            for (count, field) in [
                (manifest.existing_rows_count, field_id::EXISTING_ROWS_COUNT),
                (manifest.added_rows_count, field_id::ADDED_ROWS_COUNT),
            ] {
                let count = count.ok_or_else(|| ManifestError::List {
                    path: crate::error::excerpt(&manifest.manifest_path),
                    field,
                    reason: "row ids cannot be given without this count",
                })?;
                next = advance(next, count)?;
            }
        }
    }
    Ok(next)
}

fn advance(row_id: i64, rows: i64) -> Result<i64, ManifestError> {
    let rows = u64::try_from(rows).map_err(|_| ManifestError::Overflow { what: "a negative row count" })?;
    row_id.checked_add_unsigned(rows).ok_or(ManifestError::Overflow { what: "the row id" })
}

#[cfg(test)]
mod tests {
    use super::super::{DataFile, FileFormat};
    use super::*;
    use crate::id::{PartitionSpecId, SnapshotId};

    fn manifest(added: i64, existing: i64) -> ManifestFile {
        let mut file = ManifestFile::new("m", 1, PartitionSpecId(0), SnapshotId(77));
        file.added_rows_count = Some(added);
        file.existing_rows_count = Some(existing);
        file
    }

    fn entry(status: ManifestStatus) -> ManifestEntry {
        ManifestEntry::new(status, DataFile::new("f", FileFormat::Parquet, 10, 1))
    }

    #[test]
    fn row_ids_of_a_list_follow_the_example_of_the_format() {
        let mut kept = manifest(5, 5);
        kept.first_row_id = Some(3);
        let mut deletes = manifest(9, 9);
        deletes.content = ManifestContent::Deletes;
        let mut list = [manifest(100, 25), kept, manifest(0, 100), deletes, manifest(125, 25)];
        assert_eq!(assign_first_row_ids(&mut list, 1000), Ok(1375));
        let ids = list.map(|m| m.first_row_id);
        assert_eq!(ids, [Some(1000), Some(3), Some(1125), None, Some(1225)]);
    }

    #[test]
    fn row_ids_do_not_wrap() {
        let overflow = Err(ManifestError::Overflow { what: "the row id" });
        assert_eq!(assign_first_row_ids(&mut [manifest(1, 0)], i64::MAX), overflow);
        assert!(assign_first_row_ids(&mut [manifest(-1, 0)], 5).is_err());
    }

    #[test]
    fn entries_take_row_ids_in_order_but_deleted_ones_take_none() {
        let mut file = manifest(0, 0);
        file.first_row_id = Some(500);
        file.sequence_number = Some(SequenceNumber(0));
        let mut inherit = file.inherit();
        let mut stored = entry(ManifestStatus::Existing);
        stored.data_file.first_row_id = Some(7);
        let mut entries = [
            entry(ManifestStatus::Added),
            entry(ManifestStatus::Deleted),
            stored,
            entry(ManifestStatus::Existing),
        ];
        for entry in &mut entries {
            inherit.apply(entry).unwrap();
        }
        assert_eq!(entries.map(|e| e.data_file.first_row_id), [Some(500), None, Some(7), Some(510)]);
    }

    #[test]
    fn an_entry_of_an_early_v2_writer_has_no_file_sequence_number() {
        let mut file = manifest(0, 0);
        file.sequence_number = Some(SequenceNumber(9));
        let mut kept = entry(ManifestStatus::Existing).with_data_sequence_number(DataSequenceNumber(4));
        kept.file_sequence_number = None;
        file.inherit().apply(&mut kept).unwrap();
        assert_eq!(
            (kept.data_sequence_number, kept.file_sequence_number),
            (Some(DataSequenceNumber(4)), None)
        );
    }

    #[test]
    fn trap_07_added_entries_inherit_and_all_others_must_be_explicit() {
        let mut file = manifest(0, 0);
        file.sequence_number = Some(SequenceNumber(9));
        let mut added = entry(ManifestStatus::Added);
        file.inherit().apply(&mut added).unwrap();
        assert_eq!(added.data_sequence_number, Some(DataSequenceNumber(9)));
        assert_eq!(added.file_sequence_number, Some(FileSequenceNumber(9)));
        assert_eq!(added.snapshot_id, Some(SnapshotId(77)));
        let mut compacted = entry(ManifestStatus::Added).with_data_sequence_number(DataSequenceNumber(4));
        file.inherit().apply(&mut compacted).unwrap();
        assert_eq!(compacted.data_sequence_number, Some(DataSequenceNumber(4)));
        for status in [ManifestStatus::Existing, ManifestStatus::Deleted] {
            let error = file.inherit().apply(&mut entry(status)).unwrap_err();
            assert!(matches!(
                error,
                ManifestError::NothingToInherit { field: field_id::SEQUENCE_NUMBER, .. }
            ));
        }
    }
}
