//! Changes of the metadata alone: applied to the base at once, so that what stands against them is told as a value and not when the version is
//! made.
//!
//! Such operations are intentions: they name what they change, and are applied anew to whatever others have committed meanwhile. Where that
//! has no meaning any more they are refused. In a first attempt the caller was wrong; in a later one others were faster, since the operation
//! could be applied to the base before.

use datashard_io::head::metadata_path;
use datashard_spec::id::SnapshotId;
use datashard_spec::metadata::{ApplyContext, TableUpdate};
use datashard_spec::snapshot::Snapshot;
use datashard_spec::{ErrorKind, SpecError};

use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
use crate::inputs::Inputs;
use crate::produced::{Content, Produced};
use crate::refusal::Refusal;
use crate::segments::SegmentIndex;

/// A version with these changes and no new snapshot.
///
/// # Errors
/// As [`of_error`], if they cannot be applied to the base.
pub(super) fn changed(
    operation: &'static str,
    base: &Base,
    inputs: &Inputs<'_>,
    updates: Vec<TableUpdate>,
) -> Result<Produced, Refusal> {
    let context = ApplyContext::new(inputs.now_ms);
    base.metadata.apply(&updates, &context).map_err(|e| of_error(operation, base, inputs, &e))?;
    Ok(Produced::new(Content::Updates(updates)))
}

/// Something of the base does not let the operation in: `Rejected` in a first attempt, a `Requirement` conflict later.
pub(super) fn against(operation: &'static str, inputs: &Inputs<'_>, reason: impl Into<String>) -> Refusal {
    let reason = reason.into();
    if inputs.attempt <= 1 {
        return Refusal::Rejected { operation, reason };
    }
    Conflict::new(operation, ConflictKind::Requirement, reason).into()
}

/// The metadata is not what the caller said that it requires.
pub(super) fn requirement(operation: &'static str, reason: impl Into<String>) -> Refusal {
    Conflict::new(operation, ConflictKind::Requirement, reason).into()
}

/// The refusal for an error of the format: damage stays damage, what the format lacks is not supported, all else is as [`against`] says.
pub(super) fn of_error(
    operation: &'static str,
    base: &Base,
    inputs: &Inputs<'_>,
    error: &SpecError,
) -> Refusal {
    match error.kind() {
        ErrorKind::InvalidData => damaged(base, error),
        ErrorKind::Unsupported => Refusal::Unsupported { operation, reason: error.to_string() },
        _ => against(operation, inputs, error.to_string()),
    }
}

/// The metadata of the base is damaged.
pub(super) fn damaged(base: &Base, error: &SpecError) -> Refusal {
    let path = metadata_path(base.version).map_or_else(|e| e.to_string(), |path| path.to_string());
    Refusal::Corrupt { path, reason: error.to_string() }
}

/// A snapshot that the table must list.
///
/// # Errors
/// As [`against`] if it does not; `Corrupt` if it is malformed.
pub(super) fn listed<'b>(
    operation: &'static str,
    base: &'b Base,
    inputs: &Inputs<'_>,
    id: SnapshotId,
) -> Result<&'b Snapshot, Refusal> {
    match base.metadata.snapshot(id).map_err(|e| damaged(base, &e))? {
        Some(snapshot) => Ok(snapshot),
        None => Err(against(operation, inputs, unlisted(base, id))),
    }
}

/// Why a snapshot is not there. Its files may be gone, so nothing may name it again.
fn unlisted(base: &Base, id: SnapshotId) -> String {
    let may_be_moved =
        SegmentIndex::of_properties(base.metadata.properties()).is_ok_and(|index| !index.is_empty());
    if may_be_moved {
        return format!(
            "the table does not list snapshot {id}: it has expired, was never there, or its record was moved into a history segment, \
             from which it can be read and nothing else"
        );
    }
    format!("the table has no snapshot {id}: it has expired, or was never there")
}
