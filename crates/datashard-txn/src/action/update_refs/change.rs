//! One change of a branch or tag, and the refs that changes are made to.

use std::collections::BTreeMap;

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::snapshot_ref::{BranchRetention, MAIN_BRANCH, RefKind, SnapshotRef};

use super::NAME;
use crate::action::excerpt;
use crate::action::metadata_change::{against, damaged, listed, requirement};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::refusal::Refusal;

#[derive(Debug, Clone)]
pub(super) enum Change {
    Create { name: String, snapshot_id: Option<SnapshotId>, is_branch: bool },
    Replace { name: String, from: SnapshotId, to: SnapshotId, is_branch: bool },
    FastForward { branch: String, to: String },
    Rename { name: String, to: String },
    Remove { name: String, is_branch: bool },
    Retain { name: String, retention: BranchRetention },
    SetAge { name: String, age_ms: Option<i64> },
    Require { name: String, snapshot_id: Option<SnapshotId> },
}

impl Change {
    pub(super) fn is_unnamed(&self) -> bool {
        match self {
            Self::FastForward { branch: name, to } | Self::Rename { name, to } => {
                name.is_empty() || to.is_empty()
            }
            Self::Create { name, .. }
            | Self::Replace { name, .. }
            | Self::Remove { name, .. }
            | Self::Retain { name, .. }
            | Self::SetAge { name, .. }
            | Self::Require { name, .. } => name.is_empty(),
        }
    }

    /// The first retention setting that is not positive.
    pub(super) fn illegal_number(&self) -> Option<(&'static str, i64)> {
        let (count, age_ms, ref_age_ms) = match self {
            Self::Retain { retention, .. } => {
                (retention.min_snapshots_to_keep.map(i64::from), retention.max_snapshot_age_ms, None)
            }
            Self::SetAge { age_ms, .. } => (None, None, *age_ms),
            _ => return None,
        };
        let settings = [
            ("the number of snapshots to keep", count),
            ("the age of snapshots", age_ms),
            ("the age of a branch or tag", ref_age_ms),
        ];
        settings.into_iter().find_map(|(what, value)| Some((what, value.filter(|value| *value <= 0)?)))
    }
}

/// The refs of the base, as the changes so far left them.
pub(super) struct Refs<'b> {
    base: &'b Base,
    inputs: &'b Inputs<'b>,
    refs: BTreeMap<String, SnapshotRef>,
    pub(super) updates: Vec<TableUpdate>,
}

impl<'b> Refs<'b> {
    pub(super) fn new(base: &'b Base, inputs: &'b Inputs<'b>) -> Self {
        Self { base, inputs, refs: base.metadata.refs().clone(), updates: Vec::new() }
    }

