//! Disks that are full, broken, read-only, or cannot do what is asked of them: rows G1 to G6 of the failure catalogue.
//!
//! A fault is put at the first call of an operation, then at the second, and so on until the operation ends without meeting it.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::error::StoreError;
use datashard_io::sim::disk::{Call, Fault, Left, RenameNew, SimDisk, SystemError};
use datashard_io::{Created, Durability, TableStore};
use datashard_spec::error::ErrorKind;

use crate::disk_support::{
    self as support, block_on, content, final_files, path, sim_store, temporaries, version_path,
};

/// A table with one version, its store, and what is on the disk.
async fn table(durability: Durability) -> (SimDisk, TableStore) {
    let disk = support::disk();
    let store = sim_store(&disk, durability);
    put(&store, "data/0.parquet").await.unwrap();
    assert!(create(&store, 1).await.unwrap().is_yes());
    disk.settle();
    (disk, store)
}

async fn put(store: &TableStore, file: &str) -> Result<(), StoreError> {
    store.put(&path(file), content(file, 50)).await
}

async fn create(store: &TableStore, version: u64) -> Result<Created, StoreError> {
    let file = version_path(version);
    store.create(&path(&file), content(&file, 50)).await
}

/// The files under final names are whole, every one.
fn check_whole(disk: &SimDisk) -> BTreeMap<String, Bytes> {
    let files = final_files(disk);
    for (file, bytes) in &files {
        assert_eq!(*bytes, content(file, bytes.len()), "{file}");
        assert_eq!(bytes.len(), 50, "{file} is torn");
    }
    files
}

/// Runs an operation on new tables, with a fault at the first of the calls it may hit, the second, and so on, until none is met. Returns
/// how often it was met.
fn at_each_step(
    calls: &[Call],
    error: SystemError,
    for_ever: bool,
    durability: Durability,
    operation: impl AsyncFn(&SimDisk, &TableStore, &str),
) -> u64 {
    for number in 0.. {
        let met = block_on(async {
            let (disk, store) = table(durability).await;
            let fault = Fault::fail_any(calls, error).after(number);
            disk.add_fault(if for_ever { fault.for_ever() } else { fault });
            operation(&disk, &store, &format!("{error:?} at call {number}, for ever: {for_ever}")).await;
            disk.faults_met() > 0
        });
        if !met {
            return number;
        }
    }
    unreachable!("numbers do not end")
}

/// What a failed create may say: a definite failure if the name is not there, and only then.
fn check_outcome(outcome: &Result<Created, StoreError>, there: bool, told: &str) {
    match outcome {
        Ok(Created::Yes) => assert!(there, "{told}"),
        Ok(Created::No) => panic!("{told}: nobody else created it"),
        Ok(Created::Unclear(error)) => {
            assert!(!error.definitely_not_done(), "{told}: {error}");
            assert!(there, "{told}: nothing was created, and a folder knows: {error}");
        }
        Err(error) => {
            assert!(error.definitely_not_done(), "{told}: {error}");
            assert!(!there, "{told}: {error}");
        }
    }
}

#[test]
fn g01_no_space_at_any_call_of_a_create_is_definite_before_the_rename_and_leaves_no_temporary() {
    for error in [SystemError::NoSpace, SystemError::QuotaExceeded] {
        for for_ever in [false, true] {
            let steps = at_each_step(
                &Call::TAKING_SPACE,
                error,
                for_ever,
                Durability::Full,
                async |disk, store, told| {
                    let outcome = create(store, 2).await;
                    let there = check_whole(disk).contains_key(&version_path(2));
                    check_outcome(&outcome, there, told);
                    if disk.faults_met() > 0 && !for_ever {
                        assert!(
                            !matches!(outcome, Ok(Created::Yes)),
                            "{told}: a failed flush was passed over"
                        );
                    }
                    if let Err(error) | Ok(Created::Unclear(error)) = outcome.map_err(Box::new) {
                        assert!(matches!(*error, StoreError::StorageFull { .. }), "{told}: {error}");
                        assert_eq!(error.kind(), ErrorKind::Unavailable, "{told}");
                    }
                    assert_eq!(temporaries(disk), [""; 0], "{told}");
                    // Somebody makes room.
                    disk.clear_faults();
                    match create(store, 2).await.unwrap() {
                        Created::Yes => assert!(!there, "{told}"),
                        Created::No => assert!(there, "{told}"),
                        Created::Unclear(error) => panic!("{told}: {error}"),
                    }
                    assert!(create(store, 3).await.unwrap().is_yes(), "{told}");
                    check_durable(disk, &[2, 3], told);
                },
            );
            assert!(steps >= 5, "{steps} calls of a create can find the disk full");
        }
    }
}

