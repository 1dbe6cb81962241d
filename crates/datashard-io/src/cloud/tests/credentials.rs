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
        "s3://lake/t?endpoint={}&aws_metadata_endpoint={}&imdsv1_fallback=yes",
        server.url(),
        metadata.url()
    );
    let setup = Setup::on(server, &url).await;
    setup.store.put(&path("f"), "x".into()).await.unwrap();
    assert_eq!(metadata.seen().len(), 3);
}

#[tokio::test]
async fn b10_metadata_service_that_forbids_is_an_error_at_once() {
    let metadata = Server::start([Reply::new(403).body("denied destination")]).await;
    let setup = with_metadata(&metadata, Server::start([]).await).await;
    let error = setup.store.put(&path("f"), "x".into()).await.unwrap_err();
    assert_eq!(error.kind(), datashard_spec::error::ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
    assert_eq!((metadata.seen().len(), setup.server.seen().len(), setup.pauses().len()), (1, 0, 0));
}

#[tokio::test]
async fn credentials_of_one_layer_are_not_mixed_with_those_of_another() {
    let check = async |query: &str, environment: &[(&str, &str)], key: &str, token: Option<&str>| {
        let server = Server::start([Reply::written()]).await;
        let url = format!("s3://lake/t?endpoint={}{query}", server.url());
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let store = TableStore::open(&url, StoreOptions::from_environment(environment)).await.unwrap();
        store.put(&path("f"), "x".into()).await.unwrap();
        let headers = server.seen()[0].headers.clone();
        assert!(headers["authorization"].contains(&format!("Credential={key}/")), "{headers:?}");
        assert_eq!(headers.get("x-amz-security-token").map(String::as_str), token);
    };
    let common =
        [("AWS_ACCESS_KEY_ID", "common"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "token")];
    let own = [("DATASHARD_S3_ACCESS_KEY", "own"), ("DATASHARD_S3_SECRET_KEY", "s")];
    check("", &common, "common", Some("token")).await;
    check("", &[common.as_slice(), &own].concat(), "own", None).await;
    check("&access_key_id=url&secret_access_key=s", &common, "url", None).await;
    check("&access_key_id=url&secret_access_key=s&session_token=t2", &common, "url", Some("t2")).await;
}

#[tokio::test]
async fn endpoint_of_a_higher_layer_wins_whatever_its_name() {
    let server = Server::start([Reply::written()]).await;
    let environment = [
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = StoreOptions::from_environment(environment).with("endpoint", server.url());
    let store = TableStore::open("s3://lake/t", options).await.unwrap();
    store.put(&path("f"), "x".into()).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn metadata_service_that_never_answers_is_no_metadata_service() {
    let metadata = Server::start([Reply::Hang]).await;
    let url = format!("s3://lake/t?endpoint=http://127.0.0.1:1&metadata_endpoint={}", metadata.url());
    let store = TableStore::open(&url, StoreOptions::new()).await.unwrap();
    let error = store.read(&path("f"), 100).await.unwrap_err();
    assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error:?}");
    assert_eq!((store.counts().total(), metadata.seen().len()), (0, 1));
}

#[tokio::test]
async fn files_with_tokens_have_to_be_there_where_they_are_used() {
    let options =
        || StoreOptions::new().with("web_identity_token_file", "/nowhere/token").with("role_arn", "arn:x");
    let error = TableStore::open("s3://lake/t", options()).await.unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    let keyed = options().with("access_key_id", "a").with("secret_access_key", "b");
    TableStore::open("s3://lake/t", keyed).await.unwrap();
}
