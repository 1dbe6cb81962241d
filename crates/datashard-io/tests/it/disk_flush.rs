//! Several files at once, and writes that are acknowledged before they are flushed.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::error::StoreError;
use datashard_io::local::file_system::FileSystem;
use datashard_io::sim::disk::{Call, Fault, Left, SimDisk, SystemError};
use datashard_io::{Created, Durability, TableStore};
use datashard_spec::error::ErrorKind;

use crate::disk_history::{History, versions};
use crate::disk_support::{
    self as support, block_on, content, final_files, path, put_all, sim_store, temporaries, version_path,
};

const FLUSHES: [Call; 3] = [Call::SyncFile, Call::SyncFolder, Call::SyncAbove];

fn some_files() -> Vec<(String, Bytes)> {
    let files = ["data/a/1", "data/a/2", "data/b/3", "metadata/m2.avro", "metadata/snap-2.avro"];
    files.iter().map(|file| ((*file).to_owned(), content(file, 30))).collect()
}

/// A table with one version that is durable.
async fn table(durability: Durability) -> (SimDisk, TableStore) {
    let disk = support::disk();
    let store = sim_store(&disk, durability);
    assert!(store.create(&path(&version_path(1)), content("v1", 30)).await.unwrap().is_yes());
    disk.settle();
    (disk, store)
}

#[test]
fn puts_at_once_flush_each_folder_once_after_all_names_in_it_are_there() {
    let (disk, store) = block_on(table(Durability::Full));
    block_on(put_all(&store, &some_files())).unwrap();
    let steps = disk.steps();
    let last = |wanted: &dyn Fn(&datashard_io::sim::disk::Step) -> bool| steps.iter().rposition(wanted);
    for (file, _) in some_files() {
        let (folder, _) = file.rsplit_once('/').unwrap();
        let renamed = last(&|step| step.call == Call::RenameOver && step.to.as_ref() == Some(&file));
        let temporary = &steps[renamed.unwrap()].path;
        let flushed = last(&|step| step.call == Call::SyncFile && step.path == *temporary);
        let folder_flushed = last(&|step| step.call == Call::SyncFolder && step.path == folder);
        assert!(flushed.is_some() && flushed < renamed && renamed < folder_flushed, "{file}: {steps:#?}");
    }
    for folder in ["data/a", "data/b", "metadata"] {
        let flushes = steps.iter().filter(|step| step.call == Call::SyncFolder && step.path == folder);
        assert_eq!(flushes.count(), 1, "{folder}");
    }
    assert_eq!(steps.iter().filter(|step| step.call == Call::SyncFile).count(), 5);
}

#[test]
fn puts_at_once_are_durable_when_they_are_acknowledged_and_whole_before() {
    let history = History::new(support::disk());
    let store = sim_store(&history.disk, Durability::Full);
    block_on(async {
        history.put_all(&store, &some_files()).await;
        assert!(history.create(&store, 1, 0).await);
        history.put_all(&store, &[("metadata/m3.avro".to_owned(), content("m3", 40))]).await;
        assert!(history.create(&store, 2, 0).await);
    });
    history.replay(80, |moment, disk, told| history.check_full(moment, disk, told));
}

/// Runs an operation on new tables, with a fault at the first call that it may hit, the second, and so on, until none is met.
fn at_each_call(
    calls: &[Call],
    error: SystemError,
    durability: Durability,
    operation: impl AsyncFn(&SimDisk, &TableStore, &str),
) -> u64 {
    for number in 0.. {
        let met = block_on(async {
            let (disk, store) = table(durability).await;
            disk.add_fault(Fault::fail_any(calls, error).after(number));
            operation(&disk, &store, &format!("{error:?} at call {number}")).await;
            disk.faults_met() > 0
        });
        if !met {
            return number;
        }
    }
    unreachable!("numbers do not end")
}

#[test]
fn g01_g03_puts_at_once_fail_at_any_call_without_a_torn_file_or_a_temporary() {
    for (calls, error) in [(&Call::TAKING_SPACE[..], SystemError::NoSpace), (&FLUSHES[..], SystemError::Io)] {
        let steps = at_each_call(calls, error, Durability::Full, async |disk, store, told| {
            let outcome = put_all(store, &some_files()).await;
            assert_eq!(outcome.is_err(), disk.faults_met() > 0, "{told}: {outcome:?}");
            let there = |disk: &SimDisk| {
                let found = final_files(disk);
                let (there, missing): (Vec<_>, Vec<_>) =
                    some_files().into_iter().partition(|(file, _)| found.contains_key(file));
                assert!(there.iter().all(|(file, bytes)| found[file] == *bytes), "{told}");
                (there.len(), missing.len())
            };
            if let Err(error) = outcome {
                assert_eq!(error.definitely_not_done(), there(disk).0 == 0, "{told}: {error}");
            }
            assert_eq!(temporaries(disk), [""; 0], "{told}");
            disk.clear_faults();
            put_all(store, &some_files()).await.unwrap();
            assert_eq!(there(disk).1, 0, "{told}");
            let left = disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files();
            assert!(some_files().iter().all(|(file, bytes)| left.get(file) == Some(bytes)), "{told}");
        });
        assert!(steps >= 8, "{steps}");
    }
}

