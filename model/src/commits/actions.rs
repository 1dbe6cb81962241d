//! What can happen in a state of the commit model.

use datashard_spec::id::MetadataVersion;
use datashard_txn::Mutation;

use super::Commits;
use super::state::{Act, How, Phase, Reader, State, Writer};
use super::version::{Content, Intent};

impl Commits {
    pub(super) fn possible(&self, state: &State, add: &mut impl FnMut(Act)) {
        for (index, writer) in state.writers.iter().enumerate() {
            self.writer_can(state, index, writer, add);
        }
        for (index, message) in state.late.iter().enumerate() {
            // Of equal requests any is as good as another.
            if index == 0 || state.late[index - 1] != *message {
                add(Act::Arrive(index));
            }
        }
        self.environment_can(state, add);
        match &state.reader {
            Reader::Idle if state.reads_left > 0 => add(Act::ReaderBegins),
            Reader::Idle => {}
            Reader::Probes(..) => add(Act::ReaderProbes),
            Reader::Checks(..) => add(Act::ReaderChecks),
            Reader::Has(..) => add(Act::ReaderEnds),
        }
    }

    fn environment_can(&self, state: &State, add: &mut impl FnMut(Act)) {
        if self.setting.retires {
            // The newest version stays above the boundary.
            (state.retired + 1..=state.newest()).for_each(|version| add(Act::Retire(version)));
            let deletable = (0..state.retired).filter(|version| state.at(*version).is_some());
            deletable.for_each(|version| add(Act::DeleteVersion(version)));
        }
        if self.setting.deletes_intents {
            (0..state.intents.len()).for_each(|index| add(Act::DeleteIntent(index)));
        }
        match &state.foreign {
            None if state.foreign_left > 0 => add(Act::ForeignRead),
            Some((version, _)) if *version < self.setting.last_version => {
                add(Act::ForeignCreate { drops_state: false });
                if state.dropping_left > 0 {
                    add(Act::ForeignCreate { drops_state: true });
                }
            }
            _ => {}
        }
    }

    fn writer_can(&self, state: &State, index: usize, writer: &Writer, add: &mut impl FnMut(Act)) {
        match (&writer.phase, &writer.base) {
            (Phase::NeedsRead, base) => {
                add(Act::ReadNewest(index));
                if self.setting.probes && base.is_some() {
                    add(Act::Probe(index));
                }
            }
            (Phase::Probed { .. }, _) => add(Act::CheckRead(index)),
            (Phase::Ready, Some((version, base))) => {
                // Looking again makes sense only if the world has changed.
                if state.newest() != *version || state.at(*version).is_none() {
                    add(Act::Poll(index));
                }
                if *version < self.setting.last_version {
                    self.stagings(state, index, writer, *version, add);
                    self.folds(state, index, writer, *version, base, add);
                }
            }
            (Phase::Prepared(_), _) => {
                add(Act::Create(index, How::Now));
                if state.lost > 0 {
                    add(Act::Create(index, How::NowLost));
                    add(Act::Create(index, How::Late));
                }
                if state.duplicated > 0 {
                    add(Act::Create(index, How::Twice));
                }
            }
            (Phase::Created(_), _) => add(Act::CheckCreated(index)),
            (Phase::Ready | Phase::Done | Phase::Unknown | Phase::Crashed, _) => return,
        }
        if state.crashes > 0 {
            add(Act::Crash(index));
        }
    }

    fn stagings(&self, state: &State, index: usize, writer: &Writer, version: u8, add: &mut impl FnMut(Act)) {
        if self.setting.has_intents && writer.staged != Some(version) {
            add(Act::Stage(index, How::Now));
            if state.lost > 0 {
                add(Act::Stage(index, How::Late));
            }
            if state.duplicated > 0 {
                add(Act::Stage(index, How::Twice));
            }
        }
        let has_next = writer.ahead.is_none() && writer.operation < self.setting.operations;
        if self.setting.stages_ahead && has_next && writer.staged == Some(version) {
            add(Act::StageAhead(index, How::Now));
            if state.lost > 0 {
                add(Act::StageAhead(index, How::Late));
            }
        }
    }

    /// A list shows any subset of the intents from the floor on, and no list need be read at all. Intents of another generation are dead
    /// (R9), and one from a later version tells its folder to look for that version first.
    fn folds(
        &self,
        state: &State,
        index: usize,
        writer: &Writer,
        version: u8,
        base: &Content,
        add: &mut impl FnMut(Act),
    ) {
        let floor = base.state.as_ref().map_or(MetadataVersion(0), |state| state.intent_floor);
        let from = if self.setting.upholds(Mutation::IgnoreIntentFloor) { floor.0 as u8 } else { 0 };
        let generation = self.generation_after(writer, version, base);
        let listed: Vec<&Intent> = state
            .intents
            .iter()
            .filter(|intent| (from..=version).contains(&intent.base) && intent.generation == generation)
            .collect();
        for mask in 0..1_u32 << listed.len() {
            let bits = 0..listed.len();
            let set: Vec<Intent> = bits.filter(|bit| mask >> bit & 1 == 1).map(|bit| *listed[bit]).collect();
            let has_own = set.iter().any(|intent| {
                usize::from(intent.writer) == index
                    && intent.session == writer.pending.session
                    && intent.number == writer.pending.number
            });
            if !has_own {
                add(Act::Fold(index, set.clone(), true));
            }
            if !set.is_empty() {
                add(Act::Fold(index, set, false));
            }
        }
    }
}
