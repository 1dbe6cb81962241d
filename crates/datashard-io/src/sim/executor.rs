//! [`Simulation`]: runs futures one step at a time, in an order that a seed decides, on a clock that stands still while they work.
//!
//! Nothing here waits. When no task can go on, the time becomes that of the next timer; when there is no timer either, the
//! tasks wait for each other and the run ends with an error that names them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as PollContext, Poll};
use std::time::Duration;

use super::process::Process;
use super::schedule::{Core, Next};
use super::task::{self, JoinHandle};
use crate::context::Context;

/// Why a run ended before its future did. Each names the seed: the same seed fails in the same way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// Nothing can go on, and no timer will change that.
    #[error("seed {seed}: at {at_ms} ms nothing can go on; waiting: {waiting}")]
    Deadlock {
        /// The seed.
        seed: u64,
        /// Simulated time since the start, in ms.
        at_ms: u64,
        /// The tasks that have not ended.
        waiting: String,
    },
    /// More steps than were allowed: a loop that never ends, if the limit was a sensible one.
    #[error("seed {seed}: still going after {steps} steps, at {at_ms} ms; not ended: {waiting}")]
    TooManySteps {
        /// The seed.
        seed: u64,
        /// Steps made.
        steps: u64,
        /// Simulated time since the start, in ms.
        at_ms: u64,
        /// The tasks that have not ended.
        waiting: String,
    },
    /// More simulated time than was allowed.
    #[error("seed {seed}: still going after {at_ms} ms of simulated time; not ended: {waiting}")]
    TooLong {
        /// The seed.
        seed: u64,
        /// Simulated time since the start, in ms.
        at_ms: u64,
        /// The tasks that have not ended.
        waiting: String,
    },
    /// `run` was called by something that already runs in this simulation.
    #[error("seed {seed}: a simulation cannot run inside itself; spawn the future instead")]
    Nested {
        /// The seed.
        seed: u64,
    },
}

/// A small world with its own time: tasks in processes, clocks, randomness, all decided by one number.
///
/// Two simulations with the same seed that are given the same futures do the same in the same order, up to the last request;
/// [`trace_hash`](Self::trace_hash) shows it. A panic of a test prints the seed.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use datashard_io::sim::Simulation;
///
/// let simulation = Simulation::new(7);
/// let clock = simulation.context().clock;
/// let waited = simulation.run(async {
///     clock.sleep(Duration::from_secs(3600)).await;
///     clock.elapsed()
/// })?;
/// assert!(waited >= Duration::from_secs(3600)); // and yet this test took no time
/// # Ok::<(), datashard_io::sim::SimulationError>(())
/// ```
#[derive(Debug)]
pub struct Simulation {
    core: Arc<Core>,
    main: Process,
}

impl Simulation {
    /// A world that `seed` decides on. Its first process is called "main".
    pub fn new(seed: u64) -> Self {
        let core = Arc::new(Core::new(seed));
        let main = Process::start(&core, "main");
        Self { core, main }
    }

    /// The same with another limit of steps: polls of tasks and timers. Default 20 million.
    #[must_use]
    pub fn with_step_limit(self, steps: u64) -> Self {
        self.core.set_step_limit(steps);
        self
    }

    /// The same with another limit of simulated time. Default 30 days.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Self {
        self.core.set_time_limit(limit);
        self
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.core.seed()
    }

    /// Simulated time since the start. What a process sees of it is its own clock's business.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.core.now_ns())
    }

    /// Steps made so far.
    pub fn steps(&self) -> u64 {
        self.core.steps()
    }

    /// A number that two runs share if they sent the same requests at the same times and got the same answers.
    pub fn trace_hash(&self) -> u64 {
        self.core.trace_hash()
    }

    /// The next random number of the seed, for decisions of a test such as "kill whom, when".
    pub fn random_u64(&self) -> u64 {
        self.core.random_u64()
    }

    /// The process that [`run`](Self::run) and [`spawn`](Self::spawn) belong to.
    pub fn main(&self) -> &Process {
        &self.main
    }

    /// Clock, randomness and ids of the process "main".
    pub fn context(&self) -> Context {
        self.main.context()
    }

    /// Starts a process: tasks with clocks, randomness and ids of their own, which can be killed and paused together.
    pub fn process(&self, name: &str) -> Process {
        Process::start(&self.core, name)
    }

    /// Starts a task of the process "main".
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.main.spawn(future)
    }

    /// Runs until `future` has ended, and gives its output. Tasks that have not ended then stay where they are, and go on
    /// with the next `run`.
    ///
    /// # Errors
    /// If the future can never end, or has not ended within the limits.
    pub fn run<F: Future>(&self, future: F) -> Result<F::Output, SimulationError> {
        let mut root = pin!(future);
        let (guard, waker) = self.core.start_root(self.main.id())?;
        let mut context = PollContext::from_waker(&waker);
        loop {
            match self.core.next()? {
                Next::Root => {
                    if let Poll::Ready(output) = root.as_mut().poll(&mut context) {
                        drop(guard);
                        return Ok(output);
                    }
                }
                Next::Task(mut ready) => {
                    let outcome = ready.future.as_mut().poll(&mut PollContext::from_waker(&ready.waker));
                    self.core.polled(ready, outcome.is_ready());
                }
                Next::Wake(waker) => waker.wake(),
                Next::Event(event, stage) => event.fire(stage),
            }
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whatever went wrong, this is what it takes to see it again.
            eprintln!("simulation: seed {}, at {} ms", self.seed(), self.now().as_millis());
        }
        self.core.close();
    }
}

/// Lets other tasks go first, if the seed says so. Takes no simulated time.
pub async fn yield_now() {
    task::yield_now().await;
}

#[cfg(test)]
mod tests;
