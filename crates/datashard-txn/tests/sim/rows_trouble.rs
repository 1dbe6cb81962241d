//! Rows B8 to B12: storms, errors without end, refusals, a slow store.

use std::time::Duration;

use datashard_io::request::RequestKind::{self, Delete, Get, Put};
use datashard_io::sim::{Answer, Effect, Fault, Loss, Profile};
use datashard_spec::error::ErrorKind;
use datashard_txn::{CommitError, CommitToken, Committer, Resolution};

use crate::scene::{METADATA, Scene, append, ms, seconds};

#[test]
fn b08_a_storm_of_refusals_is_waited_out_as_the_store_asks() {
    for answer in [Answer::slow_down(), Answer::too_many_requests()] {
        for pattern in ["*", METADATA] {
            let scene = Scene::new(1);
            let process = scene.process("writer");
            let table = scene.open(&process);
            let asked = seconds(2);
            let refused = Effect::Answer(answer.clone().with_retry_after(asked));
            let storm = Duration::ZERO..scene.simulation.now() + seconds(40);
            scene.site.store.add_fault(Fault::on(Put, pattern).always().during(storm).doing(refused));
            let before = scene.site.store.requests().len();
            let committed = scene.append(&process, &table).unwrap();
            assert_eq!(committed.version.0, 3);
            let sent = scene.site.store.requests().len() - before;
            assert!(sent < 150, "{pattern}: {sent} requests are a busy loop");
            let creates = scene.sent(Put, "v3.metadata.json");
            for pair in creates.windows(2) {
                let pause = pair[1].sent - pair[0].ended.unwrap();
                assert!(pause >= asked, "{pattern}: {pause:?}");
            }
            scene.audit();
        }
    }
}

/// An append of which nobody can say how it ended, and its token.
fn unknown(
    scene: &Scene,
    effect: Effect,
    kinds: &[(RequestKind, &str, u64)],
) -> (Committer, CommitToken, Duration) {
    let process = scene.process("writer");
    let table = scene.open(&process);
    for (kind, pattern, skip) in kinds {
        scene.site.store.add_fault(Fault::on(*kind, pattern).skip(*skip).always().doing(effect.clone()));
    }
    let began = scene.simulation.now();
    let error = scene.append(&process, &table).unwrap_err();
    let took = scene.simulation.now() - began;
    assert!(scene.sent(Delete, "").is_empty(), "nothing is deleted while the outcome is not known");
    scene.site.store.clear_faults();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    match error {
        CommitError::CommitStateUnknown { token, .. } => (table, *token, took),
        other => panic!("{other}"),
    }
}

fn resolve(scene: &Scene, token: &CommitToken) -> Resolution {
    let process = scene.process("clerk");
    let table = scene.open(&process);
    let token: CommitToken = token.to_string().parse().unwrap();
    scene.run_in(&process, async move { table.resolve(&token).await.unwrap() })
}

#[test]
fn b09_errors_without_end_are_an_unknown_outcome_within_the_deadline() {
    let lost = Effect::LoseRequest(Loss::Answer(Answer::internal_error()));
    let scene = Scene::new(1);
    let (_, token, took) = unknown(&scene, lost, &[(Put, METADATA, 0)]);
    assert!(took < seconds(240), "{took:?}");
    assert_eq!(resolve(&scene, &token), Resolution::Open, "nobody has the slot");
    let process = scene.process("other");
    let other = scene.open(&process);
    scene.append(&process, &other).unwrap();
    assert_eq!(resolve(&scene, &token), Resolution::NotCommitted, "the slot is another's");
    assert_eq!(scene.audit().newest, 3);
}

#[test]
fn b09_errors_without_end_after_a_commit_that_took_place_are_resolved_as_committed() {
    let lost = Effect::LoseAnswer(Loss::Answer(Answer::internal_error()));
    let scene = Scene::new(2);
    // Nothing of the chain can be read from then on, either.
    let (_, token, took) = unknown(&scene, lost, &[(Put, METADATA, 0), (Get, METADATA, 1)]);
    assert!(took < seconds(240), "{took:?}");
    let Resolution::Committed(committed) = resolve(&scene, &token) else { panic!("it is committed") };
    assert_eq!((committed.version.0, committed.duplicate), (3, false));
    assert_eq!(scene.audit().times, [1, 1]);
}

#[test]
fn b09_the_writer_whose_outcome_is_unknown_goes_on() {
    for acted in [true, false] {
        let answer = Loss::Answer(Answer::internal_error());
        let effect = if acted { Effect::LoseAnswer(answer) } else { Effect::LoseRequest(answer) };
        let scene = Scene::new(3);
        let (table, token, _) = unknown(&scene, effect, &[(Put, METADATA, 0), (Get, METADATA, 1)]);
        let process = scene.process("writer again");
        assert_eq!(scene.append(&process, &table).unwrap().version.0, if acted { 4 } else { 3 });
        let is_committed = matches!(resolve(&scene, &token), Resolution::Committed(_));
        assert_eq!(is_committed, acted);
        scene.audit();
    }
}

