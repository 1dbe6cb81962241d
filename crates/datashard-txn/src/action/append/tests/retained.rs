//! Which snapshots leave the table with an append.

use super::*;

/// Appends `count` times and gives the ids of the snapshots that are left.
fn history(table: &mut TestTable, count: usize) -> Vec<i64> {
    let before = table.metadata().snapshot_count();
    (0..count).for_each(|number| {
        table.commit(&append(&format!("{before}-{number}-{}", table.now_ms))).unwrap();
        table.now_ms = table.now_ms.saturating_add(1);
    });
    table.metadata().snapshot_ids().map(|id| id.0).collect()
}

#[test]
fn only_as_many_snapshots_stay_as_the_table_asks_for_and_those_that_refs_need() {
    let mut table = TestTable::plain(FormatVersion::V2);
    assert_eq!(history(&mut table, 5).len(), 5, "none is removed by default");
    let refs = [
        ("tagged", SnapshotRef::tag(datashard_spec::id::SnapshotId(3))),
        ("branch", SnapshotRef::branch(datashard_spec::id::SnapshotId(4))),
    ];
    let updates =
        refs.map(|(name, reference)| TableUpdate::SetSnapshotRef { name: name.to_owned(), reference });
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&updates, &ApplyContext::new(1_000)).unwrap();
    table.commit(&SetProperties::new().set("datashard.snapshot.retention-count", "2")).unwrap();
    // The commit of the properties took number 7.
    assert_eq!(history(&mut table, 1), [3, 4, 6, 8]);
    assert_eq!(history(&mut table, 3), [3, 4, 10, 11], "the branch keeps its newest two as well");
    let main = table.metadata().refs()[MAIN_BRANCH].snapshot_id.0;
    assert_eq!(main, 11);
    assert_eq!(table.live().len(), 9, "no file goes with its snapshot");
}

#[test]
fn settings_of_main_stay_and_keep_more_snapshots() {
    let mut table = TestTable::plain(FormatVersion::V2);
    history(&mut table, 2);
    let reference = table.metadata().refs()[MAIN_BRANCH].clone().with_min_snapshots_to_keep(4);
    let update = TableUpdate::SetSnapshotRef { name: MAIN_BRANCH.to_owned(), reference };
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&[update], &ApplyContext::new(1_000)).unwrap();
    table.commit(&SetProperties::new().set("datashard.snapshot.retention-count", "1")).unwrap();
    assert_eq!(history(&mut table, 4).len(), 4);
    table.commit(&SetProperties::new().set("gc.enabled", "false")).unwrap();
    assert_eq!(history(&mut table, 2).len(), 6, "nothing expires where files may be others'");
}