#[test]
fn g01_no_space_at_any_call_of_a_put_leaves_the_old_file_or_the_new_one_and_no_temporary() {
    for durability in [Durability::Full, Durability::None] {
        let steps = at_each_step(
            &Call::TAKING_SPACE,
            SystemError::NoSpace,
            true,
            durability,
            async |disk, store, told| {
                let outcome = put(store, "data/new/1.parquet").await;
                let there = check_whole(disk).contains_key("data/new/1.parquet");
                match &outcome {
                    Ok(()) => assert!(there && disk.faults_met() == 0, "{told}"),
                    Err(error) => {
                        assert!(matches!(error, StoreError::StorageFull { .. }), "{told}: {error}");
                        assert_eq!(error.definitely_not_done(), !there, "{told}: {error}");
                    }
                }
                assert_eq!(temporaries(disk), [""; 0], "{told}");
                disk.clear_faults();
                put(store, "data/new/1.parquet").await.unwrap();
                assert!(check_whole(disk).contains_key("data/new/1.parquet"), "{told}");
            },
        );
        assert!(steps >= 4, "{steps}");
    }
}

#[test]
fn g01_a_disk_that_fills_up_within_any_byte_takes_the_file_once_there_is_room() {
    for room in 0..=50 {
        block_on(async {
            let (disk, store) = table(Durability::Full).await;
            let used = disk.used_bytes();
            disk.set_abilities(|a| a.capacity_bytes = Some(used + room));
            let outcome = create(&store, 2).await;
            check_outcome(&outcome, room == 50, &format!("room for {room} bytes"));
            assert_eq!(temporaries(&disk), [""; 0]);
            assert_eq!(disk.used_bytes(), if room == 50 { used + 50 } else { used });
            if room < 50 {
                store.delete(&path("data/0.parquet")).await.unwrap();
                assert!(create(&store, 2).await.unwrap().is_yes());
            }
            check_whole(&disk);
        });
    }
}

/// Versions are there whatever a loss of power takes.
fn check_durable(disk: &SimDisk, versions: &[u64], told: &str) {
    let left = disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files();
    for version in versions {
        let file = version_path(*version);
        assert_eq!(left.get(&file), Some(&content(&file, 50)), "{told}");
    }
}

#[test]
fn g02_a_read_only_disk_can_be_read_and_is_not_written_to() {
    block_on(async {
        let (disk, _) = table(Durability::Full).await;
        disk.set_abilities(|a| a.read_only = true);
        let store = sim_store(&disk, Durability::Full);
        assert_eq!(support::read(&store, "data/0.parquet").await, content("data/0.parquet", 50));
        assert_eq!(support::listed(&store).await.len(), final_files(&disk).len());
        let tried: Vec<_> =
            disk.steps().into_iter().filter(|step| Call::CHANGING.contains(&step.call)).collect();
        assert!(tried.is_empty(), "reading tried to change something: {tried:?}");

        for outcome in [
            put(&store, "data/1.parquet").await.map(drop),
            create(&store, 2).await.map(drop),
            store.delete(&path("data/0.parquet")).await.map(drop),
        ] {
            let error = outcome.unwrap_err();
            assert!(matches!(error, StoreError::PermissionDenied { .. }), "{error}");
            assert!(error.definitely_not_done() && error.to_string().contains("read-only"), "{error}");
        }
        assert_eq!(final_files(&disk).len(), 2);
    });
}

