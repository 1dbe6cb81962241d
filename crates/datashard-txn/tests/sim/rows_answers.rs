//! Rows B1 to B7: answers to the create of a version that are lost, late, doubled or misleading.

use std::time::Duration;

use datashard_io::request::RequestKind::{Delete, Put};
use datashard_io::sim::{Answer, Delivery, Effect, Loss, Profile};
use datashard_txn::protocol::{AppKey, Limits};

use crate::scene::{METADATA, Scene, append, append_keyed, ms, seconds};

fn losses() -> Vec<Loss> {
    let answers = [500, 502, 503, 504].map(|status| Loss::Answer(Answer::status(status)));
    [Loss::Closed, Loss::Reset, Loss::Cut].into_iter().chain(answers).collect()
}

/// An append whose create suffers this is told success, and nothing is sent twice but what has to be.
fn committed_in_spite_of(effect: Effect) -> Scene {
    let scene = Scene::new(1);
    let process = scene.process("writer");
    let table = scene.open(&process);
    scene.once(Put, METADATA, effect.clone());
    let committed = scene.append(&process, &table).unwrap_or_else(|error| panic!("{effect:?}: {error}"));
    assert_eq!(scene.site.store.faults_left(), 0, "{effect:?}");
    assert_eq!((committed.version.0, committed.duplicate), (3, false), "{effect:?}");
    scene.wait(seconds(120));
    let found = scene.audit();
    assert_eq!(found.newest, 3, "{effect:?}: one snapshot");
    assert_eq!(scene.sent(Put, "/data/").len(), 2, "{effect:?}: one for each append");
    // Its session goes on.
    assert_eq!(scene.append(&process, &table).unwrap().version.0, 4);
    assert!(scene.sent(Delete, "").is_empty(), "{effect:?}");
    scene
}

#[test]
fn b01_a_lost_answer_of_a_create_that_took_place_is_success() {
    for loss in losses() {
        let scene = committed_in_spite_of(Effect::LoseAnswer(loss));
        assert_eq!(scene.sent(Put, "v3.metadata.json").len(), 1, "the chain tells, so it is not sent again");
    }
}

#[test]
fn b01_a_412_for_the_writers_own_version_is_success() {
    committed_in_spite_of(Effect::Twice { gap: Duration::ZERO, answer: Delivery::Second });
    committed_in_spite_of(Effect::LoseAnswer(Loss::Answer(Answer::precondition_failed())));
}

#[test]
fn b02_no_answer_at_all_is_resolved_by_reading_the_chain() {
    let scene = committed_in_spite_of(Effect::LoseAnswer(Loss::Silence));
    assert_eq!(scene.sent(Put, "v3.metadata.json").len(), 1);
}

#[test]
fn b03_a_create_that_lands_after_it_was_sent_again_changes_nothing() {
    for after in [ms(1), ms(200), seconds(40)] {
        for loss in losses().into_iter().chain([Loss::Silence]) {
            committed_in_spite_of(Effect::Late { after, meanwhile: loss });
        }
    }
}

#[test]
fn b03_a_create_that_lands_after_its_writer_moved_on_changes_nothing() {
    for loss in [Loss::Closed, Loss::Silence] {
        let scene = Scene::new(2);
        let (one, other) = (scene.process("one"), scene.process("other"));
        let (first, second) = (scene.open(&one), scene.open(&other));
        scene.once(Put, METADATA, Effect::Late { after: seconds(60), meanwhile: loss.clone() });
        let (site, table) = (scene.site.clone(), first.clone());
        let slow = one.spawn(async move { append(&site, &table).await });
        // While it waits for the answer, another takes the slot.
        scene.wait(ms(25));
        assert_eq!(scene.append(&other, &second).unwrap().version.0, 3, "{loss:?}");
        let committed = scene.run(slow).unwrap().unwrap();
        assert_eq!((committed.version.0, committed.attempts), (4, 2), "{loss:?}");
        scene.wait(seconds(120));
        let late = &scene.sent(Put, "v3.metadata.json")[0];
        assert!(late.times_acted == 1 && late.acted > Some(seconds(60)), "{loss:?}: it did arrive");
        assert_eq!(scene.audit().newest, 4, "{loss:?}");
    }
}

#[test]
fn b04_a_create_that_is_executed_twice_is_one_commit() {
    for gap in [Duration::ZERO, ms(5), seconds(3), seconds(60)] {
        committed_in_spite_of(Effect::Twice { gap, answer: Delivery::First });
    }
    committed_in_spite_of(Effect::Twice { gap: seconds(3), answer: Delivery::Second });
}

