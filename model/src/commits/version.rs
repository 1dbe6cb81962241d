//! What travels: versions, intents, and requests that arrive late.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use datashard_spec::id::MetadataVersion;
use datashard_txn::protocol::{
    AppKey, ChainHash, CommitId, CommitState, Generation, Member, OperationTag, SessionId,
};

/// What a version holds, as far as the protocol goes.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// Its commit state, as the library makes it.
    pub(super) state: Option<CommitState>,
    /// A ghost: how often each operation is applied in it. No decision looks at it.
    pub(super) applied: Vec<u8>,
    /// A digest of both, so that states are told apart quickly.
    digest: u64,
}

/// A version that many places hold.
pub(super) type Content = Arc<Version>;

impl Version {
    /// A version whose commit id follows from what it holds, so that equal versions stay equal whoever makes them.
    pub(super) fn made(mut state: CommitState, applied: Vec<u8>) -> Content {
        let parent = state.parent;
        state.commit = CommitId::default();
        state.parent = CommitId::default();
        let own = digest(&(&state, &applied));
        state.commit = CommitId(u128::from(own));
        state.parent = parent;
        Self::carrying(Some(state), applied)
    }

    /// A version with this state as it is.
    pub(super) fn carrying(state: Option<CommitState>, applied: Vec<u8>) -> Content {
        let digest = digest(&(&state, &applied));
        Arc::new(Self { state, applied, digest })
    }
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Hash for Version {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.digest.hash(hasher);
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.state == other.state && self.applied == other.applied
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.digest.cmp(&other.digest)
    }
}

/// An operation as it lies staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Intent {
    /// The version on which it was staged.
    pub(super) base: u8,
    pub(super) session: SessionId,
    pub(super) number: u64,
    /// The digest of the session's operations before it.
    pub(super) before: ChainHash,
    /// The generation that it was staged in.
    pub(super) generation: Generation,
    pub(super) writer: u8,
    /// Which operation of the writer it is, from 1.
    pub(super) operation: u8,
    pub(super) has_key: bool,
}

impl Intent {
    /// What tells this operation from others.
    pub(super) fn tag(writer: u8, operation: u8) -> OperationTag {
        OperationTag(u64::from(writer) * 64 + u64::from(operation))
    }

    /// The caller's key of an operation.
    pub(super) fn key(writer: u8, operation: u8) -> AppKey {
        AppKey::new(writer.to_string(), operation.into())
    }

    /// The operation as its owner commits it.
    pub(super) fn direct(&self) -> Member {
        let key = self.has_key.then(|| Self::key(self.writer, self.operation));
        Member::direct(self.session, self.number, Self::tag(self.writer, self.operation))
            .after(self.before)
            .with_key(key)
    }

    /// The operation as anybody folds it.
    pub(super) fn folded(&self) -> Member {
        self.direct().staged_on(MetadataVersion(self.base.into()))
    }
}

/// A request that is still under way when nobody waits for it any more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Message {
    Stage(Intent),
    Create(u8, Content),
}
