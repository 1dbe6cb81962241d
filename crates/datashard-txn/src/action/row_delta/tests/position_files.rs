//! Position delete files, on tables of format version 2.

use datashard_spec::snapshot::Operation as SnapshotOperation;

use super::*;
use crate::action::{DeleteFiles, RewriteFiles};
use crate::operation::Operation;

fn bring(name: &str, data: &str) -> RowDelta {
    with_deletes(position_deletes(name, data))
}

#[test]
fn a_position_delete_file_is_added_and_counted() {
    let mut table = table(FormatVersion::V2, &["a"]);
    table.commit(&bring("d", "a")).unwrap();
    assert_eq!(table.names(), ["a", "d"]);
    assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Delete));
    table.assert_summary(&[
        ("added-delete-files", Some("1")),
        ("added-position-delete-files", Some("1")),
        ("added-position-deletes", Some("10")),
        ("added-dvs", None),
        ("added-files-size", Some("1000")),
        ("total-data-files", Some("1")),
        ("total-delete-files", Some("1")),
        ("total-position-deletes", Some("10")),
        ("total-records", Some("10")),
        ("total-files-size", Some("2000")),
    ]);
    let deletes = table.live()[&path("d")].clone();
    assert_eq!(deletes.data_sequence_number, 2, "rows that came before are reached");
    table.commit(&bring("d2", "a").with_file(SCHEMA, SPEC, file("new"))).unwrap();
    assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Overwrite));
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    assert_eq!(table.names(), ["new"], "deletes go with the file that they are for");
}

#[test]
fn data_alone_is_an_append() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = table(version, &["a"]);
        table.commit(&RowDelta::new().with_file(SCHEMA, SPEC, file("b"))).unwrap();
        assert_eq!(table.snapshot().summary.operation(), Some(&SnapshotOperation::Append));
        table.assert_summary(&[("total-records", Some("20")), ("added-records", Some("10"))]);
    }
}

#[test]
fn a_data_file_that_others_took_away_is_a_conflict_if_the_start_is_known() {
    let table = table(FormatVersion::V2, &["a", "b"]);
    let rewrite = RewriteFiles::new(head(&table)).removing([path("a")]).with_file(SCHEMA, SPEC, file("a2"));
    let update = |level| {
        let mine = bring("d", "a").with_file(SCHEMA, SPEC, file("new"));
        mine.validated_from(head(&table), level)
    };
    for level in [IsolationLevel::Snapshot, IsolationLevel::Serializable] {
        let mine = bring("d", "a").validated_from(head(&table), level);
        let conflict = conflict_of(table.raced(&mine, &[&rewrite]).unwrap_err());
        assert_eq!((conflict.kind, &*conflict.files), (ConflictKind::MissingFiles, &[path("a")][..]));
        assert_eq!(conflict.snapshot_id, Some(SnapshotId(600)));
        // Rows of a file that was deleted whole need not be deleted; what was written anew of them must not come back.
        let raced = table.raced(&mine, &[&DeleteFiles::new([path("a")])]).unwrap();
        assert!(raced.names().contains(&"b".to_owned()));
        let conflict =
            conflict_of(table.raced(&update(level), &[&DeleteFiles::new([path("a")])]).unwrap_err());
        assert_eq!(conflict.kind, ConflictKind::MissingFiles);
        table.raced(&mine, &[&DeleteFiles::new([path("b")])]).unwrap();
    }
}

#[test]
fn deletes_of_others_stand_against_updates_and_not_against_deletes() {
    let table = table(FormatVersion::V2, &["a"]);
    let theirs = bring("theirs", "a");
    let mine = || bring("mine", "a").validated_from(head(&table), IsolationLevel::Snapshot);
    let raced = table.raced(&mine(), &[&theirs]).unwrap();
    assert_eq!(raced.names(), ["a", "mine", "theirs"]);
    let update = mine().with_file(SCHEMA, SPEC, file("new"));
    let conflict = conflict_of(table.raced(&update, &[&theirs]).unwrap_err());
    assert_eq!((conflict.kind, conflict.files), (ConflictKind::AddedDeletes, vec![path("a")]));
}

#[test]
fn a_lost_attempt_costs_a_manifest_list_and_no_manifest() {
    let table = table(FormatVersion::V2, &["a"]);
    let mine = bring("mine", "a").with_file(SCHEMA, SPEC, file("new"));
    let planned = table.for_operation(50);
    let lost = planned.attempt(&mine, 1, &[]).unwrap();
    assert_eq!(lost.manifests.len(), 2, "one of data, one of deletes");
    let mut other = table.for_operation(60);
    other.keep_files(&lost);
    other.commit(&append(file("theirs"))).unwrap();
    let again = other.for_operation(50).attempt(&mine, 2, &TestTable::written(&lost)).unwrap();
    assert!(again.manifests.iter().all(|new| new.bytes.is_empty()), "both are used again");
    assert!(again.files.is_empty());
}

#[test]
fn bytes_that_come_along_are_for_the_commit_to_write() {
    let mut table = table(FormatVersion::V2, &["a"]);
    let deletes = position_deletes("d", "a");
    let place = crate::action::testing::table_path("data/d.parquet");
    let delta = |length| {
        RowDelta::new().with_unwritten_delete_file(
            SCHEMA,
            SPEC,
            deletes.clone(),
            place.clone(),
            vec![b'd'; length].into(),
        )
    };
    assert_eq!(delta(1_000).payload(), [(place.clone(), vec![b'd'; 1_000].into())]);
    let reason = rejection_of(table.commit(&delta(999)).unwrap_err());
    assert!(reason.contains("999"), "{reason}");
    table.commit(&delta(1_000)).unwrap();
}

#[test]
fn an_old_delete_file_is_replaced_by_one_with_its_deletes() {
    let mut table = table(FormatVersion::V2, &["a"]);
    table.commit(&bring("d", "a")).unwrap();
    let mine = bring("d2", "a").removing_deletes(&position_deletes("d", "a"));
    table.commit(&mine).unwrap();
    assert_eq!(table.names(), ["a", "d2"]);
    table.assert_summary(&[
        ("removed-position-delete-files", Some("1")),
        ("removed-position-deletes", Some("10")),
        ("total-position-deletes", Some("10")),
        ("total-delete-files", Some("1")),
    ]);
    let gone = bring("d3", "a").removing_deletes(&position_deletes("d", "a"));
    let conflict = conflict_of(table.commit(&gone).unwrap_err());
    assert_eq!((conflict.kind, conflict.files), (ConflictKind::MissingFiles, vec![path("d")]));
}
