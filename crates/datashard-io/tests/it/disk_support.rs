//! What the tests of folders on simulated and on real disks share: tables, names, contents, and looks at what is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::context::Context;
use datashard_io::error::StoreError;
use datashard_io::local::SystemFolder;
use datashard_io::local::file_system::FileSystem;
use datashard_io::sim::Simulation;
use datashard_io::sim::disk::SimDisk;
use datashard_io::store::RetryPolicy;
use datashard_io::{Durability, Location, TablePath, TableStore};
use futures_util::TryStreamExt;

thread_local! {
    /// The world of one test: its time does not pass by itself, and its ids are the same each time.
    static SIMULATION: Simulation =
        Simulation::new(1).with_step_limit(u64::MAX).with_time_limit(Duration::from_secs(u64::from(u32::MAX)));
}

/// Runs a future of a test on simulated disks.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    SIMULATION.with(|simulation| simulation.run(future)).unwrap()
}

fn context() -> Context {
    SIMULATION.with(Simulation::context)
}

/// Runs a future of a test on a real disk.
pub(crate) fn block_on_real<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// An empty simulated disk.
pub(crate) fn disk() -> SimDisk {
    SimDisk::new(context().clock)
}

/// A simulated disk on which the table's folder does not exist yet.
pub(crate) fn disk_without_folder() -> SimDisk {
    SimDisk::without_folder(context().clock)
}

/// A table on a simulated disk, as one process sees it. No request is repeated.
pub(crate) fn sim_store(disk: &SimDisk, durability: Durability) -> TableStore {
    store_on(Arc::new(disk.clone()), durability)
}

/// A table on any file system in the world of the test.
pub(crate) fn store_on(fs: Arc<dyn FileSystem>, durability: Durability) -> TableStore {
    let store = TableStore::on_file_system(fs, location(), durability, context()).unwrap();
    store.with_retry(RetryPolicy::none())
}

/// A table on a simulated disk in another world.
pub(crate) fn store_in(disk: &SimDisk, durability: Durability, context: Context) -> TableStore {
    let store = TableStore::on_file_system(Arc::new(disk.clone()), location(), durability, context);
    store.unwrap().with_retry(RetryPolicy::none())
}

/// A table on any file system, in real time.
pub(crate) fn real_store(fs: Arc<dyn FileSystem>, durability: Durability) -> TableStore {
    TableStore::on_file_system(fs, location(), durability, Context::system()).unwrap()
}

/// A folder of this machine.
pub(crate) fn real_file_system(folder: &Path) -> Arc<dyn FileSystem> {
    Arc::new(SystemFolder::open(folder).unwrap())
}

fn location() -> Location {
    Location::parse("/table").unwrap()
}

pub(crate) fn path(file: &str) -> TablePath {
    TablePath::parse(file).unwrap()
}

pub(crate) fn version_path(version: u64) -> String {
    format!("metadata/v{version}.metadata.json")
}

/// The version that a path names.
pub(crate) fn version_of(file: &str) -> Option<u64> {
    file.strip_prefix("metadata/v")?.strip_suffix(".metadata.json")?.parse().ok()
}

/// Bytes that no other file has, without zeros, each part of which differs from the others.
pub(crate) fn content(file: &str, length: usize) -> Bytes {
    let line = format!("{file};");
    let numbered = (1..).flat_map(|n: usize| format!("{n},{line}").into_bytes());
    numbered.take(length).collect()
}

/// Whether a name is one that a write uses before the file is whole.
pub(crate) fn is_temporary(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.starts_with(".datashard-") && name.ends_with(".tmp")
}

/// The temporary files on a disk.
pub(crate) fn temporaries(disk: &SimDisk) -> Vec<String> {
    disk.files().into_keys().filter(|file| is_temporary(file)).collect()
}

/// The files on a disk that are no temporary ones.
pub(crate) fn final_files(disk: &SimDisk) -> BTreeMap<String, Bytes> {
    disk.files().into_iter().filter(|(file, _)| !is_temporary(file)).collect()
}

/// All files below a real folder.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<String, Bytes> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap().into());
            }
        }
    }
    files
}

/// The names that a listing of the whole table gives, in its order.
pub(crate) async fn listed(store: &TableStore) -> Vec<String> {
    store.list(None, None).map_ok(|file| file.path.to_string()).try_collect().await.unwrap()
}

pub(crate) async fn read(store: &TableStore, file: &str) -> Bytes {
    store.read(&path(file), 1 << 20).await.unwrap()
}

/// The content of a file, if it exists.
pub(crate) async fn try_read(store: &TableStore, file: &str) -> Option<Bytes> {
    match store.read(&path(file), 1 << 20).await {
        Ok(bytes) => Some(bytes),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => panic!("{file}: {error}"),
    }
}

/// Writes several files at once.
pub(crate) async fn put_all(store: &TableStore, files: &[(String, Bytes)]) -> Result<(), StoreError> {
    store.put_all(files.iter().map(|(file, bytes)| (path(file), bytes.clone())).collect()).await
}
