//! Who goes on next: the tasks, those of them that are ready, and the timers.
//!
//! Ready tasks and timers whose time has come are drawn from by the seed's random numbers. Futures, wakers and events are
//! polled, woken and dropped outside of the lock, since they may come back here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::executor::SimulationError;
use super::hash::{mix, nanos};
use super::process::{ProcessId, ProcessState};
use super::slots::{BoxedTask, ReadyTasks, Slots, TaskId};
use super::task::TaskWaker;

/// Time in ns, and a number that orders timers of the same time: random, so that the seed decides, and unique.
pub(crate) type TimerKey = (u64, u64);

/// Something that happens at a time, whether or not anybody waits for it.
pub(crate) trait Event: Send + Sync {
    /// `stage` is what was given with the event, for those that happen more than once.
    fn fire(self: Arc<Self>, stage: u8);
}

enum Timer {
    Wake(Waker),
    Event(Arc<dyn Event>, u8),
}

/// What to do next.
pub(super) enum Next {
    Root,
    Task(ReadyTask),
    Wake(Waker),
    Event(Arc<dyn Event>, u8),
}

/// A task taken out to be polled.
pub(super) struct ReadyTask {
    pub(super) id: TaskId,
    pub(super) future: BoxedTask,
    pub(super) waker: Waker,
}

/// What the simulation's parts share.
pub(crate) struct Core {
    seed: u64,
    ready: Arc<ReadyTasks>,
    state: Mutex<State>,
}

pub(super) struct State {
    random: fastrand::Rng,
    now_ns: u64,
    steps: u64,
    step_limit: u64,
    time_limit_ns: u64,
    trace: u64,
    tasks: Slots,
    root: Option<TaskId>,
    timers: BTreeMap<TimerKey, Timer>,
    timers_started: u64,
    pub(super) processes: Vec<ProcessState>,
    current: ProcessId,
    running: bool,
    closed: bool,
}

/// Ends the root task when `run` returns.
pub(super) struct RootGuard<'a>(&'a Core);

impl Drop for RootGuard<'_> {
    fn drop(&mut self) {
        self.0.end_root();
    }
}

