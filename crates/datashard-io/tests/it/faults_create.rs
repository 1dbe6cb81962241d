//! What `create` says when requests and answers get lost, arrive twice or late, and that there is always a way to tell.

use datashard_io::Created;
use datashard_io::error::StoreError;
use datashard_io::request::RequestKind::{Delete, Put};
use datashard_io::sim::{Answer, Delivery, Effect, Fault, Loss, Profile};

use crate::faults_support::{World, at, is_no, is_yes, seconds, unclear};

const V1: &str = "metadata/v1.metadata.json";

fn both_clouds() -> [World; 2] {
    [World::with(1, Profile::s3()), World::with(1, Profile::gcs())]
}

/// The answer of a single create that suffers this, and whether the file is there when it comes.
fn create_once(world: &World, effect: Effect) -> (Result<Created, StoreError>, bool) {
    world.once(Put, effect);
    let created = world.create(V1, "own");
    assert_eq!(world.store.faults_left(), 0);
    (created, world.held(V1).is_some())
}

fn lost_answers() -> Vec<Loss> {
    let answers = [500, 502, 503, 504].map(|status| Loss::Answer(Answer::status(status)));
    [Loss::Closed, Loss::Cut, Loss::Reset].into_iter().chain(answers).collect()
}

#[test]
fn b01_an_answer_lost_after_acting_is_unclear_and_a_retry_is_told_no_to_its_own_bytes() {
    for loss in lost_answers() {
        for world in both_clouds() {
            let (created, is_there) = create_once(&world, Effect::LoseAnswer(loss.clone()));
            let error = unclear(created);
            assert!(is_there && !error.definitely_not_done(), "{loss:?}: {error}");
            assert_eq!(world.counts(), [1, 0, 0, 0, 0], "{loss:?}: a create is not repeated in doubt");
            // GCS takes no second write to a name within a second.
            world.wait(seconds(2));
            assert!(is_no(world.create(V1, "own")), "{loss:?}");
            assert_eq!(world.read(V1).unwrap(), "own", "reading tells that `No` spoke of one's own bytes");
        }
    }
}

#[test]
fn b02_no_answer_at_all_is_unclear_when_the_request_timeout_is_over_and_reading_tells() {
    for world in both_clouds() {
        let (created, is_there) = create_once(&world, Effect::LoseAnswer(Loss::Silence));
        let error = unclear(created);
        assert!(is_there && !error.definitely_not_done(), "{error}");
        assert_eq!(world.simulation.now(), seconds(30));
        assert_eq!(world.counts(), [1, 0, 0, 0, 0]);
        assert_eq!(world.read(V1).unwrap(), "own");
    }
}

#[test]
fn b03_a_request_that_lands_after_its_caller_gave_up_is_found_by_the_next_attempt() {
    let world = World::new();
    let late = Effect::Late { after: seconds(33), meanwhile: Loss::Silence };
    let (created, is_there) = create_once(&world, late);
    unclear(created);
    assert!(!is_there, "not yet");
    assert!(matches!(world.read(V1), Err(StoreError::NotFound { .. })));
    world.wait(seconds(4));
    assert_eq!(world.held(V1).unwrap(), "own", "now it is, though nobody asked again");
    assert!(is_no(world.create(V1, "own")));
    assert_eq!(world.read(V1).unwrap(), "own");
}

#[test]
fn b03_a_request_that_lands_after_another_took_the_name_changes_nothing() {
    for meanwhile in [Loss::Silence, Loss::Closed, Loss::Reset, Loss::Answer(Answer::status(504))] {
        let world = World::new();
        let late = Effect::Late { after: seconds(60), meanwhile };
        let (created, is_there) = create_once(&world, late);
        unclear(created);
        assert!(!is_there);
        assert!(is_yes(world.create(V1, "of another")));
        world.wait(seconds(100));
        let requests = world.sent(Put);
        assert_eq!(requests[0].times_acted, 1, "it did arrive");
        assert!(requests[0].acted > requests[1].acted, "after the other");
        assert_eq!(world.read(V1).unwrap(), "of another");
    }
}

#[test]
fn b03_a_late_duplicate_of_a_plain_write_brings_back_the_same_bytes_only() {
    let world = World::new();
    world.once(Put, Effect::Late { after: seconds(5), meanwhile: Loss::Closed });
    world.put("data/f.parquet", "rows").unwrap();
    world.wait(seconds(10));
    let requests = world.sent(Put);
    assert_eq!(requests.len(), 2, "a write of one's own name is repeated");
    assert!(requests[0].acted > requests[1].acted);
    assert_eq!(world.held("data/f.parquet").unwrap(), "rows");
}

#[test]
fn b04_a_request_that_is_delivered_twice_may_say_no_and_the_bytes_are_ones_own() {
    for gap in [seconds(0), seconds(2)] {
        let world = World::new();
        let (created, is_there) = create_once(&world, Effect::Twice { gap, answer: Delivery::Second });
        assert!(is_no(created) && is_there);
        assert_eq!(world.sent(Put)[0].times_acted, 2);
        assert_eq!(world.counts(), [1, 0, 0, 0, 0]);
        assert_eq!(world.read(V1).unwrap(), "own");
    }
}

