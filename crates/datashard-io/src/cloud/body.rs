//! Bodies of answers: counted as they are read, and held to the length that the head announced.

use std::sync::Arc;

use bytes::BytesMut;
use futures_util::stream::unfold;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, StreamBody};
use object_store::client::{HttpError, HttpErrorKind, HttpResponseBody};

use crate::evidence::ShortBody;
use crate::request::Counters;

/// The same body, which counts the bytes that are read of it if it is content, and ends with a [`ShortBody`] where it would end too early.
pub(super) fn held_to_length(
    body: HttpResponseBody,
    headers: &HeaderMap,
    counters: Option<Arc<Counters>>,
) -> HttpResponseBody {
    let expected = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|l| l.parse::<u64>().ok());
    let start = Reading { body, counters, expected, found: 0, ended: false };
    HttpResponseBody::new(StreamBody::new(unfold(start, |mut reading| async move {
        if reading.ended {
            return None;
        }
        let frame = match reading.body.frame().await {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
                if let Some(counters) = &reading.counters {
                    counters.received(bytes);
                }
                reading.found = reading.found.saturating_add(bytes);
                Ok(frame)
            }
            Some(Err(error)) => {
                reading.ended = true;
                Err(reading.cut(error))
            }
            None => {
                reading.ended = true;
                Err(reading.short(HttpErrorKind::Interrupted)?)
            }
        };
        Some((frame, reading))
    })))
}

struct Reading {
    body: HttpResponseBody,
    counters: Option<Arc<Counters>>,
    expected: Option<u64>,
    found: u64,
    ended: bool,
}

impl Reading {
    /// A connection that closes in the middle of a body is a short body; a timeout stays one.
    fn cut(&self, error: HttpError) -> HttpError {
        match error.kind() {
            HttpErrorKind::Timeout | HttpErrorKind::Connect => error,
            kind => self.short(kind).unwrap_or(error),
        }
    }

    fn short(&self, kind: HttpErrorKind) -> Option<HttpError> {
        let expected_bytes = self.expected?;
        let short = ShortBody { expected_bytes, found_bytes: self.found };
        (self.found < expected_bytes).then(|| HttpError::new(kind, short))
    }
}

/// Reads up to `limit` bytes, and tells whether there are more.
pub(super) async fn read_at_most(
    mut body: HttpResponseBody,
    limit: usize,
) -> Result<(BytesMut, bool), HttpError> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            if data.len() > limit.saturating_sub(read.len()) {
                return Ok((read, true));
            }
            read.extend_from_slice(data);
        }
    }
    Ok((read, false))
}
