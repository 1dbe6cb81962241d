//! Stores that are too busy, too slow or broken for a long time: whoever waits does so with patience, and not for ever.

use std::time::Duration;

use datashard_io::Created;
use datashard_io::error::{Acted, StoreError};
use datashard_io::request::RequestKind::{self, Delete, Get, Put};
use datashard_io::sim::{Answer, Effect, Fault, Profile};
use datashard_io::store::RetryPolicy;
use futures_util::TryStreamExt;
use futures_util::future::join_all;

use crate::faults_support::{World, at, is_yes, seconds, unclear};

const V1: &str = "metadata/v1.metadata.json";

/// Every kind of call that is repeated: its name, its kind of request, and whether it came to a good end.
fn repeated_calls(world: &World) -> Vec<(&'static str, RequestKind)> {
    let table = &world.table;
    let path = at("data/f.parquet");
    world.run(async {
        table.put(&path, "rows".into()).await.unwrap();
        table.read(&path, 100).await.unwrap();
        table.info(&path).await.unwrap();
        assert_eq!(table.list(None, None).try_collect::<Vec<_>>().await.unwrap().len(), 1);
        table.delete(&path).await.unwrap();
    });
    vec![
        ("put", RequestKind::Put),
        ("read", RequestKind::Get),
        ("info", RequestKind::Head),
        ("list", RequestKind::List),
        ("delete", RequestKind::Delete),
    ]
}

#[test]
fn b08_retry_after_is_honoured_by_every_kind_of_request() {
    for answer in [Answer::slow_down(), Answer::too_many_requests()] {
        let world = World::new();
        for kind in RequestKind::ALL {
            let busy = answer.clone().with_retry_after(seconds(7));
            world.store.add_fault(Fault::on(kind, "*").times(2).doing(Effect::Answer(busy)));
        }
        for (call, kind) in repeated_calls(&world) {
            let sent: Vec<Duration> = world.sent(kind).iter().map(|request| request.sent).collect();
            assert_eq!(sent.len(), 3, "{call}");
            assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= seconds(7)), "{call}: {sent:?}");
        }
        assert!(world.simulation.now() < seconds(5 * 2 * 11), "and not much longer");
    }
}

#[test]
fn b08_a_throttled_create_waits_as_it_was_told_and_then_succeeds() {
    let world = World::new();
    let busy = Answer::too_many_requests().with_retry_after(seconds(7));
    world.store.add_fault(Fault::on(Put, "*").times(2).doing(Effect::Answer(busy)));
    assert!(is_yes(world.create(V1, "own")));
    assert_eq!(world.counts(), [3, 0, 0, 0, 0]);
    assert!(world.simulation.now() >= seconds(14));
}

#[test]
fn b08_a_create_that_may_have_been_acted_on_tells_its_caller_how_long_to_wait() {
    let world = World::new();
    world.once(Put, Effect::Answer(Answer::slow_down().with_retry_after(seconds(7))));
    assert_eq!(unclear(world.create(V1, "own")).retry_after(), Some(seconds(7)));
    assert_eq!(world.counts(), [1, 0, 0, 0, 0]);
}

#[test]
fn b08_a_pause_beyond_the_deadline_is_not_begun() {
    let world = World::new();
    world.always(Get, Effect::Answer(Answer::slow_down().with_retry_after(seconds(3_600))));
    let error = world.read(V1).unwrap_err();
    assert_eq!(error.retry_after(), Some(seconds(3_600)));
    assert_eq!(world.counts(), [0, 1, 0, 0, 0]);
    assert!(world.simulation.now() < seconds(1));
}

#[test]
fn b08_writers_in_a_storm_neither_hammer_the_store_nor_give_up() {
    for seed in 0..20 {
        let world = World::with(seed, Profile::s3());
        for kind in [Put, Get] {
            let storm = Fault::on(kind, "*").always().during(Duration::ZERO..seconds(20));
            world.store.add_fault(storm.doing(Effect::Answer(Answer::slow_down())));
        }
        let writers = (0..16).map(|number| {
            let process = world.simulation.process("writer");
            let table = world.store.table(process.context());
            process.spawn(async move {
                let path = at(&format!("data/{number}.parquet"));
                table.put(&path, "rows".into()).await.unwrap();
                assert_eq!(table.read(&path, 100).await.unwrap(), "rows");
                table.counts()
            })
        });
        let counts = world.run(join_all(writers));
        for counts in counts.into_iter().map(Result::unwrap) {
            // 20 s of pauses of 0.05 s, 0.1 s, 0.2 s, ... at the least: nine.
            assert!((2..=12).contains(&counts.put) && counts.get == 1, "seed {seed}: {counts:?}");
        }
        let end = world.simulation.now();
        assert!(end > seconds(20) && end < seconds(32), "seed {seed}: over {end:?}");
    }
}

