//! Each variable of the environment, and what it means.

use super::*;

fn of(url: &str, variables: &[(&str, &str)]) -> Result<Vec<(String, String)>, StoreError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = settings(&variables, &Location::parse(url).unwrap())?;
    Ok(settings.iter().map(|s| (s.name().to_owned(), s.value().to_owned())).collect())
}

fn error(url: &str, name: &str, value: &str) -> String {
    of(url, &[(name, value)]).unwrap_err().to_string()
}

#[test]
fn s181_own_variables_of_s3_are_its_options() {
    let variables = [
        ("DATASHARD_S3_ENDPOINT", "http://127.0.0.1:9000"),
        ("DATASHARD_S3_ACCESS_KEY", "key"),
        ("DATASHARD_S3_SECRET_KEY", "secret"),
        ("DATASHARD_S3_REGION", "us-east-1"),
        ("DATASHARD_S3_BUCKET", "b"),
        ("DATASHARD_S3_PREFIX", "/t/"),
        ("DATASHARD_STORAGE_TYPE", "s3"),
        ("DATASHARD_S3_USE_CONDITIONAL_WRITES", "true"),
    ];
    let mut found = of("s3://b/t/events", &variables).unwrap();
    found.sort();
    let expected = [
        ("aws_access_key_id", "key"),
        ("aws_endpoint", "http://127.0.0.1:9000"),
        ("aws_region", "us-east-1"),
        ("aws_secret_access_key", "secret"),
    ];
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // They say nothing about other places.
    assert_eq!(of("gs://b/t", &variables[..6]).unwrap(), []);
}

#[test]
fn s181_unsafe_lock_is_a_single_writer() {
    let found = of("s3://b/t", &[("DATASHARD_S3_ALLOW_UNSAFE_LOCK", "1")]).unwrap();
    assert_eq!(found, [("unsafe_single_writer".to_owned(), "1".to_owned())]);
    assert_eq!(of("./t", &[("DATASHARD_S3_ALLOW_UNSAFE_LOCK", "1")]).unwrap(), []);
    assert!(
        error("s3://b/t", "DATASHARD_S3_ALLOW_UNSAFE_LOCK", "perhaps").contains("neither true nor false")
    );
}

#[test]
fn s181_conditional_writes_cannot_be_switched_off() {
    let text = error("s3://b/t", "DATASHARD_S3_USE_CONDITIONAL_WRITES", "false");
    assert!(text.contains("unsafe_single_writer"), "{text}");
    assert_eq!(of("./t", &[("DATASHARD_S3_USE_CONDITIONAL_WRITES", "false")]).unwrap(), []);
}

#[test]
fn s180_storage_type_does_not_let_a_table_end_in_a_folder_unnoticed() {
    let text = error("./t", "DATASHARD_STORAGE_TYPE", "s3");
    assert!(text.contains("s3://bucket/path"), "{text}");
    assert!(error("./t", "DATASHARD_STORAGE_TYPE", "tape").contains("neither `local` nor `s3`"));
    for (url, value) in [("./t", "local"), ("s3://b/t", "S3"), ("s3://b/t", "local"), ("gs://b/t", "s3")] {
        assert_eq!(of(url, &[("DATASHARD_STORAGE_TYPE", value)]).unwrap(), [], "{url} {value}");
    }
}

#[test]
fn s098_s181_variables_without_effect_are_no_options() {
    let variables = [
        ("DATASHARD_VERIFY_CHECKSUMS", "true"),
        ("DATASHARD_MIN_FREE_BYTES", "1"),
        ("DATASHARD_LOG", "debug"),
        ("DATASHARD_S3_BUCKET", "other"),
        ("DATASHARD_S3_PREFIX", "elsewhere"),
    ];
    assert_eq!(of("s3://b/t", &variables).unwrap(), []);
}

#[test]
fn misspelt_variables_are_told_with_the_right_name() {
    let text = error("s3://b/t", "DATASHARD_S3_ENDPOIT", "x");
    assert!(text.contains("did you mean `DATASHARD_S3_ENDPOINT`?"), "{text}");
}

#[test]
fn only_variables_of_stores_matter() {
    for name in ["AWS_REGION", "GOOGLE_BUCKET", "AZURE_CLIENT_ID", "DATASHARD_STORAGE_TYPE"] {
        assert!(may_matter(name), "{name}");
    }
    for name in ["HOME", "aws_region", "MY_AWS_REGION", "LAWS_X", ""] {
        assert!(!may_matter(name), "{name}");
    }
}
