//! Disks that cannot do what is asked of them, do half of it, or do it and say that they did not: rows G4 to G6 of the failure
//! catalogue.

use bytes::Bytes;
use datashard_io::error::StoreError;
use datashard_io::sim::disk::{Call, Fault, RenameNew, SimDisk, SystemError};
use datashard_io::{Created, Durability};
use datashard_spec::error::ErrorKind;

use crate::disk_fault_support::{
    at_each_step, check_durable, check_outcome, check_whole, create, put, table,
};
use crate::disk_support::{
    self as support, block_on, content, final_files, path, sim_store, temporaries, version_path,
};

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
