//! Which snapshots leave the table with a commit: those beyond the number that `datashard.snapshot.retention-count` keeps.
//!
//! Only ancestors of `main` go, and only those that no branch or tag needs. It bounds the size of the metadata, and with it the cost of
//! every later commit; what is old but not yet expired otherwise is for `expire` to decide.

use std::collections::BTreeSet;

use datashard_spec::SpecError;
use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::property::{TableProperties, datashard, table};
use datashard_spec::snapshot_ref::{BranchRetention, MAIN_BRANCH, RefKind};

/// Snapshots that go when a snapshot made at `now_ms` becomes the head of `main`; none unless the property is set.
///
/// Of each branch the newest stay, its own retention settings permitting more. Nothing goes where `gc.enabled` is not true.
///
/// # Errors
/// `InvalidData` if a snapshot is malformed.
pub(super) fn beyond_count(metadata: &TableMetadata, now_ms: i64) -> Result<Vec<SnapshotId>, SpecError> {
    let properties = TableProperties::new(metadata.properties());
    let Some(count) = properties.value(&datashard::SNAPSHOT_RETENTION_COUNT) else { return Ok(Vec::new()) };
    let gc_enabled = properties.parsed(&table::GC_ENABLED);
    let head = metadata.current_snapshot_id();
    let (Some(head), true, None) = (head, gc_enabled.value, gc_enabled.warning) else {
        return Ok(Vec::new());
    };
    let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);

    let mut kept = BTreeSet::new();
    for (name, reference) in metadata.refs() {
        let is_main = name == MAIN_BRANCH;
        if !is_main {
            kept.insert(reference.snapshot_id);
        }
        if let RefKind::Branch(retention) = reference.kind {
            // The head of main is about to have a child, and to be a target no more.
            let newer = usize::from(is_main);
            kept.extend(newest(metadata, reference.snapshot_id, newer, count, retention, now_ms)?);
        }
    }
    let mut gone = Vec::new();
    for snapshot in metadata.ancestors(head) {
        let id = snapshot?.id;
        if !kept.contains(&id) {
            gone.push(id);
        }
    }
    Ok(gone)
}

fn newest(
    metadata: &TableMetadata,
    head: SnapshotId,
    newer: usize,
    count: usize,
    retention: BranchRetention,
    now_ms: i64,
) -> Result<Vec<SnapshotId>, SpecError> {
    let at_least = retention.min_snapshots_to_keep.and_then(|min| usize::try_from(min).ok()).unwrap_or(0);
    let since_ms = retention.max_snapshot_age_ms.map_or(i64::MAX, |age_ms| now_ms.saturating_sub(age_ms));
    let mut kept = Vec::new();
    for (position, snapshot) in (newer..).zip(metadata.ancestors(head)) {
        let snapshot = snapshot?;
        if position >= count.max(at_least) && snapshot.timestamp_ms < since_ms {
            break;
        }
        kept.push(snapshot.id);
    }
    Ok(kept)
}
