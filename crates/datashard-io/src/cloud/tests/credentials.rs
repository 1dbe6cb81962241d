//! Where credentials come from, and what happens where there are none.

use super::*;
use crate::error::StoreError;

/// A store whose credentials come from the metadata service `metadata`.
async fn with_metadata(metadata: &Server, store: Server) -> Setup {
    let url = format!("s3://lake/t?endpoint={}&aws_metadata_endpoint={}", store.url(), metadata.url());
    Setup::on(store, &url).await
}

fn instance_credentials() -> [Reply; 3] {
    let keys = r#"{"AccessKeyId":"AK1","SecretAccessKey":"s1","Token":"token1","Expiration":"2999-01-01T00:00:00Z"}"#;
    [Reply::new(200).body("metadata-token"), Reply::new(200).body("role"), Reply::new(200).body(keys)]
}

#[tokio::test]
async fn requests_for_credentials_are_not_counted() {
    let metadata = Server::start(instance_credentials()).await;
    let setup =
        with_metadata(&metadata, Server::start([Reply::content("hello"), Reply::content("hello")]).await)
            .await;
    for _ in 0..2 {
        assert_eq!(setup.store.read(&path("f"), 100).await.unwrap(), "hello");
    }
    assert_eq!((metadata.seen().len(), setup.server.seen().len()), (3, 2));
    let counts = setup.counts();
    assert_eq!((counts.get, counts.total(), counts.bytes_read), (2, 2, 10));
    assert_eq!(setup.server.seen()[0].headers["x-amz-security-token"], "token1");
}

#[tokio::test]
async fn b10_machine_without_metadata_service_fails_at_once_with_advice() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = Server::start([]).await;
    let url = format!("s3://lake/t?endpoint={}&aws_metadata_endpoint=http://127.0.0.1:{port}", server.url());
    let setup = Setup::on(server, &url).await;
    let error = setup.store.create(&path("f"), "x".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error:?}");
    assert!(error.definitely_not_done() && error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
    assert_eq!((setup.counts().total(), setup.server.seen().len(), setup.pauses().len()), (0, 0, 0));
}

#[tokio::test]
async fn b10_machine_without_a_role_fails_at_once() {
    let metadata = Server::start([Reply::new(200).body("metadata-token"), Reply::new(404)]).await;
    let setup = with_metadata(&metadata, Server::start([]).await).await;
    let error = setup.store.create(&path("f"), "x".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error:?}");
    assert_eq!((metadata.seen().len(), setup.server.seen().len()), (2, 0));
}

#[tokio::test]
async fn b11_credentials_that_cannot_be_had_for_a_moment_are_asked_for_again() {
    let busy = [Reply::new(503), Reply::new(429)];
    let metadata = Server::start(busy.into_iter().chain(instance_credentials())).await;
    let setup = with_metadata(&metadata, Server::start([Reply::written()]).await).await;
    assert!(setup.store.create(&path("f"), "x".into()).await.unwrap().is_yes());
    assert_eq!((metadata.seen().len(), setup.pauses().len(), setup.counts().put), (5, 2, 1));
}

#[tokio::test]
async fn b11_credentials_that_expire_are_fetched_anew_before_the_next_request() {
    let expired = r#"{"AccessKeyId":"AK0","SecretAccessKey":"s0","Token":"token0","Expiration":"2001-01-01T00:00:00Z"}"#;
    let first =
        [Reply::new(200).body("metadata-token"), Reply::new(200).body("role"), Reply::new(200).body(expired)];
    let metadata = Server::start(first.into_iter().chain(instance_credentials())).await;
    let setup = with_metadata(&metadata, Server::start([Reply::written(), Reply::written()]).await).await;
    setup.store.put(&path("data/f"), "rows".into()).await.unwrap();
    assert!(setup.store.create(&path("metadata/v1"), "x".into()).await.unwrap().is_yes());
    let tokens: Vec<_> =
        setup.server.seen().iter().map(|seen| seen.headers["x-amz-security-token"].clone()).collect();
    assert_eq!(tokens, ["token0", "token1"]);
}

#[tokio::test]
async fn older_metadata_service_is_asked_in_the_older_way_where_that_is_allowed() {
    let keys = instance_credentials();
    let metadata = Server::start([Reply::new(403), keys[1].clone(), keys[2].clone()]).await;
    let server = Server::start([Reply::written()]).await;
    let url = format!(
        "s3://lake/t?endpoint={}&aws_metadata_endpoint={}&imdsv1_fallback=true",
        server.url(),
        metadata.url()
    );
    let setup = Setup::on(server, &url).await;
    setup.store.put(&path("f"), "x".into()).await.unwrap();
    assert_eq!(metadata.seen().len(), 3);
}
