//! Listings and deletions.

use futures_util::TryStreamExt;

use super::*;
use crate::error::StoreError;

fn page(keys: &[&str], next: Option<&str>) -> Reply {
    let mut body = String::from("<?xml version=\"1.0\"?><ListBucketResult><Name>lake</Name>");
    for key in keys {
        body += &format!(
            "<Contents><Key>{key}</Key><Size>3</Size><LastModified>2024-02-29T00:00:00.000Z</LastModified></Contents>"
        );
    }
    if let Some(next) = next {
        body += &format!("<NextContinuationToken>{next}</NextContinuationToken>");
    }
    Reply::new(200).body(body + "</ListBucketResult>")
}

async fn list(setup: &Setup) -> Result<Vec<String>, StoreError> {
    setup.store.list(None, None).map_ok(|file| file.path.to_string()).try_collect().await
}

#[tokio::test]
async fn pages_of_a_listing_are_counted_as_such() {
    let setup = Setup::s3([page(&["t/a", "t/b"], Some("more")), page(&["t/c"], None)]).await;
    assert_eq!(list(&setup).await.unwrap(), ["a", "b", "c"]);
    let counts = setup.counts();
    assert_eq!((counts.list, counts.total(), counts.bytes_read), (2, 2, 0));
}

#[tokio::test]
async fn b18_error_in_place_of_a_page_is_no_empty_listing() {
    for code in ["InternalError", "SomethingNew"] {
        let setup = Setup::s3(vec![s3_error(200, code); 100]).await;
        let error = list(&setup).await.unwrap_err();
        assert_eq!(error.is_retryable(), code == "InternalError", "{error:?}");
        assert!(setup.counts().list >= 1);
    }
}

#[tokio::test]
async fn b16_page_that_is_cut_off_is_asked_for_again() {
    let setup = Setup::s3([page(&["t/a"], None).cut_by(30), page(&["t/a"], None)]).await;
    assert_eq!(list(&setup).await.unwrap(), ["a"]);
    assert_eq!(setup.counts().list, 2);
}

#[tokio::test]
async fn b10_listing_of_a_missing_bucket_fails_at_once() {
    for reply in [s3_error(404, "NoSuchBucket"), Reply::new(404)] {
        let setup = Setup::s3([reply]).await;
        let error = list(&setup).await.unwrap_err();
        assert!(matches!(error, StoreError::NoContainer { .. }), "{error:?}");
        assert_eq!(setup.counts().list, 1);
    }
}

#[tokio::test]
async fn b08_listing_is_repeated_where_it_was_throttled() {
    let setup = Setup::s3([s3_error(503, "SlowDown"), Reply::Close, page(&["t/a"], None)]).await;
    assert_eq!(list(&setup).await.unwrap(), ["a"]);
    assert_eq!((setup.counts().list, setup.pauses().len()), (3, 2));
}

fn deleted(content: &str) -> Reply {
    Reply::new(200).body(format!("<DeleteResult>{content}</DeleteResult>"))
}

#[tokio::test]
async fn delete_is_one_request_and_counted_as_such() {
    let setup = Setup::s3([deleted("<Deleted><Key>t/a</Key></Deleted>")]).await;
    setup.store.delete(&path("a")).await.unwrap();
    assert_eq!((setup.counts().delete, setup.counts().total()), (1, 1));
}

#[tokio::test]
async fn b08_b18_delete_is_repeated_over_every_answer_that_may_pass() {
    let setup = Setup::s3([
        s3_error(503, "SlowDown"),
        s3_error(200, "InternalError"),
        Reply::Close,
        deleted("<Deleted><Key>t/a</Key></Deleted>"),
    ])
    .await;
    setup.store.delete(&path("a")).await.unwrap();
    assert_eq!((setup.counts().delete, setup.pauses().len()), (4, 3));
}

#[tokio::test]
async fn b17_bulk_deletion_reports_the_file_that_was_refused() {
    let setup = Setup::s3([deleted(
        "<Deleted><Key>t/a</Key></Deleted><Error><Key>t/b</Key><Code>AccessDenied</Code><Message>no</Message></Error>",
    )])
    .await;
    let report = setup.store.delete_all([path("a"), path("b")]).await;
    assert_eq!((report.deleted_count, report.failed_count), (1, 1), "{report:?}");
    assert_eq!(report.failed[0].0.as_str(), "b");
    assert_eq!(setup.counts().delete, 1);
}

#[tokio::test]
async fn b17_bulk_deletion_that_answers_about_other_files_is_an_error() {
    let setup = Setup::s3([deleted(
        "<Error><Key>t/somebody-else</Key><Code>AccessDenied</Code><Message>no</Message></Error>",
    )])
    .await;
    let report = setup.store.delete_all([path("a"), path("b")]).await;
    assert_eq!((report.deleted_count, report.failed_count), (0, 2), "{report:?}");
    assert!(report.failed[0].1.to_string().contains("names files that were not in it"), "{report:?}");
    assert_eq!(setup.counts().delete, 1);
}
