//! Statistics files: one of a kind for a snapshot that is listed, below the table, whatever else is committed meanwhile.

use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::metadata::FormatVersion;

use super::*;
use crate::action::testing::{LOCATION, TestTable, file};
use crate::action::{Append, ExpireSnapshots};
use crate::conflict::ConflictKind;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];

fn statistics(id: i64, name: &str) -> StatisticsFile {
    StatisticsFile::new(SnapshotId(id), format!("{LOCATION}/metadata/{name}.stats"), 2_048, 512)
}

fn of_partitions(id: i64, name: &str) -> PartitionStatisticsFile {
    PartitionStatisticsFile::new(SnapshotId(id), format!("{LOCATION}/metadata/{name}.parquet"), 1_024)
}

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))
}

/// Snapshots 2 and 3.
fn two_snapshots(version: FormatVersion) -> TestTable {
    let mut table = TestTable::plain(version);
    table.commit(&append("a")).unwrap();
    table.commit(&append("b")).unwrap();
    table
}

fn paths(table: &TestTable) -> Vec<(i64, String)> {
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let metadata = table.metadata();
    let files = metadata.statistics().iter().map(|file| (file.snapshot_id.0, name(&file.path)));
    let of_partitions = metadata.partition_statistics().iter();
    files.chain(of_partitions.map(|file| (file.snapshot_id.0, name(&file.path)))).collect()
}

#[test]
fn files_are_set_replaced_and_removed_each_kind_by_itself_in_every_version() {
    for version in VERSIONS {
        let mut table = two_snapshots(version);
        let head = table.metadata().current_snapshot_id();
        let update = UpdateStatistics::new().set(statistics(2, "x")).set_partition(of_partitions(2, "p"));
        table.commit(&update).unwrap();
        assert_eq!(paths(&table), [(2, "x.stats".to_owned()), (2, "p.parquet".to_owned())], "{version}");
        table.commit(&UpdateStatistics::new().set(statistics(2, "y")).set(statistics(3, "z"))).unwrap();
        assert_eq!(table.metadata().statistics().len(), 2, "{version}: at most one for each snapshot");
        table.commit(&UpdateStatistics::new().remove(SnapshotId(2)).remove(SnapshotId(99))).unwrap();
        assert_eq!(paths(&table), [(3, "z.stats".to_owned()), (2, "p.parquet".to_owned())], "{version}");
        table.commit(&UpdateStatistics::new().remove_partition(SnapshotId(2))).unwrap();
        assert_eq!(paths(&table), [(3, "z.stats".to_owned())]);
        assert_eq!(table.metadata().current_snapshot_id(), head, "no snapshot is made");
    }
}

#[test]
fn a_retry_keeps_what_others_appended_and_set_and_loses_against_an_expiry_alone() {
    for version in VERSIONS {
        let table = two_snapshots(version).numbered(50);
        let ours = UpdateStatistics::new().set(statistics(2, "ours"));
        table.attempt(&ours, 1, &[]).unwrap();
        let mut other = table.clone().numbered(60);
        other.commit(&append("theirs")).unwrap();
        other.commit(&UpdateStatistics::new().set(statistics(2, "theirs")).set(statistics(3, "z"))).unwrap();
        let mut again = other.for_operation(50);
        let next = again.attempt(&ours, 2, &[]).unwrap();
        again.adopt(&next);
        let mut found = paths(&again);
        found.sort();
        assert_eq!(found, [(2, "ours.stats".to_owned()), (3, "z.stats".to_owned())], "{version}");
        assert_eq!(again.live().len(), 3);

        again.commit(&ExpireSnapshots::new().older_than_ms(i64::MAX)).unwrap();
        assert!(paths(&again).iter().all(|(id, _)| *id != 2), "{version}: they went with the snapshot");
        let Err(Refusal::Conflict(conflict)) = again.attempt(&ours, 2, &[]) else { panic!("it expired") };
        assert_eq!(conflict.kind, ConflictKind::Requirement);
        assert!(matches!(again.attempt(&ours, 1, &[]), Err(Refusal::Rejected { operation: NAME, .. })));
        // What is to be gone is gone.
        assert!(again.attempt(&UpdateStatistics::new().remove(SnapshotId(2)), 2, &[]).is_ok());
    }
}

#[test]
fn files_that_cannot_be_what_they_are_said_to_be_are_refused() {
    let table = two_snapshots(FormatVersion::V2);
    let path = || format!("{LOCATION}/metadata/s.stats");
    let file = |path: String, size, footer| StatisticsFile::new(SnapshotId(2), path, size, footer);
    let new = UpdateStatistics::new;
    for update in [
        new(),
        new().set(file(path(), -1, 0)),
        new().set(file(path(), 10, -1)),
        new().set(file(path(), 10, 11)),
        new().set_partition(PartitionStatisticsFile::new(SnapshotId(2), path(), -1)),
        new().set(file("memory://elsewhere/s.stats".to_owned(), 10, 1)),
        new().set_partition(PartitionStatisticsFile::new(SnapshotId(2), "/elsewhere", 1)),
        new().set(statistics(7, "unlisted")),
    ] {
        let refusal = table.attempt(&update, 1, &[]).unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected { operation: NAME, .. }), "{update:?}: {refusal}");
    }
    let update = new().remove(SnapshotId(2));
    assert!(matches!(TestTable::none().attempt(&update, 1, &[]), Err(Refusal::NoTable)));
}

#[test]
fn the_oldest_epoch_of_the_files_bounds_how_late_it_may_come() {
    let named = |name: &str| statistics(2, name);
    let epochs = |update: UpdateStatistics| update.oldest_epoch();
    let prefix = |version: u64| epoch::prefix(MetadataVersion(version));
    let both = UpdateStatistics::new()
        .set(named(&format!("{}-a", prefix(9))))
        .set_partition(of_partitions(2, &format!("{}-b", prefix(4))))
        .remove(SnapshotId(1));
    assert_eq!(epochs(both), Some(MetadataVersion(4)));
    assert_eq!(epochs(UpdateStatistics::new().remove(SnapshotId(2))), None);
}