/// Others commit on top before the writer hears anything: so many versions, with this distance of the intent floor.
fn recognised_below(others: u64, limits: Limits) {
    let scene = Scene::with(3, Profile::every(ms(10)), |plan| plan.limits = limits);
    let (one, other) = (scene.process("one"), scene.process("other"));
    let (first, second) = (scene.open(&one), scene.open(&other));
    scene.once(Put, METADATA, Effect::LoseAnswer(Loss::Silence));
    let (site, table) = (scene.site.clone(), first.clone());
    let slow = one.spawn(async move { append(&site, &table).await });
    scene.wait(ms(60));
    for number in 0..others {
        assert_eq!(scene.append(&other, &second).unwrap().version.0, 4 + number);
    }
    let committed = scene.run(slow).unwrap().unwrap();
    assert_eq!((committed.version.0, committed.attempts, committed.duplicate), (3, 1, false));
    assert_eq!(scene.audit().newest, 3 + others);
    // And its session, or a new one, goes on.
    assert_eq!(scene.append(&one, &first).unwrap().version.0, 4 + others);
    scene.audit();
}

#[test]
fn b05_an_own_commit_is_recognised_below_those_of_others() {
    for others in [1, 2, 10] {
        recognised_below(others, Limits::default());
    }
}

#[test]
fn b05_an_own_commit_is_recognised_in_history_once_its_entry_is_dropped() {
    for others in [1, 2, 3, 10] {
        recognised_below(others, Limits::default().with_floor_distance(1));
        recognised_below(others, Limits::default().with_floor_distance(0));
        recognised_below(others, Limits::default().with_sessions(1));
    }
}

#[test]
fn b06_a_409_with_the_slot_empty_is_no_loss_and_the_same_is_sent_again() {
    let scene = committed_in_spite_of(Effect::Answer(Answer::conflict()));
    let sent = scene.sent(Put, "v3.metadata.json");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent.iter().map(|request| request.times_acted).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        scene.sent(Put, ".avro").len(),
        3 * 2,
        "manifest and list of three appends, each written once"
    );
}

#[test]
fn b07_after_a_409_or_412_with_the_slot_taken_no_data_is_written_again() {
    for is_told_409 in [false, true] {
        let scene = Scene::new(4);
        let (one, other) = (scene.process("one"), scene.process("other"));
        let (first, second) = (scene.open(&one), scene.open(&other));
        let before = [scene.sent(Put, "/data/").len(), scene.sent(Put, "-m0.avro").len()];
        if is_told_409 {
            scene.once(Put, METADATA, Effect::Answer(Answer::conflict()));
        }
        let (site, table) = (scene.site.clone(), first.clone());
        let slow = one.spawn(async move { append(&site, &table).await });
        scene.wait(ms(1));
        let site = scene.site.clone();
        let fast = other.spawn(async move { append(&site, &second).await });
        let versions = [slow, fast].map(|task| scene.run(task).unwrap().unwrap().version.0);
        assert_eq!(versions.iter().sum::<u64>(), 3 + 4, "{versions:?}");
        let after = [scene.sent(Put, "/data/").len(), scene.sent(Put, "-m0.avro").len()];
        assert_eq!([after[0] - before[0], after[1] - before[1]], [2, 2], "one for each append");
        assert_eq!(scene.audit().newest, 4);
    }
}

#[test]
fn b05_an_own_commit_with_a_key_is_told_with_the_version_that_it_made() {
    let scene = Scene::new(5);
    let (one, other) = (scene.process("one"), scene.process("other"));
    let (first, second) = (scene.open(&one), scene.open(&other));
    scene.once(Put, METADATA, Effect::LoseAnswer(Loss::Silence));
    let site = scene.site.clone();
    let slow = one.spawn(async move { append_keyed(&site, &first, &AppKey::new("job", 1)).await.2.unwrap() });
    scene.wait(ms(60));
    for _ in 0..3 {
        scene.append(&other, &second).unwrap();
    }
    let committed = scene.run(slow).unwrap();
    assert_eq!((committed.version.0, committed.duplicate), (3, false));
    scene.audit();
}

/// An append with a key whose outcome is unknown may be sent again as it is. If that fails for good, the first one may still arrive, and
/// then its files have to be there.
#[test]
fn b03_files_of_an_append_stay_when_it_is_sent_again_and_fails() {
    let scene = Scene::with(6, Profile::every(ms(10)), |plan| plan.timeout = seconds(1));
    let process = scene.process("sender");
    let table = scene.open(&process);
    scene.once(Put, METADATA, Effect::Late { after: seconds(90), meanwhile: Loss::Silence });
    let (site, first, key) = (scene.site.clone(), table.clone(), AppKey::new("job", 1));
    let (same, record, answer) =
        scene.run_in(&process, async move { append_keyed(&site, &first, &AppKey::new("job", 1)).await });
    assert!(!answer.unwrap_err().is_definite());
    scene.once(Put, "*-m0.avro", Effect::Answer(Answer::access_denied()));
    let error = scene.run_in(&process, async move { table.commit(same, Some(key)).await.unwrap_err() });
    assert!(error.is_definite(), "{error}");
    scene.site.ledger().again(record);
    scene.wait(seconds(200));
    let found = scene.audit();
    assert_eq!((found.newest, found.times), (3, vec![1, 1]));
}
