//! [`RetryPolicy`], and what it makes of a failure: a pause, or the end. Nothing here waits or asks for the time.

use std::time::Duration;

/// Even a policy without pauses leaves the store alone for so long.
const SHORTEST_DELAY: Duration = Duration::from_millis(1);

/// How long and how often a request is repeated that is safe to repeat.
///
/// A request is repeated while the store is too busy or not there, with pauses that grow; never when it refuses for good.
/// The pauses are drawn at random from the upper half of their range, so that writers who failed together do not come back together.
/// If the store names a time (`Retry-After`), the pause is at least that, and if that lies beyond the deadline, the call
/// fails at once: [`StoreError::retry_after`](crate::StoreError::retry_after) tells what is left to wait.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use datashard_io::store::RetryPolicy;
///
/// let policy = RetryPolicy::default().with_deadline(Duration::from_secs(5));
/// assert_eq!(policy.delay(1), Duration::from_millis(100));
/// assert_eq!(policy.delay(2), Duration::from_millis(200));
/// assert_eq!(policy.delay(99), policy.longest_delay);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Counted from the first request; no request is sent after it. Default 60 s.
    pub deadline: Duration,
    /// A request without an answer, or an answer that stands still, for so long is given up. Default 30 s. Does not hold in
    /// folders, whose calls cannot be given up.
    pub request_timeout: Duration,
    /// The pause after the first failure, before jitter; it doubles each time. Default 100 ms.
    pub first_delay: Duration,
    /// The longest pause, before jitter; `Retry-After` may ask for more. Default 10 s.
    pub longest_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// One request, no repetition; `request_timeout` holds.
    #[must_use]
    pub fn none() -> Self {
        Self { deadline: Duration::ZERO, ..Self::default() }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same with another time after which a single request is given up.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The same with another pause after the first failure.
    #[must_use]
    pub fn with_first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The same with another longest pause.
    #[must_use]
    pub fn with_longest_delay(mut self, delay: Duration) -> Self {
        self.longest_delay = delay;
        self
    }

    /// The pause before attempt number `attempt` (the first retry is 1), before jitter.
    pub fn delay(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first_delay.saturating_mul(factor).min(self.longest_delay)
    }
}

/// What is known when an attempt has failed that may be repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    /// Attempts made so far.
    pub(super) attempts: u32,
    /// Time since the first was sent.
    pub(super) waited: Duration,
    /// What the store asked for.
    pub(super) retry_after: Option<Duration>,
}

/// How long to wait before the next attempt; `None` if that would be after the deadline.
///
/// | asked for by the store | pause |
/// |---|---|
/// | nothing | backoff with jitter |
/// | less than the backoff | backoff with jitter |
/// | more | what was asked for, and a little jitter on top |
pub(super) fn next_delay(
    policy: &RetryPolicy,
    failed: Failed,
    jittered: impl Fn(Duration) -> Duration,
) -> Option<Duration> {
    let backoff = jittered(policy.delay(failed.attempts));
    let asked = failed.retry_after.filter(|asked| !asked.is_zero());
    let asked = asked.map_or(Duration::ZERO, |asked| asked.saturating_add(jittered(policy.first_delay)));
    let pause = backoff.max(asked).max(SHORTEST_DELAY);
    (failed.waited.saturating_add(pause) <= policy.deadline).then_some(pause)
}
