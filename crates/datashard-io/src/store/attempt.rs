//! One request, and the loop that repeats it: backoff, jitter, `Retry-After`, a deadline.
//!
//! The client below does not retry, so that every answer is seen here.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{Either, select};
use tracing::Instrument;

use super::classify::{Call, classify, timed_out};
use super::retry::{Failed, next_delay};
use super::{Inner, TableStore};
use crate::error::{Acted, StoreError};
use crate::location::Scheme;
use crate::request::RequestKind;

/// Bodies slower than this, in bytes per second, are given up: on top of `request_timeout` a request may take as long as its
/// body takes at this rate.
const SLOWEST_BYTES_PER_SECOND: u64 = 64 * 1024;

/// What a request is, for counters, spans and messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) kind: RequestKind,
    /// The file, or the prefix of a listing.
    pub(super) path: &'a str,
    /// Bytes of the body.
    pub(super) bytes: u64,
}

impl Request<'_> {
    /// This request without a body, as most are.
    pub(super) fn of(kind: RequestKind, path: &str) -> Request<'_> {
        Request { kind, path, bytes: 0 }
    }
}

/// The attempts of one call so far.
#[derive(Debug)]
pub(super) struct Tries {
    start: Duration,
    attempts: u32,
    acted: bool,
    wrong_lengths: u32,
}

impl Tries {
    pub(super) fn new(store: &TableStore) -> Self {
        Self { start: store.context().clock.elapsed(), attempts: 0, acted: false, wrong_lengths: 0 }
    }

    /// Whether an attempt has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.attempts > 0
    }

    /// Notes a failure, and tells how long to wait before the next attempt; `None` if there is to be none.
    pub(super) fn failed(&mut self, store: &TableStore, error: &StoreError, again: bool) -> Option<Duration> {
        self.attempts = self.attempts.saturating_add(1);
        self.acted |= !error.definitely_not_done();
        if matches!(error, StoreError::WrongLength { .. }) {
            // A connection that broke in an unlucky moment shows itself so, once. Twice, the file is not what it is said to be.
            self.wrong_lengths = self.wrong_lengths.saturating_add(1);
            if self.wrong_lengths > 1 {
                return None;
            }
        }
        if !again {
            return None;
        }
        let Inner { retry, context, .. } = &*store.inner;
        let failed =
            Failed { attempts: self.attempts, waited: self.waited(store), retry_after: error.retry_after() };
        next_delay(retry, failed, |most| context.jittered(most))
    }

    fn waited(&self, store: &TableStore) -> Duration {
        store.context().clock.elapsed().saturating_sub(self.start)
    }

    /// The last error, told with what happened before it.
    pub(super) fn total(&self, store: &TableStore, error: StoreError) -> StoreError {
        match error {
            StoreError::Unavailable { request, location, path, acted, retry_after, source, .. } => {
                StoreError::Unavailable {
                    request,
                    location,
                    path,
                    attempts: self.attempts,
                    waited_ms: u64::try_from(self.waited(store).as_millis()).unwrap_or(u64::MAX),
                    acted: if self.acted { Acted::Maybe } else { acted },
                    retry_after,
                    source,
                }
            }
            other => other,
        }
    }
}

impl TableStore {
    /// Counts a request, unless the client below does.
    pub(super) fn count(&self, request: Request<'_>) {
        if !self.inner.counted_below {
            self.inner.counters.sent(request.kind, request.bytes);
        }
    }

    /// The call that an error belongs to.
    pub(super) fn call<'a>(&'a self, request: Request<'a>) -> Call<'a> {
        Call { location: &self.inner.location, kind: request.kind, path: request.path }
    }

    /// Sends one request and sorts its answer.
    pub(super) async fn once<T>(
        &self,
        request: Request<'_>,
        attempt: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StoreError> {
        self.count(request);
        let span = tracing::debug_span!(
            "request", kind = %request.kind, path = request.path, bytes = request.bytes
        );
        let outcome = match self.within(request.bytes, attempt).instrument(span).await {
            Ok(outcome) => outcome.map_err(|error| classify(error, self.call(request))),
            Err(waited) => Err(timed_out(waited, self.call(request))),
        };
        let Request { kind, path, bytes } = request;
        match &outcome {
            Ok(_) => tracing::trace!(%kind, path, bytes, "request answered"),
            Err(error) => tracing::debug!(%kind, path, bytes, %error, "request failed"),
        }
        outcome
    }

    /// Waits for `work` as long as a request with a body of `bytes` may take; fails with that time.
    ///
    /// In a folder it waits for ever: a system call cannot be given up, only be forgotten.
    pub(super) async fn within<T>(&self, bytes: u64, work: impl Future<Output = T>) -> Result<T, Duration> {
        if self.inner.location.scheme() == Scheme::File {
            return Ok(work.await);
        }
        let mut work = std::pin::pin!(work);
        // What is done at once, as in memory, needs no timer and thus no runtime that has one.
        if let std::task::Poll::Ready(done) = futures_util::poll!(work.as_mut()) {
            return Ok(done);
        }
        let most = self.most_time(bytes);
        match select(work, self.inner.context.clock.sleep(most)).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(most),
        }
    }

    /// The longest that a request with a body of `bytes` may take.
    pub(super) fn most_time(&self, bytes: u64) -> Duration {
        let body = Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
        self.inner.retry.request_timeout.saturating_add(body)
    }

    /// Sends a request that is safe to repeat until it is answered for good or the deadline has passed.
    pub(super) async fn repeat<T, F>(
        &self,
        request: Request<'_>,
        send: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        self.repeat_while(request, StoreError::is_retryable, send).await
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
        self.repeat_call(again, || self.once(request, send())).await
    }

    /// The same for an attempt that is more than one request, or more than its answer's head. It counts its requests itself.
    pub(super) async fn repeat_call<T, F>(
        &self,
        again: impl Fn(&StoreError) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut tries = Tries::new(self);
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match tries.failed(self, &error, again(&error)) {
                Some(pause) => self.inner.context.clock.sleep(pause).await,
                None => return Err(tries.total(self, error)),
            }
        }
    }
}
