//! Expiry: what is too old goes, and nothing that a branch, a tag or a history segment is in need of. Snapshot `n` is made on day `n`.

mod definitions;
mod thinning;

use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::metadata::{FormatVersion, StatisticsFile};
use datashard_spec::snapshot_ref::BranchRetention;

use super::*;
use crate::action::testing::{LOCATION, TestTable, file, schema};
use crate::action::{Append, CreateTable, SetProperties, UpdateRefs, UpdateStatistics};
use crate::conflict::ConflictKind;
use crate::segments::HISTORY;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];
const DAY_MS: i64 = 86_400_000;

fn append(schema: i32, name: impl std::fmt::Display) -> Append {
    Append::new(SchemaId(schema)).with_file(PartitionSpecId(0), file(&format!("f{name}")))
}

fn append_on_days(table: &mut TestTable, schema: i32, days: std::ops::RangeInclusive<i64>) {
    for day in days {
        table.now_ms = day * DAY_MS;
        *table = table.clone().numbered(u64::try_from(day).unwrap());
        table.commit(&append(schema, day)).unwrap();
        assert_eq!(table.metadata().current_snapshot_id(), Some(SnapshotId(day)));
    }
}

/// Snapshots 2 to 11; it is noon of day 12.
fn ten_days(create: CreateTable) -> TestTable {
    let mut table = TestTable::create(create);
    append_on_days(&mut table, 0, 2..=11);
    table.now_ms = 12 * DAY_MS + DAY_MS / 2;
    table
}

fn created(version: FormatVersion) -> CreateTable {
    CreateTable::new(schema()).with_format_version(version)
}

fn ids(table: &TestTable) -> Vec<i64> {
    table.metadata().snapshot_ids().map(|id| id.0).collect()
}

fn tag(name: &str, id: i64) -> UpdateRefs {
    UpdateRefs::new().create_tag(name, SnapshotId(id))
}

fn is_requirement(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Conflict(conflict) if conflict.kind == ConflictKind::Requirement)
}

#[test]
fn what_is_older_than_the_properties_say_goes_with_its_statistics_in_every_version() {
    for version in VERSIONS {
        let mut table = ten_days(created(version));
        let statistics =
            |id| StatisticsFile::new(SnapshotId(id), format!("{LOCATION}/metadata/{id}.stats"), 100, 10);
        table.commit(&UpdateStatistics::new().set(statistics(3)).set(statistics(9))).unwrap();
        let (before, head) = (table.live(), table.metadata().current_snapshot_id());
        assert!(ExpireSnapshots::new().is_due(table.base(), table.now_ms).unwrap());
        let next = table.commit(&ExpireSnapshots::new()).unwrap();
        assert_eq!(ids(&table), [8, 9, 10, 11], "{version}: five days before noon of day 12");
        assert_eq!(table.metadata().statistics().len(), 1);
        assert_eq!((next.snapshot_id, table.metadata().current_snapshot_id()), (None, head));
        assert_eq!(table.live(), before, "{version}: no file of the table is lost");
        let log: Vec<i64> = table.metadata().snapshot_log().iter().map(|entry| entry.snapshot_id.0).collect();
        assert_eq!(log, [8, 9, 10, 11]);
        assert!(!ExpireSnapshots::new().is_due(table.base(), table.now_ms).unwrap());
    }
}

