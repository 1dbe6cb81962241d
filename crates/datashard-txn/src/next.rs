//! [`next`]: the one function that decides what version N+1 holds.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};

use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, NewManifest, Produced};
use crate::protocol::{COMMIT_STATE, CommitState, Fate, Ineligible, Limits, Member, Step, advance};
use crate::refusal::Refusal;
use crate::segments::Moves;

/// Version N+1 as it is to be written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Next {
    /// Its number.
    pub version: MetadataVersion,
    /// What it says.
    pub metadata: TableMetadata,
    /// The bytes of its file.
    pub bytes: Bytes,
    /// Its commit state.
    pub state: CommitState,
    /// Whether the operation is applied, or was before.
    pub fate: Fate,
    /// Manifests that it needs; those of earlier attempts, whose bytes are empty, are there already.
    pub manifests: Vec<NewManifest>,
    /// The manifest lists that it needs.
    pub manifest_lists: Vec<(TablePath, Bytes)>,
    /// Other files that it needs.
    pub files: Vec<(TablePath, Bytes)>,
    /// The rows of the last of those lists.
    pub rows: Vec<ManifestFile>,
    /// The last snapshot that it adds.
    pub snapshot_id: Option<SnapshotId>,
}

/// Why there is no next version.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "the protocol refuses or the operation does")]
pub enum NoNext {
    /// The protocol does not let the operation in (R3, R4).
    Ineligible(Ineligible),
    /// The operation cannot be applied.
    Refused(Refusal),
}

/// What version N+1 holds: the base with an operation applied to it, or why it is not.
///
/// Everything that could differ from run to run comes in as a value, so the same call gives the same bytes.
///
/// # Errors
/// Why there is no such version.
pub fn next(
    base: Option<&Base>,
    operation: &dyn Operation,
    member: &Member,
    step: Step,
    inputs: &Inputs<'_>,
    limits: Limits,
) -> Result<Next, NoNext> {
    let base_version = base.map_or(MetadataVersion(0), |base| base.version);
    let state = base.and_then(|base| base.state.as_ref());
    let recovered = base.and_then(|base| recovered(base, step));
    let advanced =
        advance(state.or(recovered.as_ref()), base_version, std::slice::from_ref(member), step, limits)
            .map_err(|(_, why)| NoNext::Ineligible(why))?;
    let fate = advanced.fates.first().copied().unwrap_or(Fate::Applied);
    let produced = match (fate, base) {
        (Fate::AppliedBefore, Some(_)) => Produced::new(Content::Updates(Vec::new())),
        (Fate::AppliedBefore, None) | (Fate::Applied, _) => {
            operation.produce(base, inputs).map_err(NoNext::Refused)?
        }
    };
    let refused = |reason: String| NoNext::Refused(Refusal::Rejected { operation: operation.name(), reason });
    let mut metadata = apply(base, produced.content, &advanced.state, inputs).map_err(refused)?;
    let mut files = produced.files;
    if let Some(base) = base
        && let Some(moves) = Moves::due(base).map_err(NoNext::Refused)?
        && let Some((moved, path, bytes)) = moves.apply(&metadata, base, inputs).map_err(NoNext::Refused)?
    {
        metadata = moved;
        files.push((path, bytes));
    }
    Ok(Next {
        version: MetadataVersion(base_version.0.saturating_add(1)),
        bytes: Bytes::from(metadata.to_json()),
        metadata,
        state: advanced.state,
        fate,
        manifests: produced.manifests,
        manifest_lists: produced.manifest_lists,
        files,
        rows: produced.rows,
        snapshot_id: produced.snapshot_id,
    })
}

/// The state that begins a generation on a base that has lost its own, where snapshots tell of keys that were applied. It is what
/// [`advance`] begins with, and these keys.
fn recovered(base: &Base, step: Step) -> Option<CommitState> {
    let apps = base.recovered_apps();
    if apps.is_empty() {
        return None;
    }
    let mut state = CommitState::new(step.generation);
    state.intent_floor = MetadataVersion(base.version.0.saturating_add(1));
    state.file_floor = base.version;
    state.apps = apps;
    Some(state)
}

fn apply(
    base: Option<&Base>,
    content: Content,
    state: &CommitState,
    inputs: &Inputs<'_>,
) -> Result<TableMetadata, String> {
    let recorded = BTreeMap::from([(COMMIT_STATE.to_owned(), state.to_text())]);
    let record = TableUpdate::SetProperties { updates: recorded };
    let context = ApplyContext::new(inputs.now_ms);
    let applied = match (content, base) {
        (Content::New(metadata), _) => metadata.apply(&[record], &context),
        (Content::Updates(mut updates), Some(base)) => {
            let file = base.file(inputs.location).map_err(|e| e.to_string())?;
            updates.push(record);
            base.metadata.apply(&updates, &context.with_previous_metadata_file(file))
        }
        (Content::Updates(_), None) => return Err("there is no table".to_owned()),
    };
    applied.map_err(|e| e.to_string())
}
