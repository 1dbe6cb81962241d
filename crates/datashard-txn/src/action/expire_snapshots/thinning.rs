//! [`Thinning`]: of old history, one snapshot per minute, hour or day.
//!
//! What is kept is kept by tags. So every reader can ask for it by name, and no other engine expires it before its time: without a tag, a
//! snapshot whose neighbours are gone is part of no history.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use datashard_spec::SpecError;
use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::retention::{Expired, RetentionOverrides, expired_snapshots};
use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};
use datashard_spec::snapshot_ref::{MAIN_BRANCH, SnapshotRef};

/// Tags that keep snapshots of a thinned history begin like this; the snapshot's id follows.
const TAG: &str = "datashard.kept.";

/// Which snapshots of old history are kept: one in each stretch of time, of stretches that grow with age.
///
/// They are kept by tags `datashard.kept.{snapshot id}`, which go when the policy says so. With the others the snapshot log loses what lies
/// before them, so of thinned history snapshots are asked for by tag or id, not by time.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use datashard_txn::action::Thinning;
///
/// const HOUR: Duration = Duration::from_secs(3_600);
/// let thinning = Thinning::new().one_per(HOUR, 48 * HOUR).one_per(24 * HOUR, 365 * 24 * HOUR);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Thinning {
    /// By age.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    every_ms: i64,
    until_ms: i64,
}

impl Thinning {
    /// Nothing is kept.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of snapshots up to this age, and older than those of the steps before, the newest in each stretch of time is kept. Stretches are counted
    /// from 1970-01-01 UTC.
    pub fn one_per(mut self, stretch: Duration, until_age: Duration) -> Self {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.steps.push(Step { every_ms: ms(stretch), until_ms: ms(until_age) });
        self
    }

    pub(super) fn is_none(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the steps make sense.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut before = Step { every_ms: 0, until_ms: 0 };
        for step in &self.steps {
            if step.every_ms <= 0 {
                return Err("thinning keeps one snapshot per stretch of time, and one is shorter than 1 ms"
                    .to_owned());
            }
            if step.every_ms < before.every_ms || step.until_ms <= before.until_ms {
                return Err(
                    "the steps of thinning go from young to old, and their stretches do not get shorter"
                        .to_owned(),
                );
            }
            before = *step;
        }
        Ok(())
    }

    /// What expires, and how the tags change.
    pub(super) fn thin(
        &self,
        metadata: &TableMetadata,
        now_ms: i64,
        overrides: &RetentionOverrides,
    ) -> Result<(Vec<TableUpdate>, Expired), SpecError> {
        let tagged: BTreeMap<SnapshotId, (&String, &SnapshotRef)> = metadata
            .refs()
            .iter()
            .filter(|(name, reference)| !reference.is_branch() && **name == tag_of(reference.snapshot_id))
            .map(|(name, reference)| (reference.snapshot_id, (name, reference)))
            .collect();
        // As if nothing were kept by these tags: all of it is decided anew.
        let without =
            tagged.values().map(|(name, _)| TableUpdate::RemoveSnapshotRef { name: (*name).clone() });
        let untagged = metadata.apply(&without.collect::<Vec<_>>(), &ApplyContext::new(now_ms))?;
        let mut expired = expired_snapshots(&untagged, now_ms, overrides)?;

        let mut candidates: BTreeSet<SnapshotId> = tagged.keys().copied().collect();
        let head = metadata.refs().get(MAIN_BRANCH).map(|main| main.snapshot_id);
        for snapshot in head.into_iter().flat_map(|head| metadata.ancestors(head)) {
            candidates.insert(snapshot?.id);
        }
        candidates.retain(|id| !overrides.snapshot_ids.contains(id));
        let mut kept: BTreeMap<(usize, i64), (i64, i64, SnapshotId)> = BTreeMap::new();
        for id in expired.snapshot_ids.iter().filter(|id| candidates.contains(id)) {
            let Some(snapshot) = metadata.snapshot(*id)? else { continue };
            let made_ms = snapshot.timestamp_ms;
            let age_ms = now_ms.saturating_sub(made_ms);
            let Some((number, step)) =
                self.steps.iter().enumerate().find(|(_, step)| age_ms <= step.until_ms)
            else {
                continue;
            };
            let stretch = made_ms.div_euclid(step.every_ms.max(1));
            let newest = (made_ms, snapshot.sequence_number.0, *id);
            let there = kept.entry((number, stretch)).or_insert(newest);
            *there = newest.max(*there);
        }
        let kept: BTreeSet<SnapshotId> = kept.into_values().map(|(_, _, id)| id).collect();
        expired.snapshot_ids.retain(|id| !kept.contains(id));

        let max_age_ms = self.steps.last().map_or(1, |step| step.until_ms.max(1));
        let mut updates = Vec::new();
        for (id, (name, _)) in &tagged {
            if expired.snapshot_ids.contains(id) {
                updates.push(TableUpdate::RemoveSnapshotRef { name: (*name).clone() });
            }
        }
        for id in kept {
            let reference = SnapshotRef::tag(id).with_max_ref_age_ms(max_age_ms);
            if tagged.get(&id).is_none_or(|(_, there)| **there != reference) {
                updates.push(TableUpdate::SetSnapshotRef { name: tag_of(id), reference });
            }
        }
        Ok((updates, expired))
    }
}

fn tag_of(id: SnapshotId) -> String {
    format!("{TAG}{id}")
}
