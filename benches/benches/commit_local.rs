//! Commits of one writer to a table in a folder, against the same files written by plain calls of the file system.
//!
//! A commit is a small append on a warm handle. The plain side writes the very bytes that ours wrote, and does what a commit has to do: data
//! file, manifest and manifest list under temporary names, flushed, renamed; the metadata under a temporary name, flushed; both folders
//! flushed; a look whether the next version is there; the metadata renamed unless its name is taken; its folder flushed. Without durability
//! the flushes are left out. It does so on the thread that asks, one step after another, and makes nothing: no metadata, no Avro.
//! Both sides take turns, so that a busy machine is busy for both.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datashard_io::{Durability, StoreOptions, TablePath, TableStore};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_txn::action::{Append, CreateTable};
use datashard_txn::{Background, CommitOptions, Committer, epoch};
use futures_util::future::BoxFuture;
use rustix::fs::{CWD, RenameFlags};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Bytes of a data file.
const DATA_BYTES: usize = 4 << 10;
/// Rounds of which the ratio is the median.
const ROUNDS: usize = 9;
/// A file system in memory, where there is one.
const MEMORY: &str = "/dev/shm";

/// The hint, which no caller waits for, is left out on both sides.
#[derive(Debug)]
struct Nobody;

impl Background for Nobody {
    fn run(&self, work: BoxFuture<'static, ()>) {
        drop(work);
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    root: &'static str,
    durability: Durability,
    /// Commits that the table has before; the newest 100 snapshots stay in its metadata.
    before: usize,
}

impl Case {
    fn commits(&self) -> usize {
        if self.durability == Durability::Full { 40 } else { 150 }
    }
}

fn append(committer: &Committer, number: usize) -> Append {
    let epoch = epoch::prefix(committer.base().unwrap().version);
    let path = TablePath::parse(&format!("data/{epoch}{number}.parquet")).unwrap();
    let location = committer.store().location().file(&path);
    let file = DataFile::new(location, FileFormat::Parquet, 100, i64::try_from(DATA_BYTES).unwrap());
    let bytes = Bytes::from(vec![7; DATA_BYTES]);
    Append::new(SchemaId(0)).with_unwritten_file(PartitionSpecId(0), file, path, bytes)
}

/// A table with a past, opened anew.
async fn table(folder: &Path, case: Case) -> Committer {
    let url = folder.join("table");
    let options = CommitOptions::default().with_background(Arc::new(Nobody));
    let open = async |durability| {
        TableStore::open(url.to_str().unwrap(), StoreOptions::new().with_durability(durability))
            .await
            .unwrap()
    };
    let schema = Schema::new(vec![NestedField::required(1, "row", PrimitiveType::String)]).unwrap();
    let table = CreateTable::new(schema).with_property("datashard.snapshot.retention-count", "100");
    let (committer, _) =
        Committer::create(open(Durability::None).await, table, options.clone()).await.unwrap();
    for number in 0..case.before {
        committer.append(append(&committer, number)).await.unwrap();
    }
    committer.store().flush().await.unwrap();
    let committer = Committer::open(open(case.durability).await, options).await.unwrap();
    // Warm: what happens once for each handle is over.
    committer.append(append(&committer, case.before)).await.unwrap();
    committer
}

/// Time for the commits.
fn ours(runtime: &Runtime, case: Case) -> Duration {
    let dir = tempfile::tempdir_in(case.root).unwrap();
    let folder = dir.path().to_owned();
    let work = async move {
        let committer = table(&folder, case).await;
        let begun = Instant::now();
        for number in 0..case.commits() {
            committer.append(append(&committer, case.before + 1 + number)).await.unwrap();
        }
        begun.elapsed()
    };
    runtime.block_on(runtime.spawn(work)).unwrap()
}

/// The files of one commit: data, manifests and manifest list, and the metadata.
struct Written {
    children: Vec<(PathBuf, Vec<u8>)>,
    metadata: (PathBuf, Vec<u8>),
}

fn names(folder: &Path) -> BTreeSet<PathBuf> {
    let below = ["data", "metadata"].map(|name| std::fs::read_dir(folder.join(name)).unwrap());
    below.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

/// What the commits of a case write, by doing them.
fn record(runtime: &Runtime, case: Case) -> Vec<Written> {
    let dir: TempDir = tempfile::tempdir_in(case.root).unwrap();
    let folder = dir.path().to_owned();
    runtime.block_on(async move {
        let committer = table(&folder, case).await;
        let root = folder.join("table");
        let mut written = Vec::new();
        let mut before = names(&root);
        for number in 0..case.commits() {
            committer.append(append(&committer, case.before + 1 + number)).await.unwrap();
            let now = names(&root);
            let mut files = now.difference(&before).map(|path| {
                let below = path.strip_prefix(&root).unwrap().to_owned();
                (below, std::fs::read(path).unwrap())
            });
            let (metadata, children): (Vec<_>, Vec<_>) =
                files.by_ref().partition(|(path, _)| path.extension().unwrap() == "json");
            written.push(Written { children, metadata: metadata.into_iter().next().unwrap() });
            before = now;
        }
        written
    })
}

/// Time for the same by plain calls.
fn plain(case: Case, commits: &[Written]) -> Duration {
    let dir = tempfile::tempdir_in(case.root).unwrap();
    let folder = dir.path();
    let folders = ["data", "metadata"].map(|name| folder.join(name));
    folders.iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    let flushes = case.durability == Durability::Full;
    let flush = |folder: &Path| {
        if flushes {
            File::open(folder).unwrap().sync_all().unwrap();
        }
    };
    let write = |path: &Path, bytes: &[u8]| {
        let temporary = folder.join(path).with_extension("tmp");
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary).unwrap();
        file.write_all(bytes).unwrap();
        if flushes {
            file.sync_all().unwrap();
        }
        temporary
    };
    let begun = Instant::now();
    for commit in commits {
        for (path, bytes) in &commit.children {
            std::fs::rename(write(path, bytes), folder.join(path)).unwrap();
        }
        let (path, bytes) = &commit.metadata;
        let (temporary, name) = (write(path, bytes), folder.join(path));
        folders.iter().for_each(|folder| flush(folder));
        assert!(File::open(&name).is_err(), "nobody was faster");
        rustix::fs::renameat_with(CWD, &temporary, CWD, &name, RenameFlags::NOREPLACE).unwrap();
        flush(&folders[1]);
    }
    begun.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let disk = env!("CARGO_TARGET_TMPDIR");
    let mut cases = Vec::new();
    for before in [5, 110] {
        cases.push(("disk, full", Case { root: disk, durability: Durability::Full, before }));
        cases.push(("disk, none", Case { root: disk, durability: Durability::None, before }));
        if Path::new(MEMORY).is_dir() {
            cases.push(("memory, none", Case { root: MEMORY, durability: Durability::None, before }));
        }
    }
    for (name, case) in cases {
        let recorded = record(&runtime, case);
        let commits = f64::from(u32::try_from(recorded.len()).unwrap());
        let bytes: usize = recorded.iter().map(|commit| commit.metadata.1.len()).sum();
        let (mut us, mut ratios) = ([const { Vec::new() }; 2], Vec::new());
        for _ in 0..ROUNDS {
            let times = [ours(&runtime, case), plain(case, &recorded)];
            let [ours, plain] = times.map(|time| time.as_secs_f64() * 1e6 / commits);
            ratios.push(ours / plain);
            us[0].push(ours);
            us[1].push(plain);
        }
        let [ours, plain] = us.map(median);
        eprintln!(
            "commit/{name}/{} snapshots, {} KB of metadata: ours {ours:.0} us, plain {plain:.0} us, ours / plain {:.2}",
            case.before.min(100),
            bytes / recorded.len() / 1_000,
            median(ratios)
        );
    }
}
