//! The conditional write: what each answer makes of it, and how many requests it takes.

use std::time::Duration;

use super::*;
use crate::error::StoreError;
use crate::store::Created;

async fn create(setup: &Setup) -> Result<Created, StoreError> {
    setup.store.create(&path("metadata/v1.metadata.json"), "{}".into()).await
}

fn unclear(outcome: Result<Created, StoreError>) -> StoreError {
    match outcome {
        Ok(Created::Unclear(error)) => *error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn create_sends_one_conditional_put_with_the_bytes() {
    let setup = Setup::s3([Reply::written()]).await;
    assert!(create(&setup).await.unwrap().is_yes());
    let seen = setup.server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((&*seen[0].method, &*seen[0].target), ("PUT", "/lake/t/metadata/v1.metadata.json"));
    assert_eq!(seen[0].headers["if-none-match"], "*");
    assert_eq!(seen[0].body, b"{}");
    let counts = setup.counts();
    assert_eq!((counts.put, counts.total(), counts.bytes_written, counts.bytes_read), (1, 1, 2, 0));
}

#[tokio::test]
async fn create_is_no_only_where_the_store_says_that_the_name_exists() {
    for reply in [s3_error(412, "PreconditionFailed"), Reply::new(412), Reply::new(304)] {
        let setup = Setup::s3([reply.clone()]).await;
        assert!(matches!(create(&setup).await, Ok(Created::No)), "{reply:?}");
        assert_eq!(setup.counts().put, 1);
    }
}

#[tokio::test]
async fn b06_conflict_with_an_empty_slot_is_repeated() {
    let conflict = s3_error(409, "ConditionalRequestConflict");
    let setup = Setup::s3([conflict.clone(), conflict, Reply::written()]).await;
    assert!(create(&setup).await.unwrap().is_yes());
    let seen = setup.server.seen();
    assert_eq!((seen.len(), setup.counts().put, setup.counts().bytes_written), (3, 3, 6));
    assert!(seen.iter().all(|put| put.body == b"{}" && put.headers["if-none-match"] == "*"));
    assert_eq!(setup.pauses().len(), 2);
}

#[tokio::test]
async fn b07_conflict_with_a_slot_that_is_taken_is_no() {
    let setup =
        Setup::s3([s3_error(409, "ConditionalRequestConflict"), s3_error(412, "PreconditionFailed")]).await;
    assert!(matches!(create(&setup).await, Ok(Created::No)));
    assert_eq!(setup.counts().put, 2);
}

#[tokio::test]
async fn b06_conflict_for_ever_ends_at_the_deadline_as_certainly_not_done() {
    let setup = Setup::s3(vec![Reply::new(409); 200]).await;
    let error = create(&setup).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.definitely_not_done(), "{error}");
    let sent = setup.counts().put;
    assert!((8..30).contains(&sent), "{sent} requests in 60 s");
    assert_eq!(u64::try_from(setup.server.left()).unwrap().saturating_add(sent), 200);
}

#[tokio::test]
async fn b08_throttled_create_waits_as_long_as_the_store_asks() {
    let busy = s3_error(429, "SlowDown").header("Retry-After", "7");
    let until = s3_error(429, "SlowDown").header("Retry-After", "Fri, 01 Mar 2024 00:00:09 GMT");
    let setup = Setup::s3([busy, until, Reply::written()]).await;
    assert!(create(&setup).await.unwrap().is_yes());
    let pauses = setup.pauses();
    assert_eq!(pauses.len(), 2, "{pauses:?}");
    assert!(pauses[0] >= Duration::from_secs(7) && pauses[0] < Duration::from_secs(8), "{pauses:?}");
    assert!(pauses[1] >= Duration::from_secs(9) && pauses[1] < Duration::from_secs(10), "{pauses:?}");
}

#[tokio::test]
async fn b08_throttled_for_longer_than_the_deadline_is_told_at_once() {
    let setup = Setup::s3([s3_error(429, "SlowDown").header("Retry-After", "3600")]).await;
    let error = create(&setup).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3_600)));
    assert!(error.definitely_not_done() && error.is_retryable());
    assert_eq!((setup.counts().put, setup.pauses().len()), (1, 0));
}