#[test]
fn what_the_caller_says_goes_before_the_tables_properties() {
    let days = |days: i64| (days * DAY_MS).to_string();
    let properties = created(FormatVersion::V2)
        .with_property("history.expire.max-snapshot-age-ms", days(3))
        .with_property("history.expire.min-snapshots-to-keep", "4");
    let table = ten_days(properties);
    let future = i64::MAX;
    for (expire, expect) in [
        (ExpireSnapshots::new(), &[8, 9, 10, 11][..]),
        (ExpireSnapshots::new().keep_last(1), &[10, 11]),
        (ExpireSnapshots::new().older_than_ms(6 * DAY_MS), &[6, 7, 8, 9, 10, 11]),
        (ExpireSnapshots::new().older_than_ms(future).keep_last(2), &[10, 11]),
        (ExpireSnapshots::new().older_than_ms(future).keep_last(0), &[11]),
        (ExpireSnapshots::new().older_than_ms(i64::MIN), &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (ExpireSnapshots::new().older_than_ms(0).snapshot(SnapshotId(9)), &[2, 3, 4, 5, 6, 7, 8, 10, 11]),
        (ExpireSnapshots::new().older_than_ms(0).snapshot(SnapshotId(99)), &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ] {
        let mut table = table.clone();
        table.commit(&expire).unwrap();
        assert_eq!(ids(&table), expect, "{expire:?}");
    }
}

#[test]
fn branches_and_tags_keep_what_they_name_until_their_own_age() {
    for version in VERSIONS {
        let mut table = ten_days(created(version));
        let mut retention = BranchRetention::default();
        retention.min_snapshots_to_keep = Some(2);
        let refs = tag("q1", 2)
            .create_tag("short", SnapshotId(4))
            .set_max_ref_age_ms("short", Some(DAY_MS))
            .create_branch("audit", SnapshotId(6))
            .set_branch_retention("audit", retention);
        table.commit(&refs).unwrap();
        let expire = ExpireSnapshots::new().older_than_ms(i64::MAX).keep_last(1);
        table.commit(&expire).unwrap();
        assert_eq!(ids(&table), [2, 5, 6, 11], "{version}: tagged, two of the branch, the head");
        let refs: Vec<&str> = table.metadata().refs().keys().map(String::as_str).collect();
        assert_eq!(refs, ["audit", "main", "q1"]);
        for kept in ["audit", "main"] {
            assert!(table.base().head(kept).unwrap().is_some(), "{version}: {kept}");
        }
    }
}

#[test]
fn a_snapshot_that_a_branch_or_tag_names_is_not_expired_by_name() {
    let mut table = ten_days(created(FormatVersion::V2));
    let by_name = ExpireSnapshots::new().snapshot(SnapshotId(3));
    table.commit(&tag("keep", 3)).unwrap();
    let refusal = table.attempt(&by_name, 1, &[]).unwrap_err();
    assert!(matches!(refusal, Refusal::Rejected { operation: NAME, .. }), "{refusal}");
    assert!(refusal.to_string().contains("keep"), "{refusal}");
    assert!(by_name.is_due(table.base(), table.now_ms).is_err());
    let head = ExpireSnapshots::new().snapshot(SnapshotId(11));
    assert!(matches!(table.attempt(&head, 1, &[]), Err(Refusal::Rejected { .. })));
    assert!(matches!(TestTable::none().attempt(&by_name, 1, &[]), Err(Refusal::NoTable)));
}

#[test]
fn a_retry_decides_anew_and_keeps_what_others_named_meanwhile() {
    for version in VERSIONS {
        let table = ten_days(created(version)).numbered(50);
        let expire = ExpireSnapshots::new();
        let by_name = ExpireSnapshots::new().snapshot(SnapshotId(3));
        let lost = table.attempt(&expire, 1, &[]).unwrap();
        assert!(!lost.metadata.has_snapshot(SnapshotId(3)));

        let mut other = table.clone().numbered(60);
        other.commit(&tag("theirs", 3)).unwrap();
        other.commit(&append(0, "theirs")).unwrap();
        let files = other.live();
        let mut again = other.for_operation(50);
        let refusal = again.attempt(&by_name, 2, &[]).unwrap_err();
        assert!(is_requirement(&refusal), "{version}: others were faster: {refusal}");
        let next = again.attempt(&expire, 2, &[]).unwrap();
        again.adopt(&next);
        assert_eq!(ids(&again), [3, 8, 9, 10, 11, 61], "{version}");
        assert_eq!(again.live(), files);

        // Others who expired the same leave nothing to do, which is no failure.
        let mut other = table.clone().numbered(60);
        other.commit(&expire).unwrap();
        let again = other.for_operation(50);
        assert!(again.attempt(&by_name, 2, &[]).is_ok());
        let next = again.attempt(&expire, 2, &[]).unwrap();
        assert_eq!(next.metadata.snapshot_count(), 4);
    }
}

#[test]
fn tables_whose_files_may_belong_to_others_are_refused() {
    for value in ["false", "perhaps"] {
        let table = ten_days(created(FormatVersion::V2).with_property("gc.enabled", value));
        for expire in [ExpireSnapshots::new(), ExpireSnapshots::new().snapshot(SnapshotId(3))] {
            let refusal = table.attempt(&expire, 1, &[]).unwrap_err();
            assert!(matches!(refusal, Refusal::Rejected { .. }), "{refusal}");
            assert!(refusal.to_string().contains("gc.enabled"), "{refusal}");
        }
    }
    let mut table = ten_days(created(FormatVersion::V2));
    table.commit(&SetProperties::new().set("gc.enabled", "false")).unwrap();
    let refusal = table.attempt(&ExpireSnapshots::new(), 2, &[]).unwrap_err();
    assert!(is_requirement(&refusal), "it was switched off meanwhile: {refusal}");
}

/// Four snapshots are listed, older ones are in segments.
fn with_segments(create: CreateTable) -> TestTable {
    let table = ten_days(create.with_property("datashard.history.keep-snapshots", "4"));
    assert!(table.metadata().properties().contains_key(HISTORY));
    assert_eq!(table.metadata().properties()["gc.enabled"], "false");
    table
}

#[test]
fn where_segments_switched_gc_off_listed_snapshots_expire_and_segments_stay() {
    for version in VERSIONS {
        let mut table = with_segments(created(version));
        let (listed, segments) = (ids(&table), table.metadata().properties()[HISTORY].clone());
        assert!(listed.len() < 6 && listed.len() >= 4, "{listed:?}");
        table.commit(&ExpireSnapshots::new().older_than_ms(i64::MAX).keep_last(2)).unwrap();
        assert_eq!(ids(&table), [10, 11], "{version}");
        assert_eq!(table.metadata().properties()[HISTORY], segments, "{version}: history is not touched");
        assert_eq!(table.live().len(), 10);
        // A snapshot in a segment is not listed, which is as if it were gone.
        table.commit(&ExpireSnapshots::new().snapshot(SnapshotId(2))).unwrap();
        assert_eq!(table.metadata().properties()[HISTORY], segments);
    }
}

#[test]
fn where_somebody_else_switched_gc_off_segments_are_no_permission() {
    let table = with_segments(created(FormatVersion::V2).with_property("gc.enabled", "false"));
    let refusal = table.attempt(&ExpireSnapshots::new(), 1, &[]).unwrap_err();
    assert!(refusal.to_string().contains("gc.enabled"), "{refusal}");
}

#[test]
fn a_damaged_index_of_segments_is_told_and_nothing_expires() {
    let mut table = with_segments(created(FormatVersion::V2));
    let broken = TableUpdate::SetProperties { updates: [(HISTORY.to_owned(), "{}".to_owned())].into() };
    let context = datashard_spec::metadata::ApplyContext::new(table.now_ms);
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&[broken], &context).unwrap();
    let refusal = table.attempt(&ExpireSnapshots::new(), 1, &[]).unwrap_err();
    assert!(matches!(refusal, Refusal::Corrupt { .. }), "{refusal}");
}
