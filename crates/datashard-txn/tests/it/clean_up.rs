//! Clean-up beside writers, readers and itself: what is needed stays, what is not goes, and damage stops it before anything goes.

use std::time::Duration;

use bytes::Bytes;
use datashard_io::request::RequestKind;
use datashard_io::sim::{Answer, Effect, Fault, Profile, SimStore, Simulation};
use datashard_io::{TablePath, TableStore};
use datashard_txn::maintain::{RetireOptions, SweepOptions};
use datashard_txn::protocol::Limits;
use datashard_txn::{CommitError, CommitOptions, Committer};
use futures_util::TryStreamExt;

use crate::support::audit::audit_newest;
use crate::support::rows::{row, table};

const HOUR: Duration = Duration::from_secs(3_600);

/// Runs a test on a bucket that answers at once and whose clock is the simulation's.
fn simulated(seed: u64, test: impl AsyncFnOnce(&Simulation, SimStore)) {
    let simulation = Simulation::new(seed).with_time_limit(1_000 * HOUR);
    let store = SimStore::new(&simulation, Profile::instant());
    simulation.run(test(&simulation, store)).unwrap();
}

/// A handle whose commit state looks back four versions.
pub(super) fn options() -> CommitOptions {
    CommitOptions::default().with_limits(Limits::default().with_floor_distance(4))
}

async fn create(store: TableStore, kept_snapshots: u32) -> Committer {
    let count = kept_snapshots.to_string();
    let table = table().with_property("datashard.snapshot.retention-count", count);
    let table = table.with_property("write.metadata.previous-versions-max", "3");
    Committer::create(store, table, options()).await.unwrap().0
}

async fn append(table: &Committer, name: &str) {
    table.append(row(table, name, "0")).await.unwrap();
}

async fn names(store: &TableStore) -> Vec<String> {
    let files: Vec<_> = store.list(None, None).try_collect().await.unwrap();
    files.into_iter().map(|file| file.path.to_string()).collect()
}

async fn put(store: &TableStore, path: &str) {
    store.put(&TablePath::parse(path).unwrap(), Bytes::from_static(b"something")).await.unwrap();
}

pub(super) fn without_grace() -> SweepOptions {
    SweepOptions::default().with_grace(Duration::ZERO)
}

#[test]
fn old_versions_are_retired_once_they_are_old_and_the_hint_goes_before() {
    simulated(1, async |simulation, bucket| {
        let table = create(bucket.table(simulation.context()), 100).await;
        for number in 0..20 {
            append(&table, &number.to_string()).await;
        }
        let young = table.retire(&RetireOptions::default().with_keep(4)).await.unwrap();
        assert_eq!((young.versions.files, young.below.0), (0, 1), "their successors are young");

        simulation.context().clock.sleep(2 * HOUR).await;
        let dry = table.retire(&RetireOptions::default().with_keep(4).dry_run()).await.unwrap();
        assert_eq!((dry.versions.files, dry.below.0), (17, 18));
        assert_eq!((dry.requests.put, dry.requests.delete), (0, 0));
        assert_eq!(table.store().retired().await.unwrap().0, 0);

        let done = table.retire(&RetireOptions::default().with_keep(4)).await.unwrap();
        assert_eq!((done.versions, done.below, done.failed), (dry.versions, dry.below, 0));
        assert_eq!(table.store().retired().await.unwrap().0, 18);
        let left: Vec<_> =
            names(table.store()).await.into_iter().filter(|name| name.contains("/v")).collect();
        assert_eq!(left.len(), 5, "four versions and the hint: {left:?}");
        let opened = Committer::open(bucket.table(simulation.context()), options()).await.unwrap();
        assert_eq!(opened.base().unwrap().version.0, 21);
        assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 20);
        let again = table.retire(&RetireOptions::default().with_keep(4)).await.unwrap();
        assert_eq!(again.versions.files, 0);
    });
}