#[test]
fn g02_a_folder_that_may_not_be_written_to_refuses_writes() {
    for error in [SystemError::AccessDenied, SystemError::ReadOnly] {
        at_each_step(&Call::CHANGING, error, true, Durability::Full, async |disk, store, told| {
            let outcome = create(store, 2).await;
            let there = check_whole(disk).contains_key(&version_path(2));
            check_outcome(&outcome, there, told);
            if let Err(error) = outcome {
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{told}: {error}");
            }
        });
    }
}

const SYNCS: [Call; 3] = [Call::SyncFile, Call::SyncFolder, Call::SyncAbove];

#[test]
fn g03_a_failed_flush_is_never_acknowledged_nor_made_good_by_a_second_flush() {
    for for_ever in [false, true] {
        let steps =
            at_each_step(&SYNCS, SystemError::Io, for_ever, Durability::Full, async |disk, store, told| {
                let outcome = create(store, 2).await;
                if disk.faults_met() == 0 {
                    assert!(outcome.unwrap().is_yes(), "{told}");
                    return;
                }
                let there = check_whole(disk).contains_key(&version_path(2));
                check_outcome(&outcome, there, told);
                assert!(!matches!(outcome, Ok(Created::Yes)), "{told}: acknowledged");
                assert_eq!(temporaries(disk), [""; 0], "{told}");
                disk.clear_faults();
                // Whatever is acknowledged later was flushed anew, from the bytes on.
                for version in [2, 3] {
                    if matches!(create(store, version).await, Ok(Created::Yes)) {
                        check_durable(disk, &[version], told);
                    }
                }
            });
        assert!(steps >= 3, "{steps}");
    }
}

#[test]
fn g03_a_put_whose_flush_failed_is_not_acknowledged_and_a_second_put_writes_the_bytes_again() {
    let steps = at_each_step(&SYNCS, SystemError::Io, false, Durability::Full, async |disk, store, told| {
        let outcome = put(store, "data/new/1.parquet").await;
        let left = || disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files();
        let durable = |left: BTreeMap<String, Bytes>| {
            left.get("data/new/1.parquet") == Some(&content("data/new/1.parquet", 50))
        };
        assert_eq!(outcome.is_ok(), disk.faults_met() == 0, "{told}: {outcome:?}");
        if outcome.is_ok() {
            assert!(durable(left()), "{told}");
        }
        disk.clear_faults();
        put(store, "data/new/1.parquet").await.unwrap();
        assert!(durable(left()), "{told}");
    });
    assert!(steps >= 3, "{steps}");
}

/// Two writers, one after the other, both with this file system.
async fn one_wins(disk: &SimDisk) -> Result<(), StoreError> {
    let stores =
        [sim_store(&disk.process(1), Durability::Full), sim_store(&disk.process(2), Durability::Full)];
    assert!(create(&stores[0], 1).await?.is_yes());
    let second = stores[1].create(&path(&version_path(1)), Bytes::from_static(b"other")).await?;
    assert!(matches!(second, Created::No), "{second:?}");
    check_whole(disk);
    assert_eq!(temporaries(disk), [""; 0]);
    check_durable(disk, &[1], "at the end");
    Ok(())
}

fn placed_by(disk: &SimDisk) -> Vec<Call> {
    let steps = disk.steps();
    let to = version_path(1);
    steps
        .iter()
        .filter(|step| step.to.as_ref() == Some(&to) && step.error.is_none())
        .map(|step| step.call)
        .collect()
}

#[test]
fn g04_a_disk_without_rename_that_refuses_to_replace_gets_links() {
    let disk = support::disk();
    disk.set_abilities(|a| a.rename_new = RenameNew::Missing);
    block_on(one_wins(&disk)).unwrap();
    assert_eq!(placed_by(&disk), [Call::Link]);
}