#[tokio::test]
async fn b05_b09_failure_of_the_server_leaves_a_create_unclear_after_one_request() {
    for (status, code) in [(500, "InternalError"), (502, ""), (503, "SlowDown"), (504, ""), (408, "")] {
        let setup = Setup::s3([s3_error(status, code).header("Retry-After", "2")]).await;
        let error = unclear(create(&setup).await);
        assert!(!error.definitely_not_done() && error.is_retryable(), "{status}: {error}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(2)), "{status}");
        assert_eq!((setup.counts().put, setup.pauses().len()), (1, 0), "{status}");
    }
}

#[tokio::test]
async fn b02_no_answer_leaves_a_create_unclear_after_one_request() {
    for reply in [Reply::Close, Reply::Hang, Reply::CloseUnread] {
        let setup = Setup::s3([reply.clone()]).await;
        let error = unclear(create(&setup).await);
        assert!(!error.definitely_not_done() && error.is_retryable(), "{reply:?}: {error}");
        assert_eq!((setup.counts().put, setup.pauses().len()), (1, 0), "{reply:?}");
    }
}

#[tokio::test]
async fn b02_half_an_answer_leaves_a_create_unclear() {
    let setup = Setup::s3([Reply::written().body("half of it").cut_by(4)]).await;
    let error = unclear(create(&setup).await);
    assert!(!error.definitely_not_done(), "{error}");
    assert_eq!(setup.counts().put, 1);
}

#[tokio::test]
async fn create_without_a_connection_is_repeated_and_certainly_not_done() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = Server::start([]).await;
    let url = format!("s3://lake/t?endpoint=http://127.0.0.1:{port}&access_key_id=a&secret_access_key=b");
    let setup = Setup::on(server, &url).await;
    let error = create(&setup).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.definitely_not_done(), "{error}");
    let text = format!("{error} {:?}", std::error::Error::source(&error).map(ToString::to_string));
    assert!(text.to_lowercase().contains("refused"), "{text}");
    assert!(setup.counts().put > 5);
}

#[tokio::test]
async fn b10_refusals_fail_a_create_at_once() {
    for (status, code, advice) in [
        (403, "AccessDenied", "s3:PutObject"),
        (403, "InvalidAccessKeyId", "access key id"),
        (403, "SignatureDoesNotMatch", "secret"),
        (400, "InvalidToken", "session token"),
        (401, "", "access key"),
        (403, "SomethingNew", "policies of the bucket"),
    ] {
        let setup = Setup::s3([s3_error(status, code)]).await;
        let error = create(&setup).await.unwrap_err();
        assert!(matches!(error, StoreError::PermissionDenied { .. }), "{code}: {error:?}");
        assert!(error.definitely_not_done() && !error.is_retryable(), "{code}");
        let text = error.to_string();
        assert!(text.contains(advice) && text.contains(code) && text.contains(&status.to_string()), "{text}");
        assert!(!text.contains("shh"), "{text}");
        assert_eq!((setup.counts().put, setup.pauses().len()), (1, 0), "{code}");
    }
}

#[tokio::test]
async fn b10_missing_bucket_fails_a_create_at_once() {
    for reply in [s3_error(404, "NoSuchBucket"), Reply::new(404), Reply::new(404).body("page not found")] {
        let setup = Setup::s3([reply]).await;
        let error = create(&setup).await.unwrap_err();
        assert!(matches!(error, StoreError::NoContainer { what: "bucket", .. }), "{error:?}");
        assert!(error.definitely_not_done() && !error.is_retryable());
        assert_eq!(setup.counts().put, 1);
    }
}

