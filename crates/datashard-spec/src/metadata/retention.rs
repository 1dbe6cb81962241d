//! Which refs and snapshots have expired: a decision, as values. Nothing is removed here.

use std::collections::{BTreeMap, HashSet};

use super::{MetadataError, TableMetadata, TableUpdate};
use crate::SpecError;
use crate::id::SnapshotId;
use crate::snapshot_ref::{MAIN_BRANCH, RefKind, SnapshotRef};

const MAX_SNAPSHOT_AGE_MS: (&str, i64) = ("history.expire.max-snapshot-age-ms", 432_000_000);
const MIN_SNAPSHOTS_TO_KEEP: (&str, i64) = ("history.expire.min-snapshots-to-keep", 1);
const MAX_REF_AGE_MS: (&str, i64) = ("history.expire.max-ref-age-ms", i64::MAX);

/// What a caller wants other than the table's properties say. Settings of a branch or tag of its own still go before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetentionOverrides {
    /// Snapshots from before this time expire, in milliseconds since 1970-01-01 UTC.
    pub older_than_ms: Option<i64>,
    /// The newest snapshots of each branch that are kept whatever their age.
    pub min_snapshots_to_keep: Option<i64>,
    /// Snapshots to expire whatever their age. None may be the target of a ref.
    pub snapshot_ids: Vec<SnapshotId>,
}

/// What has expired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Expired {
    /// Branches and tags, by name.
    pub refs: Vec<String>,
    /// Snapshots, in the order of the metadata.
    pub snapshot_ids: Vec<SnapshotId>,
}

impl Expired {
    /// The updates that remove it; none if nothing has expired.
    pub fn into_updates(self) -> Vec<TableUpdate> {
        let refs = self.refs.into_iter().map(|name| TableUpdate::RemoveSnapshotRef { name });
        let mut updates: Vec<_> = refs.collect();
        if !self.snapshot_ids.is_empty() {
            updates.push(TableUpdate::RemoveSnapshots { snapshot_ids: self.snapshot_ids });
        }
        updates
    }
}

/// Decides what has expired at `now_ms`.
///
/// Refs but `main` go when their snapshot is older than their age. Of a branch, history is kept from the head down while a
/// snapshot is among the newest to keep or young enough; below the first that is neither, all goes. A snapshot of no
/// ref's history is kept while it is young enough.
///
/// # Errors
/// `InvalidInput` if `gc.enabled` is false, or a snapshot named in `overrides` is the target of a ref that stays;
/// `InvalidData` if a snapshot is malformed.
///
/// # Spec
/// "Snapshot Retention Policy".
pub fn expired_snapshots(
    metadata: &TableMetadata,
    now_ms: i64,
    overrides: &RetentionOverrides,
) -> Result<Expired, SpecError> {
    if metadata.properties().get("gc.enabled").is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        let found = "gc.enabled=false".to_owned();
        return Err(refused("files of the table may belong to others: nothing may expire", found).into());
    }
    let property = |(key, default): (&str, i64)| {
        metadata.properties().get(key).and_then(|n| n.parse().ok()).unwrap_or(default)
    };
    let default_cutoff_ms =
        overrides.older_than_ms.unwrap_or_else(|| now_ms.saturating_sub(property(MAX_SNAPSHOT_AGE_MS)));
    let default_min = overrides.min_snapshots_to_keep.unwrap_or_else(|| property(MIN_SNAPSHOTS_TO_KEEP));

    let mut expired = Expired::default();
    let mut kept_refs: BTreeMap<&str, &SnapshotRef> = BTreeMap::new();
    for (name, reference) in metadata.refs() {
        let max_age_ms = reference.max_ref_age_ms.unwrap_or_else(|| property(MAX_REF_AGE_MS));
        let taken_ms = metadata.existing_snapshot(reference.snapshot_id)?.timestamp_ms;
        if name != MAIN_BRANCH && now_ms.saturating_sub(taken_ms) > max_age_ms {
            expired.refs.push(name.clone());
        } else {
            kept_refs.insert(name, reference);
        }
    }
    for id in &overrides.snapshot_ids {
        if let Some((name, _)) = kept_refs.iter().find(|(_, reference)| reference.snapshot_id == *id) {
            let found = format!("snapshot {id} of {:?}", crate::error::excerpt(name));
            return Err(refused("a snapshot that a branch or tag names cannot expire", found).into());
        }
    }

    let mut kept: HashSet<SnapshotId> = HashSet::new();
    let mut referenced: HashSet<SnapshotId> = HashSet::new();
    for reference in kept_refs.values() {
        kept.insert(reference.snapshot_id);
        referenced.insert(reference.snapshot_id);
        let RefKind::Branch(retention) = reference.kind else { continue };
        let cutoff_ms =
            retention.max_snapshot_age_ms.map_or(default_cutoff_ms, |age_ms| now_ms.saturating_sub(age_ms));
        let min = retention.min_snapshots_to_keep.map_or(default_min, i64::from);
        let mut keeping = true;
        for (position, snapshot) in (0_i64..).zip(metadata.ancestors(reference.snapshot_id)) {
            let snapshot = snapshot?;
            // Once a snapshot goes, older ones go too, though a clock that was wrong may make them look young.
            keeping = keeping && (position < min || snapshot.timestamp_ms >= cutoff_ms);
            let seen = !referenced.insert(snapshot.id) && position > 0;
            if keeping {
                kept.insert(snapshot.id);
            } else if seen {
                // Another branch has been here: all that is older is known.
                break;
            }
        }
    }
    let named: HashSet<SnapshotId> = overrides.snapshot_ids.iter().copied().collect();
    for snapshot in metadata.snapshots() {
        let snapshot = snapshot?;
        let young = !referenced.contains(&snapshot.id) && snapshot.timestamp_ms >= default_cutoff_ms;
        if named.contains(&snapshot.id) || !(young || kept.contains(&snapshot.id)) {
            expired.snapshot_ids.push(snapshot.id);
        }
    }
    Ok(expired)
}

fn refused(reason: &'static str, found: String) -> MetadataError {
    MetadataError::Refused { update: "expire snapshots", reason, found }
}
