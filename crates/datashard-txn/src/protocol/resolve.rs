//! R5: whether an operation is committed as of a version. Presence is proof; absence is proof only where the floor has not passed.

use datashard_spec::id::MetadataVersion;

use super::{AppKey, ChainHash, CommitState, Generation, Limits, OperationTag, SessionId};
use crate::rules::Mutation;

/// An operation that its owner wants committed, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Pending {
    /// The generation in which it is sent.
    pub generation: Option<Generation>,
    /// Whether the version on which it was sent had no commit state, so that the generation begins with it.
    pub begins_generation: bool,
    /// The session.
    pub session: SessionId,
    /// Its number there, from 1.
    pub number: u64,
    /// The digest of the session's operations before this one.
    pub before: ChainHash,
    /// The digest of the session's operations up to and with this one.
    pub chain: ChainHash,
    /// The caller's key.
    pub key: Option<AppKey>,
    /// The newest version as of which it is known not to be committed, b0; `None` before the first look.
    pub uncommitted: Option<MetadataVersion>,
    /// Whether that version has another operation under this one's number. Whatever was sent under it is dead then: the version fills the
    /// slots that it was sent to, and the number comes free again only above the floor of what was staged.
    pub number_taken: bool,
}

impl Pending {
    /// An operation that was never sent: number `number` of a session whose operations before it have the digest `before`.
    pub fn new(session: SessionId, number: u64, before: ChainHash, tag: OperationTag) -> Self {
        Self {
            generation: None,
            begins_generation: false,
            session,
            number,
            before,
            chain: before.then(tag),
            key: None,
            uncommitted: None,
            number_taken: false,
        }
    }

    /// With a key of the caller's.
    #[must_use]
    pub fn with_key(mut self, key: Option<AppKey>) -> Self {
        self.key = key;
        self
    }

    /// Takes note that it is not committed as of `version`, which carries this state. `new_generation` is what a commit on it begins if
    /// there is none.
    pub fn known_uncommitted(
        &mut self,
        version: MetadataVersion,
        state: Option<&CommitState>,
        new_generation: Generation,
    ) {
        self.uncommitted = Some(version);
        self.number_taken = state.is_some_and(|state| state.last_of(self.session) >= self.number);
        self.begins_generation = state.is_none();
        self.generation = Some(state.map_or(new_generation, |state| state.generation));
    }

    /// The same operation as the first of a new session. Only for one that is known not to be committed and that nothing can commit any
    /// more under its old number.
    #[must_use]
    pub fn in_new_session(&self, session: SessionId, tag: OperationTag) -> Self {
        Self {
            generation: self.generation,
            begins_generation: self.begins_generation,
            session,
            number: 1,
            before: ChainHash::default(),
            chain: ChainHash::default().then(tag),
            key: self.key.clone(),
            uncommitted: self.uncommitted,
            number_taken: false,
        }
    }
}

/// How it was found that an operation is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two records that a version keeps")]
pub enum Found {
    /// The session map has it.
    Session {
        /// The version that committed it.
        version: MetadataVersion,
    },
    /// Its key was applied, by this operation or by another one with the key.
    Key,
}

/// Where an operation stands as of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// It is committed.
    Committed(Found),
    /// It is not, and may be sent on this version.
    Uncommitted {
        /// Its session cannot go on with its number: it has to begin a new one.
        new_session: bool,
    },
    /// This version does not tell. Older ones may: ask [`look_back`], from the newest retained one below on.
    AskHistory,
    /// Nothing can tell: the table's commit state was lost in between (R9).
    Unknown,
}

/// What an older version tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an older version has the answer, half of it, or none")]
pub enum LookBack {
    /// The operation is committed.
    Committed(Found),
    /// It was not committed as of that version: note it ([`Pending::known_uncommitted`]) and [`resolve`] again.
    Uncommitted,
    /// It does not tell either; ask the one before.
    Older,
}

