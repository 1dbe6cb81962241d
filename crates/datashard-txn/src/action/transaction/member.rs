//! What is a member's own: its ids, its manifests of earlier attempts, and its name in refusals.

use datashard_spec::Uuid;
use datashard_spec::id::SnapshotId;
use sha2::{Digest, Sha256};

use crate::inputs::Inputs;
use crate::produced::NewManifest;
use crate::refusal::Refusal;

/// The ids of a member. Those of all members differ, and each has the same in every attempt: its manifests are used again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    pub(super) operation_id: Uuid,
    pub(super) snapshot_id: SnapshotId,
}

impl Ids {
    /// Of member number `number`. The one that is expected to make the last snapshot has that id of the transaction, by which it is known.
    pub(super) fn of(inputs: &Inputs<'_>, number: u32, is_last_snapshot: bool) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(inputs.operation_id.as_bytes());
        hasher.update(inputs.snapshot_id.0.to_le_bytes());
        hasher.update(number.to_le_bytes());
        let (mut operation, mut snapshot) = ([0; 16], [0; 8]);
        let mut digest = hasher.finalize().into_iter();
        operation.iter_mut().zip(&mut digest).for_each(|(byte, hash)| *byte = hash);
        snapshot.iter_mut().zip(&mut digest).for_each(|(byte, hash)| *byte = hash);
        let snapshot_id = i64::try_from(u64::from_le_bytes(snapshot) >> 1).unwrap_or(i64::MAX).max(1);
        Self {
            operation_id: uuid::Builder::from_random_bytes(operation).into_uuid(),
            snapshot_id: if is_last_snapshot { inputs.snapshot_id } else { SnapshotId(snapshot_id) },
        }
    }

    /// Its manifests among those that earlier attempts wrote.
    pub(super) fn earlier(&self, inputs: &Inputs<'_>) -> Vec<NewManifest> {
        let id = self.operation_id.to_string();
        inputs.earlier.iter().filter(|manifest| manifest.path.name().contains(&id)).cloned().collect()
    }
}

/// The refusal of a member, as the refusal of the transaction.
pub(super) fn name(refusal: Refusal, number: usize, count: usize) -> Refusal {
    let which = format!("operation {} of {count} of the transaction", number.saturating_add(1));
    match refusal {
        Refusal::Conflict(mut conflict) => {
            conflict.reason = format!("{} ({which})", conflict.reason);
            Refusal::Conflict(conflict)
        }
        Refusal::Rejected { operation, reason } => {
            Refusal::Rejected { operation, reason: format!("{reason} ({which})") }
        }
        Refusal::Unsupported { operation, reason } => {
            Refusal::Unsupported { operation, reason: format!("{reason} ({which})") }
        }
        other => other,
    }
}