#[test]
fn a11_retiring_that_was_stopped_at_any_request_goes_on() {
    for stop in 1..12 {
        simulated(2, async |simulation, bucket| {
            let table = create(bucket.table(simulation.context()), 100).await;
            for number in 0..12 {
                append(&table, &number.to_string()).await;
            }
            simulation.context().clock.sleep(2 * HOUR).await;
            let cleaner = simulation.process("cleaner");
            let store = bucket.table(cleaner.context());
            let stopped = cleaner.spawn(async move {
                let table = Committer::open(store, options()).await.unwrap();
                table.retire(&RetireOptions::default().with_keep(4)).await
            });
            for _ in 0..stop {
                datashard_io::sim::yield_now().await;
            }
            cleaner.kill();
            drop(stopped);
            append(&table, "meanwhile").await;
            let done = table.retire(&RetireOptions::default().with_keep(4)).await.unwrap();
            assert_eq!(done.failed, 0);
            let lowest =
                names(table.store()).await.iter().filter(|name| name.contains(".metadata.json")).count();
            assert!(lowest <= 5, "{lowest} versions are left");
            assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 13);
        });
    }
}

#[test]
fn leavings_go_and_everything_that_a_snapshot_refers_to_stays() {
    simulated(3, async |simulation, bucket| {
        let table = create(bucket.table(simulation.context()), 100).await;
        put(table.store(), "data/e1-of-a-writer-that-died.parquet").await;
        put(table.store(), "metadata/e1-of-a-writer-that-died-m0.avro").await;
        for number in 0..20 {
            append(&table, &number.to_string()).await;
        }
        let before = names(table.store()).await;
        simulation.context().clock.sleep(HOUR).await;
        let dry = table.sweep(&without_grace().dry_run()).await.unwrap();
        assert_eq!((dry.data_files.files, dry.metadata_files.files), (1, 1));
        assert_eq!((dry.requests.put, dry.requests.delete), (0, 0));
        assert_eq!(names(table.store()).await, before);

        let done = table.sweep(&without_grace()).await.unwrap();
        assert_eq!((done.data_files, done.metadata_files), (dry.data_files, dry.metadata_files));
        assert_eq!(done.deleted.len(), 2);
        assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 20);
        let again = table.sweep(&without_grace()).await.unwrap();
        assert_eq!((again.data_files.files, again.metadata_files.files), (0, 0));
    });
}

#[test]
fn e1_a_writer_whose_files_were_begun_before_the_floor_is_told_so_or_commits_whole() {
    simulated(4, async |simulation, bucket| {
        let table = create(bucket.table(simulation.context()), 100).await;
        // Written now, committed later.
        let (early, late) = (row(&table, "early", "0"), row(&table, "late", "0"));
        for append in [&early, &late] {
            use datashard_txn::Operation;
            table.store().put_all(append.payload()).await.unwrap();
        }
        for number in 0..10 {
            append(&table, &number.to_string()).await;
        }
        simulation.context().clock.sleep(HOUR).await;
        table.sweep(&SweepOptions::default().with_grace(2 * HOUR)).await.unwrap();
        table.append(early).await.unwrap();
        assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 11);

        simulation.context().clock.sleep(HOUR).await;
        let swept = table.sweep(&without_grace()).await.unwrap();
        assert_eq!(swept.data_files.files, 1, "that of the late one");
        let refused = table.append(late).await.unwrap_err();
        assert!(
            matches!(&refused, CommitError::Rejected { reason } if reason.contains("write them anew")),
            "{refused}"
        );
        assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 11);
    });
}

