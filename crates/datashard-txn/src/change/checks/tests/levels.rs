//! What each kind of operation checks at each level.

use std::collections::BTreeSet;

use datashard_spec::expr::col;
use datashard_spec::id::PartitionSpecId;
use datashard_spec::property::IsolationLevel;
use datashard_spec::value::Value;

use super::super::{Check, Checks, Overwritten, RowDeltaChecks, Scope};

/// The checks by name, in order.
fn names(checks: &Checks<'_>) -> Vec<&'static str> {
    let name = |check: &Check<'_>| match check {
        Check::NoAddedFiles(Scope::Everything) => "added, everywhere",
        Check::NoAddedFiles(_) => "added",
        Check::NoRemovedFiles(_) => "removed",
        Check::FilesExist { skip_deletes: true, .. } => "exist but for deletes",
        Check::FilesExist { .. } => "exist",
        Check::NoAddedDeletes { only_equality: true, .. } => "equality deletes",
        Check::NoAddedDeletes { .. } => "deletes",
        Check::NoDeletesForRemoved { ignore_equality: true, .. } => "position deletes of removed",
        Check::NoDeletesForRemoved { .. } => "deletes of removed",
        Check::NoAddedVectors(_) => "vectors",
        Check::Remain(_) => "remain",
        Check::KeepsFiles(_) => "keeps",
    };
    checks.list.iter().map(name).collect()
}

#[test]
fn an_overwrite_checks_what_it_removes_and_if_serializable_what_it_should_have_seen() {
    let predicate = col("id").equal_to(1);
    let filter = Scope::Filter { predicate: &predicate, case_sensitive: true };
    let check = |level, overwritten| names(&Checks::of_overwrite(None, level, overwritten)).join(", ");
    let (snapshot, serializable) = (IsolationLevel::Snapshot, IsolationLevel::Serializable);
    let by_filter = Overwritten { row_filter: Some(filter), ..Overwritten::default() };
    assert_eq!(check(snapshot, by_filter), "deletes, removed");
    assert_eq!(check(serializable, by_filter), "added, deletes, removed");
    let by_name = Overwritten { removes_files: true, ..Overwritten::default() };
    assert_eq!(check(snapshot, by_name), "deletes of removed");
    assert_eq!(check(serializable, by_name), "added, everywhere, deletes of removed");
    let told = Overwritten { conflict_filter: Some(filter), ..by_name };
    assert_eq!(check(serializable, told), "added, deletes of removed");
    let both = Overwritten { removes_files: true, ..by_filter };
    assert_eq!(check(serializable, both), "added, everywhere, deletes, removed, deletes of removed");
}

#[test]
fn a_row_delta_checks_its_files_and_if_it_writes_rows_anew_the_deletes_of_others() {
    let predicate = col("id").equal_to(1);
    let conflict_filter = Scope::Filter { predicate: &predicate, case_sensitive: true };
    let (files, none) = (BTreeSet::from(["f".to_owned()]), BTreeSet::new());
    let check = |level, vectors: &BTreeSet<String>, adds_rows, is_merged| {
        let needs_files = is_merged || !vectors.is_empty();
        let referenced = &files;
        let delta =
            RowDeltaChecks { conflict_filter, referenced, vectors, adds_rows, needs_files, is_merged };
        names(&Checks::of_row_delta(None, level, delta)).join(", ")
    };
    let (snapshot, serializable) = (IsolationLevel::Snapshot, IsolationLevel::Serializable);
    assert_eq!(check(snapshot, &none, false, true), "exist, keeps");
    assert_eq!(check(snapshot, &none, false, false), "exist but for deletes, keeps");
    assert_eq!(check(serializable, &files, false, false), "vectors, exist, keeps, added");
    assert_eq!(check(snapshot, &none, true, false), "exist, keeps, deletes, deletes of removed");
    assert_eq!(
        check(serializable, &none, true, true),
        "exist, keeps, added, equality deletes, deletes of removed"
    );
}

#[test]
fn rewrites_and_replaced_partitions_check_their_files() {
    let partitions = BTreeSet::from([(PartitionSpecId(0), vec![Some(Value::Int(1))])]);
    let check = |level| names(&Checks::of_replaced_partitions(None, level, &partitions)).join(", ");
    assert_eq!(check(IsolationLevel::Snapshot), "deletes, removed");
    assert_eq!(check(IsolationLevel::Serializable), "added, deletes, removed");
    assert_eq!(names(&Checks::of_rewrite(None, true)), ["position deletes of removed"]);
    assert_eq!(names(&Checks::of_rewrite(None, false)), ["deletes of removed"]);
}
