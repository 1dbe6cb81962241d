//! Precedence, secrecy and refusal of options.

use proptest::prelude::*;

use super::*;

fn settle(url: &str, options: StoreOptions) -> Result<Settled, StoreError> {
    let (base, query) = crate::location::split_query(url);
    options.settle(&Location::parse(base).unwrap(), query)
}

fn reason(outcome: Result<Settled, StoreError>) -> String {
    match outcome {
        Err(error @ StoreError::Option { .. }) => error.to_string(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn code_comes_after_the_url_and_the_url_after_the_environment() {
    let environment = [("AWS_REGION", "of-env"), ("DATASHARD_S3_REGION", "of-own-env")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = StoreOptions::from_environment(environment).with("Region", "of-code");
    let settled = settle("s3://b/t?region=of-url", options).unwrap();
    let values: Vec<_> = settled.settings.iter().map(|setting| (setting.layer(), setting.value())).collect();
    assert_eq!(
        values,
        [
            (Layer::Environment, "of-env"),
            (Layer::OwnEnvironment, "of-own-env"),
            (Layer::Url, "of-url"),
            (Layer::Code, "of-code")
        ]
    );
}

#[test]
fn options_of_every_store_may_come_from_anywhere() {
    let settled = settle("s3://b/t", StoreOptions::new()).unwrap();
    assert!(!settled.unsafe_single_writer && settled.durability == Durability::Full);
    let settled = settle("s3://b/t?unsafe_single_writer=yes&durability=none", StoreOptions::new()).unwrap();
    assert!(settled.unsafe_single_writer && settled.durability == Durability::None);
    let options = StoreOptions::new().with("unsafe-single-writer", "TRUE").with("Durability", "group");
    let settled = settle("./t", options).unwrap();
    assert!(settled.unsafe_single_writer && settled.durability == Durability::group());
    // What has a type wins over what has a name.
    let options = StoreOptions::new()
        .with("unsafe_single_writer", "true")
        .with("durability", "none")
        .with_unsafe_single_writer(false)
        .with_durability(Durability::Full);
    let settled = settle("./t", options).unwrap();
    assert!(!settled.unsafe_single_writer && settled.durability == Durability::Full);
}

#[test]
fn values_that_are_none_are_refused_without_being_told() {
    let text = reason(settle("./t", StoreOptions::new().with("durability", "hunter2")));
    assert!(text.contains("durability") && text.contains("`group`") && !text.contains("hunter2"), "{text}");
    let text = reason(settle("s3://b/t?unsafe_single_writer=perhaps", StoreOptions::new()));
    assert!(text.contains("neither true nor false"), "{text}");
    let text = reason(settle("s3://b/t?region=a&REGION=b", StoreOptions::new()));
    assert!(text.contains("twice"), "{text}");
}

#[test]
fn values_are_never_shown() {
    let options =
        StoreOptions::from_environment([("AWS_SECRET_ACCESS_KEY".to_owned(), "hunter2".to_owned())])
            .with("aws_session_token", "hunter2");
    let shown = format!("{options:?}");
    assert!(shown.contains("aws_session_token") && shown.contains("AWS_SECRET_ACCESS_KEY"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let settled = settle("s3://b/t?token=hunter2", options).unwrap();
    assert!(!format!("{:?}", settled.settings).contains("hunter2"));
}

#[test]
fn queries_are_decoded() {
    let settled =
        settle("s3://b/t?secret_access_key=a%2Bb%2F%3D&endpoint=http%3A%2F%2Fx", StoreOptions::new());
    let values: Vec<_> = settled.unwrap().settings.iter().map(|s| s.value().to_owned()).collect();
    assert_eq!(values, ["a+b/=", "http://x"]);
}

#[test]
fn folders_and_memory_have_no_options_but_those_of_every_store() {
    let refused = |options: StoreOptions| refuse_others(&settle("./t", options).unwrap().settings, "folders");
    // One set of options may serve several places.
    refused(StoreOptions::new().with("aws_region", "x").with("google_bucket", "y")).unwrap();
    refused(StoreOptions::from_environment([("AWS_REGION".to_owned(), "x".to_owned())])).unwrap();
    let error = refused(StoreOptions::new().with("durabilty", "full")).unwrap_err();
    assert!(error.to_string().contains("did you mean `durability`?"), "{error}");
    let error = refused(StoreOptions::new().with("region", "x")).unwrap_err();
    assert!(error.to_string().contains("`region`: is not known for folders"), "{error}");
    let settled = settle("file:///t?aws_region=x", StoreOptions::new()).unwrap();
    assert!(refuse_others(&settled.settings, "folders").is_err());
}

#[test]
fn near_names_are_proposed_and_far_ones_are_not() {
    const KNOWN: [&str; 3] = ["aws_region", "aws_endpoint", "timeout"];
    assert_eq!(nearest("aws_regoin", KNOWN), Some("aws_region"));
    assert_eq!(nearest("timout", KNOWN), Some("timeout"));
    assert_eq!(nearest("colour", KNOWN), None);
    assert_eq!(nearest("", KNOWN), None);
    assert_eq!(nearest(&"x".repeat(10_000), KNOWN), None);
    assert_eq!(distance(b"kitten", b"sitting"), 3);
    assert_eq!(distance(b"", b"abc"), 3);
}

proptest! {
    #[test]
    fn no_option_panics(key in any::<String>(), value in any::<String>(), query in any::<String>()) {
        let options = StoreOptions::new().with(&key, value.clone());
        for location in ["s3://b/t", "./t", "gs://b/t", "memory://m/t"] {
            let location = Location::parse(location).unwrap();
            let environment = [(format!("DATASHARD_{key}"), value.clone()), ("AWS_X".to_owned(), value.clone())];
            let _ = StoreOptions::from_environment(environment).settle(&location, None);
            if let Ok(settled) = options.clone().settle(&location, Some(&query)) {
                let _ = refuse_others(&settled.settings, "folders");
            }
        }
    }
}
