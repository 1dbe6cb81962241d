//! [`SetCurrentSnapshot`]: makes any snapshot of the table the current one.

use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::TableUpdate;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::files::excerpt;
use super::metadata_change::{against, changed, listed, requirement};
use super::metadata_form::existing;
use super::update_refs::at;
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::refusal::Refusal;

const NAME: &str = "set current snapshot";

/// Makes any snapshot of the table the current one, whether it is in the history of `main` or not: a staged one, one of another branch, one
/// that was rolled back.
///
/// Commits that others make meanwhile are left behind, too, unless [`from`](Self::from) says which snapshot is to be left.
///
/// # Examples
/// ```
/// use datashard_spec::id::SnapshotId;
/// use datashard_txn::action::SetCurrentSnapshot;
///
/// let undo = SetCurrentSnapshot::to(SnapshotId(9)).from(Some(SnapshotId(7)));
/// let published = SetCurrentSnapshot::to_ref("audited");
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SetCurrentSnapshot {
    target: Target,
    from: Option<Option<SnapshotId>>,
}

#[derive(Debug, Clone)]
enum Target {
    Snapshot(SnapshotId),
    Ref(String),
}

impl SetCurrentSnapshot {
    /// To this snapshot.
    pub fn to(snapshot_id: SnapshotId) -> Self {
        Self { target: Target::Snapshot(snapshot_id), from: None }
    }

    /// To what this branch or tag names when it is committed.
    pub fn to_ref(name: impl Into<String>) -> Self {
        Self { target: Target::Ref(name.into()), from: None }
    }

    /// The snapshot that was current when the caller looked, if there was one: if it is another when the change is committed, that is a
    /// conflict.
    pub fn from(mut self, current: Option<SnapshotId>) -> Self {
        self.from = Some(current);
        self
    }
}

impl Operation for SetCurrentSnapshot {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{NAME}\0{self:?}").into_bytes()
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        existing(base, NAME).map(|_| ())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = existing(base, NAME)?;
        let current = base.metadata.current_snapshot_id();
        if let Some(from) = self.from.filter(|from| *from != current) {
            let say =
                |id: Option<SnapshotId>| id.map_or_else(|| "none".to_owned(), |id| format!("snapshot {id}"));
            let reason = format!("the current snapshot is {}, and had to be {}", say(current), say(from));
            return Err(requirement(NAME, reason));
        }
        let id = match &self.target {
            Target::Snapshot(id) => *id,
            Target::Ref(name) => match base.metadata.refs().get(name) {
                Some(reference) => reference.snapshot_id,
                None => {
                    let reason = format!("there is no branch or tag `{}`", excerpt(name));
                    return Err(against(NAME, inputs, reason));
                }
            },
        };
        listed(NAME, base, inputs, id)?;
        let update = TableUpdate::SetSnapshotRef {
            name: MAIN_BRANCH.to_owned(),
            reference: at(base, MAIN_BRANCH, id),
        };
        changed(NAME, base, inputs, vec![update])
    }
}