#[test]
fn b04_a_second_delivery_nobody_hears_of_changes_nothing() {
    let world = World::new();
    let (created, _) = create_once(&world, Effect::Twice { gap: seconds(3), answer: Delivery::First });
    assert!(is_yes(created));
    world.wait(seconds(10));
    assert_eq!(world.sent(Put)[0].times_acted, 2);
    assert_eq!(world.held(V1).unwrap(), "own");
}

#[test]
fn b05_an_error_after_acting_and_another_commit_on_top_leave_ones_own_bytes_to_be_found() {
    let world = World::new();
    let (created, _) = create_once(&world, Effect::LoseAnswer(Loss::Answer(Answer::internal_error())));
    unclear(created);
    let other = world.store.table(world.simulation.process("other").context());
    let v2 = world.run(other.create(&at("metadata/v2.metadata.json"), "built on v1".into()));
    assert!(is_yes(v2));
    assert!(is_no(world.create(V1, "own")));
    assert_eq!(world.read(V1).unwrap(), "own");
}

#[test]
fn b06_conflict_with_empty_slot_is_repeated() {
    for world in both_clouds() {
        let conflicts = Fault::on(Put, "*").times(3).doing(Effect::Answer(Answer::conflict()));
        world.store.add_fault(conflicts);
        assert!(is_yes(world.create(V1, "own")));
        assert_eq!(world.counts(), [4, 0, 0, 0, 0]);
        assert!(world.shortest_pause() >= std::time::Duration::from_millis(50));
    }
}

#[test]
fn b06_conflicts_without_end_are_a_definite_error_and_never_no() {
    let world = World::new();
    world.always(Put, Effect::Answer(Answer::conflict()));
    let error = world.create(V1, "own").unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.definitely_not_done(), "{error}");
    assert!(world.simulation.now() <= seconds(61));
    assert_eq!(world.held(V1), None);
}

#[test]
fn b07_conflict_with_taken_slot_becomes_no_and_nothing_is_written() {
    let world = World::new();
    world.hold(V1, "of another");
    let (created, _) = create_once(&world, Effect::Answer(Answer::conflict()));
    assert!(is_no(created));
    assert_eq!(world.counts(), [2, 0, 0, 0, 0]);
    assert_eq!(world.read(V1).unwrap(), "of another");

    assert!(is_no(world.create(V1, "own")));
    assert_eq!(world.counts(), [3, 1, 0, 0, 0]);
    assert_eq!(world.held(V1).unwrap(), "of another");
}

#[test]
fn what_certainly_was_not_acted_on_is_repeated_until_it_is() {
    for effect in [Effect::NoConnection, Effect::Answer(Answer::too_many_requests())] {
        let world = World::new();
        let (created, is_there) = create_once(&world, effect.clone());
        assert!(is_yes(created) && is_there, "{effect:?}");
        assert_eq!(world.counts(), [2, 0, 0, 0, 0], "{effect:?}");
    }
}

#[test]
fn what_may_have_been_acted_on_is_unclear_although_it_was_not() {
    let lost = lost_answers().into_iter().map(Effect::LoseRequest);
    let said = [Answer::slow_down(), Answer::internal_error()].map(Effect::Answer);
    for effect in lost.chain(said) {
        let world = World::new();
        let (created, is_there) = create_once(&world, effect.clone());
        unclear(created);
        assert!(!is_there, "{effect:?}");
        assert_eq!(world.counts(), [1, 0, 0, 0, 0], "{effect:?}");
        assert!(is_yes(world.create(V1, "own")), "{effect:?}: the same bytes once more");
    }
}

#[test]
fn no_is_never_said_of_a_name_that_nobody_has() {
    let effects = lost_answers()
        .into_iter()
        .flat_map(|loss| {
            [
                Effect::LoseRequest(loss.clone()),
                Effect::LoseAnswer(loss.clone()),
                Effect::Late { after: seconds(1), meanwhile: loss },
            ]
        })
        .chain(
            [409, 412, 429, 500, 503].map(|status| Effect::LoseAnswer(Loss::Answer(Answer::status(status)))),
        )
        .chain([
            Effect::NoConnection,
            Effect::Answer(Answer::conflict()),
            Effect::Answer(Answer::slow_down()),
            Effect::Delay(seconds(20)),
            Effect::Twice { gap: seconds(1), answer: Delivery::First },
            Effect::Twice { gap: seconds(1), answer: Delivery::Second },
        ]);
    for effect in effects {
        for world in both_clouds() {
            let (created, is_there) = create_once(&world, effect.clone());
            if matches!(created, Ok(Created::No)) {
                assert!(is_there, "{effect:?}: `No`, but nobody has the name");
            }
            if matches!(created, Ok(Created::Yes)) {
                assert!(is_there, "{effect:?}: `Yes`, but there is nothing");
            }
            if created.is_err() {
                world.wait(seconds(100));
                assert_eq!(world.held(V1), None, "{effect:?}: a definite error, but it is there");
            }
            world.wait(seconds(100));
            assert!(world.sent(Delete).is_empty(), "{effect:?}");
            assert!(world.held(V1).is_none_or(|bytes| bytes == "own"));
        }
    }
}
