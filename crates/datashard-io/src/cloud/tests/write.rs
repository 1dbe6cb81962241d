//! Plain writes: repeated until they are answered.

use super::*;
use crate::error::StoreError;

#[tokio::test]
async fn b08_b09_put_is_repeated_over_every_answer_that_may_pass() {
    let setup = Setup::s3([
        s3_error(503, "SlowDown"),
        s3_error(500, "InternalError"),
        Reply::Close,
        Reply::CloseUnread,
        s3_error(409, "OperationAborted"),
        s3_error(400, "RequestTimeout"),
        s3_error(200, "InternalError").header("ETag", "\"e\""),
        Reply::written(),
    ])
    .await;
    setup.store.put(&path("data/f"), "content".into()).await.unwrap();
    let seen = setup.server.seen();
    // One connection was closed before its request was read.
    assert_eq!((seen.len(), setup.counts().put, setup.pauses().len()), (7, 8, 7));
    assert!(seen.iter().all(|put| put.body == b"content" && !put.headers.contains_key("if-none-match")));
    assert_eq!(setup.counts().bytes_written, 8 * 7);
}

#[tokio::test]
async fn b10_put_is_not_repeated_where_it_is_refused() {
    for (status, code) in [
        (403, "AccessDenied"),
        (404, "NoSuchBucket"),
        (400, "ExpiredToken"),
        (400, "EntityTooLarge"),
        (301, "PermanentRedirect"),
        (405, "MethodNotAllowed"),
    ] {
        let setup = Setup::s3([s3_error(status, code)]).await;
        let error = setup.store.put(&path("data/f"), "content".into()).await.unwrap_err();
        assert!(!error.is_retryable() && error.definitely_not_done(), "{code}: {error:?}");
        assert_eq!((setup.counts().put, setup.pauses().len()), (1, 0), "{code}");
    }
}

#[tokio::test]
async fn b09_put_ends_at_the_deadline_and_may_have_been_acted_on() {
    let setup = Setup::s3(vec![s3_error(500, "InternalError"); 100]).await;
    let error = setup.store.put(&path("data/f"), "content".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && !error.definitely_not_done(), "{error:?}");
    let sent = setup.counts().put;
    assert!((8..30).contains(&sent), "{sent} requests in 60 s");
}

#[tokio::test]
async fn empty_files_can_be_written() {
    let setup = Setup::s3([Reply::written()]).await;
    setup.store.put(&path("data/empty"), "".into()).await.unwrap();
    assert_eq!(setup.server.seen()[0].headers["content-length"], "0");
}

#[tokio::test]
async fn b18_end_of_a_large_upload_with_an_error_in_a_success_is_an_error() {
    let started = Reply::new(200)
        .body("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>");
    let setup = Setup::s3([started, Reply::written(), Reply::written(), s3_error(200, "SomethingNew")]).await;
    let mut upload = setup.store.upload(&path("data/large")).unwrap();
    for _ in 0..20 {
        upload.write(vec![7; 1024 * 1024].into()).await.unwrap();
    }
    let outcome = upload.finish().await;
    assert!(outcome.is_err(), "{outcome:?}");
}
