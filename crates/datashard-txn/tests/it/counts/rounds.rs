//! Which requests wait for which, when a commit wins and when it loses its slot, and when hints are written.

use std::time::Duration;

use datashard_io::sim::{LoggedRequest, Profile, SimStore, Simulation};
use datashard_txn::Committer;

use super::exact;
use crate::support::audit::audit;
use crate::support::costs::{self, cost};
use crate::support::rows::{row, table};

/// Requests that were sent since, by what they are for.
fn told(requests: &[LoggedRequest]) -> Vec<(&'static str, &'static str, u128, u128)> {
    let begun = requests.first().map_or(Duration::ZERO, |first| first.sent);
    let mut told: Vec<_> = requests
        .iter()
        .map(|request| {
            let name = request.key.rsplit('/').next().unwrap();
            let what = match name {
                _ if name.ends_with(".parquet") => "data",
                _ if name.starts_with("snap-") => "list",
                _ if name.ends_with(".avro") => "manifest",
                _ if name.ends_with(".metadata.json") => "metadata",
                "version-hint.text" => "hint",
                _ => "other",
            };
            let ended = request.ended.unwrap();
            (request.operation, what, (request.sent - begun).as_millis(), (ended - begun).as_millis())
        })
        .collect();
    told.sort_by_key(|(operation, what, sent, _)| (*sent, *what, *operation));
    told
}

/// Everything but the metadata is sent at once; the metadata when all of that is answered; the hint after the answer to the caller.
#[test]
fn a_small_append_takes_two_rounds_and_the_hint_comes_after_the_answer() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    let logged = || store.requests().len();
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let (committer, _) = Committer::create(table_store, table(), options).await.unwrap();
            committer.append(row(&committer, "first", "0")).await.unwrap();
            kept.forget();
            simulation.context().clock.sleep(Duration::from_secs(5)).await;
            let (before, begun) = (logged(), simulation.now());
            committer.append(row(&committer, "second", "0")).await.unwrap();
            assert_eq!((simulation.now() - begun).as_millis(), 90, "two PUTs, one after the other");
            assert_eq!(
                told(&store.requests()[before..]),
                [
                    ("put", "data", 0, 45),
                    ("head", "list", 0, 22),
                    ("put", "list", 0, 45),
                    ("put", "manifest", 0, 45),
                    ("get", "metadata", 0, 22),
                    ("create", "metadata", 45, 90),
                ]
            );
            let before = logged();
            kept.run().await;
            let hints: Vec<_> = told(&store.requests()[before..]);
            assert!(hints.iter().all(|(_, what, ..)| *what == "hint"), "{hints:?}");
            assert_eq!(hints.len(), 2, "it is read and replaced: {hints:?}");
        })
        .unwrap();
}

/// Two writers send the same version at the same moment. What it costs the one that loses: the version that was faster (GET); its manifest
/// list (GET); beside the new list (PUT) whether somebody was faster again (GET); and the metadata (PUT).
#[test]
fn a_lost_slot_costs_two_puts_and_what_it_takes_to_see_who_won() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let main = store.table(simulation.context());
    let created = simulation.run(async {
        let (options, _) = costs::kept();
        let (committer, _) = Committer::create(main, table(), options).await.unwrap();
        committer.append(row(&committer, "before", "0")).await.unwrap();
    });
    created.unwrap();
    let writers = ["anna", "bert"].map(|name| {
        let process = simulation.process(name);
        let table = store.table(process.context());
        let (options, _) = costs::kept();
        let opened = simulation.run(async { Committer::open(table, options).await.unwrap() });
        (process, opened.unwrap(), name)
    });
    // Warm: each knows the manifest list, having appended once.
    for (_, committer, name) in &writers {
        let append = async { committer.append(row(committer, &format!("{name}-first"), "0")).await.unwrap() };
        simulation.run(append).unwrap();
    }
    simulation.run(async { writers[0].1.refresh().await.unwrap() }).unwrap();
    let both: Vec<_> = writers
        .into_iter()
        .map(|(process, committer, name)| {
            process.spawn(async move {
                let before = committer.store().counts();
                let append = row(&committer, &format!("{name}-second"), "0");
                let committed = committer.append(append).await.unwrap();
                (committed.attempts, cost(committer.store(), &before))
            })
        })
        .collect();
    let mut costs: Vec<_> = both.into_iter().map(|writer| simulation.run(writer).unwrap().unwrap()).collect();
    costs.sort_unstable();
    // Whoever was refreshed had to read the manifest list once more.
    let [winner, loser] = costs[..] else { panic!("{costs:?}") };
    assert_eq!((winner.0, loser.0), (1, 2));
    let read_first = winner.1[1] - 1;
    assert_eq!(winner.1, [4, 1 + read_first, 1, 0, 0]);
    assert_eq!(loser.1, [4 + 2, 1 + 3 + (1 - read_first), 1, 0, 0]);
    let audited = simulation.run(audit(&store.table(simulation.context()))).unwrap().unwrap();
    assert_eq!(audited.each_once().len(), 5);
}

/// One hint a second at most, however many commits there are, and the last of them in the end.
#[test]
fn c7_hints_of_a_busy_writer_are_a_second_apart_and_the_last_is_the_newest() {
    for profile in [Profile::express(), Profile::gcs()] {
        let simulation = Simulation::new(1);
        let store = SimStore::new(&simulation, profile);
        let newest = simulation
            .run(async {
                let (options, kept) = costs::kept();
                let context = simulation.context();
                let (committer, _) = Committer::create(store.table(context), table(), options).await.unwrap();
                for number in 0..60 {
                    committer.append(row(&committer, &number.to_string(), "0")).await.unwrap();
                    let kept = kept.clone();
                    drop(simulation.spawn(async move { kept.run().await }));
                }
                simulation.context().clock.sleep(Duration::from_secs(10)).await;
                committer.base().unwrap().version
            })
            .unwrap();
        let requests = store.requests();
        let hints = requests.iter().filter(|request| request.key.ends_with("version-hint.text"));
        let written: Vec<Duration> =
            hints.filter(|request| request.operation != "get").map(|request| request.sent).collect();
        assert!(written.len() > 1, "{written:?}");
        for pair in written.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(1), "{written:?}");
        }
        let hint = store.object("table/metadata/version-hint.text").unwrap();
        assert_eq!(hint, newest.to_string().as_bytes(), "{written:?}");
    }
}
