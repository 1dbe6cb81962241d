//! The ids of an operation and of what it writes: drawn at random, and made to differ where randomness does not.
//!
//! Two virtual machines that were started from one snapshot draw the same numbers. What they do is not the same, so the ids depend on that,
//! too: else files of one would take the place of the other's.

use std::time::Duration;

use datashard_spec::Uuid;
use datashard_spec::id::SnapshotId;
use sha2::{Digest, Sha256};

use crate::protocol::OperationTag;

/// The id of an operation, part of the names of its files. It differs for operations that differ, and for one that two machines begin.
pub(crate) fn operation_id(drawn: Uuid, tag: OperationTag, began: Duration) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(drawn.as_bytes());
    hasher.update(tag.0.to_le_bytes());
    hasher.update(began.as_nanos().to_le_bytes());
    let mut bytes = [0; 16];
    for (byte, digest) in bytes.iter_mut().zip(hasher.finalize()) {
        *byte = digest;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The id of the snapshot that an operation adds: positive, and never 0, which some writers take for none.
pub(crate) fn snapshot_id(drawn: u64, tag: OperationTag) -> SnapshotId {
    SnapshotId(i64::try_from((drawn ^ tag.0) >> 1).unwrap_or(i64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d16_clones_that_draw_the_same_numbers_have_ids_of_their_own() {
        let (drawn, began) = (Uuid::from_u128(7), Duration::from_secs(1));
        let tags = [OperationTag(1), OperationTag(2)];
        let [one, other] = tags.map(|tag| operation_id(drawn, tag, began));
        assert_ne!(one, other);
        assert_ne!(one, operation_id(drawn, tags[0], Duration::from_secs(2)));
        let [one, other] = tags.map(|tag| snapshot_id(1 << 40, tag));
        assert_ne!(one, other);
        assert_eq!(snapshot_id(5, OperationTag(5)), SnapshotId(1));
    }
}
