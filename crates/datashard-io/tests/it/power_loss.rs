//! What a table's folder holds after the power was lost at any moment of its life.
//!
//! Two processes commit on a simulated disk that records each call. The disk is then rebuilt as it may look when the power goes
//! after each of those calls, with any part of what was not flushed, and the table is opened again.
//!
//! What each mode of durability promises for that moment:
//!
//! - `Full`: whatever was acknowledged is there, whole; no file under its final name is torn; a version is never there without all versions
//!   before it and all files that were acknowledged before it was begun (I1).
//! - `Group`: the same for whatever was acknowledged before the last flush began, by `flush` or after the interval. Files that are
//!   younger may be missing or torn in any combination: version N+2 may be there without N+1 (A15). `disk_flush` has the tests.
//! - `None`: the same as `Group`, but only `flush` flushes.

use std::sync::Arc;

use bytes::Bytes;
use datashard_io::sim::Simulation;
use datashard_io::sim::disk::{Left, SimDisk};
use datashard_io::{Durability, TableStore};

use crate::disk_history::{History, has_gap, versions};
use crate::disk_support::{self as support, block_on, final_files, path, sim_store, version_path};
use crate::disk_watched::{Moment, Seen, Watched};

/// How many of the disks that a loss of power can leave behind are looked at for each moment.
const OUTCOMES_PER_MOMENT: u64 = 60;

/// Three commits of two processes in turn.
async fn three_commits(durability: Durability) -> History {
    let history = History::new(support::disk());
    let stores = [1, 2].map(|process| sim_store(&history.disk.process(process), durability));
    for version in 1..=3 {
        let (store, process) = if version % 2 == 1 { (&stores[0], 1) } else { (&stores[1], 2) };
        history.put(store, &format!("data/day={}/{version}.parquet", version / 2), 30).await;
        history.put(store, &format!("metadata/m{version}.avro"), 20).await;
        history.put(store, &format!("metadata/snap-{version}.avro"), 10).await;
        assert!(history.create(store, version, process).await);
    }
    history
}

#[test]
fn full_durability_loses_nothing_acknowledged_tears_nothing_and_leaves_no_gap() {
    let history = block_on(three_commits(Durability::Full));
    let looked_at =
        history.replay(OUTCOMES_PER_MOMENT, |moment, disk, told| history.check_full(moment, disk, told));
    assert!(looked_at > 200, "{looked_at} disks are too few");
}

/// Everything that is there is listed and can be read.
async fn check_opens(store: &TableStore, disk: &SimDisk, told: &str) {
    let files = final_files(disk);
    assert!(support::listed(store).await.iter().eq(files.keys()), "{told}");
    for (file, bytes) in &files {
        assert_eq!(support::read(store, file).await, bytes, "{told}");
    }
}

#[test]
fn a_table_opens_and_goes_on_after_a_loss_of_power_at_any_moment() {
    let history = block_on(three_commits(Durability::Full));
    history.replay(12, |_, disk, told| {
        block_on(async {
            let store = sim_store(disk, Durability::Full);
            check_opens(&store, disk, told).await;
            let versions = versions(&final_files(disk));
            let head = store.find_head().await.unwrap();
            let found = head.map(|head| head.version.to_string());
            assert_eq!(found, versions.last().map(u64::to_string), "{told}");

            let next = version_path(versions.last().copied().unwrap_or(0) + 1);
            let bytes = Bytes::from_static(b"after");
            let created = store.create(&path(&next), bytes.clone()).await.unwrap();
            assert!(created.is_yes(), "{told}: {created:?}");
            let again = disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files();
            assert_eq!(again.get(&next), Some(&bytes), "{told}");
        });
    });
}

/// Another process, in a world of its own, that creates the version after the newest it finds.
fn other_process_commits(history: &History, process: u32) {
    let simulation = Simulation::new(u64::from(process));
    let disk = history.disk.process(process);
    let store = support::store_in(&disk, Durability::Full, simulation.context());
    let outcome = simulation.run(async {
        let mut version = 1;
        while support::try_read(&store, &version_path(version)).await.is_some() {
            version += 1;
        }
        history.put(&store, &format!("data/by-{process}-{version}"), 15).await;
        assert!(history.create(&store, version, process).await);
    });
    outcome.unwrap();
}

/// The second process commits, once or twice, between any two calls that the first makes of the file system. The first may have given
/// its version a name and not flushed it: whatever the second builds on that must not outlive it.
#[test]
fn a15_full_durability_leaves_no_gap_when_a_process_commits_at_any_call_of_another() {
    let mut calls = None;
    let mut number = 0;
    while calls.is_none_or(|calls| number < calls) {
        let history = Arc::new(History::new(support::disk()));
        block_on(async {
            let store = sim_store(&history.disk, Durability::Full);
            assert!(history.create(&store, 1, 0).await);
        });
        let between = Arc::clone(&history);
        let watcher = move |moment, seen: &Seen<'_>| {
            if (moment, seen.number) == (Moment::Before, number) {
                let commits = || (2..4).for_each(|process| other_process_commits(&between, process));
                std::thread::scope(|scope| scope.spawn(commits).join()).unwrap();
            }
        };
        let watched = Watched::new(Arc::new(history.disk.process(1)), Arc::new(watcher));
        let won = block_on(async {
            let store = support::store_on(Arc::new(watched.clone()), Durability::Full);
            history.put(&store, "data/by-1", 15).await;
            history.create(&store, 2, 1).await
        });
        calls = Some(watched.calls());
        let acknowledged = history.writes().iter().filter(|write| write.acknowledged.is_some()).count();
        assert_eq!(acknowledged, if won { 7 } else { 6 }, "at call {number}");
        history.replay(25, |moment, disk, told| {
            history.check_full(moment, disk, &format!("others at call {number}, {told}"));
        });
        number += 1;
    }
    assert!(number > 12, "{number} calls are too few");
}

/// What is promised is only that the table can be looked at, so that a reader finds out: the versions have a gap, or a file has not
/// the content that its parent says.
#[test]
fn a15_without_flushes_a_version_may_be_there_without_the_one_before_it_or_be_torn() {
    for durability in [Durability::group(), Durability::None] {
        let history = block_on(three_commits(durability));
        let writes = history.writes().clone();
        let (mut gaps, mut torn, mut lost) = (0, 0, 0);
        history.replay(OUTCOMES_PER_MOMENT, |_, disk, told| {
            let files = final_files(disk);
            gaps += u32::from(has_gap(&versions(&files)));
            lost += u32::from(versions(&files).len() < 3);
            for (file, found) in &files {
                let write = writes.iter().find(|write| write.path == *file);
                let meant = &write.unwrap_or_else(|| panic!("{file}: {told}")).bytes;
                torn += u32::from(found != meant);
                // Torn is a part of what was written, or zeros in the place of a part; never anything else.
                assert!(found.len() <= meant.len(), "{file}: {told}");
                assert!(
                    found.iter().zip(meant).all(|(found, meant)| found == meant || *found == 0),
                    "{told}"
                );
            }
            block_on(async { check_opens(&sim_store(disk, Durability::None), disk, told).await });
        });
        assert!(gaps > 0 && torn > 0 && lost > 0, "{durability:?}: {gaps} gaps, {torn} torn, {lost} lost");
    }
}
