//! Snapshots are picked once, onto the branch that was asked for, whatever became of the history in between.

use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::snapshot::summary_key as key;

use super::*;
use crate::action::testing::{TestTable, file};
use crate::action::{Append, CreateTable, DeleteFiles, ExpireSnapshots, SetProperties, UpdateRefs};
use crate::conflict::ConflictKind;

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))
}

/// `a` is current, `w` is staged on it.
fn staged(version: FormatVersion) -> (TestTable, SnapshotId) {
    let mut table = TestTable::plain(version);
    table.commit(&append("a")).unwrap();
    let staged = table.commit(&append("w").staged("audit-7")).unwrap().snapshot_id.unwrap();
    (table, staged)
}

fn names(table: &TestTable) -> Vec<String> {
    table.live().keys().map(|path| path.rsplit('/').next().unwrap().replace(".parquet", "")).collect()
}

fn reason(refusal: Refusal) -> String {
    refusal.to_string()
}

#[test]
fn a_staged_snapshot_on_the_head_becomes_the_head_as_it_is() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let (mut table, staged) = staged(version);
        assert_eq!(names(&table), ["a"]);
        table.commit(&CherryPick::new(staged)).unwrap();
        assert_eq!(table.metadata().current_snapshot_id(), Some(staged));
        assert_eq!(names(&table), ["a", "w"], "{version}");
    }
}

#[test]
fn behind_the_head_its_files_are_added_anew_and_the_summary_says_from_where() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let (mut table, staged) = staged(version);
        table.commit(&append("b")).unwrap();
        table.commit(&CherryPick::new(staged)).unwrap();
        assert_eq!(names(&table), ["a", "b", "w"]);
        let summary = &table.snapshot().summary;
        assert_eq!(summary.count(key::SOURCE_SNAPSHOT_ID), Some(staged.0));
        assert_eq!(summary.get(key::PUBLISHED_WAP_ID), Some("audit-7"));
        assert_eq!(
            (summary.count(key::ADDED_RECORDS), summary.total_records()),
            (Some(10), Some(30)),
            "{version}"
        );
    }
}

#[test]
fn nothing_is_published_twice() {
    let (mut table, staged) = staged(FormatVersion::V2);
    table.commit(&append("b")).unwrap();
    table.commit(&CherryPick::new(staged)).unwrap();
    assert!(reason(table.commit(&CherryPick::new(staged)).unwrap_err()).contains("was picked as snapshot"));
    // Nor under the same wap.id from elsewhere, nor what is an ancestor.
    let current = table.metadata().current_snapshot_id().unwrap();
    assert!(reason(table.commit(&CherryPick::new(current)).unwrap_err()).contains("is in the history"));
    // Onto another branch it may go.
    table.commit(&UpdateRefs::new().create_branch("other", SnapshotId(2))).unwrap();
    table.commit(&append("c").to_branch("other")).unwrap();
    table.commit(&CherryPick::new(staged).to_branch("other")).unwrap();
}

#[test]
fn nothing_is_published_twice_though_the_history_lies_in_segments() {
    // Picked, and published as it is: both ways are remembered by snapshots that are not listed any more.
    for is_forward in [false, true] {
        let table = CreateTable::new(crate::action::testing::schema())
            .with_property("datashard.history.keep-snapshots", "2");
        let mut table = TestTable::create(table);
        table.commit(&append("a")).unwrap();
        let staged = table.commit(&append("w").staged("audit-7")).unwrap().snapshot_id.unwrap();
        if !is_forward {
            table.commit(&append("b")).unwrap();
        }
        table.commit(&CherryPick::new(staged)).unwrap();
        for number in 0..20 {
            table.commit(&append(&format!("n{number}"))).unwrap();
        }
        let listed = table.metadata().snapshot_count();
        assert!(listed <= 4, "{listed} snapshots are listed");
        match table.commit(&CherryPick::new(staged)) {
            Err(refusal) => {
                let reason = reason(refusal);
                // The one that was published as it is has moved with the rest of the history.
                let expected = if is_forward { "does not list snapshot" } else { "was picked as snapshot" };
                assert!(reason.contains(expected), "{reason}");
            }
            Ok(_) => panic!("it is there twice: {:?}", names(&table)),
        }
        assert_eq!(names(&table).iter().filter(|name| *name == "w").count(), 1);
    }
}

#[test]
fn what_cannot_be_told_any_more_is_a_conflict() {
    let (mut table, staged) = staged(FormatVersion::V2);
    table.commit(&append("b")).unwrap();
    let picked = table.commit(&CherryPick::new(staged)).unwrap().snapshot_id.unwrap();
    for name in ["c", "d"] {
        table.commit(&append(name)).unwrap();
    }
    table.commit(&ExpireSnapshots::new().older_than_ms(0).snapshot(picked)).unwrap();
    match table.commit(&CherryPick::new(staged)).unwrap_err() {
        Refusal::Conflict(conflict) => assert_eq!(conflict.kind, ConflictKind::HistoryLost),
        other => panic!("{other}"),
    }
    assert_eq!(names(&table), ["a", "b", "c", "d", "w"]);
}

#[test]
fn what_is_no_append_follows_its_own_parent_only() {
    let mut table = TestTable::plain(FormatVersion::V2);
    table.commit(&append("a")).unwrap();
    let staged = table.commit(&DeleteFiles::new([file("a").file_path]).staged("audit-8")).unwrap();
    let staged = staged.snapshot_id.unwrap();
    let mut other = table.clone();
    other.commit(&append("b")).unwrap();
    assert!(reason(other.commit(&CherryPick::new(staged)).unwrap_err()).contains("no append"));
    table.commit(&CherryPick::new(staged)).unwrap();
    assert!(names(&table).is_empty());
}

#[test]
fn d13_a_pick_that_others_were_faster_with_is_a_conflict() {
    let (mut table, staged) = staged(FormatVersion::V2);
    table.commit(&append("b")).unwrap();
    let table = table.numbered(50);
    let pick = CherryPick::new(staged);
    let lost = table.attempt(&pick, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&lost);
    other.commit(&CherryPick::new(staged)).unwrap();
    let refusal = other.for_operation(50).attempt(&pick, 2, &TestTable::written(&lost)).unwrap_err();
    match refusal {
        Refusal::Conflict(conflict) => assert_eq!(conflict.kind, ConflictKind::Requirement),
        other => panic!("{other}"),
    }
}

#[test]
fn a_pick_is_applied_anew_to_what_others_left() {
    let (mut table, staged) = staged(FormatVersion::V3);
    table.commit(&append("b")).unwrap();
    let table = table.numbered(50);
    let pick = CherryPick::new(staged);
    let lost = table.attempt(&pick, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&lost);
    other.commit(&append("theirs")).unwrap();
    other.commit(&SetProperties::new().set("x", "y")).unwrap();
    let mut again = other.for_operation(50);
    let next = again.attempt(&pick, 2, &TestTable::written(&lost)).unwrap();
    assert!(next.manifests.iter().all(|new| new.bytes.is_empty()), "its manifest is used again");
    again.adopt(&next);
    assert_eq!(names(&again), ["a", "b", "theirs", "w"]);
}