/// Two processes that acknowledge before they flush; each flushes after versions 1 and 3.
async fn commits_with_flushes(durability: Durability) -> (History, Vec<usize>) {
    let history = History::new(support::disk());
    let stores = [1, 2].map(|process| sim_store(&history.disk.process(process), durability));
    let mut flushed = Vec::new();
    for version in 1..=3 {
        let (store, process) = if version % 2 == 1 { (&stores[0], 1) } else { (&stores[1], 2) };
        let file = format!("data/day={}/{version}.parquet", version / 2);
        history.put(store, &file, 30).await;
        let more = [format!("metadata/m{version}.avro"), format!("metadata/snap-{version}.avro")];
        let more: Vec<_> = more.into_iter().map(|file| (file.clone(), content(&file, 20))).collect();
        history.put_all(store, &more).await;
        assert!(history.create(store, version, process).await);
        if version != 2 {
            // Whoever flushes answers for what it has written itself.
            for store in &stores {
                store.flush().await.unwrap();
            }
            flushed.push(history.now());
        }
    }
    (history, flushed)
}

fn check_flushed(history: &History, flushed: &[usize]) {
    history.replay(60, |moment, disk, told| {
        let files = final_files(disk);
        if let Some(last) = flushed.iter().copied().filter(|flushed| *flushed <= moment).max() {
            history.check_there(moment, &files, |write| write.is_acknowledged_at(last), told);
        }
    });
}

#[test]
fn group_and_no_durability_lose_nothing_that_was_flushed() {
    for durability in [Durability::group(), Durability::None] {
        let (history, flushed) = block_on(commits_with_flushes(durability));
        assert_eq!(flushed.len(), 2);
        check_flushed(&history, &flushed);
        let left = history.disk.after_power_loss(history.now(), Left::OnlyFlushed);
        assert_eq!(versions(&final_files(&left)), [1, 2, 3], "{durability:?}");
    }
}

#[test]
fn group_durability_flushes_contents_then_data_folders_then_metadata_each_once() {
    let (disk, store) = block_on(table(Durability::group()));
    block_on(async {
        store.put(&path("data/a/1"), content("1", 30)).await.unwrap();
        store.put(&path("data/a/2"), content("2", 30)).await.unwrap();
        assert!(store.create(&path(&version_path(2)), content("v2", 30)).await.unwrap().is_yes());
        disk.settle();
        store.flush().await.unwrap();
    });
    let steps = disk.steps();
    let flushes: Vec<(Call, &str)> = steps
        .iter()
        .filter(|step| FLUSHES.contains(&step.call))
        .map(|step| (step.call, if step.call == Call::SyncFile { "a file" } else { step.path.as_str() }))
        .collect();
    let contents = flushes.iter().take_while(|flush| flush.0 == Call::SyncFile).count();
    assert!(
        contents >= 3 && flushes[contents..].iter().all(|flush| flush.0 != Call::SyncFile),
        "{flushes:?}"
    );
    let at = |folder| flushes.iter().position(|flush| *flush == (Call::SyncFolder, folder));
    assert!(at("data/a").is_some() && at("data/a") < at("metadata"), "{flushes:?}");
    for folder in ["data/a", "metadata"] {
        assert_eq!(flushes.iter().filter(|flush| **flush == (Call::SyncFolder, folder)).count(), 1);
    }
    disk.settle();
    block_on(store.flush()).unwrap();
    assert!(disk.steps().is_empty(), "there was nothing left to flush");
}

#[test]
fn group_durability_flushes_what_is_older_than_the_interval_with_the_next_write() {
    block_on(async {
        let (disk, store) = table(Durability::group()).await;
        store.put(&path("data/1"), content("1", 30)).await.unwrap();
        store.context().clock.sleep(std::time::Duration::from_millis(150)).await;
        store.put(&path("data/2"), content("2", 30)).await.unwrap();
        let left = disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files();
        assert_eq!(left.get("data/1"), Some(&content("1", 30)));
    });
}

