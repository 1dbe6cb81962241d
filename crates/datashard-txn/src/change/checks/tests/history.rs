//! The walk through history: what it passes, and when it cannot be told.

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::{FormatVersion, TableUpdate};
use datashard_spec::snapshot_ref::SnapshotRef;

use super::super::{Check, Checks, Scope};
use super::probe::{Probe, update};
use super::writer::Writer;
use crate::action::testing::{TestTable, file};
use crate::conflict::ConflictKind;

const ADDED: Check<'static> = Check::NoAddedFiles(Scope::Everything);

fn appended(count: i32) -> (TestTable, Vec<SnapshotId>) {
    let mut table = TestTable::plain(FormatVersion::V2);
    let ids = (0..count)
        .map(|number| Writer::new("append").adding(0, file(&format!("f{number}"))).commit(&mut table))
        .collect();
    (table, ids)
}

#[test]
fn only_what_came_after_the_start_is_looked_at() {
    let (table, ids) = appended(3);
    for (since, first) in [(None, Some(ids[0])), (Some(ids[0]), Some(ids[1])), (Some(ids[1]), Some(ids[2]))] {
        let found = Probe::of(since, ADDED).conflict(&table).unwrap();
        assert_eq!(found.snapshot_id, first);
    }
    assert_eq!(Probe::of(Some(ids[2]), ADDED).kind(&table), None);
    assert_eq!(Probe::of(None, ADDED).kind(&TestTable::plain(FormatVersion::V2)), None);
}

#[test]
fn d12_a_start_that_is_no_longer_in_the_history_is_a_conflict() {
    let (mut table, ids) = appended(4);
    let lost = |table: &TestTable, since| {
        let found = Probe::of(since, ADDED).conflict(table).unwrap();
        assert_eq!((found.kind, found.snapshot_id), (ConflictKind::HistoryLost, None));
        found.to_string()
    };
    assert!(lost(&table, Some(SnapshotId(999))).contains("999"));
    update(&mut table, &[TableUpdate::RemoveSnapshots { snapshot_ids: vec![ids[0], ids[1]] }]);
    lost(&table, Some(ids[0]));
    assert!(lost(&table, None).contains("empty table"));
    // The parent of the oldest that is left is known by its id.
    let found = Probe::of(Some(ids[1]), ADDED).conflict(&table).unwrap();
    assert_eq!((found.kind, found.snapshot_id), (ConflictKind::AddedFiles, Some(ids[2])));
}

#[test]
fn d13_a_table_that_was_rolled_back_behind_the_start_has_another_history() {
    let (mut table, ids) = appended(3);
    let main =
        |id| TableUpdate::SetSnapshotRef { name: "main".to_owned(), reference: SnapshotRef::branch(id) };
    update(&mut table, &[main(ids[0])]);
    assert_eq!(Probe::of(Some(ids[2]), ADDED).kind(&table), Some((ConflictKind::HistoryLost, None)));
    update(&mut table, &[main(ids[2])]);
    assert_eq!(Probe::of(Some(ids[2]), ADDED).kind(&table), None);
}

#[test]
fn a_branch_has_its_own_history_and_begins_where_main_is() {
    let (mut table, ids) = appended(3);
    let reference = SnapshotRef::branch(ids[1]);
    update(&mut table, &[TableUpdate::SetSnapshotRef { name: "audit".to_owned(), reference }]);
    let on = |branch, since| Probe { branch, ..Probe::of(since, ADDED) }.kind(&table);
    assert_eq!(on("audit", Some(ids[1])), None);
    assert_eq!(on("audit", Some(ids[0])), Some((ConflictKind::AddedFiles, Some(ids[1]))));
    assert_eq!(on("audit", Some(ids[2])), Some((ConflictKind::HistoryLost, None)));
    assert_eq!(on("new", Some(ids[2])), None);
}

#[test]
fn own_snapshots_of_a_transaction_do_not_count() {
    let (table, ids) = appended(3);
    let checks = Checks { own: &ids[2..], ..Checks::since(Some(ids[1])).with(ADDED) };
    assert_eq!(Probe::new(checks).kind(&table), None);
}

#[test]
fn without_checks_nothing_is_read_and_nothing_found() {
    let (table, _) = appended(3);
    let probe = Probe::new(Checks::since(Some(SnapshotId(999))));
    assert_eq!(table.reads(&probe, &[]), Vec::<String>::new());
    assert_eq!(probe.kind(&table), None);
}

#[test]
fn what_was_read_for_an_attempt_is_not_read_again_for_the_next() {
    let (mut table, ids) = appended(3);
    let never = datashard_spec::expr::col("id").equal_to(-1);
    let scope = Scope::Filter { predicate: &never, case_sensitive: true };
    let probe = Probe::of(Some(ids[0]), Check::NoAddedFiles(scope));
    let mut loaded = crate::loaded::Loaded::default();
    // Without metrics a file may hold any id.
    assert!(table.attempt_after(&probe, 1, &[], &mut loaded).is_err());
    let before = loaded.size_bytes();
    let ids_of = |table: &TestTable| table.reads(&probe, &[]).len();
    assert_eq!(ids_of(&table), 2);
    Writer::new("append").adding(0, file("later")).commit(&mut table);
    assert!(table.attempt_after(&probe, 2, &[], &mut loaded).is_err());
    assert!(loaded.size_bytes() > before, "one more finding");
    assert_eq!(ids_of(&table), 3);
}

#[test]
#[cfg(feature = "mutations")]
fn a_build_that_skips_validation_finds_nothing() {
    let (mut table, ids) = appended(2);
    table.rules = crate::rules::Rules::without(crate::rules::Mutation::SkipValidation);
    assert_eq!(Probe::of(Some(ids[0]), ADDED).kind(&table), None);
    table.rules = crate::rules::Rules::all();
    assert!(Probe::of(Some(ids[0]), ADDED).kind(&table).is_some());
}
