//! Readers, writers and a clean-up side by side on a simulated bucket: whatever the order, what is found was the newest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use datashard_io::head::{HeadAfter, HintAdvance, HintState, Known, metadata_path};
use datashard_io::request::RequestKind;
use datashard_io::sim::{
    Answer, Delivery, Effect, Fault, Loss, Process, Profile, Quirks, RandomFaults, SimStore, Simulation,
};
use datashard_io::{Created, TableStore};
use datashard_spec::error::ErrorKind;
use datashard_spec::id::MetadataVersion;

const HINT: &str = "table/metadata/version-hint.text";
const BOUNDARY: &str = "table/metadata/_datashard/retired";

/// A bucket on which versions 1 to `newest` exist.
fn bucket(simulation: &Simulation, profile: Profile, newest: u64) -> SimStore {
    let store = SimStore::new(simulation, profile);
    for version in 1..=newest {
        store.insert(&format!("table/metadata/v{version}.metadata.json"), version.to_string()).unwrap();
    }
    store
}

fn number(store: &SimStore, key: &str) -> u64 {
    store.object(key).map_or(0, |bytes| String::from_utf8(bytes.to_vec()).unwrap().parse().unwrap())
}

/// The newest version that was ever created; it is never retired.
fn newest(store: &SimStore) -> u64 {
    let version = |key: &String| {
        key.strip_prefix("table/metadata/v")?.strip_suffix(".metadata.json")?.parse::<u64>().ok()
    };
    store.keys().iter().filter_map(version).max().unwrap_or(0)
}