    pub(super) fn apply(&mut self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Create { name, snapshot_id, is_branch } => self.create(name, *snapshot_id, *is_branch),
            Change::Replace { name, from, to, is_branch } => self.replace(name, *from, *to, *is_branch),
            Change::FastForward { branch, to } => self.fast_forward(branch, to),
            Change::Rename { name, to } => {
                let reference = self.there(name, Some(true))?.clone();
                self.check_free(to)?;
                self.set(to, reference);
                self.remove(name);
                Ok(())
            }
            Change::Remove { name, is_branch } => {
                self.there(name, Some(*is_branch))?;
                self.remove(name);
                Ok(())
            }
            Change::Retain { name, retention } => {
                let mut reference = self.there(name, Some(true))?.clone();
                reference.kind = RefKind::Branch(*retention);
                self.set(name, reference);
                Ok(())
            }
            Change::SetAge { name, age_ms } => {
                let mut reference = self.there(name, None)?.clone();
                reference.max_ref_age_ms = *age_ms;
                self.set(name, reference);
                Ok(())
            }
            Change::Require { name, snapshot_id } => self.require(name, *snapshot_id),
        }
    }

    fn create(
        &mut self,
        name: &str,
        snapshot_id: Option<SnapshotId>,
        is_branch: bool,
    ) -> Result<(), Refusal> {
        self.check_free(name)?;
        // As others of these changes left it.
        let current = || self.refs.get(MAIN_BRANCH).map(|main| main.snapshot_id);
        let id = snapshot_id.or_else(current);
        let id = id.ok_or_else(|| self.against("the table has no snapshot yet that could be named"))?;
        let id = listed(NAME, self.base, self.inputs, id)?.id;
        self.set(name, if is_branch { SnapshotRef::branch(id) } else { SnapshotRef::tag(id) });
        Ok(())
    }

    fn replace(
        &mut self,
        name: &str,
        from: SnapshotId,
        to: SnapshotId,
        is_branch: bool,
    ) -> Result<(), Refusal> {
        self.there(name, Some(is_branch))?;
        self.require(name, Some(from))?;
        let to = listed(NAME, self.base, self.inputs, to)?.id;
        let reference = self.there(name, Some(is_branch))?.clone().moved_to(to);
        self.set(name, reference);
        Ok(())
    }

    fn fast_forward(&mut self, branch: &str, to: &str) -> Result<(), Refusal> {
        let to_id = self.there(to, None)?.snapshot_id;
        let Some(_) = self.refs.get(branch) else {
            self.set(branch, SnapshotRef::branch(to_id));
            return Ok(());
        };
        let reference = self.there(branch, Some(true))?.clone();
        let is_ancestor = self.base.metadata.is_ancestor(reference.snapshot_id, to_id);
        if !is_ancestor.map_err(|e| damaged(self.base, &e))? {
            return Err(self.against(format!(
                "the head of `{}`, snapshot {}, is not in the history of `{}`, as far as the table lists it",
                excerpt(branch),
                reference.snapshot_id,
                excerpt(to)
            )));
        }
        self.set(branch, reference.moved_to(to_id));
        Ok(())
    }

    fn require(&self, name: &str, expected: Option<SnapshotId>) -> Result<(), Refusal> {
        let found = self.refs.get(name).map(|reference| reference.snapshot_id);
        if found == expected {
            return Ok(());
        }
        let say = |id: Option<SnapshotId>| match id {
            Some(id) => format!("at snapshot {id}"),
            None => "not there".to_owned(),
        };
        let reason = format!("`{}` is {}, and had to be {}", excerpt(name), say(found), say(expected));
        Err(requirement(NAME, reason))
    }

    /// A branch or tag that must be there, of this kind if that matters.
    fn there(&self, name: &str, is_branch: Option<bool>) -> Result<&SnapshotRef, Refusal> {
        let reference = self.refs.get(name);
        let reference = reference
            .ok_or_else(|| self.against(format!("there is no branch or tag `{}`", excerpt(name))))?;
        match is_branch {
            Some(is_branch) if is_branch != reference.is_branch() => {
                let kind = if reference.is_branch() { "branch" } else { "tag" };
                Err(self.against(format!("`{}` is a {kind}", excerpt(name))))
            }
            _ => Ok(reference),
        }
    }

    fn check_free(&self, name: &str) -> Result<(), Refusal> {
        let Some(reference) = self.refs.get(name) else { return Ok(()) };
        let kind = if reference.is_branch() { "branch" } else { "tag" };
        Err(self.against(format!("there is a {kind} `{}` already", excerpt(name))))
    }

    fn set(&mut self, name: &str, reference: SnapshotRef) {
        self.refs.insert(name.to_owned(), reference.clone());
        self.updates.push(TableUpdate::SetSnapshotRef { name: name.to_owned(), reference });
    }

    fn remove(&mut self, name: &str) {
        self.refs.remove(name);
        self.updates.push(TableUpdate::RemoveSnapshotRef { name: name.to_owned() });
    }

    fn against(&self, reason: impl Into<String>) -> Refusal {
        against(NAME, self.inputs, reason)
    }
}
