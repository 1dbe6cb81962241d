//! What `TableStore` adds to a call: the same calls on a store in memory, through it and without it.
//!
//! Memory answers in less than a microsecond, so what is measured is ours: checks of paths, counters, the timeout of a request.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashard_io::context::Context;
use datashard_io::{Location, TablePath, TableStore};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use tokio::runtime::Builder;

const SIZE_BYTES: usize = 4 << 10;
/// Names are used again, so that the store stays small.
const NAMES: u64 = 1_000;

fn table(memory: &Arc<InMemory>) -> TableStore {
    let location = Location::parse("memory://bench").unwrap();
    let store: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(memory);
    TableStore::from_object_store(store, "", location, Context::system()).unwrap()
}

/// One name in the types of both sides.
struct Name {
    ours: TablePath,
    bare: Path,
}

fn names() -> Vec<Name> {
    let name = |number| format!("data/file-{number}.bin");
    (0..NAMES)
        .map(|number| Name { ours: TablePath::parse(&name(number)).unwrap(), bare: Path::from(name(number)) })
        .collect()
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Put,
    Get,
    /// Every name is taken: the losing side of a race, in which nothing is stored and nothing grows.
    LosingCreate,
}

/// Time for so many calls through the store.
async fn ours(store: &TableStore, names: &[Name], call: Call, count: u64) -> Duration {
    let bytes = Bytes::from(vec![7; SIZE_BYTES]);
    let begun = Instant::now();
    for (_, name) in (0..count).zip(names.iter().cycle()) {
        match call {
            Call::Put => store.put(&name.ours, bytes.clone()).await.unwrap(),
            Call::Get => drop(black_box(store.read(&name.ours, 1 << 20).await.unwrap())),
            Call::LosingCreate => assert!(!store.create(&name.ours, bytes.clone()).await.unwrap().is_yes()),
        }
    }
    begun.elapsed()
}

/// Time for so many calls without it.
async fn bare(memory: &InMemory, names: &[Name], call: Call, count: u64) -> Duration {
    let bytes = Bytes::from(vec![7; SIZE_BYTES]);
    let begun = Instant::now();
    for (_, name) in (0..count).zip(names.iter().cycle()) {
        match call {
            Call::Put => drop(memory.put(&name.bare, bytes.clone().into()).await.unwrap()),
            Call::Get => drop(black_box(memory.get(&name.bare).await.unwrap().bytes().await.unwrap())),
            Call::LosingCreate => {
                assert!(
                    memory.put_opts(&name.bare, bytes.clone().into(), PutMode::Create.into()).await.is_err()
                );
            }
        }
    }
    begun.elapsed()
}

fn overhead(c: &mut Criterion) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let names: Arc<[Name]> = names().into();
    let memory = Arc::new(InMemory::new());
    let store = table(&memory);
    runtime.block_on(bare(&memory, &names, Call::Put, NAMES));
    for call in [Call::Put, Call::Get, Call::LosingCreate] {
        let mut group = c.benchmark_group(format!("{call:?}"));
        group.throughput(Throughput::Elements(1)).sample_size(20);
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        // In a task, on a thread of the runtime, as calls of users are.
        group.bench_function("ours", |b| {
            b.iter_custom(|count| {
                let (store, names) = (store.clone(), Arc::clone(&names));
                let task = async move { ours(&store, &names, call, count).await };
                runtime.block_on(runtime.spawn(task)).unwrap()
            });
        });
        group.bench_function("bare", |b| {
            b.iter_custom(|count| {
                let (memory, names) = (Arc::clone(&memory), Arc::clone(&names));
                let task = async move { bare(&memory, &names, call, count).await };
                runtime.block_on(runtime.spawn(task)).unwrap()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, overhead);
criterion_main!(benches);