/// Adds versions one by one, each on top of what it finds.
async fn write(table: TableStore, until: u64) {
    let mut known = Known::of_unknown_age(MetadataVersion(0));
    while known.version().0 < until {
        // Versions are retired within moments here, so what was known is never young enough.
        let version = match table.find_head_after(Known::of_unknown_age(known.version())).await {
            Ok(HeadAfter::Same(same)) => same.version(),
            Ok(HeadAfter::Newer(head)) => {
                known = head.known();
                head.version
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => continue,
            Err(error) => panic!("{error}"),
        };
        let next = MetadataVersion(version.0 + 1);
        let content = Bytes::from(next.to_string());
        if let Ok(Created::Yes) = table.create(&metadata_path(next).unwrap(), content).await
            && table.retired().await.is_ok_and(|retired| next >= retired)
        {
            let _ = table.advance_hint(next).await;
        }
    }
}

/// Retires all but the newest three versions, again and again.
async fn clean_up(table: TableStore, until: u64) {
    loop {
        let head = match table.find_head().await {
            Ok(Some(head)) => head,
            Ok(None) => panic!("no table"),
            Err(error) if error.kind() == ErrorKind::Unavailable => continue,
            Err(error) => panic!("{error}"),
        };
        let keep = MetadataVersion(head.version.0.saturating_sub(2));
        let outcome = match table.advance_hint(keep).await {
            HintAdvance::Deferred => table.flush_hint().await,
            outcome => Some(outcome),
        };
        let hinted = matches!(
            outcome, Some(HintAdvance::Written(told) | HintAdvance::Already(told)) if told >= keep
        );
        if hinted && let Ok(retired) = table.raise_retired(keep).await {
            for version in 1..retired.0 {
                let _ = table.delete(&metadata_path(MetadataVersion(version)).unwrap()).await;
            }
        }
        if head.version.0 >= until {
            return;
        }
    }
}

/// Runs all of them; gives back how often a newest version was found.
fn run_all(seed: u64, faults: f64) -> u64 {
    const UNTIL: u64 = 60;
    let simulation = Simulation::new(seed);
    let store = bucket(&simulation, Profile::s3(), 1);
    // A question that arrives late finds its version retired, while one sent along with it found the version before.
    let late = Effect::Delay(Duration::from_secs(3));
    store.set_random_faults(RandomFaults::usual(faults).with(RequestKind::Head, 0.3, late));
    let found = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for name in ["anna", "bert"] {
        let process = simulation.process(name);
        tasks.push(process.spawn(write(store.table(process.context()), UNTIL)));
    }
    let process = simulation.process("clean-up");
    tasks.push(process.spawn(clean_up(store.table(process.context()), UNTIL)));
    let readers = ["rosa", "ruth"].map(|name| simulation.process(name));
    for process in &readers {
        let (table, store, found) = (store.table(process.context()), store.clone(), Arc::clone(&found));
        tasks.push(process.spawn(async move {
            let (mut hint, mut boundary) = (0, 0);
            while newest(&store) < UNTIL {
                let before = newest(&store);
                match table.find_head().await {
                    Ok(Some(head)) => {
                        let after = newest(&store);
                        assert!(
                            before <= head.version.0 && head.version.0 <= after,
                            "{before} <= {} <= {after}, seed {seed}",
                            head.version
                        );
                        assert_eq!(head.metadata, head.version.to_string());
                        found.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(None) => panic!("no table, seed {seed}"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}, seed {seed}"),
                }
                for (last, key) in [(&mut hint, HINT), (&mut boundary, BOUNDARY)] {
                    let now = number(&store, key);
                    assert!(*last <= now, "{key} went from {last} to {now}, seed {seed}");
                    *last = now;
                }
            }
        }));
    }
    // Readers stand still between two of their requests for long enough that versions are retired under them.
    let clock = simulation.context().clock;
    let disturb = async {
        let some_time = |most_ms: u64| clock.sleep(Duration::from_millis(simulation.random_u64() % most_ms));
        while newest(&store) < UNTIL {
            for reader in &readers {
                some_time(200).await;
                reader.pause();
                some_time(4_000).await;
                reader.resume();
            }
        }
    };
    simulation.run(disturb).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    for task in tasks {
        simulation.run(task).unwrap_or_else(|error| panic!("seed {seed}: {error}")).unwrap();
    }
    found.load(Ordering::Relaxed)
}

#[test]
fn c05_what_is_found_was_the_newest_while_others_write_and_retire() {
    let found: u64 = (0..30).map(|seed| run_all(seed, 0.0)).sum();
    assert!(found > 300, "{found}");
}

#[test]
fn c05_what_is_found_was_the_newest_while_requests_go_wrong() {
    let found: u64 = (100..120).map(|seed| run_all(seed, 0.05)).sum();
    assert!(found > 100, "{found}");
}

/// Runs `work` on a bucket where every request takes 100 ms, and tells its result and how many such times it took.
fn rounds<T, F: Future<Output = T>>(
    newest: u64,
    hint: Option<&str>,
    work: impl FnOnce(TableStore) -> F,
) -> (T, u128) {
    let simulation = Simulation::new(1);
    let store = bucket(&simulation, Profile::every(Duration::from_millis(100)), newest);
    if let Some(hint) = hint {
        store.insert(HINT, hint.to_owned()).unwrap();
    }
    let table = store.table(simulation.context());
    let before = simulation.now();
    let done = simulation.run(work(table)).unwrap();
    (done, (simulation.now() - before).as_millis() / 100)
}

#[test]
fn round_trips_are_few() {
    let check = |newest: u64, hint: Option<&str>, expect: u128| {
        let (head, rounds) =
            rounds(newest, hint, |table| async move { table.find_head().await.unwrap().unwrap() });
        assert_eq!((head.version.0, rounds), (newest, expect), "hint {hint:?}");
    };
    // Hint and boundary, version and successor, boundary.
    check(500, Some("500"), 3);
    // One round more to gallop: the content is read along with the boundary.
    check(500, Some("499"), 4);
    check(500, Some("400"), 6);
    check(500, None, 6);
    check(20_000, None, 7);
    let (none, rounds) = rounds(0, None, |table| async move { table.find_head().await.unwrap() });
    assert_eq!((none, rounds), (None, 3));
}

#[test]
fn c07_throttled_hint_writes_are_a_second_apart_and_none_is_refused() {
    for profile in [Profile::s3(), Profile::gcs()] {
        let simulation = Simulation::new(7);
        let store = bucket(&simulation, profile, 1);
        let process = simulation.process("writer");
        let table = store.table(process.context());
        let clock = process.context().clock;
        simulation
            .run(process.spawn(async move {
                for version in 2..=200 {
                    clock.sleep(Duration::from_millis(50)).await;
                    let outcome = table.advance_hint(MetadataVersion(version)).await;
                    assert!(!matches!(outcome, HintAdvance::Failed(_)), "{outcome:?}");
                }
                let _ = table.flush_hint().await;
            }))
            .unwrap()
            .unwrap();
        assert_eq!(number(&store, HINT), 200);
        let puts: Vec<_> = store
            .requests()
            .into_iter()
            .filter(|request| request.kind == RequestKind::Put && request.key == HINT)
            .map(|request| request.sent)
            .collect();
        assert!((5..=15).contains(&puts.len()), "{puts:?}");
        for pair in puts.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(1), "{puts:?}");
        }
    }
}

