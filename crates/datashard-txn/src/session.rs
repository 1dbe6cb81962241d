//! [`Session`]: the numbers under which a handle commits.

use datashard_io::context::Context;

use crate::protocol::{AppKey, ChainHash, OperationTag, Pending, SessionId};

/// The session of a handle: its id, and how far it has come.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: SessionId,
    /// Operations that are settled as committed.
    committed: u64,
    chain: ChainHash,
    /// Whether an operation was begun of which it is not known how it ended. Its number is not used again: the next one begins a new
    /// session.
    is_open: bool,
    process: u32,
}

impl Session {
    pub(crate) fn begin(context: &Context) -> Self {
        Self {
            id: SessionId(context.randomness.next_u64()),
            committed: 0,
            chain: ChainHash::default(),
            is_open: false,
            process: std::process::id(),
        }
    }

    /// Begins the next operation, under a new session if the last one was not settled or this process is a fork.
    pub(crate) fn next(&mut self, context: &Context, tag: OperationTag, key: Option<AppKey>) -> Pending {
        if self.is_open || self.process != std::process::id() {
            *self = Self::begin(context);
        }
        self.is_open = true;
        Pending::new(self.id, self.committed.saturating_add(1), self.chain, tag).with_key(key)
    }

    /// Goes on under a new id, for the same operation.
    pub(crate) fn renew(&mut self, context: &Context, pending: &Pending, tag: OperationTag) -> Pending {
        *self = Self::begin(context);
        self.is_open = true;
        pending.in_new_session(self.id, tag)
    }

    /// The operation was committed under its number.
    pub(crate) fn advance(&mut self, pending: &Pending) {
        if self.id == pending.session {
            self.committed = pending.number;
            self.chain = pending.chain;
            self.is_open = false;
        }
    }

    /// The operation was certainly not committed under its number, which may be used again.
    pub(crate) fn give_back(&mut self, pending: &Pending) {
        if self.id == pending.session {
            self.is_open = false;
        }
    }
}
