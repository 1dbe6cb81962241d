//! Rows given as numbers become deletion vectors, one for each data file, merged with those that are there.

use datashard_spec::manifest::ManifestStatus;
use datashard_spec::puffin::PuffinReader;
use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::*;
use crate::action::{DeleteFiles, UpdatePartitionSpec, UpdateRefs};
use datashard_spec::transform::Transform;

#[test]
fn rows_of_several_files_become_vectors_in_one_puffin_file_that_says_of_which() {
    let mut table = table(FormatVersion::V3, &["a", "b", "c"]);
    table.commit(&delete("a", &[1, 3]).deleting_rows(path("b"), rows_at(&[0]))).unwrap();
    assert_eq!(table.deleted_rows("a"), [1, 3]);
    assert_eq!(table.deleted_rows("b"), [0]);
    assert!(table.deleted_rows("c").is_empty());
    let deletes = table.deletes();
    assert_eq!(deletes.len(), 2);
    assert_eq!(deletes[0].file_path, deletes[1].file_path, "one file for both");
    let puffin = PuffinReader::new(&table.files[&deletes[0].file_path]).unwrap();
    let told: Vec<_> = puffin.footer().blobs.iter().map(|blob| blob.referenced_data_file()).collect();
    assert_eq!(told, [Some(&*path("a")), Some(&*path("b"))]);
    assert_eq!(puffin.deletion_vector(0).unwrap().iter().collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn the_summary_counts_vectors_and_rows_and_calls_it_a_delete() {
    let mut table = table(FormatVersion::V3, &["a", "b"]);
    table.commit(&delete("a", &[1, 3]).deleting_rows(path("b"), rows_at(&[0]))).unwrap();
    let size_bytes: i64 = table.deletes().iter().map(|file| file.content_size_in_bytes.unwrap()).sum();
    assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Delete));
    table.assert_summary(&[
        ("added-delete-files", Some("2")),
        ("added-dvs", Some("2")),
        ("added-position-deletes", Some("3")),
        ("added-position-delete-files", None),
        ("added-equality-deletes", None),
        ("added-data-files", None),
        ("removed-dvs", None),
        ("added-files-size", Some(&size_bytes.to_string())),
        ("changed-partition-count", Some("1")),
        ("total-data-files", Some("2")),
        ("total-records", Some("20")),
        ("total-delete-files", Some("2")),
        ("total-position-deletes", Some("3")),
        ("total-equality-deletes", Some("0")),
        ("total-files-size", Some(&(2_000 + size_bytes).to_string())),
    ]);
}

#[test]
fn a_second_delete_takes_the_first_vector_over_and_drops_it() {
    let mut table = table(FormatVersion::V3, &["a", "b"]);
    table.commit(&delete("a", &[1, 3]).deleting_rows(path("b"), rows_at(&[0]))).unwrap();
    let before: i64 = table.deletes().iter().map(|file| file.content_size_in_bytes.unwrap()).sum();
    let old = table.deletes().into_iter().find(|file| file.record_count == 2).unwrap();
    table.commit(&delete("a", &[2]).deleting_rows(path("a"), rows_at(&[9]))).unwrap();
    assert_eq!(table.deleted_rows("a"), [1, 2, 3, 9]);
    assert_eq!(table.deleted_rows("b"), [0], "the other vector of the old file stays");
    let after: i64 = table.deletes().iter().map(|file| file.content_size_in_bytes.unwrap()).sum();
    table.assert_summary(&[
        ("added-dvs", Some("1")),
        ("removed-dvs", Some("1")),
        ("added-delete-files", Some("1")),
        ("removed-delete-files", Some("1")),
        ("added-position-deletes", Some("4")),
        ("removed-position-deletes", Some("2")),
        ("removed-files-size", Some(&old.content_size_in_bytes.unwrap().to_string())),
        ("total-delete-files", Some("2")),
        ("total-position-deletes", Some("5")),
        ("total-files-size", Some(&(2_000 + after).to_string())),
    ]);
    assert!(after >= before);
    // The change is told to those who read changes: the old vector is marked as deleted.
    let entries: Vec<_> = table.rows().iter().flat_map(|row| table.entries(row)).collect();
    let gone: Vec<_> = entries.iter().filter(|entry| entry.status == ManifestStatus::Deleted).collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].data_file.referenced_data_file, Some(path("a")));
    assert_eq!(gone[0].snapshot_id, head(&table));
}

