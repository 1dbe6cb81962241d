//! Commits of one writer to a table in a folder, against the same files written by plain calls of the file system.
//!
//! A commit is a small append on a warm handle. The plain side writes the very bytes that ours wrote, and does what a commit has to do: data
//! file, manifest and manifest list under temporary names, flushed, renamed; the metadata under a temporary name, flushed; both folders
//! flushed; a look whether the next version is there; the metadata renamed unless its name is taken; its folder flushed. Without durability
//! the flushes are left out. It does so on the thread that asks, one step after another, and makes nothing: no metadata, no Avro. With
//! durability it is also done as well as plain calls can: each file written and flushed on a thread of its own, both folders at once.
//! Both sides take turns, commit by commit, so that a busy machine is busy for both; medians are told.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![allow(clippy::arithmetic_side_effects, reason = "a benchmark stops at the first surprise")]

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
use tokio::runtime::Builder;

/// Bytes of a data file.
const DATA_BYTES: usize = 4 << 10;
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
        if self.durability == Durability::Full { 150 } else { 300 }
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

/// The files of one commit: data, manifests and manifest list, and the metadata.
struct Written {
    children: Vec<(PathBuf, Vec<u8>)>,
    metadata: (PathBuf, Vec<u8>),
}

fn names(folder: &Path) -> BTreeSet<PathBuf> {
    let below = ["data", "metadata"].map(|name| std::fs::read_dir(folder.join(name)).unwrap());
    below.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

/// Whether the flushes of one commit wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flushes {
    OneByOne,
    AtOnce,
}

/// Folders for the plain side, and how it writes there.
struct Plain {
    dir: TempDir,
    flushes: bool,
    order: Flushes,
}

impl Plain {
    fn new(case: Case, order: Flushes) -> Self {
        let dir = tempfile::tempdir_in(case.root).unwrap();
        ["data", "metadata"].iter().for_each(|name| std::fs::create_dir(dir.path().join(name)).unwrap());
        Self { dir, flushes: case.durability == Durability::Full, order }
    }

    fn flush(&self, folder: &str) {
        if self.flushes {
            File::open(self.dir.path().join(folder)).unwrap().sync_all().unwrap();
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> PathBuf {
        let temporary = self.dir.path().join(path).with_extension("tmp");
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary).unwrap();
        file.write_all(bytes).unwrap();
        if self.flushes {
            file.sync_all().unwrap();
        }
        temporary
    }

    fn place(&self, (path, bytes): &(PathBuf, Vec<u8>)) {
        std::fs::rename(self.write(path, bytes), self.dir.path().join(path)).unwrap();
    }

    /// Time for one commit.
    fn commit(&self, commit: &Written) -> Duration {
        let (path, bytes) = &commit.metadata;
        let name = self.dir.path().join(path);
        let begun = Instant::now();
        let temporary = match self.order {
            Flushes::OneByOne => {
                commit.children.iter().for_each(|child| self.place(child));
                let temporary = self.write(path, bytes);
                self.flush("data");
                self.flush("metadata");
                temporary
            }
            Flushes::AtOnce => {
                let temporary = std::thread::scope(|scope| {
                    for child in &commit.children {
                        scope.spawn(|| self.place(child));
                    }
                    self.write(path, bytes)
                });
                std::thread::scope(|scope| {
                    scope.spawn(|| self.flush("data"));
                    self.flush("metadata");
                });
                temporary
            }
        };
        assert!(File::open(&name).is_err(), "nobody was faster");
        rustix::fs::renameat_with(CWD, &temporary, CWD, &name, RenameFlags::NOREPLACE).unwrap();
        self.flush("metadata");
        begun.elapsed()
    }
}

/// Times of commits, of the same by plain calls, and of the same with all flushes at once; and bytes of metadata on average.
async fn measure(case: Case) -> ([Vec<f64>; 3], usize) {
    let dir: TempDir = tempfile::tempdir_in(case.root).unwrap();
    let committer = table(dir.path(), case).await;
    let root = dir.path().join("table");
    let plain = [Flushes::OneByOne, Flushes::AtOnce].map(|order| Plain::new(case, order));
    let (mut times, mut bytes) = ([const { Vec::new() }; 3], 0);
    let mut before = names(&root);
    for number in 0..case.commits() {
        let append = append(&committer, case.before + 1 + number);
        let begun = Instant::now();
        committer.append(append).await.unwrap();
        let ours = begun.elapsed();

        let now = names(&root);
        let files = now.difference(&before).map(|path| {
            let below = path.strip_prefix(&root).unwrap().to_owned();
            (below, std::fs::read(path).unwrap())
        });
        let (metadata, children): (Vec<_>, Vec<_>) =
            files.partition(|(path, _)| path.extension().unwrap() == "json");
        let written = Written { children, metadata: metadata.into_iter().next().unwrap() };
        before = now;
        bytes += written.metadata.1.len();
        let [plain, at_once] = [&plain[0], &plain[1]].map(|plain| plain.commit(&written));
        for (all, time) in times.iter_mut().zip([ours, plain, at_once]) {
            all.push(time.as_secs_f64() * 1e6);
        }
    }
    (times, bytes / case.commits())
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
    // Cargo adds an option of its own.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    for (name, case) in cases {
        if wanted.as_ref().is_some_and(|wanted| !name.contains(wanted.as_str())) {
            continue;
        }
        let (times, bytes) = runtime.block_on(runtime.spawn(measure(case))).unwrap();
        let [ours, plain, at_once] = times.map(median);
        let (snapshots, kilobytes) = (case.before.min(100), bytes / 1_000);
        eprintln!(
            "commit/{name}/{snapshots} snapshots, {kilobytes} KB of metadata: ours {ours:.0} us, plain {plain:.0} us, \
             plain at once {at_once:.0} us; ours / plain {:.2}, ours / plain at once {:.2}",
            ours / plain,
            ours / at_once
        );
    }
}
