//! Turns what the client below says into what a caller should do.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::error::{Acted, StoreError};
use crate::evidence::Answer;
use crate::location::{Location, Scheme};
use crate::path::{TablePath, excerpt};
use crate::request::RequestKind;

/// The call that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) location: &'a Location,
    pub(super) kind: RequestKind,
    pub(super) path: &'a str,
}

/// Sorts an error of the client below.
pub(super) fn classify(error: object_store::Error, call: Call<'_>) -> StoreError {
    if let Some(answer) = find::<Answer>(&error) {
        return from_answer(answer.clone(), call);
    }
    #[cfg(feature = "local")]
    if let Some(failure) = find::<crate::local::failure::Failure>(&error) {
        return failure.to_store_error(call.location, call.kind, call.path);
    }
    match &error {
        object_store::Error::NotFound { .. } => return not_found(call),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            return denied("denied".to_owned(), excerpt(&error.to_string()), call);
        }
        object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. } => {
            return StoreError::Unsupported {
                what: "this request",
                place: call.location.to_string(),
                reason: excerpt(&error.to_string()),
            };
        }
        _ => {}
    }
    if let Some(system) = find::<io::Error>(&error) {
        return from_system(system, call)
            .unwrap_or_else(|| unavailable(Acted::Maybe, None, error.into(), call));
    }
    unavailable(acted(&error), None, error.into(), call)
}

/// A request without an answer for `timeout`.
pub(super) fn timed_out(timeout: Duration, call: Call<'_>) -> StoreError {
    let source =
        io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} ms", timeout.as_millis()));
    unavailable(Acted::Maybe, None, source.into(), call)
}

fn from_answer(answer: Answer, call: Call<'_>) -> StoreError {
    let code = answer.code.as_deref().unwrap_or_default();
    if code == "RequestTimeTooSkewed" {
        return StoreError::ClockSkewed {
            request: call.kind,
            location: call.location.to_string(),
            path: excerpt(call.path),
            skew_ms: answer.skew_ms,
        };
    }
    if code == "NoSuchBucket" {
        return StoreError::NoContainer {
            location: call.location.to_string(),
            what: container_word(call.location),
        };
    }
    match answer.status {
        401 | 403 => denied(answer.status.to_string(), answer.to_string(), call),
        404 => not_found(call),
        // These are said before the request is looked at: throttling, and S3's "another conditional request is under way".
        409 | 425 | 429 => unavailable(Acted::No, answer.retry_after, answer.into(), call),
        _ if answer.is_transient() => unavailable(Acted::Maybe, answer.retry_after, answer.into(), call),
        status => StoreError::Refused {
            request: call.kind,
            location: call.location.to_string(),
            path: excerpt(call.path),
            status: status.to_string(),
            detail: answer.to_string(),
            acted: if (200..300).contains(&status) { Acted::Maybe } else { Acted::No },
        },
    }
}

fn from_system(error: &io::Error, call: Call<'_>) -> Option<StoreError> {
    Some(match error.kind() {
        io::ErrorKind::NotFound => not_found(call),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            denied(error.kind().to_string(), excerpt(&error.to_string()), call)
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::StorageFull {
            request: call.kind,
            location: call.location.to_string(),
            path: excerpt(call.path),
            acted: Acted::Maybe,
            source: io::Error::new(error.kind(), error.to_string()).into(),
        },
        _ => return None,
    })
}

fn not_found(call: Call<'_>) -> StoreError {
    match TablePath::parse(call.path) {
        Ok(path) => StoreError::NotFound { location: call.location.to_string(), path },
        Err(error) => StoreError::Path(error),
    }
}

fn denied(status: String, detail: String, call: Call<'_>) -> StoreError {
    let advice = match call.location.scheme() {
        Scheme::File => {
            "check owner and mode of the folder, and whether the file system is mounted read-only"
        }
        Scheme::Memory => "this should not happen in memory",
        Scheme::S3 => "check the access key, the secret, the session token, and the policies of the bucket",
        Scheme::Gcs => "check the service account's key and its roles on the bucket",
        Scheme::Azure => "check the account's key or token and the container's access",
    };
    StoreError::PermissionDenied {
        request: call.kind,
        location: call.location.to_string(),
        path: excerpt(call.path),
        status,
        detail,
        advice,
    }
}

fn unavailable(
    acted: Acted,
    retry_after: Option<Duration>,
    source: crate::error::Cause,
    call: Call<'_>,
) -> StoreError {
    StoreError::Unavailable {
        request: call.kind,
        location: call.location.to_string(),
        path: excerpt(call.path),
        attempts: 1,
        waited_ms: 0,
        acted,
        retry_after,
        source,
    }
}

fn container_word(location: &Location) -> &'static str {
    match location.scheme() {
        Scheme::File | Scheme::Memory => "folder",
        Scheme::S3 | Scheme::Gcs => "bucket",
        Scheme::Azure => "container",
    }
}

/// Whether a request without an answer may have been acted on: not if there was no connection to send it on.
fn acted(error: &object_store::Error) -> Acted {
    #[cfg(feature = "cloud")]
    if let Some(http) = find::<object_store::client::HttpError>(error)
        && http.kind() == object_store::client::HttpErrorKind::Connect
    {
        return Acted::No;
    }
    let _ = error;
    Acted::Maybe
}

/// The first error of type `T` in the chain.
fn find<T: Error + 'static>(error: &object_store::Error) -> Option<&T> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    // The chain is built by code, not by input, but a bound costs nothing.
    for _ in 0..32 {
        let error = next?;
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
