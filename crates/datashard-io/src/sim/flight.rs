//! A request on its way: to the store, through what befalls it there and on the road, and back.
//!
//! It is not its caller's: when the caller goes away, what was sent still arrives, or not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use object_store::PutMode;

use super::answer::Answer;
use super::fault::{Delivery, Effect, Loss};
use super::hash::{mix, mix_bytes, nanos};
use super::objects::{Operation, Reply};
use super::request_log::Answered;
use super::schedule::{Event, lock};
use super::server::{Server, Shared};

/// What the caller gets.
pub(super) type Outcome = Result<Reply, Trouble>;

/// What the caller gets instead of what was asked for.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    Answer(Answer),
    Connection(io::ErrorKind),
}

/// Stages, as numbers for [`Event::fire`].
const ARRIVES: u8 = 0;
const ARRIVES_AGAIN: u8 = 1;
const ARRIVES_LATE: u8 = 2;
const WRITES: u8 = 3;
const ANSWERED: u8 = 4;

/// A request on its way.
pub(super) struct Flight {
    shared: Arc<Shared>,
    operation: Operation,
    /// What the sender's clock said.
    signed_ms: i64,
    effect: Option<Effect>,
    down_ns: u64,
    number: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    is_answered: bool,
    is_abandoned: bool,
    waker: Option<Waker>,
}

/// What happens when, as decided when the request is sent.
pub(super) struct Plan {
    pub(super) up_ns: u64,
    pub(super) down_ns: u64,
    pub(super) effect: Option<Effect>,
}

impl Flight {
    /// Sends a request.
    pub(super) fn start(
        shared: &Arc<Shared>,
        operation: Operation,
        signed_ms: i64,
        number: u64,
        plan: Plan,
    ) -> Waiting {
        let Plan { up_ns, down_ns, effect } = plan;
        let round_trip = up_ns.saturating_add(down_ns);
        let mut told = None;
        let mut events = [None; 2];
        match &effect {
            Some(Effect::Answer(answer)) => {
                told = Some((Loss::Answer(answer.clone()), round_trip));
            }
            Some(Effect::NoConnection) => {
                events[0] = Some((up_ns, ANSWERED));
            }
            Some(Effect::LoseRequest(loss)) => told = Some((loss.clone(), round_trip)),
            Some(Effect::Late { after, meanwhile }) => {
                told = Some((meanwhile.clone(), round_trip));
                events[0] = Some((up_ns.saturating_add(nanos(*after)), ARRIVES_LATE));
            }
            Some(Effect::Twice { gap, .. }) => {
                events = [
                    Some((up_ns, ARRIVES)),
                    Some((up_ns.saturating_add(nanos(*gap)).saturating_add(1), ARRIVES_AGAIN)),
                ];
            }
            Some(Effect::Delay(delay)) => events[0] = Some((up_ns.saturating_add(nanos(*delay)), ARRIVES)),
            _ => events[0] = Some((up_ns, ARRIVES)),
        }
        let outcome = match (&told, &effect) {
            (Some((loss, _)), _) => lost(loss),
            (None, Some(Effect::NoConnection)) => {
                Some(Err(Trouble::Connection(io::ErrorKind::ConnectionRefused)))
            }
            _ => None,
        };
        let answered = told.filter(|_| outcome.is_some()).map(|(_, at)| (at, ANSWERED));
        let flight = Arc::new(Self {
            shared: Arc::clone(shared),
            operation,
            signed_ms,
            effect,
            down_ns,
            number,
            state: Mutex::new(State { outcome, ..State::default() }),
        });
        for (after_ns, stage) in events.into_iter().chain([answered]).flatten() {
            shared.core.happen(after_ns, flight.clone(), stage);
        }
        Waiting { flight }
    }

    /// The request is there: the store does what it asks for, or refuses.
    fn arrive(self: &Arc<Self>, stage: u8) {
        let shared = &self.shared;
        let mut server = lock(&shared.server);
        // What befalls a request on purpose befalls it; only what is left to chance depends on whether the caller is there.
        if self.effect.is_none() && lock(&self.state).is_abandoned && !server.acts_on_abandoned() {
            return;
        }
        let now_ms = shared.now_ms(&server);
        let refused = server.refuses(&self.operation, self.signed_ms, now_ms, shared.core.now_ns());
        if refused.is_none()
            && server.objects.quirks.racy_conditions
            && let Operation::Put { key, mode, .. } = &self.operation
            && *mode != PutMode::Overwrite
            && server.objects.check(key, mode).is_ok()
        {
            // Others may look at the name before it is written.
            let gap = (self.down_ns / 2).max(1);
            shared.core.happen(gap, self.clone(), WRITES);
            return;
        }
        let result = match refused {
            Some(answer) => Err(answer),
            None => {
                let only_half = self.effect == Some(Effect::DeleteHalf);
                server.apply(self.number, &self.operation, only_half, now_ms, shared.core.now_ns())
            }
        };
        self.acted(&mut server, result.map_err(Trouble::Answer), stage);
    }

    /// The second step of a store that looks first and writes later.
    fn write(self: &Arc<Self>) {
        let shared = &self.shared;
        let mut server = lock(&shared.server);
        let now_ms = shared.now_ms(&server);
        if let Operation::Put { key, bytes, .. } = &self.operation {
            let unconditional =
                Operation::Put { key: key.clone(), bytes: bytes.clone(), mode: PutMode::Overwrite };
            let result = server.apply(self.number, &unconditional, false, now_ms, shared.core.now_ns());
            self.acted(&mut server, result.map_err(Trouble::Answer), ARRIVES);
        }
    }

