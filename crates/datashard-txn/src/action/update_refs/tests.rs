//! Branches and tags are made, moved, renamed and removed, all or none, and never past what others did.

use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::metadata::FormatVersion;

use super::*;
use crate::action::testing::{TestTable, file};
use crate::action::{Append, ExpireSnapshots};
use crate::conflict::ConflictKind;

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))
}

/// Snapshots 2 and 3; `main` is at the latter.
fn table(version: FormatVersion) -> TestTable {
    let mut table = TestTable::plain(version);
    table.commit(&append("a")).unwrap();
    table.commit(&append("b")).unwrap();
    table
}

fn refs(table: &TestTable) -> Vec<(String, i64, bool)> {
    let refs = table.metadata().refs().iter();
    refs.map(|(name, one)| (name.clone(), one.snapshot_id.0, one.is_branch())).collect()
}

fn named(name: &str, snapshot_id: i64, is_branch: bool) -> (String, i64, bool) {
    (name.to_owned(), snapshot_id, is_branch)
}

#[test]
fn branches_and_tags_are_made_moved_renamed_and_removed() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = table(version);
        let make = UpdateRefs::new().create_branch("audit", SnapshotId(2)).create_tag("v1", None);
        table.commit(&make).unwrap();
        let main = named("main", 3, true);
        assert_eq!(refs(&table), [named("audit", 2, true), main.clone(), named("v1", 3, false)], "{version}");
        table
            .commit(&UpdateRefs::new().fast_forward("audit", "main").rename_branch("audit", "checked"))
            .unwrap();
        assert_eq!(refs(&table), [named("checked", 3, true), main.clone(), named("v1", 3, false)]);
        let replace = UpdateRefs::new().replace_branch("checked", SnapshotId(3), SnapshotId(2)).replace_tag(
            "v1",
            SnapshotId(3),
            SnapshotId(2),
        );
        table.commit(&replace).unwrap();
        assert_eq!(refs(&table), [named("checked", 2, true), main.clone(), named("v1", 2, false)]);
        table.commit(&UpdateRefs::new().remove_branch("checked").remove_tag("v1")).unwrap();
        assert_eq!(refs(&table), [main]);
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_done() {
    let mut table = table(FormatVersion::V2);
    table.commit(&UpdateRefs::new().create_tag("t", None)).unwrap();
    let before = refs(&table);
    let first = || UpdateRefs::new().create_branch("made first", None);
    for (wrong, told) in [
        (UpdateRefs::new(), "changes nothing"),
        (first().create_branch("t", None), "`t`"),
        (first().create_tag("x", SnapshotId(99)), "99"),
        (first().remove_branch("t"), "`t`"),
        (first().remove_tag("nowhere"), "nowhere"),
        (first().remove_branch("main"), "neither removed nor renamed"),
        (first().rename_branch("main", "other"), "neither removed nor renamed"),
        (first().create_tag("main", None), "is a branch"),
        (first().create_branch("", None), "has a name"),
        (first().set_max_ref_age_ms("t", Some(0)), "positive"),
    ] {
        let refusal = table.commit(&wrong).unwrap_err().to_string();
        assert!(refusal.contains(told), "{refusal}");
        assert_eq!(refs(&table), before);
    }
    // `audit` goes back, and is no ancestor.
    table.commit(&UpdateRefs::new().create_branch("audit", SnapshotId(2))).unwrap();
    table.commit(&append("c").to_branch("audit")).unwrap();
    let refusal = table.commit(&UpdateRefs::new().fast_forward("audit", "main")).unwrap_err();
    assert!(refusal.to_string().contains("audit"), "{refusal}");
}

#[test]
fn d13_a_branch_that_others_moved_is_not_moved_past_them() {
    let mut table = table(FormatVersion::V2);
    table.commit(&UpdateRefs::new().create_branch("audit", SnapshotId(2))).unwrap();
    let table = table.numbered(50);
    let ours = UpdateRefs::new().replace_branch("audit", SnapshotId(2), SnapshotId(3));
    let lost = table.attempt(&ours, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.keep_files(&lost);
    other.commit(&append("theirs").to_branch("audit")).unwrap();
    match other.for_operation(50).attempt(&ours, 2, &[]).unwrap_err() {
        Refusal::Conflict(conflict) => assert_eq!(conflict.kind, ConflictKind::Requirement),
        other => panic!("{other}"),
    }
}

#[test]
fn d13_a_tag_of_a_snapshot_that_expired_meanwhile_is_a_conflict() {
    let table = table(FormatVersion::V2).numbered(50);
    let ours = UpdateRefs::new().create_tag("late", SnapshotId(2));
    table.attempt(&ours, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.commit(&ExpireSnapshots::new().older_than_ms(0).snapshot(SnapshotId(2))).unwrap();
    match other.for_operation(50).attempt(&ours, 2, &[]).unwrap_err() {
        Refusal::Conflict(conflict) => assert_eq!(conflict.kind, ConflictKind::Requirement),
        other => panic!("{other}"),
    }
}

#[test]
fn retention_is_kept_when_a_branch_moves() {
    let mut table = table(FormatVersion::V2);
    let mut retention = BranchRetention::default();
    retention.min_snapshots_to_keep = Some(7);
    table.commit(&UpdateRefs::new().set_branch_retention("main", retention)).unwrap();
    table.commit(&append("c")).unwrap();
    let text = String::from_utf8(table.metadata().to_json().into_bytes()).unwrap();
    assert!(text.contains("\"min-snapshots-to-keep\":7"), "{text}");
}
