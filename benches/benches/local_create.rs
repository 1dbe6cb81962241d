//! Creating small files in a folder through `TableStore::create`, against the same steps by plain calls of the file system.
//!
//! The steps: open a temporary file that must not exist, write, close, rename unless the new name is taken; with fsync also flush
//! the file before, and the folder before and after the rename. Ours runs as it does for users: on a runtime with several threads,
//! which hands blocking calls to others. Both sides take turns, round by round, so that a busy machine is busy for both.
//!
//! On a disk the file system takes most of the time of both. Where the system has a file system in memory, the ratio is taken there
//! too: it is the largest that a user can see.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashard_io::{Durability, StoreOptions, TablePath, TableStore};
use rustix::fs::{CWD, RenameFlags};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const SIZES_BYTES: [usize; 2] = [4 << 10, 64 << 10];
/// Rounds of which the ratio is the median.
const ROUNDS: usize = 15;
/// A file system in memory, where there is one.
const MEMORY: &str = "/dev/shm";

/// Where both sides write, in folders of their own, and how.
#[derive(Debug, Clone)]
struct Case {
    root: PathBuf,
    bytes: Bytes,
    durability: Durability,
}

impl Case {
    /// Files per round: enough to measure, few enough that a folder stays small.
    fn files(&self) -> u64 {
        if self.durability == Durability::Full { 40 } else { 500 }
    }

    /// A new folder.
    fn folder(&self) -> TempDir {
        tempfile::tempdir_in(&self.root).unwrap()
    }
}

fn path(number: u64) -> TablePath {
    TablePath::parse(&format!("data/file-{number}.bin")).unwrap()
}

/// Time for `count` files through the store. What happens once per folder happens before.
fn ours(runtime: &Runtime, case: &Case, count: u64) -> Duration {
    let dir = case.folder();
    let options = StoreOptions::new().with_durability(case.durability);
    let store = runtime.block_on(TableStore::open(dir.path().to_str().unwrap(), options)).unwrap();
    let bytes = case.bytes.clone();
    let work = async move {
        assert!(store.create(&path(count), bytes.clone()).await.unwrap().is_yes());
        let begun = Instant::now();
        for number in 0..count {
            assert!(store.create(&path(number), bytes.clone()).await.unwrap().is_yes());
        }
        begun.elapsed()
    };
    runtime.block_on(runtime.spawn(work)).unwrap()
}

/// Time for the same by plain calls on the thread that asks.
fn plain(case: &Case, count: u64) -> Duration {
    let dir = case.folder();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    plain_create(&data, count, case);
    let begun = Instant::now();
    for number in 0..count {
        plain_create(&data, number, case);
    }
    begun.elapsed()
}

/// The same, each file by a task of its own on the threads for blocking calls: what any async program pays.
fn plain_on_pool(runtime: &Runtime, case: &Case, count: u64) -> Duration {
    let dir = case.folder();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let case = Arc::new(case.clone());
    let work = async move {
        let begun = Instant::now();
        for number in 0..count {
            let (case, data) = (Arc::clone(&case), data.clone());
            tokio::task::spawn_blocking(move || plain_create(&data, number, &case)).await.unwrap();
        }
        begun.elapsed()
    };
    runtime.block_on(runtime.spawn(work)).unwrap()
}

fn plain_create(folder: &Path, number: u64, case: &Case) {
    let temporary: PathBuf = folder.join(format!(".temporary-{number}"));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary).unwrap();
    file.write_all(&case.bytes).unwrap();
    let flush_folder = || {
        if case.durability == Durability::Full {
            File::open(folder).unwrap().sync_all().unwrap();
        }
    };
    if case.durability == Durability::Full {
        file.sync_all().unwrap();
    }
    flush_folder();
    let name = folder.join(format!("file-{number}.bin"));
    rustix::fs::renameat_with(CWD, &temporary, CWD, &name, RenameFlags::NOREPLACE).unwrap();
    drop(file);
    flush_folder();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the medians of one file in microseconds and of the ratios, round by round.
fn ratios(runtime: &Runtime, case: &Case, name: &str) {
    let count = case.files();
    let per_file = |time: Duration| {
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a few hundred")]
        let files = count as f64;
        time.as_secs_f64() * 1e6 / files
    };
    let (mut us, mut to_plain, mut to_pool) = ([const { Vec::new() }; 3], Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let times = [
            per_file(ours(runtime, case, count)),
            per_file(plain(case, count)),
            per_file(plain_on_pool(runtime, case, count)),
        ];
        to_plain.push(times[0] / times[1]);
        to_pool.push(times[0] / times[2]);
        for (all, time) in us.iter_mut().zip(times) {
            all.push(time);
        }
    }
    let [ours, plain, pool] = us.map(median);
    eprintln!(
        "{name}: ours {ours:.1} us, plain {plain:.1} us, plain on the pool {pool:.1} us; \
         ours / plain {:.2}, ours / plain on the pool {:.2}",
        median(to_plain),
        median(to_pool)
    );
}

fn create(c: &mut Criterion) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut places =
        vec![("disk, no fsync", disk, Durability::None), ("disk, fsync", disk, Durability::Full)];
    if Path::new(MEMORY).is_dir() {
        places.push(("memory, no fsync", Path::new(MEMORY), Durability::None));
    }
    for (what, root, durability) in places {
        for size in SIZES_BYTES {
            let case = Case { root: root.to_owned(), bytes: Bytes::from(vec![7; size]), durability };
            let name = format!("create/{what}/{} KiB", size / 1024);
            ratios(&runtime, &case, &name);
            let mut group = c.benchmark_group(&name);
            group.throughput(Throughput::Elements(1)).sample_size(10);
            group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
            group.bench_function("ours", |b| b.iter_custom(|count| ours(&runtime, &case, count)));
            group.bench_function("plain", |b| b.iter_custom(|count| plain(&case, count)));
            group.bench_function("plain on the pool", |b| {
                b.iter_custom(|count| plain_on_pool(&runtime, &case, count));
            });
            group.finish();
        }
    }
}

criterion_group!(benches, create);
criterion_main!(benches);
