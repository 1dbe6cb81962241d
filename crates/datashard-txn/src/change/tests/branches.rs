//! Snapshots that go elsewhere than to `main`.

use datashard_spec::expr::col;
use datashard_spec::metadata::{ApplyContext, TableUpdate};
use datashard_spec::snapshot_ref::{MAIN_BRANCH, SnapshotRef};

use super::*;
use crate::action::{DeleteFiles, DeleteWhere, Overwrite, ReplacePartitions, RewriteFiles};
use crate::change::checks::IsolationLevel;

/// Makes an operation: for a branch, or staged for a `wap.id`.
type Make = Box<dyn Fn(&str, bool) -> Box<dyn Operation>>;

/// Every operation, each of which has something to do in a table of `a` and `b` in partitions 1 and 2.
fn operations(table: &TestTable) -> Vec<(&'static str, Make)> {
    let since = table.metadata().current_snapshot_id();
    macro_rules! to {
        ($operation:expr) => {
            Box::new(move |to: &str, is_staged: bool| -> Box<dyn Operation> {
                let operation = $operation;
                if is_staged { Box::new(operation.staged(to)) } else { Box::new(operation.to_branch(to)) }
            })
        };
    }
    let new = || of("new", 1);
    vec![
        ("append", to!(append([new()]))),
        ("delete files", to!(DeleteFiles::new([path("a")]))),
        ("delete where", to!(DeleteWhere::new(col("id").equal_to(1)))),
        (
            "overwrite",
            to!(Overwrite::new().removing([path("a")]).with_file(SCHEMA, SPEC, new()).validated_from(since)),
        ),
        (
            "replace partitions",
            to!(ReplacePartitions::new()
                .with_file(SCHEMA, SPEC, new())
                .validated_from(since, IsolationLevel::Serializable)),
        ),
        ("rewrite files", to!(RewriteFiles::new(since).removing([path("a")]).with_file(SCHEMA, SPEC, new()))),
    ]
}

fn table(version: FormatVersion) -> TestTable {
    let mut table = partitioned(version);
    table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
    table
}

fn live_on(table: &TestTable, branch: &str) -> Vec<String> {
    let entries = table.rows_of(branch).into_iter().flat_map(|row| table.entries(&row));
    let mut live: Vec<String> =
        entries.filter(|entry| entry.status.is_live()).map(|entry| entry.data_file.file_path).collect();
    live.sort();
    live
}

#[test]
fn a_branch_that_is_not_there_begins_where_main_is_and_main_stays() {
    for version in VERSIONS {
        let table = table(version);
        for (name, operation) in operations(&table) {
            let mut table = table.clone();
            table.commit(operation("audit", false).as_ref()).unwrap();
            assert_eq!(live_on(&table, MAIN_BRANCH), [path("a"), path("b")], "{name}");
            assert_ne!(live_on(&table, "audit"), live_on(&table, MAIN_BRANCH), "{name}");
            let main = table.metadata().current_snapshot_id();
            assert_eq!(table.base().head("audit").unwrap().unwrap().parent_id, main, "{name}");
            assert_eq!(table.metadata().snapshot_log().len(), 1, "{name}: the log is about main");
        }
    }
}

#[test]
fn a_branch_is_changed_by_what_is_on_it_and_not_by_what_is_on_main() {
    let mut table = table(FormatVersion::V2);
    table.commit(&append([of("c", 1)]).to_branch("audit")).unwrap();
    table.commit(&append([of("d", 1)])).unwrap();
    table.commit(&DeleteWhere::new(col("id").equal_to(1)).to_branch("audit")).unwrap();
    assert_eq!(live_on(&table, "audit"), [path("b")]);
    assert_eq!(live(&table), ["a", "b", "d"]);
    let refusal = table.commit(&DeleteFiles::new([path("d")]).to_branch("audit")).unwrap_err();
    assert_eq!(conflict(refusal).kind, ConflictKind::MissingFiles);
}

#[test]
fn a_staged_snapshot_is_part_of_the_table_and_of_no_branch() {
    for version in VERSIONS {
        let table = table(version);
        for (name, operation) in operations(&table) {
            let mut table = table.clone();
            let before = table.metadata().refs().clone();
            let next = table.commit(operation("w1", true).as_ref()).unwrap();
            assert_eq!(table.metadata().refs(), &before, "{name}");
            assert_eq!(live(&table), ["a", "b"], "{name}");
            let staged = table.metadata().snapshot(next.snapshot_id.unwrap()).unwrap().unwrap();
            assert_eq!(staged.summary.get("wap.id"), Some("w1"), "{name}");
            assert_eq!(staged.parent_id, table.metadata().current_snapshot_id(), "{name}");
            for (other, again) in operations(&table) {
                let reason = rejected(table.clone().commit(again("w1", true).as_ref()).unwrap_err());
                assert!(reason.contains("wap.id `w1` already"), "{name}, {other}: {reason}");
            }
            table.commit(&append([of("next", 2)]).staged("w2")).unwrap();
        }
    }
}

#[test]
fn staged_appends_do_not_share_a_snapshot() {
    let one = append([file("a")]).staged("w");
    assert!(!one.joins(&append([file("b")]).staged("w")));
    assert!(append([file("a")]).to_branch("b").joins(&append([file("b")]).to_branch("b")));
    assert!(!append([file("a")]).to_branch("b").joins(&append([file("b")])));
}

#[test]
fn nothing_is_committed_to_a_tag() {
    let mut table = table(FormatVersion::V2);
    let snapshot_id = table.metadata().current_snapshot_id().unwrap();
    let update =
        TableUpdate::SetSnapshotRef { name: "v1".to_owned(), reference: SnapshotRef::tag(snapshot_id) };
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&[update], &ApplyContext::new(1_000)).unwrap();
    for (name, operation) in operations(&table) {
        let reason = rejected(table.commit(operation("v1", false).as_ref()).unwrap_err());
        assert!(reason.contains("is a tag"), "{name}: {reason}");
    }
}

#[test]
fn computed_entries_of_the_summary_cannot_be_set() {
    let mut table = table(FormatVersion::V2);
    for key in
        ["total-records", "deleted-data-files", "operation", "wap.id", "published-wap-id", "manifests-kept"]
    {
        let delete = DeleteFiles::new([path("a")]).with_summary_property(key, "1");
        let reason = rejected(table.commit(&delete).unwrap_err());
        assert!(reason.contains("cannot be set"), "{reason}");
    }
    table.commit(&DeleteFiles::new([path("a")]).with_summary_property("reason", "gdpr")).unwrap();
    assert_eq!(table.snapshot().summary.get("reason"), Some("gdpr"));
}
