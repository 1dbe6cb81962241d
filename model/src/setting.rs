//! [`Setting`]: who takes part in a run of the commit model, and what may happen to them.

use std::fmt;
use std::str::FromStr;

use datashard_txn::protocol::Limits;
use datashard_txn::{Mutation, Rules};

/// Who takes part, how much of each fault there is, and which rule is dropped, if one is.
///
/// As text, `key=number` with commas between; what is not named stays as in [`Default`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// `w`: writers.
    pub writers: u8,
    /// `ops`: operations of each writer, one after another.
    pub operations: u8,
    /// `v`: the last version that can be made.
    pub last_version: u8,
    /// `l`: how many versions the intent floor stays behind.
    pub floor_distance: u8,
    /// `cap`: how many sessions are remembered; 0 for any number.
    pub sessions: u8,
    /// `crash`: writers that die, and come back if they have keys.
    pub crashes: u8,
    /// `lost`: requests that act without an answer, or later than anybody waits.
    pub lost: u8,
    /// `dup`: requests that act twice, the second time at any later moment.
    pub duplicated: u8,
    /// `foreign`: commits of a writer that knows nothing of sessions and of the retire boundary.
    pub foreign: u8,
    /// `drop`: those of them that drop the commit state.
    pub dropping: u8,
    /// `over`: whether they overwrite what is there, as a rename may.
    pub overwrites: bool,
    /// `reads`: reads that begin from an old version and probe forward.
    pub reads: u8,
    /// `gc`: whether versions are retired and deleted.
    pub retires: bool,
    /// `del`: whether anybody may delete any intent.
    pub deletes_intents: bool,
    /// `idemp`: whether operations have keys of the caller's.
    pub has_keys: bool,
    /// `pipe`: whether a writer stages its next operation before the answer to the one before.
    pub stages_ahead: bool,
    /// `intents`: whether operations are staged and folded.
    pub has_intents: bool,
    /// `probe`: whether writers look for the newest version one by one from the one that they know.
    pub probes: bool,
    /// `clone`: whether all writers begin with the same session, as clones of one machine do.
    pub clones: bool,
    /// `found`: whether there is no table yet, so that the first commit founds it.
    pub founds: bool,
    /// The rule that is dropped.
    pub mutation: Option<Mutation>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            writers: 2,
            operations: 1,
            last_version: 4,
            floor_distance: 1,
            sessions: 0,
            crashes: 0,
            lost: 0,
            duplicated: 0,
            foreign: 0,
            dropping: 0,
            overwrites: false,
            reads: 0,
            retires: true,
            deletes_intents: true,
            has_keys: false,
            stages_ahead: false,
            has_intents: true,
            probes: true,
            clones: false,
            founds: false,
            mutation: None,
        }
    }
}

/// A text that is no setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingError {
    /// The part that is not understood.
    pub part: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no part of a setting: a known key, `=` and a small number", self.part)
    }
}

impl std::error::Error for SettingError {}

impl FromStr for Setting {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let mut setting = Self::default();
        for part in text.split(',') {
            let wrong = || SettingError { part: part.to_owned() };
            let (key, number) = part.split_once('=').ok_or_else(wrong)?;
            let number: u8 = number.parse().ok().filter(|number| *number <= 40).ok_or_else(wrong)?;
            let yes = number > 0;
            match key {
                "w" => setting.writers = number,
                "ops" => setting.operations = number,
                "v" => setting.last_version = number,
                "l" => setting.floor_distance = number,
                "cap" => setting.sessions = number,
                "crash" => setting.crashes = number,
                "lost" => setting.lost = number,
                "dup" => setting.duplicated = number,
                "foreign" => setting.foreign = number,
                "drop" => setting.dropping = number,
                "over" => setting.overwrites = yes,
                "reads" => setting.reads = number,
                "gc" => setting.retires = yes,
                "del" => setting.deletes_intents = yes,
                "idemp" => setting.has_keys = yes,
                "pipe" => setting.stages_ahead = yes,
                "intents" => setting.has_intents = yes,
                "probe" => setting.probes = yes,
                "clone" => setting.clones = yes,
                "found" => setting.founds = yes,
                _ => return Err(wrong()),
            }
        }
        Ok(setting)
    }
}

impl Setting {
    /// With a rule dropped.
    #[must_use]
    pub fn without(mut self, mutation: Option<Mutation>) -> Self {
        self.mutation = mutation;
        self
    }

    /// The limits and rules that the protocol's functions are called with.
    pub(crate) fn limits(&self) -> Limits {
        let limits = Limits::default()
            .with_floor_distance(self.floor_distance.into())
            .with_rules(self.mutation.map_or_else(Rules::all, Rules::without));
        if self.sessions == 0 { limits } else { limits.with_sessions(self.sessions.into()) }
    }

    /// Whether the rule that this mutation drops is in force.
    pub(crate) fn upholds(&self, against: Mutation) -> bool {
        self.mutation != Some(against)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_not_named_stay_as_they_are() {
        let setting: Setting = "w=3,idemp=1,del=0".parse().unwrap();
        let expect = Setting { writers: 3, has_keys: true, deletes_intents: false, ..Setting::default() };
        assert_eq!(setting, expect);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, part) in [("w=3,x=1", "x=1"), ("w", "w"), ("", ""), ("w=-1", "w=-1"), ("v=41", "v=41")] {
            assert_eq!(text.parse::<Setting>(), Err(SettingError { part: part.to_owned() }));
        }
    }
}
