//! Which refs and snapshots have expired: a decision, as values. Nothing is removed here.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{MetadataError, TableMetadata, TableUpdate};
use crate::SpecError;
use crate::id::SnapshotId;
use crate::property::{TableProperties, table};
use crate::snapshot_ref::{MAIN_BRANCH, RefKind, SnapshotRef};

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
    /// Expire although `gc.enabled` is not true: for a caller that set it itself, to keep others from deleting files.
    pub gc_enabled_ignored: bool,
}

impl RetentionOverrides {
    /// With another time from before which snapshots expire, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn with_older_than_ms(mut self, older_than_ms: i64) -> Self {
        self.older_than_ms = Some(older_than_ms);
        self
    }

    /// With another number of newest snapshots of each branch that are kept.
    #[must_use]
    pub fn with_min_snapshots_to_keep(mut self, count: i64) -> Self {
        self.min_snapshots_to_keep = Some(count);
        self
    }

    /// With snapshots to expire whatever their age.
    #[must_use]
    pub fn with_snapshot_ids(mut self, ids: impl IntoIterator<Item = SnapshotId>) -> Self {
        self.snapshot_ids = ids.into_iter().collect();
        self
    }

    /// With `gc.enabled` left out of account.
    #[must_use]
    pub fn ignoring_gc_enabled(mut self) -> Self {
        self.gc_enabled_ignored = true;
        self
    }
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
/// `InvalidInput` if `gc.enabled` is anything but true and not to be ignored, or a snapshot named in `overrides` is the target of a ref that stays;
/// `InvalidData` if a snapshot is malformed.
///
/// # Spec
/// "Snapshot Retention Policy".
pub fn expired_snapshots(
    metadata: &TableMetadata,
    now_ms: i64,
    overrides: &RetentionOverrides,
) -> Result<Expired, SpecError> {
    let properties = TableProperties::new(metadata.properties());
    let gc_enabled = properties.parsed(&table::GC_ENABLED);
    // A value that makes no sense was hardly meant as a permission.
    let is_allowed = gc_enabled.value && gc_enabled.warning.is_none();
    if !is_allowed && !overrides.gc_enabled_ignored {
        let found = metadata.properties().get(table::GC_ENABLED.key).map(String::as_str).unwrap_or_default();
        let found = format!("gc.enabled={}", crate::error::excerpt(found));
        return Err(refused("files of the table may belong to others: nothing may expire", found).into());
    }
    let age_ms = |property| i64::try_from(properties.value(property)).unwrap_or(i64::MAX);
    let default_cutoff_ms =
        overrides.older_than_ms.unwrap_or_else(|| now_ms.saturating_sub(age_ms(&table::MAX_SNAPSHOT_AGE_MS)));
    let default_min = overrides
        .min_snapshots_to_keep
        .unwrap_or_else(|| i64::from(properties.value(&table::MIN_SNAPSHOTS_TO_KEEP)));
    let default_ref_age_ms = age_ms(&table::MAX_REF_AGE_MS);

    let mut expired = Expired::default();
    let mut kept_refs: BTreeMap<&str, &SnapshotRef> = BTreeMap::new();
    for (name, reference) in metadata.refs() {
        let max_age_ms = reference.max_ref_age_ms.unwrap_or(default_ref_age_ms);
        let taken_ms = metadata.existing_snapshot(reference.snapshot_id)?.timestamp_ms;
        if name != MAIN_BRANCH && now_ms.saturating_sub(taken_ms) > max_age_ms {
            expired.refs.push(name.clone());
        } else {
            kept_refs.insert(name, reference);
        }
    }
    let heads: HashMap<SnapshotId, &str> =
        kept_refs.iter().map(|(name, reference)| (reference.snapshot_id, *name)).collect();
    for id in &overrides.snapshot_ids {
        if let Some(name) = heads.get(id) {
            let found = format!("snapshot {id} of {:?}", crate::error::excerpt(name));
            return Err(refused("a snapshot that a branch or tag names cannot expire", found).into());
        }
    }

    let mut kept: HashSet<SnapshotId> = HashSet::new();
    let mut referenced: HashSet<SnapshotId> = HashSet::new();
    // How the walk that was here before went on: how many more it kept at least, and from which time on.
    let mut walked: HashMap<SnapshotId, (i64, i64)> = HashMap::new();
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
            referenced.insert(snapshot.id);
            if keeping {
                kept.insert(snapshot.id);
            }
            let going_on = if keeping { (min.saturating_sub(position), cutoff_ms) } else { (0, i64::MAX) };
            // Another branch that has been here and kept as much: all that is older is known.
            match walked.get_mut(&snapshot.id) {
                Some((more, since_ms)) if *more >= going_on.0 && *since_ms <= going_on.1 => break,
                Some(there) => *there = going_on,
                None => {
                    walked.insert(snapshot.id, going_on);
                }
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
