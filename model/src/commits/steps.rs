//! What happens when something happens in the commit model.

use std::sync::Arc;

use datashard_txn::Mutation;
use datashard_txn::protocol::{Standing, continues, counts, must_check_boundary, resolve};

use super::Commits;
use super::owner::numbered;
use super::state::{Act, How, Phase, Reader, State};
use super::version::{Content, Intent, Message, Version};

impl Commits {
    /// Carries out what happens; `false` if it turns out not to be possible.
    pub(super) fn step(&self, state: &mut State, act: Act) -> bool {
        match act {
            Act::ReadNewest(index) => {
                state.writers[index].base = Some(state.newest_content());
                self.settle(state, index);
            }
            Act::Probe(index) => self.probe(state, index),
            Act::CheckRead(index) => self.check_read(state, index),
            Act::Poll(index) => state.writers[index].phase = Phase::NeedsRead,
            Act::Stage(index, how) => {
                let intent = self.own_intent(&state.writers[index], index);
                state.writers[index].staged = Some(intent.base);
                stage(state, intent, how);
            }
            Act::StageAhead(index, how) => self.stage_ahead(state, index, how),
            Act::Fold(index, folded, with_own) => {
                let made = self.fold(&state.writers[index], index, &folded, with_own);
                let Some(content) = made else { return false };
                state.writers[index].phase = Phase::Prepared(content);
            }
            Act::Create(index, how) => self.create(state, index, how),
            Act::CheckCreated(index) => self.check_created(state, index),
            Act::Crash(index) => self.crash(state, index),
            Act::Arrive(index) => match state.late.remove(index) {
                Message::Stage(intent) => state.stage(intent),
                Message::Create(version, content) => {
                    state.create(version, &content);
                }
            },
            Act::Retire(version) => state.retired = version,
            Act::DeleteVersion(version) => state.chain[usize::from(version)] = None,
            Act::DeleteIntent(index) => {
                state.intents.remove(index);
            }
            Act::ForeignRead => {
                state.foreign_left -= 1;
                state.foreign = Some(state.newest_content());
            }
            Act::ForeignCreate { drops_state } => self.foreign_create(state, drops_state),
            Act::ReaderBegins | Act::ReaderProbes | Act::ReaderChecks | Act::ReaderEnds => self.read(state),
        }
        true
    }

    fn probe(&self, state: &mut State, index: usize) {
        let (version, base) = state.writers[index].base.clone().expect("one probes from a base");
        match following(state, version, &base) {
            Follows::Yes(next) => state.writers[index].base = Some((version + 1, next)),
            // Somebody who does not look at the boundary takes either for the end.
            _ if !self.setting.upholds(Mutation::NoCheckAfterRead) => self.settle(state, index),
            Follows::No => state.writers[index].phase = Phase::Probed { broken: false },
            Follows::Broken => state.writers[index].phase = Phase::Probed { broken: true },
        }
    }

    fn check_read(&self, state: &mut State, index: usize) {
        let Phase::Probed { broken } = state.writers[index].phase else { return };
        let version = state.writers[index].base.as_ref().map_or(0, |(version, _)| *version);
        if counts(numbered(version), numbered(state.retired)) {
            state.torn |= broken;
            self.settle(state, index);
        } else {
            look_again(state, index);
        }
    }

    fn stage_ahead(&self, state: &mut State, index: usize, how: How) {
        let writer = &state.writers[index];
        let mut ahead = self.following(writer, index as u8);
        let mut intent = self.own_intent(writer, index);
        // As of a version that does not hold the operation before, this one is not committed either.
        let (version, base) = writer.base.clone().expect("an operation is staged on a base");
        ahead.known_uncommitted(numbered(version), base.state.as_ref(), intent.generation);
        intent.number = ahead.number;
        intent.before = ahead.before;
        intent.operation += 1;
        state.writers[index].ahead = Some(ahead);
        stage(state, intent, how);
    }

