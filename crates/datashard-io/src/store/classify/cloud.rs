//! Failures below HTTP: no answer, half an answer, or nobody to ask for credentials.

use object_store::client::{HttpError, HttpErrorKind};

use super::{Call, advice, find, unavailable};
use crate::error::{Acted, StoreError};
use crate::evidence::{NoCredentials, ShortBody};
use crate::location::Scheme;
use crate::path::{TablePath, excerpt};

pub(super) fn without_answer(error: &object_store::Error, call: Call<'_>) -> Option<StoreError> {
    if let Some(failed) = find::<NoCredentials>(error) {
        return Some(no_credentials(failed, call));
    }
    if let (Some(short), Ok(path)) = (find::<ShortBody>(error), TablePath::parse(call.path)) {
        return Some(StoreError::WrongLength {
            location: call.location.to_string(),
            path,
            expected_bytes: short.expected_bytes,
            found_bytes: short.found_bytes,
        });
    }
    let http = find::<HttpError>(error)?;
    // A connection that could not be made in time is a time-out to the library, but nothing was sent all the same.
    let unconnected = http.kind() == HttpErrorKind::Connect
        || find::<reqwest::Error>(error).is_some_and(reqwest::Error::is_connect);
    let acted = if unconnected { Acted::No } else { Acted::Maybe };
    Some(unavailable(acted, None, chain(http).into(), call))
}

/// Nothing was sent to the store.
fn no_credentials(failed: &NoCredentials, call: Call<'_>) -> StoreError {
    if failed.transient {
        return unavailable(Acted::No, None, failed.clone().into(), call);
    }
    StoreError::PermissionDenied {
        request: call.kind,
        location: call.location.to_string(),
        path: excerpt(call.path),
        status: "no credentials".to_owned(),
        detail: failed.to_string(),
        advice: match call.location.scheme() {
            Scheme::S3 => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached to the machine"
            }
            Scheme::Gcs => {
                "set GOOGLE_SERVICE_ACCOUNT to the file with a key, or run where a service account is attached to the machine"
            }
            Scheme::Azure => {
                "set AZURE_STORAGE_ACCOUNT_KEY or another credential, or run where an identity is attached to the machine"
            }
            scheme @ (Scheme::File | Scheme::Memory) => advice("", scheme),
        },
    }
}

/// What went wrong on the way, down to its cause, as one text: the chain itself repeats some of it and cannot be cloned.
fn chain(error: &HttpError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    for _ in 0..32 {
        let Some(cause) = next else { break };
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    excerpt(&text)
}
