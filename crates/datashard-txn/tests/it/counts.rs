//! What a commit costs: requests are counted, and on a simulated bucket with exact times it is seen which of them waited for which.

use std::time::Duration;

use datashard_io::sim::{LoggedRequest, Profile, SimStore, Simulation};
use datashard_io::{Durability, StoreOptions, TablePath, TableStore};
use datashard_spec::avro::ManifestListReader;
use datashard_spec::id::{FieldId, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_txn::action::Append;
use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitOptions, Committer, epoch};

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
            // There is no manifest list yet whose place would tell that the table is still there.
            let read_again = 1;
            assert_eq!(
                cost(committer.store(), &before),
                [40 + 3 * commits, commits + read_again, commits - 1, 0, 0]
            );
            assert_eq!(audit(committer.store()).await.unwrap().each_once().len(), 40);
        })
        .unwrap();
}

/// Files whose entries take so much room that eight manifests of them are too large for an append to merge.
fn large_append(committer: &Committer, name: &str) -> Append {
    let epoch = epoch::prefix(committer.base().unwrap().version);
    let file = |index: i32| {
        let path = TablePath::parse(&format!("data/{epoch}{name}-{index}.parquet")).unwrap();
        let bound = [(FieldId(1), vec![7; 10_000])].into_iter().collect();
        DataFile::new(committer.store().location().file(&path), FileFormat::Parquet, 1, 1)
            .with_lower_bounds(bound)
    };
    Append::new(SchemaId(0)).with_files(PartitionSpecId(0), (0..16).map(file))
}

/// A table with eight manifests of about 160 KB.
async fn with_large_manifests(store: TableStore, options: CommitOptions) -> Committer {
    let create = table().with_property("write.manifest.compression-codec", "uncompressed");
    let (committer, _) = Committer::create(store, create, options).await.unwrap();
    for number in 0..8 {
        committer.append(large_append(&committer, &number.to_string())).await.unwrap();
    }
    committer
}

async fn manifests(committer: &Committer) -> Vec<(String, i64)> {
    let base = committer.refresh().await.unwrap();
    let list = base.metadata.current_snapshot().unwrap().unwrap().manifest_list().unwrap().to_owned();
    let path = committer.store().location().relative(&list).unwrap();
    let bytes = committer.store().read(&path, 1 << 20).await.unwrap();
    let rows = ManifestListReader::new(&bytes).unwrap().map(Result::unwrap);
    rows.map(|row| (row.manifest_path, row.manifest_length)).collect()
}

/// A commit beside appends: it reads the eight manifests and writes one, the manifest list and the metadata. Dropped, put off or done, it
/// is looked for again only after a while.
#[test]
fn large_manifests_are_merged_beside_appends_once_in_a_while() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    let clock = simulation.context().clock;
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let committer = with_large_manifests(table_store, options).await;
            kept.forget();
            // The handle looked a moment ago.
            let before = committer.store().counts();
            committer.append(row(&committer, "early", "0")).await.unwrap();
            assert_eq!((cost(committer.store(), &before), kept.count()), (costs::SMALL_APPEND, 1));
            kept.forget();

            clock.sleep(Duration::from_secs(31)).await;
            let before = committer.store().counts();
            committer.append(row(&committer, "due", "0")).await.unwrap();
            assert_eq!(cost(committer.store(), &before), costs::SMALL_APPEND);
            assert_eq!(kept.count(), 2, "the hint and the merge");
            // While it waits, nobody begins another one.
            clock.sleep(Duration::from_secs(31)).await;
            committer.append(row(&committer, "meanwhile", "0")).await.unwrap();
            assert_eq!(kept.count(), 3);
            assert_eq!(manifests(&committer).await.len(), 11);

            // What is put off twice is only hints.
            let before = committer.store().counts();
            kept.run().await;
            let hints = 2 * 2;
            let [put, get, ..] = cost(committer.store(), &before);
            assert!(put <= 4 + hints && get >= 8, "{put} PUTs, {get} GETs");
            let left = manifests(&committer).await;
            assert_eq!(left.len(), 4, "{left:?}");
            assert!(left.iter().any(|(_, length)| *length > 8 * 160_000), "{left:?}");
            kept.forget();

            // The handle knows what was merged: it asks nothing more than ever.
            let before = committer.store().counts();
            committer.append(row(&committer, "after", "0")).await.unwrap();
            assert_eq!(cost(committer.store(), &before), costs::SMALL_APPEND);
            assert_eq!(committer.base().unwrap().version.0, 14);
        })
        .unwrap();
}

#[test]
fn nothing_is_merged_beside_appends_where_that_is_switched_off() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    let clock = simulation.context().clock;
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let committer = with_large_manifests(table_store, options.with_merge_manifests(false)).await;
            kept.forget();
            clock.sleep(Duration::from_secs(3_600)).await;
            committer.append(row(&committer, "due", "0")).await.unwrap();
            assert_eq!(kept.count(), 1, "the hint");
        })
        .unwrap();
}

/// A merge that others are always faster than ends after three slots, and leaves nothing but files for the collector.
#[test]
fn a_merge_beside_appends_gives_up_when_others_are_faster() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    let clock = simulation.context().clock;
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let committer = with_large_manifests(table_store, options.clone()).await;
            clock.sleep(Duration::from_secs(31)).await;
            kept.forget();
            committer.append(row(&committer, "due", "0")).await.unwrap();
            let merge = simulation.spawn(async move { kept.run().await });
            // Each of the requests of a merge loses its slot.
            let mut merged = std::pin::pin!(merge);
            let mut appends = 0_i64;
            loop {
                let append = committer.append(row(&committer, &format!("faster-{appends}"), "0"));
                append.await.unwrap();
                appends += 1;
                let ended = futures_util::future::poll_immediate(merged.as_mut()).await.is_some();
                if ended || appends == 100 {
                    break;
                }
            }
            assert!(appends < 20, "it goes on and on");
            assert_eq!(manifests(&committer).await.len() as i64, 8 + 1 + appends, "nothing was merged");
            let base = committer.refresh().await.unwrap();
            let summary = base.metadata.current_snapshot().unwrap().unwrap().summary.clone();
            assert_eq!(summary.count("total-data-files"), Some(8 * 16 + 1 + appends));
        })
        .unwrap();
}

/// A lone writer merges what it wrote itself: one PUT more, and no GET. So do operations with keys.
#[test]
fn a_lone_writers_merges_read_nothing() {
    let simulation = Simulation::new(1);
    let store = SimStore::new(&simulation, exact(Profile::s3()));
    let table_store = store.table(simulation.context());
    simulation
        .run(async {
            let (options, kept) = costs::kept();
            let (committer, _) = Committer::create(table_store, table(), options).await.unwrap();
            let mut merges = 0;
            for number in 0..80 {
                kept.forget();
                let before = committer.store().counts();
                let append = row(&committer, &number.to_string(), "0");
                let key = (number % 2 == 0).then(|| AppKey::new("loader", number));
                match key {
                    Some(key) => committer.commit(append, Some(key)).await.unwrap(),
                    None => committer.append(append).await.unwrap(),
                };
                let [put, get, head, list, delete] = cost(committer.store(), &before);
                let there = if number == 0 { (2, 0) } else { (1, 1) };
                assert_eq!(((get, head), list, delete), (there, 0, 0), "append {number}");
                assert!((4..=6).contains(&put), "append {number}: {put} PUTs");
                merges += put - 4;
            }
            assert!(merges >= 9, "{merges}");
            assert_eq!(audit(committer.store()).await.unwrap().each_once().len(), 80);
        })
        .unwrap();
}
