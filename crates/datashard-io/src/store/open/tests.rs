//! Opening stores from URLs, and what cannot be opened.

use super::*;
use crate::path::TablePath;

async fn reason(url: &str, options: StoreOptions) -> String {
    match TableStore::open(url, options).await {
        Err(error) => error.to_string(),
        Ok(store) => panic!("{store:?}"),
    }
}

#[cfg(feature = "cloud")]
fn environment(variables: &[(&str, &str)]) -> StoreOptions {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    StoreOptions::from_environment(variables)
}

#[tokio::test]
async fn s180_memory_of_one_name_is_shared_and_tables_in_it_are_apart() {
    let open = async |url: &str| TableStore::open(url, StoreOptions::new()).await.unwrap();
    let path = TablePath::parse("data/f").unwrap();
    let first = open("memory://open-tests/t").await;
    first.put(&path, "x".into()).await.unwrap();
    assert_eq!(open("memory://open-tests/t/").await.read(&path, 10).await.unwrap(), "x");
    for other in ["memory://open-tests/t2", "memory://open-tests2/t"] {
        assert!(!open(other).await.exists(&path).await.unwrap(), "{other}");
    }
}

#[cfg(feature = "local")]
#[tokio::test]
async fn s180_folders_open_in_every_spelling() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let dir = dir.to_str().unwrap();
    let path = TablePath::parse("data/f").unwrap();
    let written = TableStore::open(&format!("{dir}/t"), StoreOptions::new()).await.unwrap();
    written.put(&path, "x".into()).await.unwrap();
    assert!(written.create(&TablePath::parse("metadata/v1").unwrap(), "m".into()).await.unwrap().is_yes());
    for url in
        [format!("file://{dir}/t?durability=none"), format!("file:{dir}//t/"), format!("{dir}/t/./data/..")]
    {
        let store = TableStore::open(&url, StoreOptions::new()).await.unwrap();
        assert_eq!(store.read(&path, 10).await.unwrap(), "x", "{url}");
        assert_eq!(store.location().to_string(), format!("{dir}/t"), "{url}");
    }
    let text = reason(&format!("{dir}/t"), StoreOptions::new().with("durability", "perhaps")).await;
    assert!(text.contains("durability"), "{text}");
}

