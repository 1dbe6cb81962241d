//! Each kind of answer and failure, and what a caller is to make of it.

use datashard_spec::error::ErrorKind;

use super::*;

fn answer(status: u16, code: &str) -> Answer {
    Answer {
        status,
        code: (!code.is_empty()).then(|| code.to_owned()),
        message: "words of the store".to_owned(),
        retry_after: Some(Duration::from_secs(4)),
        skew_ms: Some(-5),
    }
}

fn of(location: &str, kind: RequestKind, source: impl Error + Send + Sync + 'static) -> StoreError {
    let location = Location::parse(location).unwrap();
    let error = object_store::Error::Generic { store: "test", source: Box::new(source) };
    classify(error, Call { location: &location, kind, path: "data/f" })
}

#[test]
fn answers_are_sorted_by_code_and_status() {
    use RequestKind::{Delete, Get, List, Put};
    let check = |kind: RequestKind, status: u16, code: &str, expected: ErrorKind, not_done: bool| {
        let error = of("s3://lake/t", kind, answer(status, code));
        assert_eq!(
            (error.kind(), error.definitely_not_done()),
            (expected, not_done),
            "{status} {code}: {error:?}"
        );
        assert!(error.to_string().contains("s3://lake/t"), "{error}");
        assert!(error.is_retryable() == (expected == ErrorKind::Unavailable));
    };
    // B6, B8: said before the request was looked at.
    for (status, code) in [(409, "ConditionalRequestConflict"), (409, ""), (425, ""), (429, "SlowDown")] {
        check(Put, status, code, ErrorKind::Unavailable, true);
    }
    // B5, B9: may have been acted on.
    for (status, code) in [
        (500, "InternalError"),
        (503, "SlowDown"),
        (504, ""),
        (408, ""),
        (400, "RequestTimeout"),
        (200, "InternalError"),
    ] {
        check(Put, status, code, ErrorKind::Unavailable, false);
    }
    // B10, B11.
    for (status, code) in [
        (401, ""),
        (403, "AccessDenied"),
        (403, ""),
        (400, "ExpiredToken"),
        (400, "InvalidToken"),
        (403, "RequestTimeTooSkewed"),
    ] {
        check(Put, status, code, ErrorKind::PermissionDenied, true);
    }
    for kind in [Put, Get, List, Delete] {
        check(kind, 404, "NoSuchBucket", ErrorKind::NotFound, true);
    }
    check(Get, 404, "NoSuchKey", ErrorKind::NotFound, true);
    // B18.
    check(Put, 301, "PermanentRedirect", ErrorKind::Unsupported, true);
    check(Put, 200, "SomethingNew", ErrorKind::Unsupported, false);
    for (status, code) in
        [(400, "InvalidArgument"), (405, ""), (501, "NotImplemented"), (505, ""), (100, ""), (999, "")]
    {
        let transient = status == 999;
        let kind = if transient { ErrorKind::Unavailable } else { ErrorKind::Unsupported };
        check(Put, status, code, kind, !transient);
    }
}

#[test]
fn what_is_missing_is_told_by_request_and_place() {
    let is_bucket = |location: &str, kind: RequestKind, code: &str| {
        matches!(of(location, kind, answer(404, code)), StoreError::NoContainer { .. })
    };
    for kind in [RequestKind::Put, RequestKind::List] {
        assert!(is_bucket("s3://lake/t", kind, ""));
        assert!(!is_bucket("/lake/t", kind, ""));
    }
    assert!(!is_bucket("s3://lake/t", RequestKind::Put, "NoSuchUpload"));
    for kind in [RequestKind::Get, RequestKind::Head, RequestKind::Delete] {
        assert!(!is_bucket("s3://lake/t", kind, ""));
        assert!(is_bucket("az://lake/t", kind, "ContainerNotFound"));
    }
}