#[test]
fn e2_two_sweeps_and_writers_at_once_leave_everything_that_is_needed() {
    for seed in 0..40 {
        let simulation = Simulation::new(seed).with_time_limit(100 * HOUR);
        let bucket = SimStore::new(&simulation, Profile::s3());
        simulation
            .run(async {
                let table = create(bucket.table(simulation.context()), 3).await;
                let mut tasks = Vec::new();
                for writer in 0..3 {
                    let process = simulation.process(&format!("writer-{writer}"));
                    let store = bucket.table(process.context());
                    tasks.push(process.spawn(async move {
                        let table = Committer::open(store, options()).await.unwrap();
                        for number in 0..6 {
                            let name = format!("{writer}-{number}");
                            let mut copy = 0;
                            // A file that a sweep was faster than is written anew.
                            while let Err(error) = table.append(row(&table, &name, &copy.to_string())).await {
                                assert!(matches!(error, CommitError::Rejected { .. }), "{error}");
                                copy += 1;
                            }
                        }
                    }));
                }
                for cleaner in 0..2 {
                    let process = simulation.process(&format!("cleaner-{cleaner}"));
                    let store = bucket.table(process.context());
                    tasks.push(process.spawn(async move {
                        let table = Committer::open(store, options()).await.unwrap();
                        for _ in 0..4 {
                            table.sweep(&without_grace()).await.unwrap();
                        }
                    }));
                }
                for task in tasks {
                    task.await.unwrap();
                }
                let audited =
                    audit_newest(table.store()).await.unwrap_or_else(|e| panic!("seed {seed}: {e}"));
                assert_eq!(audited.each_once().len(), 18, "seed {seed}");
            })
            .unwrap();
    }
}

#[test]
fn e3_a_file_of_a_snapshot_that_cannot_be_read_stops_the_sweep_before_anything_goes() {
    for damaged in ["metadata/snap-", "metadata/e", "metadata/e"] {
        simulated(5, async |simulation, bucket| {
            let table = create(bucket.table(simulation.context()), 100).await;
            put(table.store(), "data/e1-of-a-writer-that-died.parquet").await;
            for number in 0..3 {
                append(&table, &number.to_string()).await;
            }
            simulation.context().clock.sleep(HOUR).await;
            let all = names(table.store()).await;
            let victim =
                TablePath::parse(all.iter().find(|name| name.starts_with(damaged)).unwrap()).unwrap();
            table.store().put(&victim, Bytes::from_static(b"no Avro")).await.unwrap();
            let refused = table.sweep(&without_grace()).await.unwrap_err();
            assert!(matches!(&refused, CommitError::Corrupt { path, .. } if *path == victim), "{refused}");
            table.store().delete(&victim).await.unwrap();
            let refused = table.sweep(&without_grace()).await.unwrap_err();
            assert!(matches!(&refused, CommitError::Corrupt { path, .. } if *path == victim), "{refused}");
            let left = names(table.store()).await;
            assert!(left.contains(&"data/e1-of-a-writer-that-died.parquet".to_owned()), "{left:?}");
        });
    }
}

#[test]
fn e3_a_listing_or_a_read_that_fails_stops_the_sweep() {
    for (kind, pattern) in
        [(RequestKind::Get, "*/snap-*"), (RequestKind::Get, "*-m0.avro"), (RequestKind::List, "*data*")]
    {
        simulated(6, async |simulation, bucket| {
            let table = create(bucket.table(simulation.context()), 100).await;
            put(table.store(), "data/e1-of-a-writer-that-died.parquet").await;
            for number in 0..3 {
                append(&table, &number.to_string()).await;
            }
            simulation.context().clock.sleep(HOUR).await;
            bucket
                .add_fault(Fault::on(kind, pattern).always().doing(Effect::Answer(Answer::access_denied())));
            assert!(matches!(table.sweep(&without_grace()).await, Err(CommitError::Storage(_))), "{pattern}");
            bucket.clear_faults();
            assert!(names(table.store()).await.contains(&"data/e1-of-a-writer-that-died.parquet".to_owned()));
        });
    }
}

