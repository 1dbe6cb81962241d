//! Requests for credentials: to instance metadata, to token services. They are not counted, and where they fail nothing was asked
//! of the store.

use http::{StatusCode, Uri};
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};

use super::body::read_at_most;
use crate::evidence::NoCredentials;
use crate::path::excerpt;

/// The longest answer of a service that gives credentials.
const LIMIT_BYTES: usize = 1024 * 1024;

/// Asks a service for credentials; whatever it answers but a success is a [`NoCredentials`], but for a refusal after which the client
/// of S3 asks the machine's metadata in the older way, if it was told to.
pub(super) async fn ask(
    client: &reqwest::Client,
    request: HttpRequest,
    older_metadata: bool,
) -> Result<HttpResponse, HttpError> {
    let service = request.uri().host().unwrap_or_default().to_owned();
    let is_local = is_instance_metadata(request.uri());
    let may_fall_back = older_metadata && request.uri().path() == "/latest/api/token";
    tracing::trace!(service, "asking for credentials");
    let failed = |transient: bool, detail: String| {
        let kind = if transient { HttpErrorKind::Unknown } else { HttpErrorKind::Decode };
        HttpError::new(kind, NoCredentials { service: service.clone(), transient, detail: excerpt(&detail) })
    };
    // Where there is no metadata service there will be none: the machine is not in a cloud.
    let response = client.call(request).await.map_err(|error| failed(!is_local, root_cause(&error)))?;
    let status = response.status();
    let (parts, body) = response.into_parts();
    let (document, rest) =
        read_at_most(body, LIMIT_BYTES).await.map_err(|error| failed(true, root_cause(&error)))?;
    if rest {
        return Err(failed(false, "an answer of more than 1 MiB".to_owned()));
    }
    if status.is_success() || (may_fall_back && status == StatusCode::FORBIDDEN) {
        return Ok(HttpResponse::from_parts(parts, document.freeze().into()));
    }
    let transient = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    Err(failed(transient, format!("status {}: {}", status.as_u16(), String::from_utf8_lossy(&document))))
}

/// The addresses at which clouds tell a machine about itself.
fn is_instance_metadata(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    host.starts_with("169.254.")
        || host.starts_with("[fd00:ec2::")
        || host == "metadata"
        || host.starts_with("metadata.")
        || uri.path().starts_with("/latest/")
        || uri.path().starts_with("/computeMetadata/")
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    for _ in 0..32 {
        match cause.source() {
            Some(next) => cause = next,
            None => break,
        }
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_the_machine_is_told_from_other_services() {
        let check = |url: &str| is_instance_metadata(&url.parse().unwrap());
        for url in [
            "http://169.254.169.254/latest/api/token",
            "http://[fd00:ec2::254]/latest/meta-data/",
            "http://metadata.google.internal/computeMetadata/v1/x",
            "http://127.0.0.1:1338/latest/meta-data/iam/security-credentials/",
        ] {
            assert!(check(url), "{url}");
        }
        for url in ["https://sts.eu-west-1.amazonaws.com/", "https://oauth2.googleapis.com/token"] {
            assert!(!check(url), "{url}");
        }
    }
}