#[test]
fn advice_fits_code_and_place() {
    let check = |location: &str, code: &str, expected: &str| {
        let text = of(location, RequestKind::Put, answer(403, code)).to_string();
        assert!(text.contains(expected) && text.contains("words of the store"), "{text}");
    };
    check("s3://lake/t", "ExpiredToken", "refresh the session token");
    check("s3://lake/t", "InvalidAccessKeyId", "does not know the access key id");
    check("s3://lake/t", "SignatureDoesNotMatch", "secret access key does not belong");
    check("s3://lake/t", "AccessDenied", "s3:ListBucket");
    check("gs://lake/t", "AccessDenied", "Storage Object User");
    check("az://lake/t", "AuthorizationFailure", "Storage Blob Data Contributor");
    check("az://lake/t", "AuthenticationFailed", "account's");
    check("gs://lake/t", "", "service account");
    check("/lake/t", "", "owner and mode");
}

#[test]
fn b19_wrong_clock_is_told_with_the_difference() {
    let error = of("s3://lake/t", RequestKind::Get, answer(403, "RequestTimeTooSkewed"));
    assert!(matches!(error, StoreError::ClockSkewed { skew_ms: Some(-5), .. }), "{error:?}");
}

#[test]
fn what_the_store_asks_for_is_kept_where_it_helps() {
    let asked = |status| of("s3://lake/t", RequestKind::Get, answer(status, "")).retry_after();
    assert_eq!(
        (asked(503), asked(429), asked(403)),
        (Some(Duration::from_secs(4)), Some(Duration::from_secs(4)), None)
    );
}

#[test]
fn g01_g02_errors_of_the_system_are_sorted_by_kind() {
    let kind = |kind: io::ErrorKind| {
        let error = of("/lake/t", RequestKind::Put, io::Error::from(kind));
        (error.kind(), error.definitely_not_done())
    };
    assert_eq!(kind(io::ErrorKind::NotFound), (ErrorKind::NotFound, true));
    assert_eq!(kind(io::ErrorKind::PermissionDenied), (ErrorKind::PermissionDenied, true));
    assert_eq!(kind(io::ErrorKind::ReadOnlyFilesystem), (ErrorKind::PermissionDenied, true));
    assert_eq!(kind(io::ErrorKind::StorageFull), (ErrorKind::Unavailable, false));
    assert_eq!(kind(io::ErrorKind::Other), (ErrorKind::Unavailable, false));
}

#[cfg(feature = "cloud")]
#[test]
fn connections_that_were_not_made_are_told_from_those_that_broke() {
    use object_store::client::{HttpError, HttpErrorKind};
    let not_done = |kind: HttpErrorKind| {
        // The system's word for it does not make it an error of a folder.
        let error = of(
            "s3://lake/t",
            RequestKind::Put,
            HttpError::new(kind, io::Error::from(io::ErrorKind::PermissionDenied)),
        );
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        error.definitely_not_done()
    };
    assert!(not_done(HttpErrorKind::Connect));
    for kind in
        [HttpErrorKind::Request, HttpErrorKind::Timeout, HttpErrorKind::Interrupted, HttpErrorKind::Decode]
    {
        assert!(!not_done(kind), "{kind:?}");
    }
}

#[cfg(feature = "cloud")]
#[test]
fn b11_missing_credentials_were_not_sent_to_the_store() {
    use crate::evidence::NoCredentials;
    for (location, advice) in
        [("s3://b/t", "AWS_ACCESS_KEY_ID"), ("gs://b/t", "GOOGLE_"), ("az://b/t", "AZURE_")]
    {
        let failed =
            NoCredentials { service: "169.254.169.254".into(), transient: false, detail: "refused".into() };
        let error = of(location, RequestKind::Put, failed.clone());
        assert!(error.to_string().contains(advice) && error.definitely_not_done(), "{error}");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let error = of(location, RequestKind::Put, NoCredentials { transient: true, ..failed });
        assert!(error.is_retryable() && error.definitely_not_done(), "{error:?}");
    }
}