#[tokio::test]
async fn locations_and_options_that_are_none_are_refused() {
    for url in ["", "ftp://x/y", "s3://", "s3://b/../t", "C:\\t"] {
        assert!(reason(url, StoreOptions::new()).await.starts_with("location"), "{url}");
    }
    let text = reason("memory://m/t?colour=red", StoreOptions::new()).await;
    assert!(text.contains("`colour`: is not known for memory"), "{text}");
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn s182_s3_opens_from_the_environment() {
    let options = environment(&[
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_PROFILE", "unknown to the client"),
        ("AWS_BUCKET", "another"),
        ("AWS_COPY_IF_NOT_EXISTS", "multipart"),
        ("AWS_EC2_METADATA_DISABLED", ""),
    ]);
    let store = TableStore::open("s3a://lake/t", options).await.unwrap();
    assert_eq!(store.location().to_string(), "s3://lake/t");
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn s3_options_that_are_unknown_contradict_or_cannot_be_are_refused() {
    let check = async |url: &str, key: &str, value: &str, expected: &str| {
        let text = reason(url, StoreOptions::new().with(key, value)).await;
        assert!(text.contains(expected) && text.contains(key), "{key}: {text}");
        assert!(value.len() < 4 || !text.replace(expected, "").contains(value), "{key}: {text}");
    };
    let url = "s3://lake/t";
    check(url, "regoin", "x", "did you mean `aws_region`?").await;
    check(url, "aws_secret_acess_key", "hunter2", "did you mean `aws_secret_access_key`?").await;
    check(url, "colour", "hunter2", "is not known for S3").await;
    let text = reason("s3://lake/t?google_bucket=x", StoreOptions::new()).await;
    assert!(text.contains("`google_bucket`: is not known for S3"), "{text}");
    check(url, "conditional_put", "disabled", "commits are made of").await;
    check(url, "bucket", "another", "names another bucket").await;
    check(url, "access_key_id", "hunter2", "needs both").await;
    check(url, "session_token", "hunter2\n", "not visible ASCII").await;
    check(url, "region", "eu west/1", "not the name of a region").await;
    check(url, "endpoint", "localhost:9000", "is not a URL").await;
    check(url, "endpoint", "http://u:hunter2@localhost", "user or password").await;
    check(url, "endpoint", "http://minio.example:9000", "plain http").await;
    check(url, "endpoint", "http://10.0.0.1", "plain http").await;
    check(url, "endpoint", "", "is empty").await;
    check(url, "metadata_endpoint", "not a url", "is not a URL").await;
    check(url, "container_credentials_relative_uri", "x", "not a path").await;
    check(url, "timeout", "soon", "not a duration").await;
    check(url, "connect_timeout", "2 weeks", "not a duration").await;
    check(url, "allow_http", "perhaps", "neither true nor false").await;
    check(url, "http2_max_frame_size", "1", "not supported").await;
    check(url, "pool_max_idle_per_host", "many", "not a number").await;
    check(url, "virtual_hosted_style_request", "hunter2", "boolean").await;
    check(url, "checksum_algorithm", "hunter2", "").await;
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn plain_http_is_for_this_machine_or_where_it_is_allowed() {
    for (endpoint, allow) in [
        ("http://127.0.0.1:9000", None),
        ("http://[::1]:9000", None),
        ("http://localhost:9000/", None),
        ("http://minio.example:9000", Some("true")),
        ("https://minio.example", None),
    ] {
        let mut options = environment(&[]).with("endpoint", endpoint);
        if let Some(allow) = allow {
            options = options.with("allow_http", allow);
        }
        TableStore::open("s3://lake/t", options).await.unwrap();
    }
    let options =
        environment(&[("AWS_ALLOW_HTTP", "true"), ("DATASHARD_S3_ENDPOINT", "http://minio.example")]);
    TableStore::open("s3://lake/t", options).await.unwrap();
    let refused = StoreOptions::new().with("endpoint", "http://127.0.0.1:9").with("allow_http", "false");
    assert!(reason("s3://lake/t", refused).await.contains("plain http"));
}

#[cfg(feature = "gcs")]
#[tokio::test]
async fn gcs_opens_with_a_token_or_a_key_and_refuses_both_kinds_of_key() {
    let key = r#"{"gcs_base_url":"http://127.0.0.1:9","disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}"#;
    for options in [
        environment(&[
            ("GOOGLE_BASE_URL", "http://127.0.0.1:9"),
            ("GOOGLE_BEARER_TOKEN", "t"),
            ("GOOGLE_BUCKET", "x"),
        ]),
        environment(&[("GOOGLE_SERVICE_ACCOUNT_KEY", key)]),
        StoreOptions::new().with("service_account_key", key),
    ] {
        TableStore::open("gs://lake/t", options).await.unwrap();
    }
    let check = async |key: &str, value: &str, expected: &str| {
        let text = reason("gs://lake/t", StoreOptions::new().with(key, value)).await;
        assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
    };
    check("service_account_key", "hunter2", "not the JSON").await;
    check("service_account", "/nowhere/key.json", "cannot be read").await;
    check("service_account_key", &key.replace("127.0.0.1", "gcs.example"), "plain http").await;
    check("service_account_key", &key.replace("http://127", "hunter2 127"), "is not a URL").await;
    check("base_url", "gcs.example", "is not a URL").await;
    check("bearer_tokn", "hunter2", "did you mean `google_bearer_token`?").await;
    let both = StoreOptions::new().with("service_account_key", key).with("service_account", "/key.json");
    assert!(reason("gs://lake/t", both).await.contains("one of the two"));
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn azure_opens_with_the_account_of_the_location_or_of_an_option() {
    let keyed = || StoreOptions::new().with("account_key", "c2VjcmV0");
    TableStore::open("abfss://c@account.dfs.core.windows.net/t", keyed()).await.unwrap();
    TableStore::open("az://c/t", keyed().with("account_name", "account")).await.unwrap();
    TableStore::open("az://c/t", StoreOptions::new().with("use_emulator", "true")).await.unwrap();
    assert!(reason("az://c/t", keyed()).await.contains("azure_storage_account_name"));
    let other = keyed().with("account_name", "other");
    let text = reason("abfss://c@account.dfs.core.windows.net/t", other).await;
    assert!(text.contains("another account"), "{text}");
    let text = reason("az://c/t", keyed().with("account_name", "no such/name")).await;
    assert!(text.contains("name of an account"), "{text}");
    let text = reason(
        "az://c/t",
        StoreOptions::new().with("account_name", "account").with("account_key", "hunter2!"),
    )
    .await;
    assert!(!text.contains("hunter2"), "{text}");
}

#[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure", feature = "local")))]
#[tokio::test]
async fn schemes_without_their_feature_are_refused_with_its_name() {
    for (url, feature, built) in [
        ("s3://b/t", "`s3`", cfg!(feature = "s3")),
        ("gs://b/t", "`gcs`", cfg!(feature = "gcs")),
        ("az://b/t", "`azure`", cfg!(feature = "azure")),
        ("./t", "`local`", cfg!(feature = "local")),
    ] {
        if !built {
            let text = reason(url, StoreOptions::new()).await;
            assert!(text.contains(feature), "{text}");
        }
    }
}
