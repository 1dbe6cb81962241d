//! In which order a folder flushes: shown by the record of a simulated disk.

use datashard_io::Durability;
use datashard_io::sim::disk::{Call, RenameNew, SimDisk, Step};

use crate::disk_support::{
    self as support, block_on, content, disk_without_folder, path, sim_store, version_path,
};

/// The steps since the record was started, without those that only look, and with temporary files called `TEMP`.
fn done(disk: &SimDisk) -> Vec<String> {
    let looking = [Call::Metadata, Call::IsInPlace, Call::OpenFile, Call::Read, Call::ReadFolder];
    let steps = disk.steps();
    let changing = steps.iter().filter(|step| !looking.contains(&step.call));
    changing.map(|step| without_id(&step.to_string())).collect()
}

fn without_id(step: &str) -> String {
    let words = step.split(' ').map(|word| {
        let (word, comma) = word.strip_suffix(',').map_or((word, ""), |word| (word, ","));
        match word.rsplit_once('/') {
            _ if !support::is_temporary(word) => format!("{word}{comma}"),
            Some((folder, _)) => format!("{folder}/TEMP{comma}"),
            None => format!("TEMP{comma}"),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A table that has its first version, and nothing in doubt.
fn settled(abilities: impl FnOnce(&SimDisk)) -> (SimDisk, datashard_io::TableStore) {
    let disk = support::disk();
    abilities(&disk);
    let store = sim_store(&disk, Durability::Full);
    block_on(async {
        store.put(&path("metadata/m1.avro"), content("m", 10)).await.unwrap();
        assert!(store.create(&path(&version_path(1)), content("v", 10)).await.unwrap().is_yes());
    });
    disk.settle();
    (disk, store)
}

#[test]
fn fsync_order_of_a_create_is_file_and_folder_then_rename_then_folder() {
    let (disk, store) = settled(|_| {});
    assert!(block_on(store.create(&path(&version_path(2)), content("v", 30))).unwrap().is_yes());
    assert_eq!(
        done(&disk),
        [
            "create metadata/TEMP",
            "write metadata/TEMP, 30 bytes",
            "sync metadata/TEMP",
            "sync folder metadata",
            "rename metadata/TEMP to metadata/v2.metadata.json",
            "sync folder metadata",
        ]
    );
}

#[test]
fn fsync_order_of_a_create_by_link_is_the_same_with_the_temporary_removed_before_the_last() {
    let (disk, store) = settled(|disk| disk.set_abilities(|a| a.rename_new = RenameNew::Missing));
    assert!(block_on(store.create(&path(&version_path(2)), content("v", 30))).unwrap().is_yes());
    assert_eq!(
        done(&disk),
        [
            "create metadata/TEMP",
            "write metadata/TEMP, 30 bytes",
            "sync metadata/TEMP",
            "sync folder metadata",
            "link metadata/TEMP to metadata/v2.metadata.json",
            "remove metadata/TEMP",
            "sync folder metadata",
        ]
    );
}

#[test]
fn a_create_that_loses_flushes_what_it_lost_to_and_leaves_nothing() {
    let (disk, store) = settled(|_| {});
    let other = sim_store(&disk.process(1), Durability::Full);
    assert!(block_on(store.create(&path(&version_path(2)), content("v", 30))).unwrap().is_yes());
    disk.settle();
    assert!(!block_on(other.create(&path(&version_path(2)), content("w", 30))).unwrap().is_yes());
    let done = done(&disk);
    assert_eq!(done.last().map(String::as_str), Some("remove metadata/TEMP"), "{done:?}");
    assert_eq!(support::temporaries(&disk), [""; 0]);
}

#[test]
fn a_put_flushes_the_file_then_renames_then_flushes_the_folder() {
    let (disk, store) = settled(|_| {});
    block_on(store.put(&path("metadata/m2.avro"), content("m", 30))).unwrap();
    assert_eq!(
        done(&disk),
        [
            "create metadata/TEMP",
            "write metadata/TEMP, 30 bytes",
            "sync metadata/TEMP",
            "rename over metadata/TEMP to metadata/m2.avro",
            "sync folder metadata",
        ]
    );
}

/// Whether one step comes before another, the last time each is done.
fn is_before(steps: &[String], one: &str, other: &str) -> bool {
    let at = |wanted: &str| steps.iter().rposition(|step| step == wanted);
    at(one).is_some() && at(one) < at(other)
}

#[test]
fn new_folders_are_flushed_in_their_parents_up_to_the_table_itself_before_the_file_has_its_name() {
    let disk = disk_without_folder();
    let store = sim_store(&disk, Durability::Full);
    block_on(store.put(&path("data/a=1/b=2/f.parquet"), content("f", 30))).unwrap();
    let done = done(&disk);
    let rename = "rename over data/a=1/b=2/TEMP to data/a=1/b=2/f.parquet";
    for (made, flushed) in [
        ("create folder .", "sync above ."),
        ("create folder data", "sync folder ."),
        ("create folder data/a=1", "sync folder data"),
        ("create folder data/a=1/b=2", "sync folder data/a=1"),
    ] {
        assert!(is_before(&done, made, flushed), "{made}, {flushed}: {done:#?}");
        assert!(is_before(&done, flushed, rename), "{flushed}: {done:#?}");
    }
    assert_eq!(done.last().map(String::as_str), Some("sync folder data/a=1/b=2"));
}

#[test]
fn folders_that_somebody_else_made_are_flushed_once_by_everybody_who_writes_in_them() {
    let disk = support::disk();
    for process in 0..2 {
        // The first may have lost its power before it flushed them, for all the second knows.
        let store = sim_store(&disk.process(process), Durability::Full);
        for file in ["data/a=1/f", "data/a=1/g"] {
            block_on(store.put(&path(&format!("{file}{process}")), content("f", 30))).unwrap();
        }
    }
    let steps = disk.steps();
    let flushes = |process, folder: &str| {
        let ours =
            |step: &&Step| step.process == process && step.call == Call::SyncFolder && step.path == folder;
        steps.iter().filter(ours).count()
    };
    for process in 0..2 {
        assert_eq!((flushes(process, ""), flushes(process, "data")), (1, 1), "process {process}");
    }
}

#[test]
fn without_durability_nothing_is_flushed() {
    let disk = support::disk();
    let store = sim_store(&disk, Durability::None);
    block_on(async {
        store.put(&path("data/f"), content("f", 30)).await.unwrap();
        assert!(store.create(&path(&version_path(1)), content("v", 30)).await.unwrap().is_yes());
    });
    let flushes = [Call::SyncFile, Call::SyncFolder, Call::SyncAbove];
    assert!(disk.steps().iter().all(|step| !flushes.contains(&step.call)));
}

#[test]
fn reading_and_listing_write_nothing_and_flush_nothing() {
    let (disk, _) = settled(|_| {});
    let store = sim_store(&disk, Durability::Full);
    block_on(async {
        assert_eq!(support::listed(&store).await.len(), 2);
        support::read(&store, &version_path(1)).await;
        assert_eq!(support::try_read(&store, &version_path(2)).await, None);
    });
    assert_eq!(done(&disk), [""; 0]);
}
