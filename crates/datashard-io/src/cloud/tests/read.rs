//! Reads: lengths are checked, and what is missing is told from what cannot be had.

use super::*;
use crate::error::StoreError;

const LIMIT: u64 = 1_000;

#[tokio::test]
async fn read_gives_the_body_and_counts_its_bytes_once() {
    let setup = Setup::s3([Reply::content("hello")]).await;
    assert_eq!(setup.store.read(&path("f"), LIMIT).await.unwrap(), "hello");
    let counts = setup.counts();
    assert_eq!((counts.get, counts.total(), counts.bytes_read, counts.bytes_written), (1, 1, 5, 0));
}

#[tokio::test]
async fn b14_short_body_is_read_again_once() {
    let setup = Setup::s3([Reply::content("hello").cut_by(2), Reply::content("hello")]).await;
    assert_eq!(setup.store.read(&path("f"), LIMIT).await.unwrap(), "hello");
    assert_eq!((setup.counts().get, setup.counts().bytes_read), (2, 8));
}

#[tokio::test]
async fn b14_short_body_twice_is_an_error_that_names_file_and_lengths() {
    let short = Reply::content("hello").cut_by(2);
    let setup = Setup::s3([short.clone(), short.clone(), short]).await;
    let error = setup.store.read(&path("data/f"), LIMIT).await.unwrap_err();
    match &error {
        StoreError::WrongLength { path, expected_bytes: 5, found_bytes: 3, .. } => {
            assert_eq!(path.as_str(), "data/f");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(setup.counts().get, 2);
}

#[tokio::test]
async fn b14_body_that_stops_coming_is_given_up() {
    let stuck = Reply::content("hello").header("Content-Length", "500");
    let setup = Setup::s3([stuck, Reply::content("hello")]).await;
    assert_eq!(setup.store.read(&path("f"), LIMIT).await.unwrap(), "hello");
    assert_eq!(setup.counts().get, 2);
}

#[tokio::test]
async fn b14_ranges_that_cannot_be_are_refused_before_anybody_calculates_with_them() {
    for range in ["bytes 0-18446744073709551615/*", "bytes 3-1/5", "bytes 0-4/3", "0-4"] {
        let reply = Reply::Answer {
            status: 206,
            headers: vec![
                ("Content-Range".into(), range.into()),
                ("ETag".into(), "\"e\"".into()),
                ("Last-Modified".into(), "Thu, 29 Feb 2024 00:00:00 GMT".into()),
            ],
            body: b"hello".to_vec(),
            cut: 0,
        };
        let setup = Setup::s3([reply]).await;
        let error = setup.store.read_range(&path("f"), 0..5).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{range}: {error:?}");
        assert_eq!(setup.counts().get, 1);
    }
}

#[tokio::test]
async fn b15_missing_file_is_told_from_a_missing_bucket() {
    for reply in [s3_error(404, "NoSuchKey"), Reply::new(404)] {
        let setup = Setup::s3([reply]).await;
        let error = setup.store.read(&path("f"), LIMIT).await.unwrap_err();
        assert!(matches!(error, StoreError::NotFound { .. }), "{error:?}");
        assert_eq!(setup.counts().get, 1);
    }
    let setup = Setup::s3([s3_error(404, "NoSuchBucket")]).await;
    let error = setup.store.read(&path("f"), LIMIT).await.unwrap_err();
    assert!(matches!(error, StoreError::NoContainer { what: "bucket", .. }), "{error:?}");
    assert_eq!(setup.counts().get, 1);
}

#[tokio::test]
async fn b15_head_of_a_missing_file_is_not_found() {
    let setup = Setup::s3([Reply::new(404), Reply::content("hello")]).await;
    assert!(!setup.store.exists(&path("f")).await.unwrap());
    assert_eq!(setup.store.info(&path("f")).await.unwrap().size_bytes, 5);
    assert_eq!((setup.counts().head, setup.counts().total()), (2, 2));
}

#[tokio::test]
async fn range_beyond_the_end_is_told() {
    let setup = Setup::s3([s3_error(416, "InvalidRange")]).await;
    let error = setup.store.read_range(&path("f"), 10..20).await.unwrap_err();
    assert!(matches!(error, StoreError::BadRange { start: 10, end: 20, .. }), "{error:?}");
    assert_eq!(setup.counts().get, 1);
}

#[tokio::test]
async fn b08_read_is_repeated_over_every_answer_that_may_pass() {
    let setup = Setup::s3([
        s3_error(503, "SlowDown").header("Retry-After", "3"),
        s3_error(500, "InternalError"),
        Reply::Close,
        Reply::Hang,
        Reply::CloseUnread,
        Reply::content("hello"),
    ])
    .await;
    assert_eq!(setup.store.read(&path("f"), LIMIT).await.unwrap(), "hello");
    assert_eq!((setup.counts().get, setup.pauses().len()), (6, 5));
    assert!(setup.pauses()[0] >= Duration::from_secs(3));
}

#[tokio::test]
async fn b10_b18_read_is_not_repeated_where_it_is_refused() {
    for (status, code) in [
        (403, "AccessDenied"),
        (400, "ExpiredToken"),
        (301, "PermanentRedirect"),
        (403, "InvalidObjectState"),
    ] {
        let reply = s3_error(status, code).header("Location", "http://127.0.0.1:1/elsewhere");
        let setup = Setup::s3([reply]).await;
        let error = setup.store.read(&path("f"), LIMIT).await.unwrap_err();
        assert!(!error.is_retryable(), "{code}: {error:?}");
        assert_eq!((setup.server.seen().len(), setup.counts().get), (1, 1), "{code}");
    }
}

#[tokio::test]
async fn content_that_looks_like_an_error_is_content() {
    let content = "<Error><Code>InternalError</Code></Error>";
    let setup = Setup::s3([Reply::content(content)]).await;
    assert_eq!(setup.store.read(&path("f"), LIMIT).await.unwrap(), content);
}

#[tokio::test]
async fn range_in_an_empty_file_is_told_in_whatever_words_the_store_has_for_it() {
    let odd = Reply::Answer {
        status: 206,
        headers: vec![
            ("Content-Range".into(), "bytes 0--1/0".into()),
            ("ETag".into(), "\"e\"".into()),
            ("Last-Modified".into(), "Thu, 29 Feb 2024 00:00:00 GMT".into()),
        ],
        body: Vec::new(),
        cut: 0,
    };
    for reply in [odd, s3_error(416, "InvalidRange")] {
        let setup = Setup::s3([reply]).await;
        let error = setup.store.read_range(&path("f"), 0..5).await.unwrap_err();
        assert!(matches!(error, StoreError::BadRange { .. }), "{error:?}");
    }
}
