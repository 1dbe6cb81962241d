//! A small table on a simulated disk, and faults put at each call of what is done with it.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::error::StoreError;
use datashard_io::sim::disk::{Call, Fault, Left, SimDisk, SystemError};
use datashard_io::{Created, Durability, TableStore};

use crate::disk_support::{self as support, block_on, content, final_files, path, sim_store, version_path};

/// A table with one version, its store, and what is on the disk.
pub(crate) async fn table(durability: Durability) -> (SimDisk, TableStore) {
    let disk = support::disk();
    let store = sim_store(&disk, durability);
    put(&store, "data/0.parquet").await.unwrap();
    assert!(create(&store, 1).await.unwrap().is_yes());
    disk.settle();
    (disk, store)
}

pub(crate) async fn put(store: &TableStore, file: &str) -> Result<(), StoreError> {
    store.put(&path(file), content(file, 50)).await
}

pub(crate) async fn create(store: &TableStore, version: u64) -> Result<Created, StoreError> {
    let file = version_path(version);
    store.create(&path(&file), content(&file, 50)).await
}

/// The files under final names are whole, every one.
pub(crate) fn check_whole(disk: &SimDisk) -> BTreeMap<String, Bytes> {
    let files = final_files(disk);
    for (file, bytes) in &files {
        assert_eq!(*bytes, content(file, bytes.len()), "{file}");
        assert_eq!(bytes.len(), 50, "{file} is torn");
    }
    files
}

/// Runs an operation on new tables, with a fault at the first of the calls it may hit, the second, and so on, until none is met. Returns
/// how often it was met.
pub(crate) fn at_each_step(
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
pub(crate) fn check_outcome(outcome: &Result<Created, StoreError>, there: bool, told: &str) {
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

/// Versions are there whatever a loss of power takes.
pub(crate) fn check_durable(disk: &SimDisk, versions: &[u64], told: &str) {
    let left = disk.after_power_loss(disk.steps().len(), Left::OnlyFlushed).files();
    for version in versions {
        let file = version_path(*version);
        assert_eq!(left.get(&file), Some(&content(&file, 50)), "{told}");
    }
}
