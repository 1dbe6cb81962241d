//! The HTTP service below the clients of `object_store`: it counts what is sent and read, and turns every answer that is not the
//! one wanted into an error that keeps what the store said.
//!
//! `object_store` itself keeps the status to itself, takes a 409 for "exists", and parses whatever comes with a 200. So only those
//! answers get through to it that it reads right: successes, 404 for files, and 304 and 412 where there was a condition. All others end here, as an [`Answer`]
//! inside an [`HttpError`] whose kind tells permanent ([`HttpErrorKind::Decode`]) from transient ([`HttpErrorKind::Unknown`]) ones;
//! `object_store` retries neither.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use http::header::{CONTENT_RANGE, IF_MATCH};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};

use super::answer;
use super::body::{held_to_length, read_at_most};
use super::kind::kind_of;
use super::network::Network;
use super::token;
use crate::context::Context;
use crate::evidence::Answer;
use crate::request::{Counters, RequestKind};

/// As much of the body of an error is read; the rest says nothing more.
const ERROR_BODY_BYTES: usize = 64 * 1024;
/// The longest body of an answer that is held in memory here: a page of a listing has 1,000 names of at most 1 KiB and some words around each.
const DOCUMENT_BYTES: usize = 32 * 1024 * 1024;
/// So long the body of an error is waited for; the status alone says most.
pub(super) const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(5);

/// Headers that make a request conditional.
const CONDITIONS: [&str; 5] =
    ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "x-goog-if-generation-match"];

/// Makes the services of one store.
///
/// A builder connects once for each service that gives credentials, and at last for the store itself: so the last service made is
/// the store's.
#[derive(Debug)]
pub(super) struct Connector {
    network: Network,
    shared: Shared,
    last: Mutex<Arc<AtomicBool>>,
}

/// What services of one store share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) counters: Arc<Counters>,
    pub(super) context: Context,
    /// The code of a 409 that does mean "exists": Azure's.
    pub(super) exists_code: Option<&'static str>,
    /// The client may ask the metadata of the machine in the older way where the newer one is forbidden.
    pub(super) older_metadata: bool,
}

impl Connector {
    pub(super) fn new(network: Network, shared: Shared) -> Self {
        Self { network, shared, last: Mutex::default() }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self
            .network
            .client(options)
            .map_err(|error| object_store::Error::Generic { store: "HTTP", source: Box::new(error) })?;
        let is_store = Arc::new(AtomicBool::new(true));
        let before = std::mem::replace(
            &mut *self.last.lock().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&is_store),
        );
        before.store(false, Ordering::Relaxed);
        Ok(HttpClient::new(Service { client, shared: self.shared.clone(), is_store }))
    }
}

/// One of the services.
#[derive(Debug)]
struct Service {
    client: reqwest::Client,
    shared: Shared,
    /// Whether it speaks to the store, not to a service that gives credentials.
    is_store: Arc<AtomicBool>,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !self.is_store.load(Ordering::Relaxed) {
            return token::ask(&self.client, request, self.shared.older_metadata).await;
        }
        let asked = Asked::of(&request);
        let bytes = u64::try_from(request.body().content_length()).unwrap_or(u64::MAX);
        // A POST carries lists of names and of parts, which are no content; on Azure a PUT may, too.
        let is_list = *request.method() != Method::PUT
            || request.uri().query().is_some_and(|query| query.contains("comp=blocklist"));
        let content = if is_list { 0 } else { bytes };
        self.shared.counters.sent(asked.kind, content);
        // Without the query, which may hold a signature.
        let path = request.uri().path().to_owned();
        tracing::trace!(kind = %asked.kind, path, bytes, "request");
        let response = self.client.call(request).await?;
        tracing::trace!(kind = %asked.kind, path, status = response.status().as_u16(), "answer");
        self.sort(asked, response).await
    }
}

/// What has to be known of a request to understand its answer.
#[derive(Debug)]
struct Asked {
    kind: RequestKind,
    /// A success has a document as its body, or nothing: it is looked into for an error.
    is_document: bool,
    /// It has a condition, so that its answer may be that this does not hold. Without one a 412 is about something else: a lease on Azure.
    is_conditional: bool,
    /// A 404 speaks of the file, not of the bucket.
    is_of_a_file: bool,
    /// The names in a bulk deletion.
    deleted: Option<Bytes>,
}

impl Asked {
    fn of(request: &HttpRequest) -> Self {
        let kind = kind_of(request.method(), request.uri());
        let query = request.uri().query().unwrap_or_default();
        let is_document = kind == RequestKind::List
            || *request.method() == Method::PUT
            || *request.method() == Method::POST;
        let is_conditional = CONDITIONS.iter().any(|name| request.headers().contains_key(*name));
        let is_of_a_file = match kind {
            RequestKind::List => false,
            // S3 says 404 where a replacement finds nothing to replace, and where an upload was ended meanwhile.
            RequestKind::Put => request.headers().contains_key(IF_MATCH) || query.contains("uploadId="),
            _ => true,
        };
        let is_bulk = *request.method() == Method::POST && kind == RequestKind::Delete;
        let deleted = if is_bulk { request.body().as_bytes().cloned() } else { None };
        Self { kind, is_document, is_conditional, is_of_a_file, deleted }
    }
}