    fn create(&self, state: &mut State, index: usize, how: How) {
        let writer = &state.writers[index];
        let (Phase::Prepared(content), Some((version, _))) = (writer.phase.clone(), &writer.base) else {
            return;
        };
        let version = version + 1;
        match how {
            How::Now | How::Twice => {
                if how == How::Twice {
                    state.duplicated -= 1;
                    state.send(Message::Create(version, Arc::clone(&content)));
                }
                let is_created = state.create(version, &content);
                if !is_created {
                    state.writers[index].phase = Phase::NeedsRead;
                } else if must_check_boundary(None, false)
                    && self.setting.upholds(Mutation::NoCheckAfterCreate)
                {
                    state.writers[index].phase = Phase::Created(content);
                } else {
                    self.go_on(state, index, version, content);
                }
            }
            How::NowLost | How::Late => {
                state.lost -= 1;
                if how == How::NowLost {
                    state.create(version, &content);
                } else {
                    state.send(Message::Create(version, Arc::clone(&content)));
                }
                let writer = &mut state.writers[index];
                writer.phase = Phase::NeedsRead;
                let standing =
                    resolve(&writer.pending, numbered(version), content.state.as_ref(), self.limits);
                let has_own = matches!(standing, Standing::Committed(_));
                if has_own && !self.setting.upholds(Mutation::AnswersAreTruth) {
                    self.begin_anew(writer, index as u8);
                }
            }
        }
    }

    fn check_created(&self, state: &mut State, index: usize) {
        let writer = &state.writers[index];
        let (Phase::Created(content), Some((version, _))) = (writer.phase.clone(), &writer.base) else {
            return;
        };
        let version = version + 1;
        if counts(numbered(version), numbered(state.retired)) {
            self.go_on(state, index, version, content);
        } else {
            look_again(state, index);
        }
    }

    /// Goes on from a version of one's own that counts.
    fn go_on(&self, state: &mut State, index: usize, version: u8, content: Content) {
        state.writers[index].base = Some((version, content));
        self.settle(state, index);
    }

    fn crash(&self, state: &mut State, index: usize) {
        state.crashes -= 1;
        let writer = &mut state.writers[index];
        writer.base = None;
        if self.setting.has_keys {
            // The caller starts a new process and asks again for what was not acknowledged.
            writer.operation = writer.acknowledged + 1;
            self.begin_anew(writer, index as u8);
            writer.phase = Phase::NeedsRead;
        } else {
            writer.phase = Phase::Crashed;
        }
    }

    fn foreign_create(&self, state: &mut State, drops_state: bool) {
        let Some((version, content)) = state.foreign.take() else { return };
        if self.setting.overwrites {
            state.chain[usize::from(version) + 1] = None;
        }
        if drops_state {
            state.dropping_left -= 1;
            state.create(version + 1, &Version::carrying(None, content.applied.clone()));
        } else {
            state.create(version + 1, &content);
        }
    }

    fn read(&self, state: &mut State) {
        state.reader = match std::mem::replace(&mut state.reader, Reader::Idle) {
            Reader::Idle => {
                state.reads_left -= 1;
                let (version, content) = state.reader_cache.clone().expect("a reader knows a version");
                Reader::Probes(version, content, state.acknowledged())
            }
            Reader::Probes(version, content, before) => match following(state, version, &content) {
                Follows::Yes(next) => Reader::Probes(version + 1, next, before),
                Follows::No => Reader::Checks(version, content, before, false),
                Follows::Broken => Reader::Checks(version, content, before, true),
            },
            Reader::Checks(version, content, before, broken) => {
                let (version, content) = if !self.setting.upholds(Mutation::NoCheckAfterRead) {
                    (version, content)
                } else if counts(numbered(version), numbered(state.retired)) {
                    state.torn |= broken;
                    (version, content)
                } else {
                    state.newest_content()
                };
                state.reader_cache = Some((version, Arc::clone(&content)));
                Reader::Has(content, before)
            }
            Reader::Has(..) => Reader::Idle,
        };
    }
}

fn stage(state: &mut State, intent: Intent, how: How) {
    match how {
        How::Now | How::NowLost => state.stage(intent),
        How::Late => {
            state.lost -= 1;
            state.send(Message::Stage(intent));
        }
        How::Twice => {
            state.duplicated -= 1;
            state.stage(intent);
            state.send(Message::Stage(intent));
        }
    }
}

/// What is known lies below the boundary: forget it.
fn look_again(state: &mut State, index: usize) {
    state.writers[index].base = None;
    state.writers[index].phase = Phase::NeedsRead;
}

enum Follows {
    Yes(Content),
    No,
    /// There is a version, but not after this one (R1).
    Broken,
}

fn following(state: &State, version: u8, content: &Version) -> Follows {
    match state.at(version + 1) {
        None => Follows::No,
        Some(next) if continues(content.state.as_ref(), next.state.as_ref()).is_ok() => {
            Follows::Yes(Arc::clone(next))
        }
        Some(_) => Follows::Broken,
    }
}
