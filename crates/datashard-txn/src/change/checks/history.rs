//! The walk from the head of a branch back to the snapshot that an operation was planned on.

use datashard_io::head::metadata_path;
use datashard_spec::SpecError;
use datashard_spec::id::SnapshotId;
use datashard_spec::manifest::ManifestFile;
use datashard_spec::snapshot::{Operation, Snapshot, summary_key};

use super::{Place, unread};
use crate::conflict::{Conflict, ConflictKind};
use crate::error::CommitError;
use crate::read::Read;
use crate::refusal::Refusal;

/// What a snapshot did, as far as its summary can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Append,
    Replace,
    Overwrite,
    Delete,
    /// It may have done anything.
    Unknown,
}

impl Kind {
    fn of(snapshot: &Snapshot) -> Self {
        let counts = |key| snapshot.summary.count(key).is_some_and(|count| count > 0);
        let removes = counts(summary_key::DELETED_DATA_FILES) || counts(summary_key::ADDED_DELETE_FILES);
        match snapshot.summary.operation() {
            Some(Operation::Append) if !removes => Self::Append,
            Some(Operation::Delete) if !counts(summary_key::ADDED_DATA_FILES) => Self::Delete,
            Some(Operation::Replace) => Self::Replace,
            Some(Operation::Overwrite) => Self::Overwrite,
            _ => Self::Unknown,
        }
    }
}

/// A snapshot that was committed since the operation began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) kind: Kind,
    is_head: bool,
}

/// The snapshots since the operation began, newest first.
///
/// # Errors
/// `Conflict` if the snapshot that it began from is not in the history of the branch.
pub(super) fn walk(place: Place<'_>, since: Option<SnapshotId>) -> Result<Vec<Step<'_>>, Refusal> {
    let metadata = &place.base.metadata;
    let head = place.base.head(place.branch).map_err(|e| of_commit_error(e, place))?;
    let mut steps = Vec::new();
    // The parent of the oldest that was seen; of none, the head.
    let mut before = head.map(|head| head.id);
    for snapshot in head.into_iter().flat_map(|head| metadata.ancestors(head.id)) {
        let snapshot = snapshot.map_err(|e| damaged(&e, place))?;
        if Some(snapshot.id) == since {
            return Ok(steps);
        }
        before = snapshot.parent_id;
        steps.push(Step { snapshot, kind: Kind::of(snapshot), is_head: steps.is_empty() });
    }
    if before == since {
        return Ok(steps);
    }
    let reason = match (since, before) {
        (Some(since), _) => {
            format!("snapshot {since}, which it was planned on, is not in the history of `{}`", place.branch)
        }
        (None, Some(before)) => format!(
            "it was planned on an empty table, and the history of `{}` is only known back to snapshot {before}",
            place.branch
        ),
        (None, None) => return Ok(steps),
    };
    Err(Conflict::new(place.operation, ConflictKind::HistoryLost, reason).into())
}

impl<'a> Step<'a> {
    /// The rows of its manifest list, if they were read.
    pub(super) fn rows(&self, place: Place<'a>) -> Result<Option<&'a [ManifestFile]>, Refusal> {
        if self.is_head {
            return Ok(Some(&place.inputs.loaded.manifest_list));
        }
        Ok(place.inputs.loaded.list(list_of(self.snapshot, place)?))
    }

    /// Its manifest list.
    pub(super) fn read(&self, place: Place<'_>) -> Result<Read, Refusal> {
        Ok(Read::ManifestList { location: list_of(self.snapshot, place)?.to_owned() })
    }

    /// The manifests that it added.
    pub(super) fn added<'r>(
        &self,
        rows: &'r [ManifestFile],
    ) -> impl Iterator<Item = &'r ManifestFile> + use<'r> {
        let id = self.snapshot.id;
        rows.iter().filter(move |row| row.added_snapshot_id == id)
    }

    /// What it says that it is, for messages.
    pub(super) fn label(&self) -> String {
        match self.snapshot.summary.operation() {
            Some(operation) => format!("an operation `{}`", crate::action::excerpt(operation.as_str())),
            None => "a snapshot that names no operation".to_owned(),
        }
    }

    /// The refusal for a list that was not read.
    pub(super) fn unread(&self, place: Place<'_>) -> Refusal {
        unread(place, self.snapshot.manifest_list().unwrap_or_default())
    }
}

pub(super) fn list_of<'s>(snapshot: &'s Snapshot, place: Place<'_>) -> Result<&'s str, Refusal> {
    snapshot.manifest_list().ok_or_else(|| Refusal::Unsupported {
        operation: place.operation,
        reason: format!("snapshot {} names its manifests without a manifest list", snapshot.id),
    })
}

fn damaged(error: &SpecError, place: Place<'_>) -> Refusal {
    let path = metadata_path(place.base.version);
    Refusal::Corrupt {
        path: path.map_or_else(|e| e.to_string(), |path| path.to_string()),
        reason: error.to_string(),
    }
}

/// A branch that is a tag is refused, all else that can go wrong is damage.
fn of_commit_error(error: CommitError, place: Place<'_>) -> Refusal {
    match error {
        CommitError::Rejected { reason, .. } => Refusal::Rejected { operation: place.operation, reason },
        other => Refusal::Corrupt {
            path: metadata_path(place.base.version).map_or_else(|e| e.to_string(), |path| path.to_string()),
            reason: other.to_string(),
        },
    }
}
