//! [`UpdateRefs`]: makes, moves, renames and removes branches and tags.

mod change;

use datashard_spec::id::SnapshotId;
use datashard_spec::snapshot_ref::{BranchRetention, MAIN_BRANCH, SnapshotRef};

use self::change::{Change, Refs};
use super::files::excerpt;
use super::metadata_change::changed;
use super::metadata_form::existing;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "update refs";

/// Makes, moves, renames and removes branches and tags, and says how long they and their history are kept. All changes are made or none, in
/// the order in which they were asked for.
///
/// A snapshot that is named must be listed by the table when the change is committed: one that expired meanwhile cannot be named again, as
/// its files may be gone. What is to be made must not be there yet, and what is to be changed must be there. A branch is moved from a
/// snapshot to another, so that commits which others made to it are not lost unseen.
///
/// # Examples
/// ```
/// use datashard_spec::id::SnapshotId;
/// use datashard_txn::action::UpdateRefs;
///
/// let publish = UpdateRefs::new()
///     .create_tag("before-audit", SnapshotId(7))
///     .fast_forward("main", "audit")
///     .remove_branch("audit");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct UpdateRefs {
    changes: Vec<Change>,
}

impl UpdateRefs {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a branch with this head, or with the snapshot that is current when it is committed.
    pub fn create_branch(self, name: impl Into<String>, head: impl Into<Option<SnapshotId>>) -> Self {
        self.with(Change::Create { name: name.into(), snapshot_id: head.into(), is_branch: true })
    }

    /// Makes a tag of this snapshot, or of the one that is current when it is committed.
    pub fn create_tag(self, name: impl Into<String>, snapshot_id: impl Into<Option<SnapshotId>>) -> Self {
        self.with(Change::Create { name: name.into(), snapshot_id: snapshot_id.into(), is_branch: false })
    }

    /// Moves a branch from one head to another, whatever lies between them. If its head is another than `from`, that is a conflict.
    pub fn replace_branch(self, name: impl Into<String>, from: SnapshotId, to: SnapshotId) -> Self {
        self.with(Change::Replace { name: name.into(), from, to, is_branch: true })
    }

    /// Moves a tag from one snapshot to another. If it names another than `from`, that is a conflict.
    pub fn replace_tag(self, name: impl Into<String>, from: SnapshotId, to: SnapshotId) -> Self {
        self.with(Change::Replace { name: name.into(), from, to, is_branch: false })
    }

    /// Moves a branch forward to the head of another one, whose history it must be part of. A branch that is not there is made.
    pub fn fast_forward(self, branch: impl Into<String>, to: impl Into<String>) -> Self {
        self.with(Change::FastForward { branch: branch.into(), to: to.into() })
    }

    /// Gives a branch another name. `main` keeps its own.
    pub fn rename_branch(self, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.with(Change::Rename { name: name.into(), to: to.into() })
    }

    /// Removes a branch; snapshots of it alone stay until they expire. `main` cannot be removed.
    pub fn remove_branch(self, name: impl Into<String>) -> Self {
        self.with(Change::Remove { name: name.into(), is_branch: true })
    }

    /// Removes a tag.
    pub fn remove_tag(self, name: impl Into<String>) -> Self {
        self.with(Change::Remove { name: name.into(), is_branch: false })
    }

    /// Says how much history of a branch is kept; what is `None` is up to the table's properties.
    pub fn set_branch_retention(self, name: impl Into<String>, retention: BranchRetention) -> Self {
        self.with(Change::Retain { name: name.into(), retention })
    }

    /// Says after how many milliseconds a branch or tag goes, counted from its snapshot; `None` leaves that to the table's properties. It has
    /// no effect on `main`.
    pub fn set_max_ref_age_ms(self, name: impl Into<String>, age_ms: Option<i64>) -> Self {
        self.with(Change::SetAge { name: name.into(), age_ms })
    }

    /// Changes nothing, and requires that a branch or tag names this snapshot, or is not there. If it does not, that is a conflict.
    pub fn require(self, name: impl Into<String>, snapshot_id: Option<SnapshotId>) -> Self {
        self.with(Change::Require { name: name.into(), snapshot_id })
    }

    fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}

impl Operation for UpdateRefs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{:?}", self.changes).into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME)?;
        let rejected = |reason: String| Err(Refusal::Rejected { operation: NAME, reason });
        if self.changes.is_empty() {
            return rejected("it changes nothing".to_owned());
        }
        for change in &self.changes {
            if change.is_unnamed() {
                return rejected("a branch or tag has a name".to_owned());
            }
            if let Some((what, found)) = change.illegal_number() {
                return rejected(format!("{what} is positive, not {found}"));
            }
            match change {
                Change::Remove { name, .. } | Change::Rename { name, .. } if name == MAIN_BRANCH => {
                    return rejected(format!(
                        "`{MAIN_BRANCH}` is the table, and is neither removed nor renamed"
                    ));
                }
                Change::Create { name, is_branch: false, .. } if name == MAIN_BRANCH => {
                    return rejected(format!("`{}` is a branch", excerpt(name)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let mut refs = Refs::new(base, inputs);
        for change in &self.changes {
            refs.apply(change)?;
        }
        changed(NAME, base, inputs, refs.updates)
    }
}

/// The branch or tag of the base by this name, at another snapshot; a new branch if there is none.
pub(super) fn at(base: &Base, name: &str, snapshot_id: SnapshotId) -> SnapshotRef {
    match base.metadata.refs().get(name) {
        Some(reference) => reference.clone().moved_to(snapshot_id),
        None => SnapshotRef::branch(snapshot_id),
    }
}

#[cfg(test)]
mod tests;
