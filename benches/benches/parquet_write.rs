//! Parquet files by a table's writer (metrics, checksums, a hash, rows checked) against the bare writer of the Parquet crate with the same
//! settings and the same rows: ten million rows of eight columns, and a table of 200 columns. Prints rows per second and the ratio.
//!
//! Both write files into one folder, in memory where the system has such a one, without flushing them. Runs take turns, and each side's best
//! counts, in CPU time of the process (all of its threads), where what else the machine does matters little, and on the clock.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and measures time"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use datashard_benches::rows;
use datashard_io::arrow::schema_to_arrow;
use datashard_io::context::Context;
use datashard_io::store::Durability;
use datashard_io::write::{TableWriter, WriteOptions};
use datashard_io::{StoreOptions, TableStore};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::FileContent;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::TableProperties;
use datashard_spec::schema::Schema;
use datashard_spec::sort_order::SortOrder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const ROUNDS: usize = 5;
const BATCH_ROWS: usize = 65_536;

fn main() {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    for codec in ["uncompressed", "zstd"] {
        compare("8 columns", codec, &rows::mixed_schema(), rows, rows::mixed_columns);
        compare("200 columns", codec, &rows::wide_schema(), rows / 50, rows::wide_columns);
    }
}

fn compare(
    name: &str,
    codec: &str,
    schema: &Arc<Schema>,
    rows: usize,
    make: fn(u64, usize) -> Vec<ArrayRef>,
) {
    let arrow = schema_to_arrow(schema).unwrap();
    let batches: Vec<RecordBatch> = (0..rows)
        .step_by(BATCH_ROWS)
        .map(|from| {
            let columns = make(u64::try_from(from).unwrap(), BATCH_ROWS.min(rows - from));
            RecordBatch::try_new(Arc::clone(&arrow), columns).unwrap()
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut ours, mut bare) = (Turn::MAX, Turn::MAX);
    let (mut our_bytes, mut bare_bytes) = (0, 0);
    let shared = Path::new("/dev/shm");
    let root = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir_in(&root).unwrap();
        let start = Turn::now();
        our_bytes = runtime.block_on(write_table(folder.path(), schema, &batches, codec));
        ours = ours.best(start);
        let folder = tempfile::tempdir_in(&root).unwrap();
        let start = Turn::now();
        bare_bytes = write_bare(folder.path(), &arrow, &batches, codec);
        bare = bare.best(start);
    }
    let speed = |time: Duration| f64::from(u32::try_from(rows).unwrap()) / time.as_secs_f64() / 1e6;
    println!(
        "{name}, {codec}: ours {:.2} M rows/s, {our_bytes} bytes; bare {:.2} M rows/s, {bare_bytes} bytes; ratio {:.2} on the clock, {:.2} of CPU time",
        speed(ours.clock),
        speed(bare.clock),
        bare.clock.as_secs_f64() / ours.clock.as_secs_f64(),
        bare.cpu.as_secs_f64() / ours.cpu.as_secs_f64()
    );
}

/// What a turn takes: on the clock, and of CPU time.
#[derive(Clone, Copy)]
struct Turn {
    clock: Duration,
    cpu: Duration,
}

impl Turn {
    const MAX: Self = Self { clock: Duration::MAX, cpu: Duration::MAX };

    fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let clock = Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap());
        Self { clock, cpu: cpu_time() }
    }

    fn best(self, start: Self) -> Self {
        let now = Self::now();
        Self { clock: self.clock.min(now.clock - start.clock), cpu: self.cpu.min(now.cpu - start.cpu) }
    }
}

/// CPU time that this process has taken.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

async fn write_table(folder: &Path, schema: &Arc<Schema>, batches: &[RecordBatch], codec: &str) -> u64 {
    let options = StoreOptions::new().with_durability(Durability::None);
    let store = TableStore::open(folder.join("table").to_str().unwrap(), options).await.unwrap();
    let properties = BTreeMap::from([("write.parquet.compression-codec".to_owned(), codec.to_owned())]);
    let properties = TableProperties::new(&properties);
    let (options, warnings) =
        WriteOptions::from_properties(schema, &SortOrder::unsorted(), properties, FileContent::Data).unwrap();
    assert!(warnings.is_empty());
    let options = options.with_target_file_size_bytes(u64::MAX);
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    let mut writer = TableWriter::new(&store, schema, &spec, &options, &Context::system()).unwrap();
    for batch in batches {
        writer.write(batch).await.unwrap();
    }
    let written = writer.finish().await.unwrap();
    assert_eq!(written.files.len(), 1);
    written.size_bytes
}

/// The settings that the properties of a table without any come to.
fn write_bare(folder: &Path, arrow: &SchemaRef, batches: &[RecordBatch], codec: &str) -> u64 {
    let compression =
        if codec == "zstd" { Compression::ZSTD(ZstdLevel::default()) } else { Compression::UNCOMPRESSED };
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_page_size_limit(2 << 20)
        .set_max_row_group_row_count(None)
        .set_max_row_group_bytes(Some(128 << 20))
        .build();
    let mut writer =
        ArrowWriter::try_new(File::create(folder.join("bare")).unwrap(), Arc::clone(arrow), Some(properties))
            .unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap().metadata().unwrap().len()
}
