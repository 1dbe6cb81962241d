//! A branch goes back in its own history only, and not past what others did unless that was asked for.

use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::metadata::FormatVersion;

use super::*;
use crate::action::testing::{TestTable, file};
use crate::action::{Append, SetCurrentSnapshot, UpdateRefs};
use crate::conflict::ConflictKind;

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))
}

/// Snapshots 2, 3 and 4, a second apart.
fn table(version: FormatVersion) -> TestTable {
    let mut table = TestTable::plain(version);
    for name in ["a", "b", "c"] {
        table.now_ms += 1_000;
        table.commit(&append(name)).unwrap();
    }
    table
}

fn current(table: &TestTable) -> i64 {
    table.metadata().current_snapshot_id().unwrap().0
}

#[test]
fn it_goes_back_to_a_snapshot_or_a_time_and_on_from_there() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let mut table = table(version);
        table.commit(&RollbackTo::snapshot(SnapshotId(3))).unwrap();
        assert_eq!((current(&table), table.live().len()), (3, 2), "{version}");
        table.commit(&append("d")).unwrap();
        assert_eq!(table.live().len(), 3);
        let time_ms = table.metadata().snapshot(SnapshotId(3)).unwrap().unwrap().timestamp_ms;
        table.commit(&RollbackTo::before(time_ms)).unwrap();
        assert_eq!(current(&table), 2);
        // What is no ancestor any more is current by name only.
        let refusal = table.commit(&RollbackTo::snapshot(SnapshotId(4))).unwrap_err();
        assert!(refusal.to_string().contains('4'), "{refusal}");
        table.commit(&SetCurrentSnapshot::to(SnapshotId(4))).unwrap();
        assert_eq!(current(&table), 4);
        table.commit(&UpdateRefs::new().create_tag("good", SnapshotId(2))).unwrap();
        table.commit(&SetCurrentSnapshot::to_ref("good").from(Some(SnapshotId(4)))).unwrap();
        assert_eq!(current(&table), 2);
    }
}

#[test]
fn what_is_not_there_is_refused() {
    let mut table = table(FormatVersion::V2);
    for wrong in [
        RollbackTo::snapshot(SnapshotId(99)),
        RollbackTo::before(0),
        RollbackTo::snapshot(SnapshotId(2)).on_branch("nowhere"),
    ] {
        assert!(matches!(table.commit(&wrong), Err(Refusal::Rejected { .. })));
    }
    for wrong in [SetCurrentSnapshot::to(SnapshotId(99)), SetCurrentSnapshot::to_ref("nowhere")] {
        assert!(matches!(table.commit(&wrong), Err(Refusal::Rejected { .. })));
    }
    assert_eq!(current(&table), 4);
}

#[test]
fn d13_from_a_head_that_others_moved_it_is_a_conflict() {
    let table = table(FormatVersion::V2).numbered(50);
    let mut other = table.clone().numbered(60);
    other.commit(&append("theirs")).unwrap();
    let again = other.for_operation(50);
    let refusals = [
        again.attempt(&RollbackTo::snapshot(SnapshotId(2)).from(SnapshotId(4)), 2, &[]).unwrap_err(),
        again.attempt(&SetCurrentSnapshot::to(SnapshotId(2)).from(Some(SnapshotId(4))), 2, &[]).unwrap_err(),
    ];
    for refusal in refusals {
        match refusal {
            Refusal::Conflict(conflict) => assert_eq!(conflict.kind, ConflictKind::Requirement),
            other => panic!("{other}"),
        }
    }
}
