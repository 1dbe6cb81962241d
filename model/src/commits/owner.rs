//! The owner of an operation finds out where it stands: the library's functions decide, here its answers are carried out.

use datashard_spec::id::MetadataVersion;
use datashard_txn::protocol::{
    ChainHash, Found, Generation, LookBack, Pending, SessionId, Standing, counts, look_back, resolve,
};

use super::Commits;
use super::state::{Phase, State, Writer};
use super::version::{Intent, Version};

/// A version of the model as one of the library.
pub(super) fn numbered(version: u8) -> MetadataVersion {
    MetadataVersion(version.into())
}

impl Commits {
    /// The session with which a writer begins, or a later one.
    pub(super) fn session(&self, writer: u8, renewals: u8) -> SessionId {
        let own = if self.setting.clones && renewals == 0 { 0 } else { writer };
        SessionId(u64::from(own) * 8 + u64::from(renewals))
    }

    /// An operation as the first one of a session.
    pub(super) fn fresh(&self, writer: u8, renewals: u8, operation: u8) -> Pending {
        let session = self.session(writer, renewals);
        self.keyed(
            Pending::new(session, 1, ChainHash::default(), Intent::tag(writer, operation)),
            writer,
            operation,
        )
    }

    fn keyed(&self, pending: Pending, writer: u8, operation: u8) -> Pending {
        pending.with_key(self.setting.has_keys.then(|| Intent::key(writer, operation)))
    }

    /// The operation after the one under way.
    pub(super) fn following(&self, writer: &Writer, index: u8) -> Pending {
        let (before, operation) = (&writer.pending, writer.operation + 1);
        let number = before.number + 1;
        let next = Pending::new(before.session, number, before.chain, Intent::tag(index, operation));
        self.keyed(next, index, operation)
    }

    /// The generation that a commit of this session begins on a version without one. The library draws it.
    pub(super) fn new_generation(session: SessionId, base: u8) -> Generation {
        Generation(2 + u128::from(base) * 1_024 + u128::from(session.0))
    }

    /// Where the operation of a writer stands as of its base, which counts (R2).
    pub(super) fn settle(&self, state: &mut State, index: usize) {
        let (version, base) = state.writers[index].base.clone().expect("a writer settles on a base");
        let mut pending = state.writers[index].pending.clone();
        match self.standing(state, index, &mut pending, version, &base) {
            Standing::Committed(_) => self.acknowledge(state, index),
            Standing::Uncommitted { new_session } => {
                let writer = &mut state.writers[index];
                writer.pending = pending;
                if new_session {
                    self.renew_session(writer, index as u8);
                }
                let generation = Self::new_generation(writer.pending.session, version);
                writer.pending.known_uncommitted(numbered(version), base.state.as_ref(), generation);
                writer.phase = Phase::Ready;
            }
            // Whatever else there is to come: it is not known.
            _ => {
                state.gave_up_early |= could_tell(state, index, version);
                let writer = &mut state.writers[index];
                writer.phase = Phase::Unknown;
                writer.base = None;
            }
        }
    }

    /// Where an operation stands, with the older versions that are left. `pending` learns as of which it is not committed.
    fn standing(
        &self,
        state: &State,
        index: usize,
        pending: &mut Pending,
        version: u8,
        base: &Version,
    ) -> Standing {
        // The digest of an operation is one over those before it: where the next one is found, so is this one.
        let ahead = state.writers[index].ahead.as_ref();
        if let Some(ahead) = ahead
            && let found @ Standing::Committed(Found::Session { .. }) =
                resolve(ahead, numbered(version), base.state.as_ref(), self.limits)
        {
            return found;
        }
        loop {
            let standing = resolve(pending, numbered(version), base.state.as_ref(), self.limits);
            let (Standing::AskHistory, Some(known)) = (standing, pending.uncommitted) else {
                return standing;
            };
            let mut has_learnt = false;
            for older in (known.0 as u8 + 1..version).rev() {
                let Some(content) =
                    state.at(older).filter(|_| counts(numbered(older), numbered(state.retired)))
                else {
                    continue;
                };
                if let Some(ahead) = ahead
                    && let LookBack::Committed(found @ Found::Session { .. }) =
                        look_back(ahead, numbered(older), content.state.as_ref())
                {
                    return Standing::Committed(found);
                }
                match look_back(pending, numbered(older), content.state.as_ref()) {
                    LookBack::Committed(found) => return Standing::Committed(found),
                    LookBack::Uncommitted => {
                        let generation = Self::new_generation(pending.session, older);
                        pending.known_uncommitted(numbered(older), content.state.as_ref(), generation);
                        has_learnt = true;
                        break;
                    }
                    LookBack::Older => {}
                }
            }
            if !has_learnt {
                return Standing::Unknown;
            }
        }
    }

    /// The caller is told of success; the next operation begins.
    fn acknowledge(&self, state: &mut State, index: usize) {
        let writer = &mut state.writers[index];
        writer.acknowledged = writer.operation;
        writer.pending = match writer.ahead.take() {
            Some(ahead) => ahead,
            None => self.following(writer, index as u8),
        };
        writer.operation += 1;
        writer.staged = writer.pending.uncommitted.map(|version| version.0 as u8);
        if writer.operation > self.setting.operations {
            writer.phase = Phase::Done;
            writer.base = None;
        } else {
            self.settle(state, index);
        }
    }

    /// The operation goes on as the first one of a new session.
    fn renew_session(&self, writer: &mut Writer, index: u8) {
        writer.renewals += 1;
        let session = self.session(index, writer.renewals);
        writer.pending = writer.pending.in_new_session(session, Intent::tag(index, writer.operation));
        writer.staged = None;
        writer.ahead = None;
    }

    /// The operation begins anew, as if it had never been sent.
    pub(super) fn begin_anew(&self, writer: &mut Writer, index: u8) {
        writer.renewals += 1;
        writer.pending = self.fresh(index, writer.renewals, writer.operation);
        writer.staged = None;
        writer.ahead = None;
    }
}

/// Whether every version is there that the operation can be in, so that "unknown" is no answer.
fn could_tell(state: &State, index: usize, version: u8) -> bool {
    let pending = &state.writers[index].pending;
    let Some(known) = pending.uncommitted else { return true };
    (known.0 as u8 + 1..=version).all(|version| {
        let content = state.at(version).filter(|_| counts(numbered(version), numbered(state.retired)));
        let kept = content.and_then(|content| content.state.as_ref());
        kept.is_some_and(|kept| Some(kept.generation) == pending.generation)
    })
}
