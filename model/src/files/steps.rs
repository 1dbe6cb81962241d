//! What can happen in the file model, and what happens then: [`advance`] decides whether a file may be added.

use std::sync::Arc;

use datashard_spec::id::MetadataVersion;
use datashard_txn::protocol::{
    ChainHash, CommitId, CommitState, Generation, Ineligible, Member, OperationTag, SessionId, Step, advance,
};

use super::{Act, Collector, File, Files, Phase, State, Unruly, Version};

/// The most files that a writer makes.
const MOST_FILES: u8 = 3;

impl State {
    pub(super) fn newest(&self) -> &Arc<Version> {
        self.chain.last().expect("there always is a version")
    }

    fn newest_number(&self) -> u8 {
        self.chain.len() as u8 - 1
    }
}

impl Files {
    pub(super) fn possible(&self, state: &State, add: &mut impl FnMut(Act)) {
        let has_room = state.chain.len() <= usize::from(self.last_version);
        for (index, writer) in state.writers.iter().enumerate() {
            match &writer.phase {
                Phase::Begins => add(Act::Read(index)),
                Phase::Read => add(Act::Write(index)),
                Phase::Wrote(_) => {
                    // Rebases, and keeps the file.
                    add(Act::Read(index));
                    add(Act::Build(index));
                    add(Act::Abandon(index));
                }
                Phase::Prepared(..) if has_room => add(Act::Create(index)),
                Phase::Prepared(..) | Phase::Done => {}
            }
        }
        for (index, collector) in state.collectors.iter().enumerate() {
            match collector {
                Collector::Idle if state.rounds > 0 && has_room => {
                    let floor = state.newest().state.file_floor.0 as u8;
                    let floors = floor + 1..=state.newest_number() + 1;
                    floors.for_each(|floor| add(Act::CollectorReads(index, floor)));
                }
                Collector::Idle => {}
                Collector::Prepared { .. } => add(Act::CollectorCreates(index)),
                Collector::Sweeps { floor, view } => {
                    for (place, file) in state.files.iter().enumerate() {
                        if file.epoch < *floor && !view.files.contains(file) {
                            add(Act::Delete(index, place));
                        }
                    }
                    add(Act::SweepEnds(index));
                }
            }
        }
    }

    pub(super) fn step(&self, state: &mut State, act: Act) -> bool {
        match act {
            Act::Read(index) => {
                let newest = state.newest_number();
                let writer = &mut state.writers[index];
                match writer.phase {
                    Phase::Wrote(_) if writer.base == newest => return false,
                    Phase::Wrote(_) => {}
                    _ => writer.phase = Phase::Read,
                }
                writer.base = newest;
            }
            Act::Write(index) => {
                let writer = &mut state.writers[index];
                if writer.made == MOST_FILES {
                    return false;
                }
                writer.made += 1;
                let file = File { epoch: writer.base, writer: index as u8, number: writer.made };
                writer.phase = Phase::Wrote(file);
                state.files.push(file);
                state.files.sort_unstable();
            }
            Act::Build(index) => return self.build(state, index),
            Act::Create(index) => self.create(state, index),
            Act::Abandon(index) => state.writers[index].phase = Phase::Done,
            Act::CollectorReads(index, floor) => return self.begin_collection(state, index, floor),
            Act::CollectorCreates(index) => self.commit_floor(state, index),
            Act::Delete(_, place) => {
                state.files.remove(place);
            }
            Act::SweepEnds(index) => state.collectors[index] = Collector::Idle,
        }
        true
    }

    fn build(&self, state: &mut State, index: usize) -> bool {
        let writer = &mut state.writers[index];
        let Phase::Wrote(file) = writer.phase else { return false };
        let base = &state.chain[usize::from(writer.base)];
        let session = SessionId(index as u64);
        let entry = base.state.sessions.get(&session);
        let (last, before) = entry.map_or((0, ChainHash::default()), |entry| (entry.last, entry.chain));
        let member = Member::direct(session, last + 1, OperationTag(index as u64))
            .after(before)
            .with_oldest_epoch(Some(MetadataVersion(file.epoch.into())));
        match self.advanced(&base.state, writer.base, &[member], 0) {
            Ok(made) => {
                let mut files = base.files.clone();
                if writer.removes && !files.is_empty() {
                    files.remove(0);
                }
                files.push(file);
                files.sort_unstable();
                writer.phase = Phase::Prepared(file, Arc::new(Version { state: made, files }));
                true
            }
            // It may be gone: write it again.
            Err(Ineligible::FilesBelowFloor { .. }) => {
                writer.phase = Phase::Read;
                true
            }
            Err(_) => false,
        }
    }

    fn create(&self, state: &mut State, index: usize) {
        let next = state.chain.len();
        let writer = &mut state.writers[index];
        let Phase::Prepared(file, made) = writer.phase.clone() else { return };
        if usize::from(writer.base) + 1 == next {
            state.chain.push(made);
            writer.left -= 1;
            writer.phase = if writer.left == 0 { Phase::Done } else { Phase::Begins };
        } else {
            writer.phase = Phase::Wrote(file);
        }
    }

    fn begin_collection(&self, state: &mut State, index: usize, floor: u8) -> bool {
        let (base, read) = (state.newest_number(), Arc::clone(state.newest()));
        state.rounds -= 1;
        if self.unruly == Some(Unruly::ReadsOnly) {
            state.collectors[index] = Collector::Sweeps { floor, view: read };
            return true;
        }
        let Ok(made) = self.advanced(&read.state, base, &[], floor) else { return false };
        let made = Arc::new(Version { state: made, files: read.files.clone() });
        state.collectors[index] = Collector::Prepared { base, made, read };
        true
    }

    fn commit_floor(&self, state: &mut State, index: usize) {
        let Collector::Prepared { base, made, read } = state.collectors[index].clone() else { return };
        let floor = made.state.file_floor.0 as u8;
        let newest = state.newest_number();
        state.collectors[index] = if base == newest {
            state.chain.push(Arc::clone(&made));
            Collector::Sweeps { floor, view: made }
        } else if self.unruly == Some(Unruly::LateView) && newest < self.last_version {
            let onto = Arc::clone(state.newest());
            match self.advanced(&onto.state, newest, &[], floor) {
                Ok(made) => {
                    state.chain.push(Arc::new(Version { state: made, files: onto.files.clone() }));
                    Collector::Sweeps { floor, view: read }
                }
                Err(_) => Collector::Idle,
            }
        } else {
            Collector::Idle
        };
    }

    /// The commit state after `base`, without its commit ids: nothing here looks at them.
    fn advanced(
        &self,
        base: &CommitState,
        version: u8,
        members: &[Member],
        floor: u8,
    ) -> Result<CommitState, Ineligible> {
        let step = Step {
            commit: CommitId::default(),
            generation: Generation::default(),
            file_floor: MetadataVersion(floor.into()),
        };
        let advanced = advance(Some(base), MetadataVersion(version.into()), members, step, self.limits);
        advanced.map(|advanced| advanced.state).map_err(|(_, why)| why)
    }
}