#[test]
fn a_row_that_is_deleted_already_is_a_conflict_that_names_the_file() {
    let mut table = table(FormatVersion::V3, &["a"]);
    table.commit(&delete("a", &[1, 3])).unwrap();
    let conflict = conflict_of(table.commit(&delete("a", &[2, 3])).unwrap_err());
    assert_eq!((conflict.kind, &*conflict.files), (ConflictKind::SameRows, &[path("a")][..]));
    assert!(conflict.reason.contains("row 3"), "{conflict}");
    assert!(conflict.advice().contains("read the rows again"));
    assert_eq!(table.deleted_rows("a"), [1, 3]);
}

#[test]
fn rows_that_are_written_anew_make_it_an_overwrite_and_have_ids_of_their_own() {
    let mut table = table(FormatVersion::V3, &["a"]);
    table.commit(&delete("a", &[4]).with_file(SCHEMA, SPEC, file("new"))).unwrap();
    assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Overwrite));
    let ids: Vec<_> = table
        .live_entries("main")
        .into_iter()
        .filter(|entry| entry.data_file.content == FileContent::Data)
        .map(|entry| (entry.data_file.file_path, entry.data_file.first_row_id))
        .collect();
    assert!(ids.contains(&(path("a"), Some(0))) && ids.contains(&(path("new"), Some(10))), "{ids:?}");
    assert_eq!(table.metadata().next_row_id(), 20, "deletes have no row ids");
}

#[test]
fn a_vector_is_of_the_spec_and_partition_of_its_file_whatever_the_spec_is_by_then() {
    let mut table = partitioned(FormatVersion::V3, &[("a", 1), ("b", 2)]);
    table.commit(&UpdatePartitionSpec::new().add_field("day", Transform::Month)).unwrap();
    assert_ne!(table.metadata().default_partition_spec().id, SPEC);
    table.commit(&delete("a", &[1]).deleting_rows(path("b"), rows_at(&[2]))).unwrap();
    for row in
        table.rows().iter().filter(|row| row.content == datashard_spec::manifest::ManifestContent::Deletes)
    {
        assert_eq!(row.partition_spec_id, SPEC);
    }
    assert_eq!((table.deleted_rows("a"), table.deleted_rows("b")), (vec![1], vec![2]));
    table.assert_summary(&[("changed-partition-count", Some("2"))]);
}

#[test]
fn a_file_that_goes_takes_its_vector_along() {
    let mut table = table(FormatVersion::V3, &["a", "b"]);
    table.commit(&delete("a", &[1]).deleting_rows(path("b"), rows_at(&[2]))).unwrap();
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(table.deletes().len(), 1);
    assert_eq!(table.deleted_rows("b"), [2]);
    table.assert_summary(&[("total-position-deletes", Some("1")), ("removed-dvs", Some("1"))]);
}

#[test]
fn rows_are_deleted_on_the_branch_that_was_asked_for_and_nowhere_else() {
    let mut table = table(FormatVersion::V3, &["a"]);
    table.commit(&UpdateRefs::new().create_branch("audit", None)).unwrap();
    table.commit(&delete("a", &[1]).to_branch("audit")).unwrap();
    table.commit(&delete("a", &[1, 2])).unwrap();
    table.commit(&delete("a", &[5]).to_branch("audit")).unwrap();
    assert_eq!(table.deleted_rows("a"), [1, 2]);
    assert_eq!(table.deleted_rows_on("audit", "a"), [1, 5], "each branch has vectors of its own");
}

#[test]
fn a_staged_delete_leaves_the_table_as_it_is() {
    let mut table = table(FormatVersion::V3, &["a"]);
    table.commit(&delete("a", &[1]).staged("audit-1")).unwrap();
    assert!(table.deleted_rows("a").is_empty());
    assert_eq!(table.metadata().snapshot_count(), 2);
}

#[test]
fn positions_beyond_32_bits_of_rows_are_deleted() {
    let mut table = table(FormatVersion::V3, &[]);
    let mut huge = file("a");
    huge.record_count = 1 << 40;
    table.commit(&append(huge)).unwrap();
    let far = (1 << 39) + 7;
    table.commit(&delete("a", &[0, u64::from(u32::MAX), far])).unwrap();
    assert_eq!(table.deleted_rows("a"), [0, u64::from(u32::MAX), far]);
}
