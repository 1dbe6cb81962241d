//! The state of the commit model, and what can happen in it.

use std::sync::Arc;

use datashard_txn::protocol::Pending;

use super::version::{Content, Intent, Message, Version};

/// Where a writer is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    NeedsRead,
    /// The version after its base was not there, or does not continue it.
    Probed {
        broken: bool,
    },
    Ready,
    /// This is to be created after its base.
    Prepared(Content),
    /// The store said "created".
    Created(Content),
    Done,
    Unknown,
    Crashed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Writer {
    pub(super) phase: Phase,
    pub(super) base: Option<(u8, Content)>,
    /// The operation under way.
    pub(super) pending: Pending,
    /// How many sessions it has had before this one.
    pub(super) renewals: u8,
    /// Which of its operations it is, from 1.
    pub(super) operation: u8,
    /// The version on which the operation was last staged.
    pub(super) staged: Option<u8>,
    /// The next operation, staged already.
    pub(super) ahead: Option<Pending>,
    /// Up to where its caller was told of success.
    pub(super) acknowledged: u8,
}

/// Where the reader is. It began when these operations were acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Reader {
    Idle,
    Probes(u8, Content, Vec<u8>),
    Checks(u8, Content, Vec<u8>, bool),
    Has(Content, Vec<u8>),
}

/// A state of the commit model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// What lies under the name of each version.
    pub(super) chain: Vec<Option<Content>>,
    /// The retire boundary: versions below it may be deleted.
    pub(super) retired: u8,
    pub(super) intents: Vec<Intent>,
    /// Requests under way.
    pub(super) late: Vec<Message>,
    pub(super) writers: Vec<Writer>,
    /// What a foreign writer builds on.
    pub(super) foreign: Option<(u8, Content)>,
    pub(super) reader: Reader,
    /// What the reader knows from before.
    pub(super) reader_cache: Option<(u8, Content)>,
    pub(super) crashes: u8,
    pub(super) lost: u8,
    pub(super) duplicated: u8,
    pub(super) foreign_left: u8,
    pub(super) dropping_left: u8,
    pub(super) reads_left: u8,
    /// A ghost: somebody was told "unknown" though every version that could tell was there.
    pub(super) gave_up_early: bool,
    /// A ghost: somebody found a break in the chain above the retire boundary.
    pub(super) torn: bool,
}

/// How a request takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// At once, and answered.
    Now,
    /// At once, and the answer is lost.
    NowLost,
    /// At any later moment, or never.
    Late,
    /// At once, and again at any later moment.
    Twice,
}

/// Something that happens. The numbers are those of writers, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action(pub(super) Act);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Finds the newest version by listing.
    ReadNewest(usize),
    /// Looks for the version after the one that it knows.
    Probe(usize),
    /// Reads the retire boundary before it uses what it found.
    CheckRead(usize),
    Stage(usize, How),
    StageAhead(usize, How),
    /// Prepares the next version from these intents, and its own operation directly if so.
    Fold(usize, Vec<Intent>, bool),
    Create(usize, How),
    CheckCreated(usize),
    /// Looks again before it goes on.
    Poll(usize),
    Crash(usize),
    /// The late request of this index arrives.
    Arrive(usize),
    /// The retire boundary rises to this version.
    Retire(u8),
    /// This version's file is deleted.
    DeleteVersion(u8),
    /// The intent of this index is deleted.
    DeleteIntent(usize),
    ForeignRead,
    ForeignCreate {
        drops_state: bool,
    },
    ReaderBegins,
    ReaderProbes,
    ReaderChecks,
    ReaderEnds,
}

impl State {
    /// The newest version. There always is one: nobody retires it.
    pub(super) fn newest(&self) -> u8 {
        let index = self.chain.iter().rposition(Option::is_some);
        index.expect("the newest version is never deleted") as u8
    }

    /// What lies under a version's name.
    pub(super) fn at(&self, version: u8) -> Option<&Content> {
        self.chain.get(usize::from(version)).and_then(Option::as_ref)
    }

    pub(super) fn newest_content(&self) -> (u8, Content) {
        let version = self.newest();
        (version, Arc::clone(self.at(version).expect("the newest version is there")))
    }

    /// Put-if-absent; whether it was created.
    pub(super) fn create(&mut self, version: u8, content: &Content) -> bool {
        let slot = &mut self.chain[usize::from(version)];
        let is_free = slot.is_none();
        if is_free {
            *slot = Some(Arc::clone(content));
        }
        is_free
    }

    pub(super) fn stage(&mut self, intent: Intent) {
        if let Err(place) = self.intents.binary_search(&intent) {
            self.intents.insert(place, intent);
        }
    }

    pub(super) fn send(&mut self, message: Message) {
        let place = self.late.binary_search(&message).unwrap_or_else(|place| place);
        self.late.insert(place, message);
    }

    pub(super) fn acknowledged(&self) -> Vec<u8> {
        self.writers.iter().map(|writer| writer.acknowledged).collect()
    }

    /// Versions that count, with those right after them.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = (&Version, &Version)> {
        let counting = self.chain.iter().skip(usize::from(self.retired));
        counting
            .clone()
            .zip(counting.skip(1))
            .filter_map(|(before, after)| before.as_deref().zip(after.as_deref()))
    }
}
