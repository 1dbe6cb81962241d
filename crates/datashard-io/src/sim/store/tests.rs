//! Tests of the simulated bucket without faults.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutResult, Result, UpdateVersion,
};

use super::*;
use crate::path::TablePath;
use crate::request::RequestKind;
use crate::sim::{Answered, Delivery, Effect, Loss};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

async fn put(store: &SimStore, key: &str, mode: PutMode) -> Result<PutResult> {
    store.put_opts(&path(key), Bytes::from_static(b"bytes").into(), mode.into()).await
}

/// Four writers, some faults; the hash of all that was asked and answered.
fn trace(seed: u64, faults: f64) -> (u64, u64, usize) {
    let simulation = Simulation::new(seed);
    let store = SimStore::new(&simulation, Profile::s3());
    store.set_random_faults(RandomFaults::usual(faults));
    simulation
        .run(async {
            let writers: Vec<_> = (0..4)
                .map(|number| {
                    let process = simulation.process("writer");
                    let table = store.table(process.context());
                    process.spawn(async move {
                        for version in 0..5 {
                            let path = TablePath::parse(&format!("v{version}")).unwrap();
                            let _ = table.create(&path, Bytes::from(vec![number])).await;
                            let _ = table.read(&path, 100).await;
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.await.unwrap();
            }
        })
        .unwrap();
    (simulation.trace_hash(), simulation.steps(), store.requests().len())
}

#[test]
fn one_seed_gives_one_trace_and_seeds_differ() {
    for seed in 0..10 {
        assert_eq!(trace(seed, 0.2), trace(seed, 0.2), "seed {seed}");
    }
    let traces: std::collections::BTreeSet<_> = (0..50).map(|seed| trace(seed, 0.2).0).collect();
    assert_eq!(traces.len(), 50);
}

#[test]
fn creates_and_updates_hold_their_conditions() {
    for profile in [Profile::instant(), Profile { is_gcs: true, ..Profile::instant() }] {
        let simulation = Simulation::new(1);
        let store = SimStore::new(&simulation, profile);
        simulation
            .run(async {
                let first = put(&store, "a", PutMode::Create).await.unwrap();
                let second = put(&store, "a", PutMode::Create).await.unwrap_err();
                assert!(matches!(second, object_store::Error::AlreadyExists { .. }), "{second}");
                let version = UpdateVersion::from(first);
                put(&store, "a", PutMode::Update(version.clone())).await.unwrap();
                let stale = put(&store, "a", PutMode::Update(version.clone())).await.unwrap_err();
                assert!(matches!(stale, object_store::Error::Precondition { .. }), "{stale}");
                let absent = put(&store, "b", PutMode::Update(version)).await.unwrap_err();
                assert!(matches!(absent, object_store::Error::Precondition { .. }), "{absent}");
            })
            .unwrap();
    }
}

#[test]
fn what_a_store_cannot_do_can_be_switched_off() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::every(Duration::from_millis(10)));
    simulation
        .run(async {
            store.set_quirks(Quirks { ignores_conditions: true, ..Quirks::default() });
            put(&store, "a", PutMode::Create).await.unwrap();
            put(&store, "a", PutMode::Create).await.unwrap();

            store.set_quirks(Quirks { without_update: true, ..Quirks::default() });
            let version = UpdateVersion { e_tag: Some("\"1\"".to_owned()), version: None };
            let error = put(&store, "a", PutMode::Update(version)).await.unwrap_err();
            assert!(error.to_string().contains("501"), "{error}");

            store.set_quirks(Quirks { racy_conditions: true, ..Quirks::default() });
            let (one, two) = futures_util::join!(
                put(&store, "racy", PutMode::Create),
                put(&store, "racy", PutMode::Create)
            );
            assert!(one.is_ok() && two.is_ok());
            assert!(put(&store, "racy", PutMode::Create).await.is_err());
        })
        .unwrap();
}

#[test]
fn listings_come_in_pages_sorted_and_below_their_folder_only() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant().with_page_size(3));
    for key in ["a/1", "a/2", "a/b/3", "a/b/4", "a/c/5", "a/d", "ab/6", "z"] {
        store.insert(key, "x").unwrap();
    }
    simulation
        .run(async {
            let names = |files: Vec<ObjectMeta>| -> Vec<String> {
                files.into_iter().map(|file| file.location.into()).collect()
            };
            let below: Vec<_> = store.list(Some(&path("a"))).try_collect().await.unwrap();
            assert_eq!(names(below), ["a/1", "a/2", "a/b/3", "a/b/4", "a/c/5", "a/d"]);
            assert_eq!(store.requests().len(), 2);
            let after: Vec<_> =
                store.list_with_offset(Some(&path("a")), &path("a/b/3")).try_collect().await.unwrap();
            assert_eq!(names(after), ["a/b/4", "a/c/5", "a/d"]);
            let all: Vec<_> = store.list(None).try_collect().await.unwrap();
            assert_eq!(all.len(), 8);
            let one_level = store.list_with_delimiter(Some(&path("a"))).await.unwrap();
            assert_eq!(names(one_level.objects), ["a/1", "a/2", "a/d"]);
            assert_eq!(one_level.common_prefixes, [path("a/b"), path("a/c")]);
        })
        .unwrap();
}

