//! One answer to a GET: its head, and a body that must be exactly as long as the head says.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult};

use super::TableStore;
use super::attempt::Request;
use super::classify::{classify, is_bad_range, timed_out};
use crate::error::StoreError;
use crate::path::TablePath;
use crate::request::RequestKind;

/// Memory is taken in advance for at most so many bytes of an answer; announcing more is cheap.
const BYTES_IN_ADVANCE: u64 = 1024 * 1024;

impl TableStore {
    /// Sends one GET and takes the head of the answer.
    pub(super) async fn get(
        &self,
        path: &TablePath,
        key: &Path,
        range: Option<GetRange>,
    ) -> Result<GetResult, StoreError> {
        let request = Request::of(RequestKind::Get, path.as_str());
        let options = GetOptions { range, ..GetOptions::default() };
        let answer = self
            .once(request, async {
                match self.inner.store.get_opts(key, options).await {
                    Err(error) if is_bad_range(&error) => Ok(None),
                    other => other.map(Some),
                }
            })
            .await?;
        answer.ok_or_else(|| self.bad_range(path, &(0..0), None))
    }

    /// Takes the body of an answer, which must have exactly `expected` bytes.
    pub(super) async fn body(
        &self,
        path: &TablePath,
        result: GetResult,
        expected: u64,
    ) -> Result<Bytes, StoreError> {
        let call = self.call(Request::of(RequestKind::Get, path.as_str()));
        let clock = &self.inner.context.clock;
        let (start, most) = (clock.elapsed(), self.most_time(expected));
        let mut stream = result.into_stream();
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        let mut found: u64 = 0;
        loop {
            let chunk = match self.within(0, stream.next()).await {
                Ok(Some(chunk)) => chunk.map_err(|error| classify(error, call))?,
                Ok(None) => break,
                Err(waited) => return Err(timed_out(waited, call)),
            };
            found = found.saturating_add(length(&chunk));
            if !self.inner.counted_below {
                self.inner.counters.received(length(&chunk));
            }
            if found > expected {
                break;
            }
            if first.is_empty() {
                first = chunk;
                continue;
            }
            if rest.is_empty() {
                let advance = usize::try_from(expected.min(BYTES_IN_ADVANCE)).unwrap_or(0);
                rest.reserve(advance.max(first.len()));
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&chunk);
            if clock.elapsed().saturating_sub(start) > most {
                return Err(timed_out(most, call));
            }
        }
        if found != expected {
            return Err(StoreError::WrongLength {
                location: self.inner.location.to_string(),
                path: path.clone(),
                expected_bytes: expected,
                found_bytes: found,
            });
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    }
}

pub(super) fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