impl Core {
    pub(super) fn new(seed: u64) -> Self {
        let state = State {
            random: fastrand::Rng::with_seed(mix(seed, 0x5eed)),
            now_ns: 0,
            steps: 0,
            step_limit: 20_000_000,
            time_limit_ns: 30 * 24 * 3600 * 1_000_000_000,
            trace: seed,
            tasks: Slots::default(),
            root: None,
            timers: BTreeMap::new(),
            timers_started: 0,
            processes: Vec::new(),
            current: ProcessId::MAIN,
            running: false,
            closed: false,
        };
        Self { seed, ready: Arc::default(), state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.state().now_ns
    }

    pub(super) fn steps(&self) -> u64 {
        self.state().steps
    }

    pub(super) fn trace_hash(&self) -> u64 {
        let state = self.state();
        mix(state.trace, state.now_ns)
    }

    /// Adds to what two runs must have in common.
    pub(crate) fn trace(&self, word: u64) {
        let mut state = self.state();
        state.trace = mix(state.trace, word);
    }

    pub(crate) fn random_u64(&self) -> u64 {
        self.state().random.u64(..)
    }

    pub(super) fn set_step_limit(&self, steps: u64) {
        self.state().step_limit = steps;
    }

    pub(super) fn set_time_limit(&self, limit: Duration) {
        self.state().time_limit_ns = nanos(limit);
    }

    /// The process whose task is being polled; `None` outside of `run`.
    pub(crate) fn current(&self) -> Option<ProcessId> {
        let state = self.state();
        state.running.then_some(state.current)
    }

    /// Adds a task. `None` if the process is dead: then nothing runs.
    pub(super) fn spawn(&self, process: ProcessId, future: BoxedTask) {
        let mut state = self.state();
        if state.closed || !state.process(process).is_some_and(|p| p.alive) {
            // Dropped without the lock: what it holds may come back here.
            drop(state);
            drop(future);
            return;
        }
        let (_, waker) = state.tasks.add(process, Some(future), &self.ready);
        drop(state);
        waker.wake();
    }

    pub(super) fn start_root(&self, process: ProcessId) -> Result<(RootGuard<'_>, Waker), SimulationError> {
        let mut state = self.state();
        if state.running {
            return Err(SimulationError::Nested { seed: self.seed });
        }
        state.running = true;
        let (root, waker) = state.tasks.add(process, None, &self.ready);
        state.root = Some(root);
        drop(state);
        waker.wake_by_ref();
        Ok((RootGuard(self), waker))
    }

    fn end_root(&self) {
        let mut state = self.state();
        state.running = false;
        if let Some(root) = state.root.take() {
            state.tasks.free(root);
        }
    }

    /// Chooses what goes on, and moves the time when nothing does.
    pub(super) fn next(&self) -> Result<Next, SimulationError> {
        let mut guard = self.state();
        let state = &mut *guard;
        loop {
            if state.steps >= state.step_limit {
                return Err(SimulationError::TooManySteps {
                    seed: self.seed,
                    steps: state.steps,
                    at_ms: state.now_ms(),
                    waiting: state.waiting(),
                });
            }
            let mut ready = self.ready.all();
            let next_timer = state.timers.first_key_value().map(|(key, _)| key.0);
            let timer_due = next_timer.is_some_and(|at| at <= state.now_ns);
            let choices = ready.len().saturating_add(usize::from(timer_due));
            if choices == 0 {
                drop(ready);
                let Some(at) = next_timer else {
                    return Err(SimulationError::Deadlock {
                        seed: self.seed,
                        at_ms: state.now_ms(),
                        waiting: state.waiting(),
                    });
                };
                state.now_ns = at;
                if at > state.time_limit_ns {
                    return Err(SimulationError::TooLong {
                        seed: self.seed,
                        at_ms: state.now_ms(),
                        waiting: state.waiting(),
                    });
                }
                continue;
            }
            state.steps = state.steps.saturating_add(1);
            let choice = if choices == 1 { 0 } else { state.random.usize(..choices) };
            if choice == ready.len() {
                drop(ready);
                match state.timers.pop_first() {
                    Some((_, Timer::Wake(waker))) => return Ok(Next::Wake(waker)),
                    Some((_, Timer::Event(event, stage))) => return Ok(Next::Event(event, stage)),
                    None => continue,
                }
            }
            let woken = ready.swap_remove(choice);
            drop(ready);
            if let Some(next) = state.resume(woken) {
                return Ok(next);
            }
        }
    }

    /// Puts a task back after its poll, or away if it has ended or was killed meanwhile.
    pub(super) fn polled(&self, ready: ReadyTask, ended: bool) {
        let ReadyTask { id, future, waker } = ready;
        let mut state = self.state();
        match state.tasks.get_mut(id) {
            Some(slot) if !ended => {
                slot.future = Some(future);
                slot.waker = Some(waker);
            }
            found => {
                if found.is_some() {
                    state.tasks.free(id);
                }
                drop(state);
                drop(future);
            }
        }
    }

    pub(crate) fn wake_at(&self, at_ns: u64, waker: &Waker) -> TimerKey {
        self.state().add_timer(at_ns, Timer::Wake(waker.clone()))
    }

    /// Lets `event` happen `after_ns` from now.
    pub(crate) fn happen(&self, after_ns: u64, event: Arc<dyn Event>, stage: u8) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            return;
        }
        let at_ns = state.now_ns.saturating_add(after_ns);
        state.add_timer(at_ns, Timer::Event(event, stage));
    }

    /// Whether the timer has not gone off; then it wakes `waker` from now on.
    pub(super) fn still_waits(&self, key: TimerKey, waker: &Waker) -> bool {
        let mut state = self.state();
        let old = match state.timers.get_mut(&key) {
            Some(Timer::Wake(current)) if current.will_wake(waker) => return true,
            Some(Timer::Wake(current)) => std::mem::replace(current, waker.clone()),
            _ => return false,
        };
        drop(state);
        drop(old);
        true
    }

    pub(super) fn cancel(&self, key: TimerKey) {
        let timer = self.state().timers.remove(&key);
        drop(timer);
    }

    /// Takes all tasks of a process out, to be dropped by the caller.
    pub(super) fn take_tasks(&self, process: ProcessId) -> Vec<Option<BoxedTask>> {
        let mut state = self.state();
        let root = state.root;
        state.tasks.take_all(process, root)
    }

    /// Lets a process's tasks that were woken while it was paused go on.
    pub(super) fn release(&self, woken: Vec<Arc<TaskWaker>>) {
        self.ready.all().extend(woken);
    }

    /// Drops all tasks and timers: they and this hold each other.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let tasks = std::mem::take(&mut state.tasks);
        let timers = std::mem::take(&mut state.timers);
        drop(state);
        drop(tasks);
        drop(timers);
        let ready = std::mem::take(&mut *self.ready.all());
        drop(ready);
    }
}

impl State {
    pub(super) fn process(&self, id: ProcessId) -> Option<&ProcessState> {
        self.processes.get(id.index())
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn now_ms(&self) -> u64 {
        self.now_ns / 1_000_000
    }

    fn add_timer(&mut self, at_ns: u64, timer: Timer) -> TimerKey {
        self.timers_started = self.timers_started.wrapping_add(1);
        let order = u64::from(self.random.u32(..)) << 32 | (self.timers_started & 0xffff_ffff);
        self.timers.insert((at_ns, order), timer);
        (at_ns, order)
    }

    /// The task of a waker, ready to be polled, if it lives and its process is not paused.
    fn resume(&mut self, woken: Arc<TaskWaker>) -> Option<Next> {
        let id = woken.id;
        let is_root = self.root == Some(id);
        let process = self.tasks.get_mut(id)?.process;
        let state = self.processes.get_mut(process.index())?;
        if state.paused && !is_root {
            state.woken.push(woken);
            return None;
        }
        woken.queued.store(false, Ordering::Relaxed);
        self.current = process;
        if is_root {
            return Some(Next::Root);
        }
        let slot = self.tasks.get_mut(id)?;
        let (future, waker) = (slot.future.take()?, slot.waker.take()?);
        Some(Next::Task(ReadyTask { id, future, waker }))
    }

    /// The tasks that have not ended, for messages.
    fn waiting(&self) -> String {
        const MOST: usize = 16;
        let mut text = String::new();
        for slot in self.tasks.live().take(MOST) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            let process = self.process(slot.process);
            text.push_str(process.map_or("?", |p| &p.name));
            let paused = process.is_some_and(|p| p.paused);
            let what = if slot.future.is_none() { " run" } else { " task" };
            text.push_str(&format!("{what} {}{}", slot.number, if paused { " (paused)" } else { "" }));
        }
        let more = self.tasks.live().count().saturating_sub(MOST);
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// Takes a lock. A panic of a test elsewhere leaves nothing here half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