#[test]
fn g04_a_disk_without_links_gets_renames() {
    let disk = support::disk();
    disk.set_abilities(|a| a.hard_links = false);
    block_on(one_wins(&disk)).unwrap();
    assert_eq!(placed_by(&disk), [Call::RenameNew]);
}

#[test]
fn g04_a_disk_whose_rename_replaces_in_spite_of_the_flag_gets_links() {
    let disk = support::disk();
    disk.set_abilities(|a| a.rename_new = RenameNew::Replaces);
    block_on(one_wins(&disk)).unwrap();
    assert_eq!(placed_by(&disk), [Call::Link]);
}

#[test]
fn g04_a_disk_with_neither_is_refused_and_nothing_is_left_on_it() {
    for rename_new in [RenameNew::Missing, RenameNew::Replaces] {
        let disk = support::disk();
        disk.set_abilities(|a| {
            a.rename_new = rename_new;
            a.hard_links = false;
        });
        let error = block_on(one_wins(&disk)).unwrap_err();
        assert!(matches!(error, StoreError::NoAtomicCreate { .. }), "{error}");
        assert!(error.definitely_not_done());
        assert_eq!(temporaries(&disk), [""; 0]);
        assert!(final_files(&disk).is_empty());
    }
}

#[test]
fn g04_a_disk_that_cannot_flush_folders_is_refused_if_every_write_is_to_be_durable() {
    let disk = support::disk();
    disk.set_abilities(|a| a.folder_sync = false);
    block_on(async {
        let error = create(&sim_store(&disk, Durability::Full), 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.definitely_not_done() && final_files(&disk).is_empty());
        assert_eq!(temporaries(&disk), [""; 0]);
        let store = sim_store(&disk, Durability::None);
        assert!(create(&store, 1).await.unwrap().is_yes());
        check_whole(&disk);
    });
}

#[test]
fn g05_a_link_that_was_made_but_is_answered_with_exists_is_recognised_as_ones_own() {
    let disk = support::disk();
    disk.set_abilities(|a| a.rename_new = RenameNew::Missing);
    disk.add_fault(Fault::act_and_fail(Call::Link, SystemError::Exists).on_path("*/v1.metadata.json"));
    block_on(one_wins(&disk)).unwrap();
    assert_eq!(disk.faults_met(), 1);
}

#[test]
fn g05_a_rename_that_was_made_but_is_answered_with_an_error_is_recognised_as_ones_own() {
    for error in [SystemError::Exists, SystemError::Io, SystemError::NotFound] {
        let disk = support::disk();
        disk.add_fault(Fault::act_and_fail(Call::RenameNew, error).on_path("*/v1.metadata.json"));
        let outcome = block_on(one_wins(&disk));
        assert!(outcome.is_ok(), "{error:?}: {outcome:?}");
        assert_eq!(disk.faults_met(), 1);
    }
}

/// Nothing more can be known: the call may have happened, or may yet on a server that is slow.
#[test]
fn g05_a_create_without_a_clear_answer_is_unclear_unless_the_file_is_seen_to_be_ones_own() {
    let unanswered = [
        Fault::fail(Call::RenameNew, SystemError::Io).on_path("*/v2.metadata.json"),
        Fault::fail(Call::RenameNew, SystemError::Stale).on_path("*/v2.metadata.json"),
        Fault::act_and_fail(Call::RenameNew, SystemError::Io).on_path("*/v2.metadata.json"),
        Fault::act_and_fail(Call::RenameNew, SystemError::NotFound).on_path("*/v2.metadata.json"),
    ];
    for (which, fault) in unanswered.into_iter().enumerate() {
        block_on(async {
            let (disk, store) = table(Durability::Full).await;
            disk.add_fault(fault);
            disk.add_fault(
                Fault::fail(Call::Metadata, SystemError::Io).on_path("*/v2.metadata.json").for_ever(),
            );
            match create(&store, 2).await {
                Ok(Created::Unclear(error)) => assert!(!error.definitely_not_done(), "{which}: {error}"),
                other => panic!("{which}: {other:?}"),
            }
            check_whole(&disk);
        });
    }
    block_on(async {
        let (disk, store) = table(Durability::Full).await;
        disk.add_fault(Fault::fail(Call::RenameNew, SystemError::Io));
        let outcome = create(&store, 2).await.unwrap();
        assert!(
            matches!(outcome, Created::Unclear(_)),
            "nobody has seen it, and it may yet come: {outcome:?}"
        );
        assert_eq!(temporaries(&disk), [""; 0]);
    });
}