#[test]
fn b10_a_refusal_for_good_is_definite_and_is_not_tried_again() {
    let answers =
        [Answer::access_denied(), Answer::unauthorized(), Answer::no_such_bucket(), Answer::expired_token()];
    for answer in answers {
        for pattern in [METADATA, "*/data/*", "*-m0.avro", "*/snap-*.avro"] {
            let scene = Scene::new(1);
            let process = scene.process("writer");
            let table = scene.open(&process);
            let refused = Effect::Answer(answer.clone());
            scene.site.store.add_fault(Fault::on(Put, pattern).by(&process).always().doing(refused));
            let (before, began) = (scene.site.store.requests().len(), scene.simulation.now());
            let error = scene.append(&process, &table).unwrap_err();
            assert!(matches!(error, CommitError::Storage(_)) && error.is_definite(), "{pattern}: {error}");
            let expected = if answer == Answer::no_such_bucket() {
                ErrorKind::NotFound
            } else {
                ErrorKind::PermissionDenied
            };
            assert_eq!(error.kind(), expected, "{pattern}: {error}");
            assert!(scene.simulation.now() - began < ms(100), "{pattern}: at once");
            let requests = scene.site.store.requests().split_off(before);
            let puts = requests.iter().filter(|request| request.kind == Put).count();
            assert!(puts <= 4, "{pattern}: {puts} PUTs");
            scene.site.store.clear_faults();
            // Manifests that nobody will need are removed, unless their version was sent; the next commit finds everything in order.
            scene.wait(seconds(1));
            assert_eq!(scene.append(&process, &table).unwrap().version.0, 3, "{pattern}");
            let manifests = scene.site.store.keys().iter().filter(|key| key.ends_with(".avro")).count();
            assert_eq!(manifests, if pattern == METADATA { 6 } else { 4 }, "{pattern}: {answer:?}");
            scene.audit();
        }
    }
}

#[test]
fn b12_on_a_slow_store_a_commit_takes_its_four_puts_and_no_more() {
    let scene = Scene::with(1, Profile::every(seconds(29)), |plan| plan.timeout = seconds(600));
    let process = scene.process("writer");
    let table = scene.open(&process);
    let before = scene.sent(Put, "").len();
    assert_eq!(scene.append(&process, &table).unwrap().version.0, 3);
    let hints = scene.sent(Put, "version-hint").len();
    scene.wait(seconds(200));
    let all = scene.sent(Put, "").len() - before;
    let of_hint = scene.sent(Put, "version-hint").len().saturating_sub(hints);
    assert_eq!(all - of_hint, 4);
    scene.audit();
}

#[test]
fn b12_writers_on_a_slow_store_all_get_through() {
    let scene = Scene::with(1, Profile::every(seconds(20)), |plan| plan.timeout = seconds(3_600));
    let writers: Vec<_> = (0..4).map(|number| scene.process(&format!("writer{number}"))).collect();
    let tables: Vec<_> = writers.iter().map(|process| scene.open(process)).collect();
    let tasks: Vec<_> = writers
        .iter()
        .zip(tables)
        .map(|(process, table)| {
            let site = scene.site.clone();
            process.spawn(async move { append(&site, &table).await })
        })
        .collect();
    for task in tasks {
        scene.run(task).unwrap().unwrap();
    }
    assert_eq!(scene.audit().newest, 6);
    assert_eq!(scene.sent(Put, "/data/").len(), 5, "no data is written twice");
}

/// A request that was delivered twice, and the store is asked too often the second time: it did take place.
#[test]
fn b04_a_refusal_of_the_second_delivery_is_no_proof() {
    for refused in [Answer::too_many_requests(), Answer::slow_down(), Answer::access_denied()] {
        let scene = Scene::new(9);
        let process = scene.process("writer");
        let table = scene.open(&process);
        scene.once(Put, METADATA, Effect::LoseAnswer(Loss::Answer(refused.clone())));
        // Whatever is sent after that is refused for good.
        let denied = Effect::Answer(Answer::access_denied());
        scene.site.store.add_fault(Fault::on(Put, METADATA).by(&process).always().doing(denied));
        let committed = scene.append(&process, &table).unwrap_or_else(|error| panic!("{refused:?}: {error}"));
        assert_eq!(committed.version.0, 3, "{refused:?}");
        scene.wait(seconds(60));
        assert!(scene.sent(Delete, "").is_empty());
        scene.audit();
    }
}
