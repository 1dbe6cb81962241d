//! Deletion vectors that somebody has written.

use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::*;
use crate::action::{DeleteFiles, RewriteFiles};

/// Adds these vectors.
fn bring(vectors: Vec<DataFile>) -> RowDelta {
    vectors.into_iter().fold(RowDelta::new(), |delta, vector| delta.with_delete_file(SCHEMA, SPEC, vector))
}

#[test]
fn vectors_of_several_files_in_one_puffin_file_are_added() {
    let mut table = table(FormatVersion::V3, &["a", "b"]);
    let vectors = table.write_vectors("p", &[("a", &[1, 2]), ("b", &[0])]);
    table.commit(&bring(vectors)).unwrap();
    assert_eq!((table.deleted_rows("a"), table.deleted_rows("b")), (vec![1, 2], vec![0]));
    assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Delete));
    table.assert_summary(&[("added-dvs", Some("2")), ("total-position-deletes", Some("3"))]);
}

#[test]
fn a_vector_beside_another_is_a_conflict_first_and_again() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let (mine, theirs) = (table.write_vectors("p", &[("a", &[1])]), table.write_vectors("q", &[("a", &[2])]));
    for level in [None, Some(IsolationLevel::Snapshot), Some(IsolationLevel::Serializable)] {
        let mut delta = bring(mine.clone());
        if let Some(level) = level {
            delta = delta.validated_from(head(&table), level);
        }
        let conflict = conflict_of(table.raced(&delta, &[&bring(theirs.clone())]).unwrap_err());
        assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedDeletes, vec![path("a")]));
    }
    table.commit(&bring(theirs)).unwrap();
    assert_eq!(conflict_of(table.commit(&bring(mine)).unwrap_err()).kind, ConflictKind::AddedDeletes);
    assert_eq!(table.deleted_rows("a"), [2]);
}

#[test]
fn a_vector_takes_the_place_of_the_old_one_unless_that_was_replaced_meanwhile() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let old = table.write_vectors("p", &[("a", &[1])]);
    table.commit(&bring(old.clone())).unwrap();
    let new = table.write_vectors("q", &[("a", &[1, 2])]);
    let delta = bring(new).removing_deletes(&old[0]);
    let refusal = table.raced(&delta, &[&delete("a", &[5])]).unwrap_err();
    assert_eq!(conflict_of(refusal).kind, ConflictKind::AddedDeletes);
    table.commit(&delta).unwrap();
    assert_eq!(table.deleted_rows("a"), [1, 2]);
    table.assert_summary(&[("removed-dvs", Some("1")), ("total-delete-files", Some("1"))]);
    let gone = conflict_of(table.commit(&delta).unwrap_err());
    assert_eq!(gone.kind, ConflictKind::AddedDeletes);
}

#[test]
fn removing_a_delete_file_that_is_not_a_vector_does_not_make_room_for_a_second_one() {
    let mut table = table(FormatVersion::V2, &["a"]);
    table.commit(&with_deletes(position_deletes("d", "a"))).unwrap();
    table.commit(&crate::action::UpgradeFormatVersion::to(FormatVersion::V3)).unwrap();
    let (first, second) =
        (table.write_vectors("p", &[("a", &[1])]), table.write_vectors("q", &[("a", &[2])]));
    // It leaves the position delete file where it is, and says that its own vector has the positions.
    let keeps = bring(first).with_positions_of(path("d"), path("a"), rows_at(&[1]));
    let replaces = bring(second).removing_deletes(&position_deletes("d", "a"));
    let conflict = conflict_of(table.raced(&replaces, &[&keeps]).unwrap_err());
    assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedDeletes, vec![path("a")]));
    table.commit(&replaces).unwrap();
    assert_eq!(table.deleted_rows("a"), [2]);
    table.assert_summary(&[("removed-position-delete-files", Some("1")), ("total-delete-files", Some("1"))]);
}

#[test]
fn a_vector_of_a_file_that_is_gone_is_a_conflict() {
    let mut table = table(FormatVersion::V3, &["a", "b"]);
    let vectors = table.write_vectors("p", &[("a", &[1])]);
    let rewrite = RewriteFiles::new(head(&table)).removing([path("a")]).with_file(SCHEMA, SPEC, file("a2"));
    let theirs: [&dyn crate::Operation; 2] = [&DeleteFiles::new([path("a")]), &rewrite];
    for theirs in theirs {
        let conflict = conflict_of(table.raced(&bring(vectors.clone()), &[theirs]).unwrap_err());
        assert_eq!((conflict.kind, conflict.files), (ConflictKind::MissingFiles, vec![path("a")]));
    }
    let never = table.write_vectors("q", &[("never", &[1])]);
    assert_eq!(conflict_of(table.commit(&bring(never)).unwrap_err()).kind, ConflictKind::MissingFiles);
}

#[test]
fn a_vector_of_a_file_that_comes_with_it_is_added() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let vectors = table.write_vectors("p", &[("new", &[0, 9])]);
    let mine = bring(vectors).with_file(SCHEMA, SPEC, file("new"));
    let mut table = table.raced(&mine, &[&append(file("theirs"))]).unwrap();
    assert_eq!(table.deleted_rows("new"), [0, 9]);
    table.commit(&delete("new", &[5])).unwrap();
    assert_eq!(table.deleted_rows("new"), [0, 5, 9]);
}

#[test]
fn a_vector_of_another_partition_than_its_file_would_be_lost_and_is_refused() {
    let mut table = partitioned(FormatVersion::V3, &[("a", 1), ("b", 2)]);
    let vector = table.write_vectors("p", &[("a", &[1])]).remove(0);
    let of = |id| bring(vec![vector.clone().with_partition(vec![Some(Value::Int(id))])]);
    let reason = rejection_of(table.commit(&of(2)).unwrap_err());
    assert!(reason.contains("p.puffin") && reason.contains("not of the partition"), "{reason}");
    table.commit(&of(1)).unwrap();
    assert_eq!(table.deleted_rows("a"), [1]);
}

#[test]
fn two_vectors_of_one_file_at_once_are_refused() {
    let mut table = table(FormatVersion::V3, &["a"]);
    let vectors = table.write_vectors("p", &[("a", &[1]), ("a", &[2])]);
    let reason = rejection_of(table.commit(&bring(vectors)).unwrap_err());
    assert!(reason.contains("two deletion vectors") && reason.contains("a.parquet"), "{reason}");
}

#[test]
fn rows_given_as_numbers_go_beside_vectors_of_other_files() {
    let mut table = table(FormatVersion::V3, &["a", "b"]);
    let vectors = table.write_vectors("p", &[("a", &[1])]);
    let both = bring(vectors).deleting_rows(path("b"), rows_at(&[2]));
    let table = table.raced(&both, &[&delete("b", &[3])]).unwrap();
    assert_eq!((table.deleted_rows("a"), table.deleted_rows("b")), (vec![1], vec![2, 3]));
}