#[test]
fn e4_what_readers_of_an_expired_snapshot_need_stays_for_as_long_as_they_are_waited_for() {
    simulated(7, async |simulation, bucket| {
        let table = create(bucket.table(simulation.context()), 2).await;
        append(&table, "first").await;
        let old = table.base().unwrap();
        let list = old.metadata.current_snapshot().unwrap().unwrap().manifest_list().unwrap().to_owned();
        let list = table.store().location().relative(&list).unwrap();
        simulation.context().clock.sleep(3 * HOUR).await;
        for number in 0..4 {
            append(&table, &number.to_string()).await;
        }
        let waiting = SweepOptions::default().with_grace(2 * HOUR);
        table.sweep(&waiting).await.unwrap();
        assert!(table.store().exists(&list).await.unwrap(), "it was current two hours ago");
        simulation.context().clock.sleep(3 * HOUR).await;
        let swept = table.sweep(&waiting).await.unwrap();
        assert!(!table.store().exists(&list).await.unwrap(), "{swept:?}");
        assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 5);
    });
}

#[test]
fn e6_e8_what_other_writers_and_people_left_stays_unless_it_was_asked_for_and_is_old() {
    simulated(8, async |simulation, bucket| {
        let table = create(bucket.table(simulation.context()), 100).await;
        let theirs = ["data/00000-0-5f.parquet", "metadata/5f-m0.avro"];
        let people = [
            "README.md",
            "data/_SUCCESS",
            "manifests_archive/e1-x-m0.avro",
            "exports/e1-x.parquet",
            "data/notes.txt",
        ];
        for path in theirs.iter().chain(&people) {
            put(table.store(), path).await;
        }
        for number in 0..3 {
            append(&table, &number.to_string()).await;
        }
        simulation.context().clock.sleep(48 * HOUR).await;
        let swept = table.sweep(&without_grace()).await.unwrap();
        assert_eq!((swept.foreign.files, swept.deleted.len()), (2, 0));
        let asked = without_grace().with_foreign_files(Duration::ZERO);
        assert_eq!(table.sweep(&asked).await.unwrap().deleted.len(), 0, "they are two days old");
        simulation.context().clock.sleep(48 * HOUR).await;
        let swept = table.sweep(&asked).await.unwrap();
        assert_eq!(swept.deleted.len(), 2);
        let left = names(table.store()).await;
        assert!(people.iter().all(|path| left.contains(&(*path).to_owned())), "{left:?}");
        assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 3);
    });
}

#[test]
fn e10_a11_a_sweep_that_was_stopped_at_any_request_goes_on() {
    for stop in (1..60).step_by(2) {
        simulated(9, async |simulation, bucket| {
            let table = create(bucket.table(simulation.context()), 100).await;
            for number in 0..10 {
                put(table.store(), &format!("data/e1-{number}.parquet")).await;
                append(&table, &number.to_string()).await;
            }
            simulation.context().clock.sleep(HOUR).await;
            let cleaner = simulation.process("cleaner");
            let store = bucket.table(cleaner.context());
            let stopped = cleaner.spawn(async move {
                let table = Committer::open(store, options()).await.unwrap();
                table.sweep(&without_grace()).await
            });
            for _ in 0..stop {
                datashard_io::sim::yield_now().await;
            }
            cleaner.kill();
            drop(stopped);
            append(&table, "meanwhile").await;
            table.sweep(&without_grace()).await.unwrap();
            let left = names(table.store()).await;
            assert_eq!(left.iter().filter(|name| name.starts_with("data/")).count(), 11, "{left:?}");
            assert_eq!(audit_newest(table.store()).await.unwrap().each_once().len(), 11);
        });
    }
}

#[test]
fn a_table_whose_files_may_belong_to_others_is_not_swept() {
    simulated(10, async |simulation, bucket| {
        for value in ["false", "maybe"] {
            let store = bucket.table(simulation.context());
            if value == "false" {
                let table = table().with_property("gc.enabled", value);
                Committer::create(store.clone(), table, options()).await.unwrap();
            }
            let table = Committer::open(store, options()).await.unwrap();
            table
                .commit(datashard_txn::action::SetProperties::new().set("gc.enabled", value), None)
                .await
                .unwrap();
            let refused = table.sweep(&without_grace()).await.unwrap_err();
            assert!(
                matches!(&refused, CommitError::Rejected { reason } if reason.contains("gc.enabled")),
                "{refused}"
            );
        }
    });
}
