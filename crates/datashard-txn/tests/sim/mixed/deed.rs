//! [`Deed`]: an operation as the ledger keeps it.

use datashard_spec::id::SnapshotId;

use super::change::Change;

/// An operation, or a part of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// It changes rows.
    Change(Box<Change>),
    /// It makes a snapshot of the same rows: merged or rewritten manifests.
    Same { branch: String },
    /// It applies this snapshot to `main`.
    Pick(SnapshotId),
    /// It sets this property.
    Property(String),
    /// It adds this column.
    Column(String),
    /// It makes the partition field that comes and goes part of the default spec, or takes it away.
    Spec { has_own: bool },
    /// It makes a tag or branch of a snapshot, or of the one that is current.
    Name { name: String, id: Option<SnapshotId>, is_branch: bool },
    /// It removes a branch or tag.
    Unname(String),
    /// It moves `main` forward to the head of a branch.
    Forward { to: String },
    /// It takes `main` back.
    Rollback { to: SnapshotId, from: Option<SnapshotId> },
    /// It makes a snapshot the current one.
    Current { to: SnapshotId, from: Option<SnapshotId> },
    /// It expires snapshots.
    Expire,
    /// It expires what history segments hold.
    Trim,
}

impl Deed {
    /// The property that it sets.
    pub(crate) fn property(&self) -> Option<&str> {
        match self {
            Self::Property(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn expires(&self) -> bool {
        matches!(self, Self::Expire | Self::Trim)
    }
}
