//! What a commit costs: requests are counted, and on a simulated bucket with exact times it is seen which of them waited for which.

use std::time::Duration;

use datashard_io::sim::{LoggedRequest, Profile, SimStore, Simulation};
use datashard_io::{Durability, StoreOptions, TableStore};
use datashard_txn::{CommitOptions, Committer};

use crate::support::audit::audit;
use crate::support::costs::{self, cost};
use crate::support::rows::{row, table};

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn memory(table: &str) -> TableStore {
    TableStore::open(&format!("memory://txn-counts/{table}"), StoreOptions::new()).await.unwrap()
}

async fn folder(folder: &tempfile::TempDir) -> TableStore {
    let options = StoreOptions::new().with_durability(Durability::None);
    TableStore::open(folder.path().join("table").to_str().unwrap(), options).await.unwrap()
}

/// Buckets that answer after the median times, always.
fn exact(profile: Profile) -> Profile {
    let mut exact = profile;
    (exact.exact, exact.slow_per_mille, exact.bytes_per_ms) = (true, 0, 0);
    exact
}

#[test]
fn a_small_append_costs_four_puts_and_one_get_in_memory() {
    block_on(async { costs::small_appends(memory("small").await).await });
}

#[test]
fn a_small_append_costs_four_puts_and_one_get_in_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async { costs::small_appends(folder(&dir).await).await });
}

#[test]
fn a_small_append_costs_four_puts_and_one_get_on_simulated_buckets() {
    for profile in [Profile::s3(), Profile::gcs()] {
        let simulation = Simulation::new(3);
        let store = SimStore::new(&simulation, profile);
        simulation.run(costs::small_appends(store.table(simulation.context()))).unwrap();
    }
}

#[test]
fn a_duplicate_costs_nothing_and_moves_no_hint() {
    block_on(async { costs::duplicates(memory("duplicates").await).await });
    let dir = tempfile::tempdir().unwrap();
    // Its version's name is flushed once more, which a folder counts as nothing.
    block_on(async { costs::duplicates(folder(&dir).await).await });
    let simulation = Simulation::new(4);
    let store = SimStore::new(&simulation, Profile::gcs());
    simulation.run(costs::duplicates(store.table(simulation.context()))).unwrap();
}

#[test]
fn a_stale_handle_writes_its_manifest_list_anew_and_nothing_else() {
    block_on(async { costs::stale_handles(memory("stale").await, memory("stale").await).await });
    let dir = tempfile::tempdir().unwrap();
    block_on(async { costs::stale_handles(folder(&dir).await, folder(&dir).await).await });
    let simulation = Simulation::new(5);
    let store = SimStore::new(&simulation, Profile::s3());
    let tables = [(); 2].map(|()| store.table(simulation.context()));
    let [ours, theirs] = tables;
    simulation.run(costs::stale_handles(ours, theirs)).unwrap();
}

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

/// Two writers send the same version at the same moment. What it costs the one that loses: what is newer, and whether there is more (GET,
/// HEAD); the new manifest list (GET); beside the new list (PUT) whether somebody was faster again (GET); and the metadata (PUT).
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
    assert_eq!(winner.1, [4, 1 + read_first, 0, 0, 0]);
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
        assert_eq!(hint, newest.to_string().as_bytes());
    }
}

/// Appends that wait while one is under way go together: the second commit has a data file and nothing else more than the first.
#[test]
fn appends_of_clones_that_meet_cost_one_commit() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    simulation
        .run(async {
            let (created, _) =
                Committer::create(table_store, table(), CommitOptions::default()).await.unwrap();
            let (committer, before) = (&created, created.store().counts());
            let appends = (0..40).map(async |number| {
                committer.append(row(committer, &number.to_string(), "0")).await.unwrap().version
            });
            let versions = futures_util::future::join_all(appends).await;
            let first = versions.iter().filter(|version| version.0 == 2).count();
            assert!(versions.iter().all(|version| (2..=3).contains(&version.0)), "{versions:?}");
            let commits = if first == 40 { 1 } else { 2 };
            assert_eq!(cost(committer.store(), &before), [40 + 3 * commits, commits, 0, 0, 0]);
            assert_eq!(audit(committer.store()).await.unwrap().each_once().len(), 40);
        })
        .unwrap();
}
