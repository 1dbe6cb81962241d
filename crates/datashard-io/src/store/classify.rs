//! Turns what the client below says into what a caller should do.

#[cfg(feature = "cloud")]
mod cloud;

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
    #[cfg(feature = "cloud")]
    if let Some(sorted) = cloud::without_answer(&error, call) {
        return sorted;
    }
    #[cfg(feature = "local")]
    if let Some(failure) = find::<crate::local::failure::Failure>(&error) {
        return failure.to_store_error(call.location, call.kind, call.path);
    }
    match &error {
        object_store::Error::NotFound { .. } => return not_found(call),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            return denied("denied".to_owned(), None, excerpt(&error.to_string()), call);
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
    unavailable(Acted::Maybe, None, error.into(), call)
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
    // A file that is missing is the business of reads; where a write or a listing finds nothing, it is the bucket. But an upload that
    // was completed or aborted meanwhile is missing too, and folders come and go.
    let is_of_bucket = matches!(code, "NoSuchBucket" | "ContainerNotFound" | "FilesystemNotFound")
        || (answer.status == 404
            && code != "NoSuchUpload"
            && call.location.scheme() != Scheme::File
            && matches!(call.kind, RequestKind::Put | RequestKind::List));
    if is_of_bucket {
        return StoreError::NoContainer {
            location: call.location.to_string(),
            what: container_word(call.location),
        };
    }
    if is_about_credentials(code) {
        return denied(answer.status.to_string(), Some(code), answer.to_string(), call);
    }
    match answer.status {
        401 | 403 => denied(answer.status.to_string(), Some(code), answer.to_string(), call),
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
        // Where folders exist, a path can lead through a file or end at a folder. Either way no file has that name.
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory if call.kind != RequestKind::Put => {
            not_found(call)
        }
        // Nobody was there to send the request to. Of a mounted folder the same error says less: the mount may have sent it before.
        io::ErrorKind::ConnectionRefused if call.location.scheme() != Scheme::File => {
            let source = io::Error::new(error.kind(), error.to_string());
            unavailable(Acted::No, None, source.into(), call)
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            denied(error.kind().to_string(), None, excerpt(&error.to_string()), call)
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

/// Codes that mean the same whatever their status is: S3 says that a token has expired with a 400.
fn is_about_credentials(code: &str) -> bool {
    matches!(
        code,
        "AccessDenied"
            | "AuthenticationFailed"
            | "AuthorizationFailure"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidAccessKeyId"
            | "InvalidAuthenticationInfo"
            | "InvalidToken"
            | "SignatureDoesNotMatch"
            | "TokenRefreshRequired"
    )
}

fn denied(status: String, code: Option<&str>, detail: String, call: Call<'_>) -> StoreError {
    StoreError::PermissionDenied {
        request: call.kind,
        location: call.location.to_string(),
        path: excerpt(call.path),
        status,
        detail,
        advice: advice(code.unwrap_or_default(), call.location.scheme()),
    }
}

/// What to do about a refusal with this code; without a known one, what is most often wrong.
fn advice(code: &str, scheme: Scheme) -> &'static str {
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            "the session token has expired: refresh the session token, and open the table again with it"
        }
        "InvalidToken" => {
            "the session token does not belong to the access key: give both from one source, or none"
        }
        "InvalidAccessKeyId" => {
            "the store does not know the access key id: check it, and that the endpoint is the one it is for"
        }
        "SignatureDoesNotMatch" => {
            "the secret access key does not belong to the access key id, or something on the way changes requests: check the secret"
        }
        "AuthenticationFailed" | "InvalidAuthenticationInfo" => {
            "the store does not accept the key or token: check it, whether it has expired, and that it is this account's"
        }
        "AccessDenied" | "AuthorizationFailure" | "AuthorizationPermissionMismatch" => match scheme {
            Scheme::S3 => {
                "the credentials are known but may not do this: allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket for them"
            }
            Scheme::Gcs => {
                "the account is known but may not do this: give it the role Storage Object User on the bucket"
            }
            _ => {
                "the account is known but may not do this: give it the role Storage Blob Data Contributor on the container"
            }
        },
        _ => match scheme {
            Scheme::File => {
                "check owner and mode of the folder, and whether the file system is mounted read-only"
            }
            Scheme::Memory => "this should not happen in memory",
            Scheme::S3 => {
                "check the access key, the secret, the session token, and the policies of the bucket"
            }
            Scheme::Gcs => "check the service account's key and its roles on the bucket",
            Scheme::Azure => "check the account's key or token and the container's access",
        },
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

pub(super) fn container_word(location: &Location) -> &'static str {
    match location.scheme() {
        Scheme::File | Scheme::Memory => "folder",
        Scheme::S3 | Scheme::Gcs => "bucket",
        Scheme::Azure => "container",
    }
}

/// Whether a range was refused because it does not lie within the file: HTTP's 416, or the same found out on this side.
pub(super) fn is_bad_range(error: &object_store::Error) -> bool {
    /// The library has a type for it and keeps the type's name to itself; this finds an error of the same type as the sample's.
    fn same<T: Error + 'static, O>(_sample: &Result<O, T>, error: &object_store::Error) -> bool {
        find::<T>(error).is_some()
    }
    find::<Answer>(error).is_some_and(|answer| answer.status == 416)
        || same(&object_store::GetRange::Offset(0).is_valid(), error)
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

#[cfg(test)]
mod tests;
