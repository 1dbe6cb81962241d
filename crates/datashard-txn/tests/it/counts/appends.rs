//! Small appends cost the same on every store, and so do duplicates, stale handles and groups.

use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_io::{Durability, StoreOptions, TableStore};
use datashard_txn::{CommitOptions, Committer};

use super::exact;
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
