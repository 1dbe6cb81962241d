//! [`ExpireSnapshots`]: removes snapshots that need not be kept any more.

mod definitions;
mod thinning;

pub use thinning::Thinning;

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::metadata::retention::{Expired, RetentionOverrides, expired_snapshots};
use datashard_spec::property::table;

use self::definitions::Used;
use super::metadata_change::{changed, of_error};
use super::metadata_form::existing;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::Read;
use crate::refusal::Refusal;
use crate::segments::{SegmentIndex, damaged};

const NAME: &str = "expire snapshots";

/// Removes snapshots that need not be kept any more, with their statistics, and branches and tags that have reached their age. Files that
/// only they refer to go with the next sweep.
///
/// What need not be kept is decided anew on each version that the change is applied to, by the settings of branches and tags, those given
/// here, and the table's properties, in this order. Nothing is removed that a branch or tag names, and where nothing is due, nothing changes.
///
/// Tables whose `gc.enabled` is not true are refused, unless it was history segments that switched it off: then other engines must not expire
/// snapshots, and this one knows what is in the segments. What lies in them is for [`TrimHistory`](crate::segments::TrimHistory).
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use datashard_txn::action::{ExpireSnapshots, Thinning};
///
/// const HOUR: Duration = Duration::from_secs(3_600);
/// let expire = ExpireSnapshots::new()
///     .older_than_ms(1_700_000_000_000)
///     .keep_last(10)
///     .thinned(Thinning::new().one_per(HOUR, 48 * HOUR).one_per(24 * HOUR, 365 * 24 * HOUR));
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ExpireSnapshots {
    older_than_ms: Option<i64>,
    keep_last: Option<u32>,
    snapshot_ids: Vec<SnapshotId>,
    thinning: Thinning,
    removes_definitions: bool,
}

impl ExpireSnapshots {
    /// Removes what the table's properties say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Snapshots from before this time expire, in ms since 1970-01-01 UTC, instead of those of the age that the properties say.
    pub fn older_than_ms(mut self, time_ms: i64) -> Self {
        self.older_than_ms = Some(time_ms);
        self
    }

    /// How many of the newest snapshots of each branch are kept whatever their age, at least one.
    pub fn keep_last(mut self, count: u32) -> Self {
        self.keep_last = Some(count);
        self
    }

    /// This snapshot expires whatever its age. If it is gone already, that is fine; if a branch or tag names it, that is refused.
    pub fn snapshot(mut self, snapshot_id: SnapshotId) -> Self {
        self.snapshot_ids.push(snapshot_id);
        self
    }

    /// Of the history of `main` that would expire, some snapshots are kept, the fewer the older they are.
    pub fn thinned(mut self, thinning: Thinning) -> Self {
        self.thinning = thinning;
        self
    }

    /// Removes schemas and partition specs, too, that no snapshot uses any more. Appends under way whose files were written for one of them are
    /// refused then, as are appends that come back with such files later.
    ///
    /// If the table has several partition specs, the manifest list of every snapshot that stays is read.
    pub fn removing_unused_definitions(mut self) -> Self {
        self.removes_definitions = true;
        self
    }

    /// Whether it would change anything at this time, in ms since 1970-01-01 UTC. Unused schemas and specs are not looked for.
    ///
    /// # Errors
    /// As the commit, where it would be refused.
    pub fn is_due(&self, base: &Base, now_ms: i64) -> Result<bool, crate::CommitError> {
        let decided = self.decide(base, now_ms);
        let decided = decided.map_err(|e| match e {
            Failure::Spec(error) => crate::CommitError::rejected(format!("{NAME}: {error}")),
            Failure::Refused(refusal) => {
                crate::CommitError::of_refusal(*refusal, base.metadata.location().to_owned())
            }
        })?;
        Ok(!decided.into_updates().is_empty())
    }

    fn decide(&self, base: &Base, now_ms: i64) -> Result<Decided, Failure> {
        let metadata = &base.metadata;
        let index = SegmentIndex::of_properties(metadata.properties())
            .map_err(|reason| Failure::Refused(Box::new(damaged(base, reason))))?;
        let mut overrides = RetentionOverrides::default().with_snapshot_ids(self.snapshot_ids.clone());
        overrides.older_than_ms = self.older_than_ms;
        overrides.min_snapshots_to_keep = self.keep_last.map(|count| i64::from(count.max(1)));
        let is_off = metadata.properties().get(table::GC_ENABLED.key).is_some_and(|value| value == "false");
        if index.turned_gc_off && is_off {
            overrides = overrides.ignoring_gc_enabled();
        }
        if self.thinning.is_none() {
            let expired = expired_snapshots(metadata, now_ms, &overrides).map_err(Failure::Spec)?;
            return Ok(Decided { tags: Vec::new(), expired });
        }
        let (tags, expired) = self.thinning.thin(metadata, now_ms, &overrides).map_err(Failure::Spec)?;
        Ok(Decided { tags, expired })
    }

    fn decided(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Decided, Refusal> {
        self.decide(base, inputs.now_ms).map_err(|e| match e {
            Failure::Spec(error) => of_error(NAME, base, inputs, &error),
            Failure::Refused(refusal) => *refusal,
        })
    }
}

/// What is to be done.
struct Decided {
    /// Changes of the tags that thinning keeps snapshots by.
    tags: Vec<TableUpdate>,
    expired: Expired,
}

enum Failure {
    Spec(datashard_spec::SpecError),
    Refused(Box<Refusal>),
}

impl Decided {
    fn into_updates(self) -> Vec<TableUpdate> {
        let mut updates = self.tags;
        updates.extend(self.expired.into_updates());
        updates
    }
}

impl Operation for ExpireSnapshots {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{self:?}").into_bytes()
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        if !self.removes_definitions {
            return Ok(Vec::new());
        }
        let decided = self.decided(base, inputs)?;
        Used::new(base, inputs, &decided.expired.snapshot_ids).reads()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME)?;
        self.thinning.check().map_err(|reason| Refusal::Rejected { operation: NAME, reason })
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let decided = self.decided(base, inputs)?;
        let definitions = match self.removes_definitions {
            true => Used::new(base, inputs, &decided.expired.snapshot_ids).removals()?,
            false => Vec::new(),
        };
        let mut updates = decided.into_updates();
        updates.extend(definitions);
        changed(NAME, base, inputs, updates)
    }
}

#[cfg(test)]
mod tests;