#[test]
fn b09_errors_for_ever_end_within_the_deadline_and_nothing_is_deleted() {
    for answer in [Answer::internal_error(), Answer::status(502), Answer::status(503), Answer::status(504)] {
        let world = World::new();
        world.hold("data/f.parquet", "rows");
        for kind in [Put, Get] {
            world.always(kind, Effect::Answer(answer.clone()));
        }
        let error = unclear(world.create(V1, "own"));
        assert!(matches!(error, StoreError::Unavailable { acted: Acted::Maybe, .. }), "{error}");
        assert_eq!(world.counts(), [1, 0, 0, 0, 0]);

        let start = world.simulation.now();
        let error = world.read(V1).unwrap_err();
        let StoreError::Unavailable { attempts, waited_ms, .. } = &error else { panic!("{error}") };
        assert!(*waited_ms <= 60_000 && (9..=25).contains(attempts), "{error}");
        let took = world.simulation.now() - start;
        assert!(took > seconds(40) && took <= seconds(60), "{took:?}");
        assert_eq!(usize::try_from(*attempts).unwrap(), world.counts()[1]);

        let error = world.put("data/g.parquet", "rows").unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { acted: Acted::Maybe, .. }), "{error}");

        assert!(world.sent(Delete).is_empty());
        assert_eq!(world.held("data/f.parquet").unwrap(), "rows");
    }
}

#[test]
fn b09_a_write_that_was_acted_on_once_is_not_called_undone_after_later_refusals() {
    let world = World::new();
    let acted = Effect::LoseAnswer(datashard_io::sim::Loss::Closed);
    world.store.add_fault(Fault::on(Put, "*").doing(acted));
    world.always(Put, Effect::Answer(Answer::too_many_requests()));
    let error = world.put("data/g.parquet", "rows").unwrap_err();
    assert!(!error.definitely_not_done(), "{error}");
    assert!(world.held("data/g.parquet").is_some());
}

#[test]
fn b12_slow_requests_are_not_sent_twice() {
    // Within what a request may take.
    let world = World::with(1, Profile::every(seconds(29)));
    assert!(is_yes(world.create(V1, "own")));
    assert_eq!(world.read(V1).unwrap(), "own");
    assert_eq!(world.counts(), [1, 1, 0, 0, 0]);
    assert_eq!(world.simulation.now(), seconds(58));
}

#[test]
fn b12_a_create_too_slow_for_its_caller_is_unclear_after_one_request() {
    let world = World::with(1, Profile::every(seconds(31)));
    let error = unclear(world.create(V1, "own"));
    assert!(error.to_string().contains("PUT"), "{error}");
    assert_eq!((world.counts(), world.simulation.now()), ([1, 0, 0, 0, 0], seconds(30)));
    assert_eq!(world.held(V1).unwrap(), "own");
    // With more patience it is read back.
    let patient = world.table.with_retry(RetryPolicy::default().with_request_timeout(seconds(60)));
    assert_eq!(world.run(patient.read(&at(V1), 100)).unwrap(), "own");
}

#[test]
fn b12_sixteen_slow_creators_send_sixteen_requests_and_one_wins() {
    let world = World::with(1, Profile::every(seconds(29)));
    let creators = (0..16).map(|number: u8| {
        let process = world.simulation.process("creator");
        let table = world.store.table(process.context());
        process.spawn(async move { table.create(&at(V1), vec![number].into()).await })
    });
    let answers = world.run(join_all(creators));
    let yes = answers.iter().filter(|answer| matches!(answer, Ok(Ok(Created::Yes)))).count();
    let no = answers.iter().filter(|answer| matches!(answer, Ok(Ok(Created::No)))).count();
    assert_eq!((yes, no, world.sent(Put).len()), (1, 15, 16));
}
