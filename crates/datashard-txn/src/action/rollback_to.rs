//! [`RollbackTo`]: takes a branch back to a snapshot of its history.

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::files::excerpt;
use super::metadata_change::{against, changed, damaged, listed, requirement};
use super::metadata_form::existing;
use super::update_refs::at;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "roll back";

/// Takes `main` or another branch back to a snapshot of its history. Schema, partition spec and properties stay as they are; the snapshots
/// that are left behind stay part of the table until they expire.
///
/// Commits that others make meanwhile are rolled back, too, unless [`from`](Self::from) says which head it is to be rolled back from.
///
/// # Examples
/// ```
/// use datashard_spec::id::SnapshotId;
/// use datashard_txn::action::RollbackTo;
///
/// let to_snapshot = RollbackTo::snapshot(SnapshotId(7)).from(SnapshotId(9));
/// let to_time = RollbackTo::before(1_700_000_000_000);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RollbackTo {
    target: Target,
    branch: Option<String>,
    from: Option<SnapshotId>,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Snapshot(SnapshotId),
    Before(i64),
}

impl RollbackTo {
    /// To this snapshot.
    pub fn snapshot(snapshot_id: SnapshotId) -> Self {
        Self { target: Target::Snapshot(snapshot_id), branch: None, from: None }
    }

    /// To the newest snapshot of the history that was made before this time, in ms since 1970-01-01 UTC.
    pub fn before(time_ms: i64) -> Self {
        Self { target: Target::Before(time_ms), branch: None, from: None }
    }

    /// Takes this branch back, instead of `main`.
    pub fn on_branch(mut self, branch: impl Into<String>) -> Self {
        self.branch = Some(branch.into());
        self
    }

    /// The head that the caller has seen: if it is another when the change is committed, that is a conflict.
    pub fn from(mut self, head: SnapshotId) -> Self {
        self.from = Some(head);
        self
    }

    fn branch_name(&self) -> &str {
        self.branch.as_deref().unwrap_or(MAIN_BRANCH)
    }

    fn target(&self, base: &Base, inputs: &Inputs<'_>, head: SnapshotId) -> Result<SnapshotId, Refusal> {
        let metadata = &base.metadata;
        let branch = self.branch_name();
        match self.target {
            Target::Snapshot(id) => {
                listed(NAME, base, inputs, id)?;
                if metadata.is_ancestor(id, head).map_err(|e| damaged(base, &e))? {
                    return Ok(id);
                }
                let reason = format!("snapshot {id} is not in the history of `{}`", excerpt(branch));
                Err(against(NAME, inputs, reason))
            }
            Target::Before(time_ms) => {
                for snapshot in metadata.ancestors(head) {
                    let snapshot = snapshot.map_err(|e| damaged(base, &e))?;
                    if snapshot.timestamp_ms < time_ms {
                        return Ok(snapshot.id);
                    }
                }
                let reason =
                    format!("the history of `{}` has no snapshot from before {time_ms}", excerpt(branch));
                Err(against(NAME, inputs, reason))
            }
        }
    }
}

impl Operation for RollbackTo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{self:?}").into_bytes()
    }

    fn branch(&self) -> &str {
        self.branch_name()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME).map(|_| ())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let branch = self.branch_name();
        let Some(reference) = base.metadata.refs().get(branch) else {
            return Err(against(NAME, inputs, format!("there is no branch `{}`", excerpt(branch))));
        };
        if !reference.is_branch() {
            return Err(against(NAME, inputs, format!("`{}` is a tag", excerpt(branch))));
        }
        let head = reference.snapshot_id;
        if let Some(from) = self.from.filter(|from| *from != head) {
            let reason = format!(
                "the head of `{}` is snapshot {head}, and it was to be rolled back from {from}",
                excerpt(branch)
            );
            return Err(requirement(NAME, reason));
        }
        let target = self.target(base, inputs, head)?;
        let update =
            TableUpdate::SetSnapshotRef { name: branch.to_owned(), reference: at(base, branch, target) };
        changed(NAME, base, inputs, vec![update])
    }
}

#[cfg(test)]
mod tests;
