//! Clocks that jump, machines that sleep, processes that are killed and cut off.

use std::time::Duration;

use datashard_io::error::StoreError;
use datashard_io::request::RequestKind::{Get, Put};
use datashard_io::sim::{Answer, Answered, Effect, Partition, Profile};

use crate::faults_support::{World, at, is_no, is_yes, seconds, unclear};

const V1: &str = "metadata/v1.metadata.json";
const HOUR_MS: i64 = 3_600_000;

/// How long a read takes that never succeeds, and how many requests, while the wall clock jumps ten seconds after its start.
fn fruitless_read(jump_ms: i64) -> (Duration, usize) {
    let world = World::new();
    world.always(Get, Effect::Answer(Answer::internal_error()));
    let process = world.simulation.process("reader");
    let table = world.store.table(process.context());
    let read = process.spawn(async move { table.read(&at(V1), 100).await });
    world.wait(seconds(10));
    process.jump_wall_clock(jump_ms);
    let error = world.run(read).unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    (world.simulation.now(), world.sent(Get).len())
}

#[test]
fn g07_deadlines_do_not_notice_when_the_wall_clock_jumps() {
    let straight = fruitless_read(0);
    assert!(straight.0 > seconds(40) && straight.0 <= seconds(60), "{straight:?}");
    for jump_ms in [-HOUR_MS, HOUR_MS, 10 * 365 * 24 * HOUR_MS] {
        assert_eq!(fruitless_read(jump_ms), straight, "{jump_ms}");
    }
}

#[test]
fn g07_creates_go_on_while_the_wall_clock_jumps() {
    for jump_ms in [-HOUR_MS, 10 * 365 * 24 * HOUR_MS] {
        let world = World::with(1, Profile::every(seconds(4)));
        world.once(Put, Effect::Answer(Answer::conflict()));
        let process = world.simulation.process("writer");
        let table = world.store.table(process.context());
        let create = process.spawn(async move { table.create(&at(V1), "own".into()).await });
        world.wait(seconds(1));
        process.jump_wall_clock(jump_ms);
        assert!(is_yes(world.run(create).unwrap()), "{jump_ms}");
        assert_eq!(world.sent(Put).len(), 2);
        assert!(world.simulation.now() < seconds(9));
    }
}

#[test]
fn g07_a_machine_that_slept_finds_its_deadline_over_and_the_answer_unclear() {
    let world = World::with(1, Profile::every(seconds(2)));
    let process = world.simulation.process("writer");
    let table = world.store.table(process.context());
    world.once(Put, Effect::Answer(Answer::conflict()));
    let create = process.spawn(async move { table.create(&at(V1), "own".into()).await });
    world.wait(seconds(1));
    process.pause();
    world.wait(seconds(3_600));
    process.resume();
    // Both the answer and the end of the request's time lie in the past; either may be seen first, and neither is a lie.
    match world.run(create).unwrap() {
        Ok(created) => drop(unclear(Ok(created))),
        Err(error) => assert!(error.definitely_not_done(), "{error}"),
    }
    assert_eq!(world.sent(Put).len(), 1, "no request after the deadline");
    assert_eq!(world.held(V1), None);
}

#[test]
fn g07_a_writer_paused_with_its_request_in_flight_learns_that_it_was_acted_on() {
    let world = World::with(1, Profile::every(seconds(2)));
    let process = world.simulation.process("writer");
    let table = world.store.table(process.context());
    let create = process.spawn(async move { table.create(&at(V1), "own".into()).await });
    world.wait(Duration::from_millis(100));
    process.pause();
    world.wait(seconds(10));
    assert!(is_no(world.create(V1, "of another")), "it was acted on while its writer stood still");
    process.resume();
    assert!(is_yes(world.run(create).unwrap()));
    assert_eq!(world.held(V1).unwrap(), "own");
}

#[test]
fn a_killed_writers_create_happens_wholly_or_not_at_all() {
    let mut outcomes = [0, 0];
    for seed in 0..100 {
        let world = World::with(seed, Profile::s3());
        let process = world.simulation.process("writer");
        let table = world.store.table(process.context());
        process.spawn(async move { table.create(&at(V1), "own".into()).await });
        world.wait(Duration::from_millis(seed));
        process.kill();
        world.wait(seconds(60));
        match world.held(V1) {
            Some(bytes) => {
                assert_eq!(bytes, "own");
                outcomes[1] += 1;
            }
            None => outcomes[0] += 1,
        }
        assert!(world.sent(Put).len() <= 1);
    }
    assert!(outcomes.iter().all(|count| *count > 10), "{outcomes:?}");
}

#[test]
fn a_process_that_is_cut_off_says_unclear_or_definitely_not_as_far_as_it_can_tell() {
    for (how, is_there) in
        [(Partition::Refused, false), (Partition::Silent, false), (Partition::OneWay, true)]
    {
        let world = World::new();
        world.store.partition(world.simulation.main(), how);
        let created = world.create(V1, "own");
        assert_eq!(world.held(V1).is_some(), is_there, "{how:?}");
        match how {
            Partition::Refused => assert!(created.unwrap_err().definitely_not_done()),
            _ => drop(unclear(created)),
        }
        world.store.heal(world.simulation.main());
        assert_eq!(is_no(world.create(V1, "own")), is_there, "{how:?}");
        assert_eq!(world.held(V1).unwrap(), "own");
    }
}

#[test]
fn a_request_given_up_by_its_caller_is_logged_as_such() {
    let world = World::new();
    world.store.partition(world.simulation.main(), Partition::Silent);
    unclear(world.create(V1, "own"));
    assert_eq!(world.sent(Put)[0].answered, Answered::Abandoned);
}
