//! The commit state of the next version: R3, R4, R6, R9.

use datashard_spec::id::MetadataVersion;

use super::{
    AppKey, ChainHash, CommitId, CommitState, Generation, Limits, OperationTag, SessionEntry, SessionId,
};
use crate::rules::Mutation;

/// An operation that is to enter the next version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Member {
    /// Whose it is.
    pub session: SessionId,
    /// Its number in the session, from 1.
    pub number: u64,
    /// The digest of the session's operations before it.
    pub before: ChainHash,
    /// What tells it from others.
    pub tag: OperationTag,
    /// The caller's key, if it has one.
    pub key: Option<AppKey>,
    /// The version on which it was staged as an intent; `None` if its owner commits it itself.
    pub staged_on: Option<MetadataVersion>,
    /// The smallest epoch among the files that it adds; `None` if it adds none that has one.
    pub oldest_epoch: Option<MetadataVersion>,
}

impl Member {
    /// An operation that its owner commits itself. Before it, the session has committed nothing.
    pub fn direct(session: SessionId, number: u64, tag: OperationTag) -> Self {
        Self {
            session,
            number,
            before: ChainHash::default(),
            tag,
            key: None,
            staged_on: None,
            oldest_epoch: None,
        }
    }

    /// After operations of the session that have this digest ([`Pending::before`](super::Pending::before)).
    #[must_use]
    pub fn after(mut self, before: ChainHash) -> Self {
        self.before = before;
        self
    }

    /// With a key of the caller's.
    #[must_use]
    pub fn with_key(mut self, key: Option<AppKey>) -> Self {
        self.key = key;
        self
    }

    /// Staged as an intent on this version.
    #[must_use]
    pub fn staged_on(mut self, version: MetadataVersion) -> Self {
        self.staged_on = Some(version);
        self
    }

    /// Adding files of which this is the smallest epoch.
    #[must_use]
    pub fn with_oldest_epoch(mut self, epoch: Option<MetadataVersion>) -> Self {
        self.oldest_epoch = epoch;
        self
    }
}

/// What a commit brings besides its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "what the protocol fixes")]
pub struct Step {
    /// The commit's own id.
    pub commit: CommitId,
    /// The generation that begins if the base has no commit state.
    pub generation: Generation,
    /// To where the file floor rises; a lower value leaves it.
    pub file_floor: MetadataVersion,
}

/// What becomes of an operation in the version that it enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it is applied, or it was before")]
pub enum Fate {
    /// It is applied.
    Applied,
    /// Its key was applied before: it only advances its session (R6).
    AppliedBefore,
}

/// Why an operation may not enter the next version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ineligible {
    /// The session's last number is not the one before, or another operation than the owner's has it (R3).
    OutOfOrder {
        /// The number that the base has.
        last: u64,
    },
    /// It was staged below the intent floor (R4).
    StagedBelowFloor {
        /// The floor.
        floor: MetadataVersion,
    },
    /// It adds files below the file floor, which may be gone already (R4).
    FilesBelowFloor {
        /// The floor.
        floor: MetadataVersion,
    },
    /// There is no number after the last one, or no version.
    Exhausted,
}

/// The commit state of the next version, and what became of each operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "state and fates, nothing else")]
pub struct Advanced {
    /// The state.
    pub state: CommitState,
    /// In the order of the operations given.
    pub fates: Vec<Fate>,
}

/// The commit state of version `base_version + 1`, made from that of `base_version` and operations in this order.
///
/// `base` is `None` for a table that is being made (version 0) and for one whose state was lost (R9): a new generation begins.
///
/// # Errors
/// The index of the first operation that may not enter, and why.
pub fn advance(
    base: Option<&CommitState>,
    base_version: MetadataVersion,
    members: &[Member],
    step: Step,
    limits: Limits,
) -> Result<Advanced, (usize, Ineligible)> {
    let rules = limits.rules;
    let version = MetadataVersion(base_version.0.checked_add(1).ok_or((0, Ineligible::Exhausted))?);
    let mut state = base.cloned().unwrap_or_else(|| {
        // Entries of an earlier generation are unknown: absence proves nothing below here.
        let mut state = CommitState::new(step.generation);
        state.intent_floor = version;
        // How high the file floor was is lost as well. No file that was begun before the state was lost may be added: it may be collected.
        state.file_floor = base_version;
        state
    });
    state.parent = base.map_or(CommitId::default(), |base| base.commit);
    state.commit = step.commit;
    state.file_floor = state.file_floor.max(step.file_floor);
    let floor = version.0.saturating_sub(limits.floor_distance);
    state.intent_floor = state.intent_floor.max(MetadataVersion(floor));

    let mut fates = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let refuse = |why| Err((index, why));
        if let Some(staged_on) = member.staged_on
            && staged_on < state.intent_floor
            && rules.upholds(Mutation::IgnoreIntentFloor)
        {
            return refuse(Ineligible::StagedBelowFloor { floor: state.intent_floor });
        }
        if let Some(epoch) = member.oldest_epoch
            && epoch < state.file_floor
            && rules.upholds(Mutation::IgnoreFileFloor)
        {
            return refuse(Ineligible::FilesBelowFloor { floor: state.file_floor });
        }
        let before = state.sessions.get(&member.session).copied();
        let (last, chain) = before.map_or((0, ChainHash::default()), |entry| (entry.last, entry.chain));
        if rules.upholds(Mutation::NoSessionMap) {
            let follows = if rules.upholds(Mutation::AnyNumber) {
                last.checked_add(1) == Some(member.number) && chain == member.before
            } else {
                last < member.number
            };
            if !follows {
                return refuse(Ineligible::OutOfOrder { last });
            }
        }
        fates.push(match &member.key {
            Some(key) if state.has_applied(key) => Fate::AppliedBefore,
            Some(key) => {
                state.apps.insert(key.app.clone(), key.version);
                Fate::Applied
            }
            None => Fate::Applied,
        });
        let chain = chain.then(member.tag);
        state.sessions.insert(member.session, SessionEntry { last: member.number, version, chain });
    }
    forget(&mut state, version, limits);
    Ok(Advanced { state, fates })
}

/// Drops entries below the intent floor, which rises if there are too many (R4).
fn forget(state: &mut CommitState, version: MetadataVersion, limits: Limits) {
    if state.sessions.len() > limits.sessions {
        let mut versions: Vec<_> = state.sessions.values().map(|entry| entry.version).collect();
        versions.sort_unstable();
        let surplus = versions.len().saturating_sub(limits.sessions);
        // Everything up to the last one that has to go; never what this very commit adds.
        if let Some(last) = surplus.checked_sub(1).and_then(|index| versions.get(index)) {
            let raised = MetadataVersion(last.0.saturating_add(1)).min(version);
            state.intent_floor = state.intent_floor.max(raised);
        }
    }
    let floor = state.intent_floor;
    if limits.rules.upholds(Mutation::DropUntouched) {
        state.sessions.retain(|_, entry| entry.version >= floor);
    } else {
        state.sessions.retain(|_, entry| entry.version == version);
    }
}