impl Service {
    async fn sort(&self, asked: Asked, response: HttpResponse) -> Result<HttpResponse, HttpError> {
        let status = response.status();
        if status.is_success() {
            return self.success(asked, response).await;
        }
        let (parts, body) = response.into_parts();
        let body = self.error_body(body).await;
        let found = answer::read(status, &parts.headers, &body, &*self.shared.context.clock);
        let code = found.code.as_deref().unwrap_or_default();
        let is_understood = match status {
            StatusCode::NOT_MODIFIED | StatusCode::PRECONDITION_FAILED => asked.is_conditional,
            StatusCode::NOT_FOUND => asked.is_of_a_file && !is_of_a_bucket(code),
            StatusCode::CONFLICT => self.shared.exists_code == Some(code),
            _ => false,
        };
        if is_understood {
            // The library reads the body as UTF-8 and forgets the status if it is not.
            let text = String::from_utf8_lossy(&body).into_owned();
            return Ok(HttpResponse::from_parts(parts, text.into()));
        }
        Err(refusal(found))
    }

    async fn success(&self, asked: Asked, response: HttpResponse) -> Result<HttpResponse, HttpError> {
        let (parts, body) = response.into_parts();
        if parts.status == StatusCode::PARTIAL_CONTENT
            && let Some(range) = parts.headers.get(CONTENT_RANGE)
            && !is_range(range.as_bytes())
        {
            // fake-gcs-server says this of a range in an empty file.
            let is_of_nothing = range.as_bytes().ends_with(b"/0");
            let status = if is_of_nothing { StatusCode::RANGE_NOT_SATISFIABLE } else { parts.status };
            return Err(unreadable(status, "the header Content-Range is none"));
        }
        if !asked.is_document {
            let counters = Arc::clone(&self.shared.counters);
            let body = held_to_length(body, &parts.headers, Some(counters));
            return Ok(HttpResponse::from_parts(parts, body));
        }
        // Pages and the like are no content.
        let body = held_to_length(body, &parts.headers, None);
        let (document, rest) = read_at_most(body, DOCUMENT_BYTES).await?;
        if rest {
            return Err(unreadable(parts.status, "the body is longer than any answer to this request"));
        }
        if answer::is_error_document(&document) {
            let clock = &*self.shared.context.clock;
            return Err(refusal(answer::read(parts.status, &parts.headers, &document, clock)));
        }
        if let Some(deleted) = &asked.deleted
            && !super::bulk::names_only(&document, deleted)
        {
            return Err(unreadable(
                parts.status,
                "the answer to a bulk deletion names files that were not in it",
            ));
        }
        Ok(HttpResponse::from_parts(parts, document.freeze().into()))
    }

    /// The start of an error's body; what does not come, or not in time, is left out.
    async fn error_body(&self, body: HttpResponseBody) -> BytesMut {
        let mut read = BytesMut::new();
        {
            let reading = async {
                let mut body = body;
                while let Some(Ok(frame)) = body.frame().await {
                    let Some(data) = frame.data_ref() else { continue };
                    let room = ERROR_BODY_BYTES.saturating_sub(read.len());
                    read.extend_from_slice(data.get(..room).unwrap_or(data));
                    if read.len() >= ERROR_BODY_BYTES {
                        break;
                    }
                }
            };
            let patience = self.shared.context.clock.sleep(ERROR_BODY_PATIENCE);
            match select(std::pin::pin!(reading), patience).await {
                Either::Left(_) => {}
                Either::Right(_) => tracing::debug!("the body of an error did not come in time"),
            }
        }
        read
    }
}

/// Codes by which a 404 speaks of the bucket.
fn is_of_a_bucket(code: &str) -> bool {
    matches!(code, "NoSuchBucket" | "ContainerNotFound" | "FilesystemNotFound")
}

fn refusal(answer: Answer) -> HttpError {
    let kind = if answer.is_transient() { HttpErrorKind::Unknown } else { HttpErrorKind::Decode };
    HttpError::new(kind, answer)
}

/// A success whose answer makes no sense.
fn unreadable(status: StatusCode, what: &str) -> HttpError {
    let answer = Answer {
        status: status.as_u16(),
        code: None,
        message: what.to_owned(),
        retry_after: None,
        skew_ms: None,
    };
    HttpError::new(HttpErrorKind::Decode, answer)
}

/// Whether a header is `bytes FIRST-LAST/SIZE` with FIRST <= LAST < SIZE: the library calculates with whatever is there.
fn is_range(header: &[u8]) -> bool {
    let parse = || -> Option<bool> {
        let text = std::str::from_utf8(header).ok()?.trim();
        let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        // `*` is a size that is not told, which the library refuses by itself.
        let size = if size == "*" { u64::MAX } else { size.parse().ok()? };
        Some(first <= last && last < size)
    };
    parse().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_cannot_be_are_told_from_those_that_can() {
        for good in ["bytes 0-0/1", "bytes 5-9/10", "bytes 0-4/*"] {
            assert!(is_range(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes 0-18446744073709551615/*",
            "bytes 0-1",
            "0-1/2",
            "\u{fc}",
        ] {
            assert!(!is_range(bad.as_bytes()), "{bad}");
        }
    }
}