/// Where an operation stands as of `version`, which must be part of the chain (R2).
pub fn resolve(
    pending: &Pending,
    version: MetadataVersion,
    state: Option<&CommitState>,
    limits: Limits,
) -> Standing {
    let looks = limits.rules.upholds(Mutation::NoSessionMap);
    let may_go_on = || !looks || may_go_on(pending, state);
    if let Some(state) = state.filter(|state| pending.generation == Some(state.generation))
        && pending.uncommitted.is_some()
        && looks
        && let Own::This(version) = own_entry(pending, state)
    {
        // Beside its key, which others may have, too, this tells whose it was, and when.
        return Standing::Committed(Found::Session { version });
    }
    if let (Some(state), Some(key)) = (state, &pending.key)
        && state.has_applied(key)
    {
        return Standing::Committed(Found::Key);
    }
    let Some(known) = pending.uncommitted else {
        // Never sent: only whether its session is still known matters.
        return Standing::Uncommitted { new_session: !may_go_on() };
    };
    if pending.generation != state.map(|state| state.generation) {
        return match next_to(known, version) {
            // Nothing can have come of it yet.
            Next::Same => Standing::Uncommitted { new_session: !may_go_on() },
            // Somebody else has begun the generation in the only slot that it was sent to.
            Next::Successor if pending.begins_generation => Standing::Uncommitted { new_session: true },
            Next::Beyond if pending.begins_generation => Standing::AskHistory,
            Next::Successor | Next::Beyond => Standing::Unknown,
        };
    }
    if let Some(state) = state {
        if pending.number_taken && looks {
            return Standing::Uncommitted { new_session: true };
        }
        let own = if looks { own_entry(pending, state) } else { Own::Earlier };
        // A key that is not applied proves it. Else the session's entry does, or that there is none, while the floor has not passed: later
        // it may be one that a clone of the session began anew. Where the session is beyond this number, only history knows whose it was.
        let proves = pending.key.is_some() || (own != Own::Later && absence_proves(state, known));
        if !proves && (own == Own::Later || limits.rules.upholds(Mutation::NoHistory)) {
            return Standing::AskHistory;
        }
    }
    Standing::Uncommitted { new_session: !may_go_on() }
}

/// What a retained version below the newest one tells, asked from the newest such version downwards, to the one after
/// [`Pending::uncommitted`] (R5).
pub fn look_back(pending: &Pending, version: MetadataVersion, state: Option<&CommitState>) -> LookBack {
    let Some(known) = pending.uncommitted else { return LookBack::Older };
    let Some(state) = state.filter(|state| pending.generation == Some(state.generation)) else {
        return match next_to(known, version) {
            Next::Successor if pending.begins_generation => LookBack::Uncommitted,
            Next::Same | Next::Successor | Next::Beyond => LookBack::Older,
        };
    };
    if let Some(key) = &pending.key {
        return if state.has_applied(key) { LookBack::Committed(Found::Key) } else { LookBack::Uncommitted };
    }
    match own_entry(pending, state) {
        Own::This(version) => LookBack::Committed(Found::Session { version }),
        Own::Another | Own::Earlier if absence_proves(state, known) => LookBack::Uncommitted,
        Own::Another | Own::Earlier | Own::Later => LookBack::Older,
    }
}

/// An entry that came after `known` would still be there: the floor has not passed the version after it.
fn absence_proves(state: &CommitState, known: MetadataVersion) -> bool {
    state.intent_floor.0 <= known.0.saturating_add(1)
}

enum Next {
    Same,
    Successor,
    Beyond,
}

/// How far a version is from the one as of which the operation is known not to be committed.
fn next_to(known: MetadataVersion, version: MetadataVersion) -> Next {
    match version.0.saturating_sub(known.0) {
        0 => Next::Same,
        1 => Next::Successor,
        _ => Next::Beyond,
    }
}

/// Whether the session stands right before this operation: at the number before, and with the same operations up to there. A clone of the
/// session may have come to the same number by another way.
fn may_go_on(pending: &Pending, state: Option<&CommitState>) -> bool {
    let entry = state.and_then(|state| state.sessions.get(&pending.session));
    let (last, chain) = entry.map_or((0, ChainHash::default()), |entry| (entry.last, entry.chain));
    last.checked_add(1) == Some(pending.number) && chain == pending.before
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    /// The last operation of the session is this one.
    This(MetadataVersion),
    /// Another operation has this one's number.
    Another,
    /// The session is beyond this number.
    Later,
    /// The session is not there yet, or not there at all.
    Earlier,
}

fn own_entry(pending: &Pending, state: &CommitState) -> Own {
    match state.sessions.get(&pending.session) {
        Some(entry) if entry.last == pending.number && entry.chain == pending.chain => {
            Own::This(entry.version)
        }
        Some(entry) if entry.last == pending.number => Own::Another,
        Some(entry) if entry.last > pending.number => Own::Later,
        Some(_) | None => Own::Earlier,
    }
}
