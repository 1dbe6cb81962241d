//! What differs between S3, GCS and Azure.

use super::*;
use crate::error::StoreError;
use crate::store::Created;

async fn gcs(replies: impl IntoIterator<Item = Reply>) -> Setup {
    let server = Server::start(replies).await;
    let url = format!("gs://lake/t?base_url={}&bearer_token=shh", server.url());
    Setup::on(server, &url).await
}

async fn azure(replies: impl IntoIterator<Item = Reply>) -> Setup {
    let server = Server::start(replies).await;
    // The key is base64 of "secret".
    let url = format!("az://lake/t?endpoint={}&account_name=account&account_key=c2VjcmV0", server.url());
    Setup::on(server, &url).await
}

async fn create(setup: &Setup) -> Result<Created, StoreError> {
    setup.store.create(&path("v1"), "{}".into()).await
}

#[tokio::test]
async fn gcs_creates_where_the_generation_is_zero() {
    let written = Reply::written().header("x-goog-generation", "1");
    let setup = gcs([written, Reply::new(412), Reply::new(409), Reply::new(412)]).await;
    assert!(create(&setup).await.unwrap().is_yes());
    assert!(matches!(create(&setup).await, Ok(Created::No)));
    // A conflict says nothing about the name.
    assert!(matches!(create(&setup).await, Ok(Created::No)));
    assert_eq!(setup.counts().put, 4);
    let seen = setup.server.seen();
    assert!(seen.iter().all(|put| put.headers["x-goog-if-generation-match"] == "0"));
}

#[tokio::test]
async fn c07_b08_gcs_says_too_many_requests_in_json() {
    let busy = r#"{"error":{"code":429,"message":"slow down","errors":[{"reason":"rateLimitExceeded"}]}}"#;
    let setup = gcs([Reply::new(429).body(busy).header("Retry-After", "120")]).await;
    let error = create(&setup).await.unwrap_err();
    assert!(
        error.definitely_not_done() && error.retry_after() == Some(Duration::from_secs(120)),
        "{error:?}"
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("rateLimitExceeded") && source.contains("slow down"), "{source}");
}

#[tokio::test]
async fn b10_gcs_refusals_name_the_service_account() {
    let denied = Reply::new(403).body("<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    let unknown =
        Reply::new(401).body(r#"{"error":{"code":401,"message":"bad token","status":"UNAUTHENTICATED"}}"#);
    for (reply, advice) in [(denied, "Storage Object User"), (unknown, "service account")] {
        let setup = gcs([reply]).await;
        let error = create(&setup).await.unwrap_err();
        assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error:?}");
        assert!(error.to_string().contains(advice), "{error}");
        assert_eq!(setup.counts().put, 1);
    }
}

#[tokio::test]
async fn azure_conflicts_are_told_apart_by_their_code() {
    let exists = Reply::new(409).header("x-ms-error-code", "BlobAlreadyExists");
    let busy = Reply::new(409).header("x-ms-error-code", "BlobBeingRehydrated");
    let setup = azure([exists.clone(), busy, exists]).await;
    assert!(matches!(create(&setup).await, Ok(Created::No)));
    assert!(matches!(create(&setup).await, Ok(Created::No)));
    assert_eq!(setup.counts().put, 3);
}

#[tokio::test]
async fn azure_writes_and_misses_containers() {
    let setup = azure([
        Reply::new(201).header("ETag", "\"e\"").header("Last-Modified", "Thu, 29 Feb 2024 00:00:00 GMT"),
        Reply::new(404).header("x-ms-error-code", "ContainerNotFound"),
        Reply::new(403).header("x-ms-error-code", "AuthenticationFailed"),
    ])
    .await;
    assert!(create(&setup).await.unwrap().is_yes());
    let error = create(&setup).await.unwrap_err();
    assert!(matches!(error, StoreError::NoContainer { what: "container", .. }), "{error:?}");
    let error = create(&setup).await.unwrap_err();
    assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error:?}");
    assert!(!error.to_string().contains("c2VjcmV0"));
    let seen = setup.server.seen();
    assert_eq!((&*seen[0].method, &*seen[0].target), ("PUT", "/lake/t/v1"));
    assert_eq!(seen[0].headers["if-none-match"], "*");
}

#[tokio::test]
async fn b10_azure_lease_is_no_condition_that_does_not_hold() {
    let leased = Reply::new(412).header("x-ms-error-code", "LeaseIdMissing");
    let setup = azure([leased]).await;
    let error = setup.store.put(&path("f"), "x".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }) && error.definitely_not_done(), "{error:?}");
    assert!(error.to_string().contains("LeaseIdMissing"), "{error}");
    assert_eq!(setup.counts().put, 1);
}

#[tokio::test]
async fn azure_account_of_the_environment_yields_to_that_of_the_location() {
    let server = Server::start([]).await;
    let options = |layer_is_code: bool| {
        let options =
            StoreOptions::from_environment([("AZURE_STORAGE_ACCOUNT_NAME".to_owned(), "other".to_owned())])
                .with("account_key", "c2VjcmV0")
                .with("endpoint", server.url());
        if layer_is_code { options.with("account_name", "other") } else { options }
    };
    let url = "abfss://lake@account.dfs.core.windows.net/t";
    TableStore::open(url, options(false)).await.unwrap();
    assert!(TableStore::open(url, options(true)).await.is_err());
}