    /// The store has acted: sends the answer back, or what is left of it.
    fn acted(self: &Arc<Self>, server: &mut Server, outcome: Outcome, stage: u8) {
        let answers = match (&self.effect, stage) {
            (_, ARRIVES_LATE) => false,
            (Some(Effect::Twice { answer: Delivery::First, .. }), stage) => stage == ARRIVES,
            (Some(Effect::Twice { answer: Delivery::Second, .. }), stage) => stage == ARRIVES_AGAIN,
            _ => true,
        };
        if !answers {
            return;
        }
        let outcome = match &self.effect {
            Some(Effect::LoseAnswer(loss)) => match lost(loss) {
                Some(outcome) => outcome,
                None => return,
            },
            Some(effect) => spoiled(outcome, effect, server.random()),
            None => outcome,
        };
        lock(&self.state).outcome = Some(outcome);
        self.shared.core.happen(self.down_ns, self.clone(), ANSWERED);
    }

    fn answered(&self) {
        let mut state = lock(&self.state);
        state.is_answered = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Event for Flight {
    fn fire(self: Arc<Self>, stage: u8) {
        match stage {
            ANSWERED => self.answered(),
            WRITES => self.write(),
            _ => self.arrive(stage),
        }
    }
}

/// Waits for the answer. Dropped before it, the caller has gone away.
pub(super) struct Waiting {
    flight: Arc<Flight>,
}

impl Waiting {
    fn end(&self, answered: Answered, words: u64) {
        let shared = &self.flight.shared;
        let now_ns = shared.core.now_ns();
        if let Some(entry) = lock(&shared.server).log.entry(self.flight.number) {
            entry.ended = Some(Duration::from_nanos(now_ns));
            entry.answered = answered;
        }
        shared.core.trace(mix(mix(self.flight.number, now_ns), words));
    }
}

impl Future for Waiting {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut state = lock(&self.flight.state);
        if !state.is_answered {
            let old = state.waker.replace(context.waker().clone());
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        let outcome = state.outcome.take();
        drop(state);
        // Polled again after the end: there is nothing to give, so it does not end twice.
        let Some(outcome) = outcome else { return Poll::Pending };
        let (answered, words) = summary(&outcome);
        self.end(answered, words);
        Poll::Ready(outcome)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = lock(&self.flight.state);
        let is_over = state.is_answered && state.outcome.is_none();
        state.is_abandoned = true;
        let waker = state.waker.take();
        drop(state);
        drop(waker);
        if !is_over {
            self.end(Answered::Abandoned, 0);
        }
    }
}

/// What is told of an answer to the log and to the trace.
fn summary(outcome: &Outcome) -> (Answered, u64) {
    match outcome {
        Ok(reply) => {
            let words = match reply {
                Reply::Written { version } | Reply::Upload(version) => *version,
                Reply::Got(got) => {
                    mix_bytes(got.meta.size, got.meta.e_tag.as_deref().unwrap_or("").as_bytes())
                }
                Reply::Page(page) => page.files.iter().fold(u64::from(page.next.is_some()), |hash, file| {
                    mix_bytes(hash, file.location.as_ref().as_bytes())
                }),
                Reply::Deleted(answers) => answers
                    .iter()
                    .fold(1, |hash, answer| mix(hash, answer.as_ref().map_or(0, |a| u64::from(a.0.status)))),
                Reply::Done => 1,
            };
            (Answered::Granted, words)
        }
        Err(Trouble::Answer(answer)) => (Answered::Status(answer.0.status), u64::from(answer.0.status)),
        Err(Trouble::Connection(_)) => (Answered::Broken, 2),
    }
}

/// What the caller gets when the answer is lost so; `None` for nothing, ever.
fn lost(loss: &Loss) -> Option<Outcome> {
    Some(Err(match loss {
        Loss::Closed => Trouble::Connection(io::ErrorKind::ConnectionAborted),
        Loss::Reset => Trouble::Connection(io::ErrorKind::ConnectionReset),
        Loss::Cut => Trouble::Connection(io::ErrorKind::UnexpectedEof),
        Loss::Answer(answer) => Trouble::Answer(answer.clone()),
        Loss::Silence => return None,
    }))
}

/// A true answer with something wrong in it.
fn spoiled(outcome: Outcome, effect: &Effect, random: &mut fastrand::Rng) -> Outcome {
    let mut reply = outcome?;
    match (&mut reply, effect) {
        (Reply::Got(_), Effect::Missing) => {
            return Err(Trouble::Answer(Answer::status(404).with_code("NoSuchKey")));
        }
        (Reply::Got(got), Effect::ShortBody | Effect::BrokenBody) => {
            got.bytes.truncate(got.bytes.len() / 2);
            got.broken = *effect == Effect::BrokenBody;
        }
        (Reply::Got(got), Effect::WrongLength(by)) => {
            got.meta.size = got.meta.size.saturating_add_signed(*by);
            got.range.end = got.range.end.saturating_add_signed(*by).max(got.range.start);
        }
        (Reply::Got(got), Effect::FlippedBit) => {
            let mut bytes = got.bytes.to_vec();
            let at = random.usize(..bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.u8(..8);
            }
            got.bytes = bytes.into();
        }
        (Reply::Page(page), Effect::PartialPage) => {
            let mut keep = false;
            page.files.retain(|_| {
                keep = !keep;
                keep
            });
        }
        (Reply::Page(page), Effect::ShuffledPage) => {
            random.shuffle(&mut page.files);
            if page.files.is_sorted_by(|a, b| a.location <= b.location) {
                page.files.reverse();
            }
        }
        (Reply::Page(page), Effect::RepeatedNames) => {
            page.files = page.files.iter().flat_map(|file| [file.clone(), file.clone()]).collect();
        }
        _ => {}
    }
    Ok(reply)
}