#[test]
fn ranges_heads_copies_and_uploads_do_as_on_a_bucket() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::s3());
    simulation
        .run(async {
            store.put(&path("a"), "0123456789".into()).await.unwrap();
            assert_eq!(store.get_range(&path("a"), 2..4).await.unwrap(), "23");
            let options = GetOptions { range: Some(GetRange::Suffix(3)), ..GetOptions::default() };
            let suffix = store.get_opts(&path("a"), options).await.unwrap();
            assert_eq!((suffix.range.clone(), suffix.bytes().await.unwrap()), (7..10, "789".into()));
            assert_eq!(store.head(&path("a")).await.unwrap().size, 10);
            assert!(store.get_range(&path("a"), 20..30).await.is_err());

            store.copy(&path("a"), &path("b")).await.unwrap();
            let again = store.copy_if_not_exists(&path("a"), &path("b")).await.unwrap_err();
            assert!(matches!(again, object_store::Error::AlreadyExists { .. }), "{again}");

            let mut upload = store.put_multipart(&path("c")).await.unwrap();
            let (one, two) = (upload.put_part("one".into()), upload.put_part("two".into()));
            two.await.unwrap();
            one.await.unwrap();
            assert_eq!((store.object("c"), store.open_uploads()), (None, 1));
            upload.complete().await.unwrap();
            assert_eq!((store.object("c"), store.open_uploads()), (Some("onetwo".into()), 0));
        })
        .unwrap();
}

#[test]
fn a_bulk_deletion_is_one_request_and_may_fail_in_part() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant());
    for key in ["a", "b", "c", "d"] {
        store.insert(key, "x").unwrap();
    }
    store.add_fault(Fault::on(RequestKind::Delete, "*").doing(Effect::DeleteHalf));
    let keys: Vec<_> = ["a", "b", "c", "d"].map(|key| Ok(path(key))).into();
    let outcomes: Vec<_> =
        simulation.run(store.delete_stream(stream::iter(keys).boxed()).collect::<Vec<_>>()).unwrap();
    let failed: Vec<bool> = outcomes.iter().map(|outcome| outcome.is_err()).collect();
    assert_eq!(failed, [true, false, true, false]);
    assert_eq!(store.keys(), ["a", "c"]);
    assert_eq!(store.requests().len(), 1);
}

#[test]
fn a_request_in_flight_outlives_its_killed_process_or_not() {
    let written = |seed| {
        let simulation = Simulation::new(seed);
        let store = SimStore::new(&simulation, Profile::s3());
        let process = simulation.process("writer");
        let writer = store.clone();
        process.spawn(async move {
            let _ = put(&writer, "a", PutMode::Create).await;
        });
        let clock = simulation.context().clock;
        simulation
            .run(async {
                clock.sleep(Duration::from_millis(1)).await;
                process.kill();
                clock.sleep(Duration::from_secs(60)).await;
            })
            .unwrap();
        assert_eq!(store.requests()[0].answered, Answered::Abandoned);
        store.object("a").is_some()
    };
    let both: std::collections::BTreeSet<bool> = (0..50).map(written).collect();
    assert_eq!(both.len(), 2);
}

#[test]
fn the_log_tells_who_asked_what_and_when_it_was_acted_on() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::every(Duration::from_millis(10)));
    store.add_fault(
        Fault::on(RequestKind::Put, "a")
            .doing(Effect::Twice { gap: Duration::from_secs(1), answer: Delivery::First }),
    );
    let process = simulation.process("writer");
    let writer = store.clone();
    let task = process.spawn(async move { put(&writer, "a", PutMode::Create).await.map(|_| ()) });
    simulation.run(task).unwrap().unwrap().unwrap();
    simulation.run(simulation.context().clock.sleep(Duration::from_secs(5))).unwrap();
    let requests = store.requests();
    let request = &requests[0];
    assert_eq!((request.kind, request.operation, &*request.key), (RequestKind::Put, "create", "a"));
    assert_eq!((request.process, request.answered), (Some(process.id()), Answered::Granted));
    assert_eq!(request.ended, Some(Duration::from_millis(10)));
    assert_eq!(request.times_acted, 2);
    assert_eq!(store.faults_left(), 0);
}

#[test]
fn modification_times_are_by_the_stores_clock() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant());
    store.set_clock_offset_ms(-10_000);
    let meta = simulation
        .run(async {
            put(&store, "a", PutMode::Overwrite).await.unwrap();
            store.head(&path("a")).await.unwrap()
        })
        .unwrap();
    assert_eq!(meta.last_modified.timestamp_millis(), simulation.context().clock.now_ms() - 10_000);
}

