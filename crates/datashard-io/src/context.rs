//! Time, randomness and ids, passed in so that a simulation can replay what the code did.
//!
//! Nothing else in the workspace asks the machine for them; a lint holds that.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

/// Tells the time and waits.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Wall-clock time in ms since 1970-01-01 UTC. May jump in either direction.
    fn now_ms(&self) -> i64;

    /// Time since some fixed moment of this boot; never goes back, and counts while the machine sleeps.
    fn elapsed(&self) -> Duration;

    /// Completes after `duration` of [`elapsed`](Self::elapsed) time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Gives random numbers, for jitter and for session numbers.
pub trait Randomness: fmt::Debug + Send + Sync {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;
}

/// Gives ids that nobody else gives: two of them make equal file names only if they are equal.
pub trait IdSource: fmt::Debug + Send + Sync {
    /// A new id.
    fn uuid(&self) -> Uuid;
}

/// Clock, randomness and ids together: everything a call needs of its surroundings beside the store.
///
/// # Examples
/// ```
/// let context = datashard_io::context::Context::system();
/// assert_ne!(context.ids.uuid(), context.ids.uuid());
/// assert!(context.clock.now_ms() > 1_700_000_000_000);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Context {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random numbers.
    pub randomness: Arc<dyn Randomness>,
    /// The ids.
    pub ids: Arc<dyn IdSource>,
}

impl Context {
    /// Puts a context together.
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>, ids: Arc<dyn IdSource>) -> Self {
        Self { clock, randomness, ids }
    }

    /// The machine's own clock and the system's randomness. Waiting needs a tokio runtime with its timer on.
    pub fn system() -> Self {
        let system = Arc::new(System);
        Self { clock: system.clone(), randomness: system.clone(), ids: system }
    }

    /// A random duration of at least half of `most` and less than all of it.
    pub(crate) fn jittered(&self, most: Duration) -> Duration {
        // 32 bits are plenty; the quotient lies in [0.5, 1).
        let fraction = f64::from(u32::try_from(self.randomness.next_u64() >> 32).unwrap_or(0))
            / f64::from(u32::MAX)
            / 2.0;
        most.mul_f64(0.5 + fraction.min(0.499_999))
    }
}

#[derive(Debug)]
struct System;

impl Clock for System {
    fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
        let now = std::time::SystemTime::now();
        let ms = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => ms(after),
            Err(before) => ms(before.duration()).saturating_neg(),
        }
    }

    fn elapsed(&self) -> Duration {
        boot_time()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        #[expect(clippy::disallowed_methods, reason = "the one place that waits by the machine's clock")]
        let sleep = tokio::time::sleep(duration);
        Box::pin(sleep)
    }
}

/// The clock that goes on while the machine is suspended, where the system has one.
#[cfg(target_os = "linux")]
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Elsewhere the monotonic clock, which may stand still during a suspend.
#[cfg(not(target_os = "linux"))]
fn boot_time() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    let now = Instant::now();
    now.saturating_duration_since(*START.get_or_init(|| now))
}

impl Randomness for System {
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl IdSource for System {
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[expect(
    clippy::panic,
    reason = "without randomness two files could get one name; the system's call fails only where it is missing altogether"
)]
fn fill(bytes: &mut [u8]) {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
    let filled = getrandom::fill(bytes);
    if let Err(error) = filled {
        panic!("the system gives no random numbers: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_between_half_and_all() {
        let context = Context::system();
        for _ in 0..1_000 {
            let jittered = context.jittered(Duration::from_secs(2));
            assert!(jittered >= Duration::from_secs(1) && jittered < Duration::from_secs(2), "{jittered:?}");
        }
    }

    /// A handle that slept with the machine must not take for news what it knew before, whatever features it was built with.
    #[cfg(target_os = "linux")]
    #[test]
    fn elapsed_time_is_that_since_boot_with_suspends() {
        let boot = || rustix::time::clock_gettime(rustix::time::ClockId::Boottime).tv_sec;
        let (before, now, after) = (boot(), Context::system().clock.elapsed().as_secs(), boot());
        let seconds = |time: i64| u64::try_from(time).unwrap();
        assert!((seconds(before)..=seconds(after)).contains(&now), "{before} <= {now} <= {after}");
    }

    #[test]
    fn elapsed_time_does_not_go_back() {
        let clock = Context::system().clock;
        let first = clock.elapsed();
        assert!(clock.elapsed() >= first);
    }
}
