//! What the store refuses for good is an error at once, without a second request, and says what to do.

use std::time::Duration;

use datashard_io::error::{Acted, StoreError};
use datashard_io::request::RequestKind::{self, Put};
use datashard_io::sim::{Answer, Effect, Fault, Loss, Profile};
use futures_util::TryStreamExt;

use crate::faults_support::{World, at, seconds, unclear};

const HOUR_MS: i64 = 3_600_000;

/// Every kind of call once, with what came of it.
fn every_call(world: &World) -> Vec<(&'static str, Result<(), StoreError>)> {
    let table = &world.table;
    let path = at("data/f.parquet");
    world.run(async {
        vec![
            ("create", table.create(&path, "x".into()).await.and_then(|created| Err(unclear(Ok(created))))),
            ("put", table.put(&path, "x".into()).await),
            ("read", table.read(&path, 100).await.map(drop)),
            ("read_range", table.read_range(&path, 0..1).await.map(drop)),
            ("info", table.info(&path).await.map(drop)),
            ("list", table.list(None, None).try_collect::<Vec<_>>().await.map(drop)),
            ("delete", table.delete(&path).await),
        ]
    })
}

/// An error and what lies below it.
fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

fn refuse_everything(world: &World, answer: &Answer) {
    for kind in RequestKind::ALL {
        world.always(kind, Effect::Answer(answer.clone()));
    }
}

fn check_refused(answer: &Answer, is_right: impl Fn(&StoreError) -> bool) {
    for profile in [Profile::s3(), Profile::gcs()] {
        let world = World::with(1, profile);
        refuse_everything(&world, answer);
        for (call, outcome) in every_call(&world) {
            let error = outcome.expect_err(call);
            assert!(is_right(&error), "{call}: {error}");
            assert!(error.definitely_not_done() && !error.is_retryable(), "{call}: {error}");
        }
        assert_eq!(world.counts(), [2, 2, 1, 1, 1], "one request for each call");
        assert!(world.store.keys().is_empty());
        let report = world.run(world.table.delete_all(["a", "b"].map(at)));
        assert!(!report.is_complete() && report.failed_count == 2, "{report:?}");
    }
}

#[test]
fn b10_missing_permission_fails_at_once_and_for_good() {
    for answer in [Answer::access_denied(), Answer::status(403), Answer::unauthorized()] {
        check_refused(&answer, |error| matches!(error, StoreError::PermissionDenied { .. }));
    }
}

#[test]
fn b10_a_missing_bucket_fails_at_once_and_is_told_from_a_missing_file() {
    check_refused(&Answer::no_such_bucket(), |error| matches!(error, StoreError::NoContainer { .. }));
}

#[test]
fn b11_credentials_that_run_out_between_data_and_metadata_are_a_definite_error() {
    for answer in [Answer::expired_token(), Answer::status(400).with_code("ExpiredToken")] {
        let world = World::new();
        world.put("data/f.parquet", "rows").unwrap();
        world.once(Put, Effect::Answer(answer));
        let error = world.create("metadata/v1.metadata.json", "own").unwrap_err();
        assert!(error.definitely_not_done() && error.to_string().contains("token"), "{error}");
        assert_eq!(world.counts(), [2, 0, 0, 0, 0]);
        assert!(world.held("data/f.parquet").is_some(), "nothing is cleaned up here");
        assert!(
            world.create("metadata/v1.metadata.json", "own").unwrap().is_yes(),
            "with fresh ones it goes on"
        );
    }
}

#[test]
fn b18_a_redirect_is_a_definite_error() {
    for status in [301, 302, 307] {
        let world = World::new();
        refuse_everything(&world, &Answer::status(status).with_code("PermanentRedirect"));
        for (call, outcome) in every_call(&world) {
            let error = outcome.expect_err(call);
            assert!(matches!(error, StoreError::Refused { .. }), "{call}: {error}");
            assert!(error.definitely_not_done() && !error.is_retryable(), "{call}: {error}");
        }
        assert_eq!(world.counts(), [2, 2, 1, 1, 1]);
    }
}

#[test]
fn b18_an_error_in_the_body_of_a_success_is_an_error_and_never_taken_for_content() {
    let world = World::new();
    world.hold("metadata/v1.metadata.json", "{}");
    for kind in RequestKind::ALL {
        world.always(kind, Effect::Answer(Answer::ok_with_error()));
    }
    for (call, outcome) in every_call(&world) {
        let error = outcome.expect_err(call);
        assert!(matches!(error, StoreError::Unavailable { acted: Acted::Maybe, .. }), "{call}: {error}");
        assert!(chain(&error).contains("InternalError"), "{call}: {}", chain(&error));
    }
    assert_eq!(world.held("metadata/v1.metadata.json").unwrap(), "{}");
}

#[test]
fn b18_a_create_answered_with_an_error_in_a_success_is_unclear_after_one_request() {
    for effect in [Effect::Answer, |answer| Effect::LoseAnswer(Loss::Answer(answer))] {
        let world = World::new();
        world.once(Put, effect(Answer::ok_with_error()));
        let error = unclear(world.create("metadata/v1.metadata.json", "own"));
        assert!(!error.definitely_not_done(), "{error}");
        assert_eq!(world.counts(), [1, 0, 0, 0, 0]);
    }
}

#[test]
fn b19_a_clock_that_is_an_hour_off_is_a_definite_error_that_says_by_how_much() {
    for by_ms in [-HOUR_MS, HOUR_MS] {
        let world = World::with(1, Profile::s3());
        world.simulation.main().jump_wall_clock(by_ms);
        for (call, outcome) in every_call(&world) {
            let error = outcome.expect_err(call);
            let StoreError::ClockSkewed { skew_ms: Some(skew_ms), .. } = &error else {
                panic!("{call}: {error}")
            };
            assert!((skew_ms - by_ms).abs() <= 1_000, "{call}: {error}");
            assert!(error.definitely_not_done() && !error.is_retryable(), "{call}: {error}");
        }
        assert_eq!(world.counts(), [2, 2, 1, 1, 1]);
        assert!(world.store.keys().is_empty());
        world.simulation.main().jump_wall_clock(-by_ms);
        world.put("data/f.parquet", "rows").unwrap();
    }
}

#[test]
fn b19_a_store_whose_clock_is_wrong_is_no_reason_to_refuse_where_it_does_not_look() {
    let world = World::with(1, Profile::gcs());
    world.store.set_clock_offset_ms(-HOUR_MS);
    world.put("data/f.parquet", "rows").unwrap();
    let info = world.run(world.table.info(&at("data/f.parquet"))).unwrap();
    let own_ms = world.simulation.context().clock.now_ms();
    assert!((own_ms - HOUR_MS - info.modified_ms).abs() < 2_000, "ages are told by the store's clock");
    let store_ms = world.run(world.table.store_time_ms()).unwrap();
    assert!((own_ms - HOUR_MS - store_ms).abs() < 2_000);
}

#[test]
fn a_request_signed_long_before_it_arrives_is_refused_and_changes_nothing() {
    let world = World::with(1, Profile::every(Duration::from_millis(10)).with_signature_age(seconds(900)));
    let late = Effect::Late { after: seconds(1_000), meanwhile: Loss::Closed };
    world.store.add_fault(Fault::on(Put, "*").doing(late));
    unclear(world.create("metadata/v1.metadata.json", "own"));
    world.wait(seconds(2_000));
    assert_eq!((world.held("metadata/v1.metadata.json"), world.sent(Put)[0].times_acted), (None, 0));
}