#[test]
fn a_clock_set_out_of_all_calendars_is_one_at_their_end() {
    for (offset_ms, year) in [(i64::MAX, 9999), (i64::MIN, 1)] {
        let simulation = Simulation::new(1);
        let store = SimStore::new(&simulation, Profile::instant());
        store.set_clock_offset_ms(offset_ms);
        let meta = simulation
            .run(async {
                put(&store, "a", PutMode::Overwrite).await.unwrap();
                store.head(&path("a")).await.unwrap()
            })
            .unwrap();
        let told = meta.last_modified.to_rfc3339();
        assert!(told.starts_with(&format!("{year:04}-")), "{told}");
    }
}

#[test]
fn a_partition_cuts_one_process_off_and_heals() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant());
    let process = simulation.process("writer");
    store.partition(&process, Partition::Refused);
    let ask = || {
        let writer = store.clone();
        simulation
            .run(process.spawn(async move { put(&writer, "a", PutMode::Create).await }))
            .unwrap()
            .unwrap()
    };
    assert!(ask().is_err());
    assert_eq!(store.object("a"), None);
    simulation.run(async { put(&store, "main", PutMode::Create).await }).unwrap().unwrap();
    store.heal(&process);
    assert!(ask().is_ok());
}

#[test]
fn outside_of_its_simulation_a_store_cannot_be_reached() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant());
    let error = futures_util::FutureExt::now_or_never(put(&store, "a", PutMode::Create)).unwrap();
    assert!(error.is_err());
}

#[test]
fn an_answer_that_never_comes_is_a_deadlock_for_those_who_wait_without_end() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant());
    store.add_fault(Fault::on(RequestKind::Put, "*").doing(Effect::LoseAnswer(Loss::Silence)));
    let outcome = simulation.run(async { put(&store, "a", PutMode::Create).await.is_ok() });
    assert!(outcome.is_err());
    assert!(store.object("a").is_some());
}

#[test]
fn faults_strike_in_their_time_and_their_process_only() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant());
    let (clock, other) = (simulation.context().clock, simulation.process("other"));
    let fault = Fault::on(RequestKind::Put, "*").by(simulation.main()).always();
    store.add_fault(fault.during(Duration::from_secs(1)..Duration::from_secs(2)).doing(Effect::NoConnection));
    simulation
        .run(async {
            assert!(put(&store, "a", PutMode::Overwrite).await.is_ok());
            clock.sleep(Duration::from_secs(1)).await;
            assert!(put(&store, "a", PutMode::Overwrite).await.is_err());
            let writer = store.clone();
            let others = other.spawn(async move { put(&writer, "a", PutMode::Overwrite).await.is_ok() });
            assert!(others.await.unwrap());
            clock.sleep(Duration::from_secs(1)).await;
            assert!(put(&store, "a", PutMode::Overwrite).await.is_ok());
        })
        .unwrap();
}

#[test]
fn gcs_refuses_writes_to_one_name_that_follow_too_fast() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::gcs());
    let clock = simulation.context().clock;
    simulation
        .run(async {
            put(&store, "hint", PutMode::Overwrite).await.unwrap();
            let error = put(&store, "hint", PutMode::Overwrite).await.unwrap_err();
            assert!(error.to_string().contains("429"), "{error}");
            put(&store, "other", PutMode::Overwrite).await.unwrap();
            clock.sleep(Duration::from_secs(1)).await;
            put(&store, "hint", PutMode::Overwrite).await.unwrap();
        })
        .unwrap();
}

#[test]
fn a_table_counts_pages_bulk_deletions_parts_and_bytes_as_they_are_sent() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::s3());
    let table = store.table(simulation.context());
    for number in 0..2_100 {
        store.insert(&format!("table/data/{number}"), "four").unwrap();
    }
    let paths = || (0..1_500).map(|number| TablePath::parse(&format!("data/{number}")).unwrap());
    simulation
        .run(async {
            assert_eq!(table.list(None, None).try_collect::<Vec<_>>().await.unwrap().len(), 2_100);
            assert!(table.delete_all(paths()).await.is_complete());
            let left = TablePath::parse("data/2000").unwrap();
            assert_eq!(table.read(&left, 100).await.unwrap(), "four");
        })
        .unwrap();
    let counts = table.counts();
    assert_eq!((counts.list, counts.delete, counts.get, counts.bytes_read), (3, 2, 1, 4));
    assert_eq!(store.requests().len(), 6);
}

#[test]
fn what_a_key_held_first_is_kept_when_it_is_deleted_or_written_anew() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, Profile::instant());
    store.insert("before", "lost").unwrap();
    store.keep_first_objects();
    store.insert("a", "first").unwrap();
    store.insert("a", "second").unwrap();
    assert!(store.remove("a") && store.remove("before"));
    store.insert("a", "third").unwrap();
    assert_eq!(store.object("a"), Some(Bytes::from_static(b"third")));
    assert_eq!(store.first_object("a"), Some(Bytes::from_static(b"first")));
    assert_eq!((store.first_object("before"), store.first_object("never")), (None, None));
}