#[test]
fn g05_a_replacement_that_was_made_but_is_answered_with_an_error_is_recognised_as_ones_own() {
    for error in [SystemError::Io, SystemError::NotFound] {
        block_on(async {
            let (disk, store) = table(Durability::Full).await;
            disk.add_fault(Fault::act_and_fail(Call::RenameOver, error));
            put(&store, "data/1.parquet").await.unwrap();
            assert_eq!(disk.faults_met(), 1);
            assert_eq!(check_whole(&disk).len(), 3);
            assert_eq!(temporaries(&disk), [""; 0]);
        });
    }
}

#[test]
fn g06_short_writes_and_interruptions_at_any_call_change_nothing() {
    let faults: [fn(u64) -> Fault; 6] = [
        |n| Fault::short(Call::Write, 1).after(n),
        |n| Fault::short(Call::Write, 7).after(n).for_ever(),
        |n| Fault::fail(Call::Write, SystemError::Interrupted).after(n),
        |n| Fault::fail(Call::Read, SystemError::Interrupted).after(n),
        |n| Fault::short(Call::Read, 3).after(n).for_ever(),
        |n| Fault::fail(Call::Write, SystemError::Interrupted).after(n).times(5),
    ];
    for (which, fault) in faults.into_iter().enumerate() {
        for number in 0.. {
            let met = block_on(async {
                let (disk, store) = table(Durability::Full).await;
                disk.add_fault(fault(number));
                put(&store, "data/1.parquet").await.unwrap();
                assert!(create(&store, 2).await.unwrap().is_yes());
                assert_eq!(support::read(&store, &version_path(2)).await, content(&version_path(2), 50));
                assert_eq!(check_whole(&disk).len(), 4, "{which} {number}");
                check_durable(&disk, &[2], "at the end");
                disk.faults_met() > 0
            });
            if !met {
                assert!(number > 0, "fault {which} was never met");
                break;
            }
        }
    }
}

#[test]
fn g06_a_write_that_takes_nothing_ends_in_an_error_and_not_in_a_loop() {
    block_on(async {
        let (disk, store) = table(Durability::Full).await;
        disk.add_fault(Fault::short(Call::Write, 0).for_ever());
        let error = create(&store, 2).await.unwrap_err();
        assert!(error.definitely_not_done(), "{error}");
        assert_eq!(temporaries(&disk), [""; 0]);
    });
}

#[test]
fn g06_too_many_open_files_at_any_call_is_definite_and_passes() {
    const OPENING: [Call; 6] = [
        Call::CreateFile,
        Call::OpenFile,
        Call::RenameNew,
        Call::SyncFolder,
        Call::ReadFolder,
        Call::Metadata,
    ];
    let steps = at_each_step(
        &OPENING,
        SystemError::TooManyFiles,
        false,
        Durability::Full,
        async |disk, store, told| {
            let outcome = create(store, 2).await;
            let there = check_whole(disk).contains_key(&version_path(2));
            check_outcome(&outcome, there, told);
            assert_eq!(temporaries(disk), [""; 0], "{told}");
            disk.clear_faults();
            if !there {
                assert!(create(store, 2).await.unwrap().is_yes(), "{told}");
            }
        },
    );
    assert!(steps >= 3, "{steps}");
}
