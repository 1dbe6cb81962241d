//! One request, and the loop that repeats it: backoff, jitter, `Retry-After`, a deadline.
//!
//! The client below does not retry, so that every answer is seen here.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::TableStore;
use super::classify::{Call, classify, timed_out};
use crate::error::{Acted, StoreError};
use crate::request::RequestKind;

/// How long and how often a request is repeated that is safe to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// From the first request on; after it no other is sent. Default 60 s.
    pub deadline: Duration,
    /// A single request without an answer for so long is given up. Default 30 s.
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

    /// The pause before attempt number `attempt` (the first retry is 1), before jitter.
    pub fn delay(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first_delay.saturating_mul(factor).min(self.longest_delay)
    }
}

/// What a request is, for counters, spans and messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) kind: RequestKind,
    /// The file, or the prefix of a listing.
    pub(super) path: &'a str,
    /// Bytes of the body.
    pub(super) bytes: u64,
}

impl TableStore {
    /// Sends one request and sorts its answer.
    pub(super) async fn once<T>(
        &self,
        request: Request<'_>,
        attempt: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StoreError> {
        let inner = &*self.inner;
        if !inner.counted_below {
            inner.counters.sent(request.kind, request.bytes);
        }
        let call = Call { location: &inner.location, kind: request.kind, path: request.path };
        let timeout = inner.context.clock.sleep(inner.retry.request_timeout);
        let outcome = match select(std::pin::pin!(attempt), timeout).await {
            Either::Left((outcome, _)) => outcome.map_err(|error| classify(error, call)),
            Either::Right(_) => Err(timed_out(inner.retry.request_timeout, call)),
        };
        if let Err(error) = &outcome {
            tracing::debug!(kind = %request.kind, path = request.path, %error, "request failed");
        }
        outcome
    }

    /// Sends a request that is safe to repeat until it is answered for good or the deadline has passed.
    pub(super) async fn repeat<T, F>(
        &self,
        request: Request<'_>,
        mut send: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        self.repeat_while(request, StoreError::is_retryable, &mut send).await
    }

    /// The same, with another rule for what may be repeated.
    pub(super) async fn repeat_while<T, F>(
        &self,
        request: Request<'_>,
        again: impl Fn(&StoreError) -> bool,
        mut send: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let inner = &*self.inner;
        let start = inner.context.clock.elapsed();
        let mut attempts: u32 = 0;
        let mut acted_before = false;
        loop {
            attempts = attempts.saturating_add(1);
            let error = match self.once(request, send()).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            acted_before |= !error.definitely_not_done();
            let waited = inner.context.clock.elapsed().saturating_sub(start);
            let pause = inner
                .context
                .jittered(inner.retry.delay(attempts))
                .max(error.retry_after().unwrap_or(Duration::ZERO));
            if !again(&error) || waited.saturating_add(pause) > inner.retry.deadline {
                return Err(total(error, attempts, waited, acted_before));
            }
            inner.context.clock.sleep(pause).await;
        }
    }
}

/// The last error, told with what happened before it.
fn total(error: StoreError, total_attempts: u32, waited: Duration, acted_before: bool) -> StoreError {
    match error {
        StoreError::Unavailable { request, location, path, acted, retry_after, source, .. } => {
            StoreError::Unavailable {
                request,
                location,
                path,
                attempts: total_attempts,
                waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
                acted: if acted_before { Acted::Maybe } else { acted },
                retry_after,
                source,
            }
        }
        other => other,
    }
}
