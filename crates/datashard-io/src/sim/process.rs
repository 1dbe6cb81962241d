//! [`Process`]: tasks that live and die together, with a clock, randomness and ids of their own.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::clock::ProcessClock;
use super::hash::{mix, mix_bytes, nanos};
use super::schedule::Core;
use super::task::{JoinHandle, Sleep, TaskWaker, joined};
use crate::context::{Clock, Context, IdSource, Randomness};

/// The number of a process in its simulation, in the order of starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId(usize);

impl ProcessId {
    /// The process "main".
    pub const MAIN: Self = Self(0);

    pub(super) fn index(self) -> usize {
        self.0
    }

    pub(crate) fn number(self) -> u64 {
        u64::try_from(self.0).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.0)
    }
}

pub(super) struct ProcessState {
    pub(super) name: Arc<str>,
    pub(super) alive: bool,
    pub(super) paused: bool,
    /// Tasks that were woken while the process was paused.
    pub(super) woken: Vec<Arc<TaskWaker>>,
    clock: ProcessClock,
    random: fastrand::Rng,
}

/// A process of a simulation. Cheap to clone; clones are the same process.
///
/// Its tasks can be [killed](Self::kill) and [paused](Self::pause) together. Its wall clock can be wrong and jump, its clocks
/// can run too fast or too slow, and none of that touches other processes or the store.
#[derive(Clone)]
pub struct Process {
    core: Arc<Core>,
    id: ProcessId,
}

impl Process {
    pub(super) fn start(core: &Arc<Core>, name: &str) -> Self {
        let mut state = core.state();
        let number = state.processes.len();
        let own = mix_bytes(mix(core.seed(), u64::try_from(number).unwrap_or(u64::MAX)), name.as_bytes());
        let clock = ProcessClock::new(state.now_ns(), own);
        let random = fastrand::Rng::with_seed(mix(own, 1));
        Self::add(core, &mut state.processes, name, clock, random)
    }

    fn add(
        core: &Arc<Core>,
        processes: &mut Vec<ProcessState>,
        name: &str,
        clock: ProcessClock,
        random: fastrand::Rng,
    ) -> Self {
        let id = ProcessId(processes.len());
        processes.push(ProcessState {
            name: name.into(),
            alive: true,
            paused: false,
            woken: Vec::new(),
            clock,
            random,
        });
        Self { core: Arc::clone(core), id }
    }

    /// Another process with this one's clock and randomness as they are now: both give the same ids from here on, like a
    /// virtual machine whose snapshot was started twice. It has no tasks yet.
    #[must_use]
    pub fn snapshot(&self, name: &str) -> Self {
        let mut state = self.core.state();
        let now_ns = state.now_ns();
        let (clock, random) = match state.process(self.id) {
            Some(own) => (own.clock.clone(), own.random.clone()),
            None => (ProcessClock::new(now_ns, 0), fastrand::Rng::with_seed(0)),
        };
        Self::add(&self.core, &mut state.processes, name, clock, random)
    }

    /// The number of this process.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Clock, randomness and ids of this process.
    pub fn context(&self) -> Context {
        let own = Arc::new(Surroundings { process: self.clone() });
        Context::new(own.clone(), own.clone(), own)
    }

    /// Starts a task of this process. In a process that was killed nothing starts, and the handle says so.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let (task, handle) = joined(future);
        self.core.spawn(self.id, task);
        handle
    }

    /// Ends the process at once, like SIGKILL: its tasks go no further. Requests that it had sent may still be acted on, or not,
    /// as the store's settings and the seed decide.
    ///
    /// Values that its tasks held are dropped, which a real crash would not do; what they do then must not matter.
    /// The future given to `run` itself cannot be killed; everything spawned in "main" can.
    pub fn kill(&self) {
        if let Some(own) = self.core.state().processes.get_mut(self.id.index()) {
            own.alive = false;
            own.paused = false;
            own.woken.clear();
        }
        drop(self.core.take_tasks(self.id));
    }

    /// Stops the process where it is, like SIGSTOP or a suspended machine. Time goes on, and so do its requests. The future given to
    /// `run` itself goes on, too.
    pub fn pause(&self) {
        if let Some(own) = self.core.state().processes.get_mut(self.id.index()) {
            own.paused = own.alive;
        }
    }

    /// Lets a paused process go on; timers that ran out meanwhile have run out.
    pub fn resume(&self) {
        let mut state = self.core.state();
        let Some(own) = state.processes.get_mut(self.id.index()) else { return };
        own.paused = false;
        let woken = std::mem::take(&mut own.woken);
        drop(state);
        self.core.release(woken);
    }

    /// Whether it was not killed.
    pub fn is_alive(&self) -> bool {
        self.core.state().process(self.id).is_some_and(|own| own.alive)
    }

    /// Moves the wall clock by so many ms, in either direction. The clock that deadlines run by does not notice.
    pub fn jump_wall_clock(&self, by_ms: i64) {
        if let Some(own) = self.core.state().processes.get_mut(self.id.index()) {
            own.clock.jump(by_ms);
        }
    }

    /// Lets both clocks run faster by so many millionths from now on, or slower if negative. Sleeps under way keep their end.
    pub fn set_drift_ppm(&self, ppm: i32) {
        let mut state = self.core.state();
        let now_ns = state.now_ns();
        if let Some(own) = state.processes.get_mut(self.id.index()) {
            own.clock.set_drift(now_ns, ppm);
        }
    }

    /// Wall-clock time of a process in ms since 1970.
    pub(crate) fn now_ms(core: &Core, id: ProcessId) -> i64 {
        let state = core.state();
        state.process(id).map_or(0, |own| own.clock.wall_ms(state.now_ns()))
    }

    fn with<T>(&self, of: impl FnOnce(&mut ProcessState, u64) -> T) -> Option<T> {
        let mut state = self.core.state();
        let now_ns = state.now_ns();
        state.processes.get_mut(self.id.index()).map(|own| of(own, now_ns))
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.core.state().process(self.id).map(|own| Arc::clone(&own.name));
        f.debug_struct("Process").field("name", &name).field("number", &self.id.0).finish()
    }
}

/// What the code under test sees of its process.
#[derive(Debug)]
struct Surroundings {
    process: Process,
}

impl Clock for Surroundings {
    fn now_ms(&self) -> i64 {
        Process::now_ms(&self.process.core, self.process.id)
    }

    fn elapsed(&self) -> Duration {
        let elapsed = self.process.with(|own, now_ns| own.clock.elapsed_ns(now_ns));
        Duration::from_nanos(elapsed.unwrap_or(0))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let end = self.process.with(|own, now_ns| now_ns.saturating_add(own.clock.true_ns(nanos(duration))));
        Box::pin(Sleep::until(Arc::clone(&self.process.core), end.unwrap_or(0)))
    }
}

impl Randomness for Surroundings {
    fn next_u64(&self) -> u64 {
        self.process.with(|own, _| own.random.u64(..)).unwrap_or(0)
    }
}

impl IdSource for Surroundings {
    fn uuid(&self) -> Uuid {
        let bytes = self.process.with(|own, _| own.random.u128(..)).unwrap_or(0).to_le_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
