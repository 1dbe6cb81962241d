//! In-process group commit: the callers of a handle queue their operations, and whoever is there drives the commit of the next group.
//!
//! There is no committer task. The commit in progress is a future that all waiting callers share and any of them drives; when one goes
//! away the others go on, and when the last one goes away the future is handed to the background, or to the next caller. So a group forms
//! by itself while the commit before it is under way, and a dropped call loses nothing of anybody else's.
//!
//! The commit in progress holds the handle's [`Core`]; the [`Desk`] where callers queue holds both, and nobody holds the desk but handles and
//! their calls. So what was begun and given up goes with the last handle.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use datashard_io::TablePath;
use futures_util::future::{BoxFuture, FutureExt, Shared};

use crate::action::Append;
use crate::commit::Reading;
use crate::committed::Committed;
use crate::conflict::ConflictKind;
use crate::core::Core;
use crate::error::CommitError;
use crate::operation::Operation;
use crate::protocol::AppKey;

type Answer = Result<Committed, CommitError>;
type Round = Shared<BoxFuture<'static, ()>>;

/// What a caller wants committed.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// An append, which may share a commit with others.
    Append(Append),
    /// Anything else, or what has a key of its own: it gets a commit of its own.
    Alone(Arc<dyn Operation>, Option<AppKey>, Reading),
}

/// A caller's place in the queue, and later the answer.
#[derive(Debug, Default)]
struct Place {
    answer: Mutex<Option<Answer>>,
}

impl Place {
    fn put(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    fn take(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Where the callers of a handle queue.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) core: Arc<Core>,
    queue: Mutex<Queue>,
}

/// Operations that wait, and the commit in progress.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Arc<Place>, Job)>,
    round: Option<Round>,
    /// Callers that wait for the round or for one after it.
    callers: usize,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.waiting.len())
            .field("callers", &self.callers)
            .finish_non_exhaustive()
    }
}

impl Desk {
    pub(crate) fn new(core: Arc<Core>) -> Arc<Self> {
        Arc::new(Self { core, queue: Mutex::default() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an operation and waits for its answer, driving commits meanwhile.
    pub(crate) async fn enqueue(self: &Arc<Self>, job: Job) -> Answer {
        let place = Arc::new(Place::default());
        {
            let mut queue = self.queue();
            queue.waiting.push_back((Arc::clone(&place), job));
            queue.callers = queue.callers.saturating_add(1);
        }
        // Takes the caller out again however it ends.
        let caller = Caller { desk: self, place: &place };
        // Callers that are about to queue, too, do so now; nobody is waited for.
        give_way().await;
        loop {
            if let Some(answer) = place.take() {
                drop(caller);
                return answer;
            }
            let round = self.round();
            round.clone().await;
            self.end_round(&round);
        }
    }

    /// The commit in progress; the next one if none is.
    fn round(self: &Arc<Self>) -> Round {
        let mut queue = self.queue();
        // One that ended while nobody waited for it is none.
        if let Some(round) = queue.round.as_ref().filter(|round| round.peek().is_none()) {
            return round.clone();
        }
        let (core, desk) = (Arc::clone(&self.core), Arc::downgrade(self));
        let round: Round = async move {
            // Whoever queues or leaves meanwhile still can.
            core.wait_for_others().await;
            let next = |desk: Arc<Self>| desk.queue().next_group(core.options.group_limit);
            if let Some(group) = desk.upgrade().map(next) {
                core.run(group).await;
            }
        }
        .boxed()
        .shared();
        queue.round = Some(round.clone());
        round
    }

    fn end_round(&self, ended: &Round) {
        let mut queue = self.queue();
        if queue.round.as_ref().is_some_and(|round| round.ptr_eq(ended)) {
            queue.round = None;
        }
    }
}

impl Core {
    /// Commits a group and answers its callers.
    async fn run(self: Arc<Self>, group: Vec<(Arc<Place>, Job)>) {
        let appends: Option<Vec<&Append>> = group
            .iter()
            .map(|(_, job)| match job {
                Job::Append(append) => Some(append),
                Job::Alone(..) => None,
            })
            .collect();
        if let Some(appends) = appends.filter(|appends| appends.len() > 1) {
            let joined = Append::join(&appends);
            let (answer, leavings) = self.commit(&joined, None, Reading::OwnWrites).await;
            // One bad operation must not fail the others: each is asked for itself. Time that is up is up for all of them.
            let is_refused = match &answer {
                Err(CommitError::Conflict(conflict)) => conflict.kind != ConflictKind::TimeUp,
                Err(CommitError::Rejected { .. } | CommitError::Unsupported { .. }) => true,
                _ => false,
            };
            if !is_refused {
                for (place, _) in &group {
                    place.put(answer.clone());
                }
                return self.afterwards(answer.ok(), leavings);
            }
            self.remove(leavings);
        }
        for (place, job) in group {
            let (answer, leavings) = match &job {
                Job::Append(append) => self.commit(append, None, Reading::OwnWrites).await,
                Job::Alone(operation, key, reading) => {
                    self.commit(operation.as_ref(), key.clone(), *reading).await
                }
            };
            place.put(answer.clone());
            self.afterwards(answer.ok(), leavings);
        }
    }

    /// What is done when the callers have their answers: the hint, leavings, and merges.
    fn afterwards(self: &Arc<Self>, committed: Option<Committed>, leavings: Vec<TablePath>) {
        self.remove(leavings);
        if let Some(committed) = committed.filter(|committed| !committed.duplicate) {
            self.move_hint(committed.version);
            self.merge_beside();
        }
    }
}

/// Lets other futures of the thread go first, once.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Queue {
    /// Appends that go together, or the one operation that is next.
    fn next_group(&mut self, limit: usize) -> Vec<(Arc<Place>, Job)> {
        let mut group: Vec<(Arc<Place>, Job)> = Vec::new();
        while group.len() < limit {
            let joins = match (group.first(), self.waiting.front()) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some((_, Job::Append(first))), Some((_, Job::Append(next)))) => first.joins(next),
                (Some(_), Some(_)) => false,
            };
            if !joins {
                break;
            }
            group.extend(self.waiting.pop_front());
        }
        group
    }
}

/// A caller that waits.
struct Caller<'a> {
    desk: &'a Desk,
    place: &'a Arc<Place>,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        let orphan = {
            let mut queue = self.desk.queue();
            // Not begun: it certainly does not take place.
            queue.waiting.retain(|(place, _)| !Arc::ptr_eq(place, self.place));
            queue.callers = queue.callers.saturating_sub(1);
            if queue.callers == 0 { queue.round.clone() } else { None }
        };
        // Nobody is left to drive what was begun. Undone it would be found out by the next caller; but the sooner the better.
        if let Some(round) = orphan.filter(|round| round.peek().is_none()) {
            self.desk.core.options.background.run(round.boxed());
        }
    }
}

#[cfg(test)]
mod tests;