#[test]
fn g03_a_flush_of_a_group_that_fails_is_told_and_stays_told() {
    let steps = at_each_call(&FLUSHES, SystemError::Io, Durability::group(), async |disk, store, told| {
        assert!(store.create(&path(&version_path(2)), content("v2", 30)).await.unwrap().is_yes(), "{told}");
        let flushed = store.flush().await;
        assert_eq!(flushed.is_err(), disk.faults_met() > 0, "{told}: {flushed:?}");
        disk.clear_faults();
        if flushed.is_ok() {
            let left: BTreeMap<_, _> = disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files();
            assert_eq!(left.get(&version_path(2)), Some(&content("v2", 30)), "{told}");
            return;
        }
        // The bytes are lost to every later flush, so none may say that all is well, and nothing is built on them.
        assert!(store.flush().await.is_err(), "{told}");
        let refused: StoreError = store.put(&path("data/2"), content("2", 30)).await.unwrap_err();
        assert!(refused.definitely_not_done(), "{told}: {refused}");
        assert!(store.create(&path(&version_path(3)), content("v3", 30)).await.is_err(), "{told}");
        // Whoever opens the table again can go on.
        let again = sim_store(disk, Durability::group());
        assert!(again.create(&path(&version_path(3)), content("v3", 30)).await.unwrap().is_yes());
    });
    assert!(steps >= 3, "{steps}");
}

#[test]
fn g04_a_disk_that_cannot_flush_folders_is_found_out_by_the_flush_of_a_group() {
    let disk = support::disk();
    disk.set_abilities(|a| a.folder_sync = false);
    block_on(async {
        let store = sim_store(&disk, Durability::group());
        let error = match store.create(&path(&version_path(1)), content("v1", 30)).await {
            Err(error) => error,
            Ok(_) => store.flush().await.unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert_eq!(temporaries(&disk), [""; 0]);
    });
}

#[test]
fn a_staged_file_is_flushed_before_it_has_a_name_and_leaves_nothing_if_it_never_gets_one() {
    block_on(async {
        let (disk, store) = table(Durability::Full).await;
        let staged = store.stage(&path(&version_path(2)), content("v2", 30)).await.unwrap();
        let temporary = temporaries(&disk);
        assert_eq!((temporary.len(), final_files(&disk).len()), (1, 1));
        let flushed =
            |step: &datashard_io::sim::disk::Step| step.call == Call::SyncFile && step.path == temporary[0];
        let content_flushed = disk.steps().iter().position(flushed).unwrap();
        let base_flushed =
            |step: &datashard_io::sim::disk::Step| step.call == Call::SyncFolder && step.path == "metadata";
        assert!(
            disk.steps()[content_flushed..].iter().any(base_flushed),
            "what the version continues is durable first"
        );
        let before = disk.steps().len();
        assert!(staged.create().await.unwrap().is_yes());
        let steps = disk.steps();
        let calls: Vec<Call> =
            steps[before..].iter().map(|step| step.call).filter(|call| *call != Call::IsInPlace).collect();
        assert_eq!(calls, [Call::RenameNew, Call::SyncFolder]);

        drop(store.stage(&path(&version_path(3)), content("v3", 30)).await.unwrap());
        assert_eq!((temporaries(&disk).len(), final_files(&disk).len()), (0, 2));
    });
}

#[test]
fn a_name_that_was_found_is_made_durable_by_whoever_relies_on_it() {
    block_on(async {
        let (disk, store) = table(Durability::Full).await;
        let version = path(&version_path(2));
        disk.add_fault(Fault::fail(Call::SyncFolder, SystemError::Io).on_path("metadata").after(1));
        assert!(matches!(store.create(&version, content("v2", 30)).await.unwrap(), Created::Unclear(_)));
        let there = |disk: &SimDisk| final_files(disk).contains_key(version.as_str());
        assert!(there(&disk), "it can be seen");
        let lost = |disk: &SimDisk| !there(&disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed));
        assert!(lost(&disk), "and lost");
        store.make_name_durable(&version).await.unwrap();
        assert!(!lost(&disk));
    });
}

#[test]
fn temporaries_of_killed_processes_are_swept_after_an_hour_and_not_before() {
    block_on(async {
        let (disk, store) = table(Durability::Full).await;
        let clock = std::sync::Arc::clone(&store.context().clock);
        let killed = |process: u32| {
            let name = format!("metadata/.datashard-{process:032x}.tmp");
            disk.process(process).create_file(&name).unwrap().write(b"half").unwrap();
        };
        killed(7);
        clock.sleep(std::time::Duration::from_secs(3_000)).await;
        killed(8);
        assert!(
            sim_store(&disk, Durability::Full)
                .create(&path(&version_path(2)), content("v2", 30))
                .await
                .unwrap()
                .is_yes()
        );
        assert_eq!(temporaries(&disk).len(), 2, "both may belong to somebody who is slow");
        clock.sleep(std::time::Duration::from_secs(1_000)).await;
        assert!(
            sim_store(&disk, Durability::Full)
                .create(&path(&version_path(3)), content("v3", 30))
                .await
                .unwrap()
                .is_yes()
        );
        assert_eq!(temporaries(&disk), [format!("metadata/.datashard-{:032x}.tmp", 8)]);
        assert_eq!(support::listed(&store).await.len(), 3);
    });
}