#[tokio::test]
async fn b11_expired_token_fails_at_once_and_says_what_to_refresh() {
    // S3 says it with a 400.
    for status in [400, 403] {
        let setup = Setup::s3([s3_error(status, "ExpiredToken")]).await;
        let error = create(&setup).await.unwrap_err();
        assert!(error.to_string().contains("refresh the session token"), "{error}");
        assert!(error.definitely_not_done() && !error.is_retryable());
        assert_eq!(setup.counts().put, 1);
    }
}

#[tokio::test]
async fn b19_wrong_clock_fails_at_once_and_is_told_by_how_much() {
    // One hour before the clock of the tests.
    let reply = s3_error(403, "RequestTimeTooSkewed").header("Date", "Thu, 29 Feb 2024 23:00:00 GMT");
    let setup = Setup::s3([reply]).await;
    let error = create(&setup).await.unwrap_err();
    assert!(matches!(error, StoreError::ClockSkewed { skew_ms: Some(3_600_000), .. }), "{error:?}");
    assert!(error.definitely_not_done() && error.to_string().contains("clock"), "{error}");
    assert_eq!(setup.counts().put, 1);
}

#[tokio::test]
async fn b18_redirects_are_errors_that_name_the_region() {
    for status in [301, 302, 307, 308] {
        let reply = s3_error(status, "PermanentRedirect")
            .header("x-amz-bucket-region", "eu-west-3")
            .header("Location", "http://127.0.0.1:1/elsewhere");
        let setup = Setup::s3([reply]).await;
        let error = create(&setup).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }) && error.definitely_not_done(), "{error:?}");
        assert!(error.to_string().contains("lies in region `eu-west-3`"), "{error}");
        assert_eq!(setup.server.seen().len(), 1, "{status} was followed");
    }
}

#[tokio::test]
async fn b18_success_with_an_error_in_its_body_leaves_a_create_unclear() {
    for (code, retryable) in [("InternalError", true), ("SlowDown", true), ("SomethingNew", false)] {
        let setup = Setup::s3([s3_error(200, code).header("ETag", "\"e\"")]).await;
        let error = unclear(create(&setup).await);
        assert!(!error.definitely_not_done(), "{error}");
        assert_eq!(error.is_retryable(), retryable, "{code}: {error:?}");
        assert_eq!(setup.counts().put, 1);
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_the_condition_is_refused() {
    let setup = Setup::s3([s3_error(501, "NotImplemented")]).await;
    let error = create(&setup).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }) && error.definitely_not_done(), "{error:?}");
    assert_eq!(setup.counts().put, 1);
}

#[tokio::test]
async fn the_body_of_an_error_is_bounded_in_memory_time_and_message() {
    let long = Reply::new(403).body(vec![b'x'; 1_000_000]);
    let setup = Setup::s3([long]).await;
    let error = create(&setup).await.unwrap_err();
    assert!(error.to_string().len() < 1_000, "{}", error.to_string().len());
    assert_eq!((setup.counts().put, setup.counts().bytes_read), (1, 0));

    // A conflict is one even if the rest of the answer never comes.
    let cut = s3_error(409, "ConditionalRequestConflict").cut_by(20);
    let not_text = Reply::new(412).body(vec![0xff, 0xfe, 0x00]);
    let setup = Setup::s3([cut, not_text]).await;
    assert!(matches!(create(&setup).await, Ok(Created::No)));
    assert_eq!(setup.counts().put, 2);
}

#[tokio::test]
async fn time_that_a_request_may_take_is_an_option() {
    let server = Server::start([Reply::Hang]).await;
    let url =
        format!("s3://lake/t?endpoint={}&access_key_id=a&secret_access_key=b&timeout=50ms", server.url());
    let store = TableStore::open(&url, StoreOptions::new()).await.unwrap();
    let store = store.with_conditions(Conditions { probe: Probe::known(), unsafe_single_writer: false });
    let error = unclear(store.create(&path("v1"), "x".into()).await);
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("within 50 ms"), "{error:?}");
}
