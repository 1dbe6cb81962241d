//! The commit state: what each version carries for the sake of the commits after it.

use std::collections::BTreeMap;
use std::fmt;

use datashard_spec::id::MetadataVersion;

use super::{AppKey, SessionEntry, SessionId};
use crate::rules::Rules;

/// The id of one commit: 128 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct CommitId(pub u128);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Since when the commit state is kept without a break: 128 random bits, drawn when a table is made or its state was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Generation(pub u128);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What a version carries for the sake of the commits after it, in the table property
/// [`datashard.commit-state`](super::COMMIT_STATE).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CommitState {
    /// Since when it is kept without a break.
    pub generation: Generation,
    /// The commit that made this version.
    pub commit: CommitId,
    /// The commit that made the version before; 0 for the first.
    pub parent: CommitId,
    /// Intents staged on versions below it are dead, and entries of sessions that last committed below it may be gone.
    pub intent_floor: MetadataVersion,
    /// Files made on versions below it may not be added any more, and may be deleted if nothing refers to them.
    pub file_floor: MetadataVersion,
    /// What each session committed last.
    pub sessions: BTreeMap<SessionId, SessionEntry>,
    /// The highest number applied of each application. Never dropped.
    pub apps: BTreeMap<String, u64>,
}

impl CommitState {
    /// The state before the first commit of a generation.
    pub fn new(generation: Generation) -> Self {
        Self {
            generation,
            commit: CommitId::default(),
            parent: CommitId::default(),
            intent_floor: MetadataVersion(0),
            file_floor: MetadataVersion(0),
            sessions: BTreeMap::new(),
            apps: BTreeMap::new(),
        }
    }

    /// The last committed number of a session; 0 if nothing is known of it.
    pub fn last_of(&self, session: SessionId) -> u64 {
        self.sessions.get(&session).map_or(0, |entry| entry.last)
    }

    /// Whether this key, or a later one of its application, was applied.
    pub fn has_applied(&self, key: &AppKey) -> bool {
        self.apps.get(&key.app).is_some_and(|applied| *applied >= key.version)
    }
}

/// How much the commit state may remember, and the rules in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// How many versions the intent floor stays behind the newest version, L.
    pub floor_distance: u64,
    /// How many sessions are remembered before the intent floor rises faster.
    pub sessions: usize,
    /// The rules in force.
    pub rules: Rules,
}

impl Default for Limits {
    fn default() -> Self {
        Self { floor_distance: 512, sessions: 4_096, rules: Rules::all() }
    }
}

impl Limits {
    /// With another distance of the intent floor, in versions.
    #[must_use]
    pub fn with_floor_distance(mut self, versions: u64) -> Self {
        self.floor_distance = versions;
        self
    }

    /// With another number of sessions that are remembered, at least 1.
    #[must_use]
    pub fn with_sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions.max(1);
        self
    }

    /// With other rules in force.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }
}