#[test]
fn c07_a_throttled_hint_write_is_harmless() {
    let simulation = Simulation::new(3);
    let store = bucket(&simulation, Profile::gcs(), 5);
    store.insert(HINT, "3").unwrap();
    store.add_fault(Fault::on(RequestKind::Put, HINT).doing(Effect::Answer(Answer::too_many_requests())));
    let table = store.table(simulation.context());
    let (first, second) = simulation
        .run(async {
            let first = table.advance_hint(MetadataVersion(5)).await;
            assert_eq!(table.counts().put, 1);
            (first, table.flush_hint().await)
        })
        .unwrap();
    assert!(matches!(first, HintAdvance::Failed(_)), "{first:?}");
    assert!(matches!(second, Some(HintAdvance::Written(MetadataVersion(5)))), "{second:?}");
}

#[test]
fn c06_on_a_store_without_updates_the_hint_moves_and_nothing_is_retired() {
    let simulation = Simulation::new(3);
    let store = bucket(&simulation, Profile::s3(), 5);
    store.insert(HINT, "3").unwrap();
    store.insert(BOUNDARY, "1").unwrap();
    let mut quirks = Quirks::default();
    quirks.without_update = true;
    store.set_quirks(quirks);
    let table = store.table(simulation.context());
    simulation
        .run(async {
            let hint = table.advance_hint(MetadataVersion(5)).await;
            assert!(matches!(hint, HintAdvance::Written(MetadataVersion(5))), "{hint:?}");
            let error = table.raise_retired(MetadataVersion(3)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert_eq!(table.find_head().await.unwrap().unwrap().version, MetadataVersion(5));
        })
        .unwrap();
    assert_eq!((number(&store, HINT), number(&store, BOUNDARY)), (5, 1));
}

#[test]
fn on_a_store_that_ignores_conditions_nothing_is_retired() {
    let simulation = Simulation::new(3);
    let store = bucket(&simulation, Profile::s3(), 5);
    store.insert(BOUNDARY, "1").unwrap();
    let mut quirks = Quirks::default();
    quirks.ignores_conditions = true;
    let table = store.table(simulation.context());
    simulation
        .run(async {
            // Creating was found to be conditional before.
            table.check_capabilities().await.unwrap();
            store.set_quirks(quirks);
            let error = table.raise_retired(MetadataVersion(3)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert_eq!(table.find_head().await.unwrap().unwrap().version, MetadataVersion(5));
        })
        .unwrap();
    assert_eq!(number(&store, BOUNDARY), 1);
}

#[test]
fn the_boundary_is_the_highest_of_concurrent_raises_whatever_goes_wrong() {
    for seed in 0..40 {
        let simulation = Simulation::new(seed);
        let store = SimStore::new(&simulation, Profile::s3());
        store.set_random_faults(RandomFaults::usual(0.2));
        let processes: Vec<Process> = (0..6).map(|n| simulation.process(&n.to_string())).collect();
        let tasks = (1..).zip(&processes).map(|(n, process)| {
            let (table, store) = (store.table(process.context()), store.clone());
            process.spawn(async move {
                for step in 1..=4_u64 {
                    let to = MetadataVersion(step * 10 + n);
                    let before = number(&store, BOUNDARY);
                    // Whoever is told that the boundary is there will delete files.
                    if let Ok(at) = table.raise_retired(to).await {
                        let now = number(&store, BOUNDARY);
                        assert!(at >= to && now >= at.0 && now >= before, "seed {seed}: {now}, told {at}");
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            simulation.run(task).unwrap().unwrap();
        }
        assert!((41..=46).contains(&number(&store, BOUNDARY)), "seed {seed}: {}", number(&store, BOUNDARY));
    }
}

/// A hint that does not come in time is done without; that there is no table is told from the versions and the boundary.
#[test]
fn b12_on_a_store_too_slow_for_the_hint_no_table_is_none_and_a_table_is_found() {
    for (newest, hint) in [(0, None), (7, None), (7, Some("7"))] {
        let (head, _) = {
            let simulation = Simulation::new(1);
            let store = bucket(&simulation, Profile::every(Duration::from_secs(10)), newest);
            if let Some(hint) = hint {
                store.insert(HINT, hint.to_owned()).unwrap();
            }
            let table = store.table(simulation.context());
            (simulation.run(async { table.find_head().await.unwrap() }).unwrap(), store)
        };
        assert_eq!(head.map_or(0, |head| head.version.0), newest, "hint {hint:?}");
    }
}

/// An outage while the hint is read says nothing of the table: it is not damaged, and asking again helps.
#[test]
fn b09_a_hint_that_fails_for_ever_where_no_version_is_found_may_be_asked_for_again() {
    let simulation = Simulation::new(1);
    let store = bucket(&simulation, Profile::every(Duration::from_millis(10)), 0);
    let broken = Effect::Answer(Answer::internal_error());
    store.add_fault(Fault::on(RequestKind::Get, HINT).always().doing(broken));
    let table = store.table(simulation.context());
    let error = simulation.run(async { table.find_head().await.unwrap_err() }).unwrap();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable(), "{error}");
    store.clear_faults();
    assert_eq!(simulation.run(async { table.find_head().await.unwrap() }).unwrap(), None);
}

/// What is answered to a replacement is advice, as for a create: the boundary is read again, and then is where it was to be.
#[test]
fn b01_to_b08_a_raise_whose_replacement_suffers_ends_where_it_was_raised_to() {
    let lost = [Loss::Closed, Loss::Cut, Loss::Reset, Loss::Silence]
        .into_iter()
        .chain([500, 502, 503, 504].map(|status| Loss::Answer(Answer::status(status))));
    let effects = lost
        .flat_map(|loss| {
            [
                Effect::LoseAnswer(loss.clone()),
                Effect::LoseRequest(loss.clone()),
                Effect::Late { after: Duration::from_secs(3), meanwhile: loss },
            ]
        })
        .chain([409, 429, 500, 503].map(|status| Effect::Answer(Answer::status(status))))
        .chain([
            Effect::NoConnection,
            Effect::Twice { gap: Duration::from_secs(2), answer: Delivery::First },
            Effect::Twice { gap: Duration::from_secs(2), answer: Delivery::Second },
        ]);
    for effect in effects {
        for (profile, before) in
            [(Profile::s3(), None), (Profile::s3(), Some("3")), (Profile::gcs(), Some("3"))]
        {
            let simulation = Simulation::new(1);
            let store = bucket(&simulation, profile, 20);
            store.insert(HINT, "20").unwrap();
            if let Some(before) = before {
                store.insert(BOUNDARY, before).unwrap();
            }
            store.add_fault(Fault::on(RequestKind::Put, BOUNDARY).doing(effect.clone()));
            let table = store.table(simulation.context());
            let raised = simulation.run(table.raise_retired(MetadataVersion(9))).unwrap().unwrap();
            assert_eq!((raised.0, number(&store, BOUNDARY)), (9, 9), "{effect:?}");
            assert_eq!(store.faults_left(), 0, "{effect:?}");
            // What was late or came twice finds another content and does not bring its own back.
            simulation.run(table.raise_retired(MetadataVersion(12))).unwrap().unwrap();
            simulation.run(simulation.context().clock.sleep(Duration::from_secs(100))).unwrap();
            assert_eq!((number(&store, BOUNDARY), number(&store, HINT)), (12, 20), "{effect:?}");
        }
    }
}

/// The hint is not worth a second try: what came of it is told, and it never goes back.
#[test]
fn b01_to_b08_a_hint_whose_replacement_suffers_is_old_or_new_and_mended_by_the_next() {
    let effects = [
        Effect::LoseAnswer(Loss::Closed),
        Effect::LoseAnswer(Loss::Silence),
        Effect::LoseAnswer(Loss::Answer(Answer::internal_error())),
        Effect::LoseRequest(Loss::Reset),
        Effect::Late { after: Duration::from_secs(3), meanwhile: Loss::Closed },
        Effect::Twice { gap: Duration::from_secs(2), answer: Delivery::Second },
        Effect::Answer(Answer::conflict()),
        Effect::Answer(Answer::too_many_requests()),
        Effect::NoConnection,
    ];
    for effect in effects {
        for before in [None, Some("3")] {
            let simulation = Simulation::new(1);
            let store = bucket(&simulation, Profile::s3(), 20);
            if let Some(before) = before {
                store.insert(HINT, before).unwrap();
            }
            store.add_fault(Fault::on(RequestKind::Put, HINT).doing(effect.clone()));
            let table = store.table(simulation.context());
            let told = simulation.run(table.advance_hint(MetadataVersion(9))).unwrap();
            let now = number(&store, HINT);
            match told {
                HintAdvance::Written(told) | HintAdvance::Already(told) => {
                    assert_eq!((told.0, now), (9, 9), "{effect:?}");
                }
                HintAdvance::Failed(_) => assert!([0, 3, 9].contains(&now), "{effect:?}: {now}"),
                other => panic!("{effect:?}: {other:?}"),
            }
            let wait = simulation.context().clock.sleep(Duration::from_secs(2));
            simulation.run(wait).unwrap();
            let told = simulation.run(table.advance_hint(MetadataVersion(12))).unwrap();
            assert!(matches!(told, HintAdvance::Written(MetadataVersion(12))), "{effect:?}: {told:?}");
            simulation.run(simulation.context().clock.sleep(Duration::from_secs(100))).unwrap();
            assert_eq!(number(&store, HINT), 12, "{effect:?}");
        }
    }
}

/// A refusal or two without a reason are a hiccup; a store that does nothing else cannot replace.
#[test]
fn a_raise_is_repeated_after_two_refusals_without_a_reason_and_given_up_after_three() {
    for (refusals, expect) in [(1, Ok(9)), (2, Ok(9)), (3, Err(ErrorKind::Unsupported))] {
        let simulation = Simulation::new(1);
        let store = bucket(&simulation, Profile::s3(), 20);
        store.insert(HINT, "20").unwrap();
        store.insert(BOUNDARY, "3").unwrap();
        let refused = Effect::Answer(Answer::precondition_failed());
        store.add_fault(Fault::on(RequestKind::Put, BOUNDARY).times(refusals).doing(refused));
        let table = store.table(simulation.context());
        let raised = simulation.run(table.raise_retired(MetadataVersion(9))).unwrap();
        assert_eq!(raised.map(|at| at.0).map_err(|error| error.kind()), expect, "{refusals} refusals");
        assert_eq!(number(&store, BOUNDARY), if refusals < 3 { 9 } else { 3 });
    }
}

#[test]
fn c01_a_hint_that_is_never_answered_costs_two_seconds_and_no_more() {
    let simulation = Simulation::new(1);
    let store = bucket(&simulation, Profile::every(Duration::from_millis(10)), 7);
    store.insert(HINT, "7").unwrap();
    store.add_fault(Fault::on(RequestKind::Get, HINT).always().doing(Effect::LoseAnswer(Loss::Silence)));
    let table = store.table(simulation.context());
    let head = simulation.run(async { table.find_head().await.unwrap().unwrap() }).unwrap();
    assert_eq!(head.version.0, 7);
    assert!(matches!(head.hint, HintState::Unreadable { .. }), "{:?}", head.hint);
    assert!(simulation.now() < Duration::from_millis(2_200), "{:?}", simulation.now());
}
