//! Disks that are full, read-only, or broken: rows G1 to G3 of the failure catalogue.
//!
//! A fault is put at the first call of an operation, then at the second, and so on until the operation ends without meeting it.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::error::StoreError;
use datashard_io::sim::disk::{Call, Left, SystemError};
use datashard_io::{Created, Durability};
use datashard_spec::error::ErrorKind;

use crate::disk_fault_support::{
    at_each_step, check_durable, check_outcome, check_whole, create, put, table,
};
use crate::disk_support::{
    self as support, block_on, content, final_files, path, sim_store, temporaries, version_path,
};

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
