//! [`Commits`]: writers, readers, a collector and foreign writers around one chain of versions.

mod actions;
mod fold;
mod owner;
mod properties;
mod state;
mod steps;
mod version;

use datashard_txn::protocol::{CommitState, Generation, Limits};
use stateright::{Model, Property};

use self::state::{Act, How, Phase, Reader, Writer};
pub use self::state::{Action, State};
use self::version::Version;
use crate::setting::Setting;
use crate::walk::Walkable;

/// The model of commits: sections 3a and 3c of the protocol in one.
///
/// Writers stage their operations, fold any subset of what is staged (a list is as incomplete as it likes), or commit directly. Requests are
/// answered, or act without an answer, or arrive at any later moment, or twice. Writers crash; versions are retired and deleted in any
/// order; anybody deletes any intent; a foreign writer knows none of it.
#[derive(Debug, Clone)]
pub struct Commits {
    setting: Setting,
    limits: Limits,
}

impl Commits {
    /// The model in a setting.
    pub fn new(setting: Setting) -> Self {
        Self { limits: setting.limits(), setting }
    }

    fn initial(&self) -> State {
        let setting = &self.setting;
        let count = usize::from(setting.writers) * usize::from(setting.operations);
        let founded = (!setting.founds).then(|| CommitState::new(Generation(1)));
        let first = Version::carrying(founded, vec![0; count]);
        let mut chain = vec![None; usize::from(setting.last_version) + 1];
        chain[0] = Some(first.clone());
        let writer = |index| Writer {
            phase: Phase::NeedsRead,
            base: None,
            pending: self.fresh(index, 0, 1),
            renewals: 0,
            operation: 1,
            staged: None,
            ahead: None,
            acknowledged: 0,
        };
        State {
            chain,
            retired: 0,
            intents: Vec::new(),
            late: Vec::new(),
            writers: (0..setting.writers).map(writer).collect(),
            foreign: None,
            reader: Reader::Idle,
            reader_cache: (setting.reads > 0).then_some((0, first)),
            crashes: setting.crashes,
            lost: setting.lost,
            duplicated: setting.duplicated,
            foreign_left: setting.foreign,
            dropping_left: setting.dropping,
            reads_left: setting.reads,
            gave_up_early: false,
            torn: false,
        }
    }
}

impl Model for Commits {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.initial()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, &mut |act| actions.push(Action(act)));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.step(&mut state, action.0).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Walkable for Commits {
    fn is_rare(action: &Action) -> bool {
        matches!(
            action.0,
            Act::Retire(_)
                | Act::DeleteVersion(_)
                | Act::DeleteIntent(_)
                | Act::Crash(_)
                | Act::Arrive(_)
                | Act::Create(_, How::NowLost | How::Late | How::Twice)
        )
    }

    fn is_over(state: &State) -> bool {
        let is_idle = |writer: &Writer| matches!(writer.phase, Phase::Done | Phase::Unknown | Phase::Crashed);
        state.writers.iter().all(is_idle) && state.late.is_empty()
    }

    fn acknowledged(state: &State) -> u64 {
        state.writers.iter().map(|writer| u64::from(writer.acknowledged)).sum()
    }

    fn has_unknown(state: &State) -> bool {
        state.writers.iter().any(|writer| writer.phase == Phase::Unknown)
    }
}
