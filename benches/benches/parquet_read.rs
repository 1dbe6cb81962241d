//! Parquet files read as a table's rows (field ids, checks of every page and chunk, row positions) against the bare reader of the Parquet
//! crate on the same file: ten million rows of eight columns, and a table of 200 columns; all columns, two of them, one row in a thousand.
//! Prints rows per second and the ratio. `ROWS` sets the number of rows; 100,000 are a quick look.
//!
//! Runs take turns, and each side's best counts, as other work on the machine only ever slows down.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and measures time"
)]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, SchemaRef};
use datashard_benches::rows;
use datashard_io::arrow::schema_to_arrow;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{InputFile, StoreOptions, TablePath, TableStore};
use datashard_spec::expr::Predicate;
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::Schema;
use futures_util::TryStreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const ROUNDS: usize = 5;
const BATCH_ROWS: usize = 8_192;

fn main() {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    let folder = tempfile::tempdir().unwrap();
    compare(folder.path(), "8 columns", &rows::mixed_schema(), rows, rows::mixed_columns, 0);
    compare(folder.path(), "200 columns", &rows::wide_schema(), rows / 50, rows::wide_columns, 0);
}

/// What is read: these columns, all if none, and rows whose first column is below a limit.
#[derive(Clone, Copy)]
struct Wanted {
    columns: &'static [usize],
    below: Option<i64>,
}

fn compare(
    folder: &Path,
    name: &str,
    schema: &Arc<Schema>,
    rows: usize,
    make: fn(u64, usize) -> Vec<ArrayRef>,
    filtered: usize,
) {
    std::fs::create_dir_all(folder.join("data")).unwrap();
    let path = folder.join("data/0.parquet");
    write(&path, &schema_to_arrow(schema).unwrap(), rows, make);
    let limit = i64::try_from(rows / 1_000).unwrap();
    let cases = [
        ("all columns", Wanted { columns: &[], below: None }),
        ("2 columns", Wanted { columns: &[0, 2], below: None }),
        ("1 row in 1,000", Wanted { columns: &[], below: Some(limit) }),
    ];
    for (case, wanted) in cases {
        for threads in [1_usize, 2] {
            let (mut ours, mut bare) = (Cost::MAX, Cost::MAX);
            let (mut our_rows, mut bare_rows) = (0, 0);
            for _ in 0..ROUNDS {
                our_rows = ours.measure(|| on_threads(threads, || read(folder, schema, wanted)));
                bare_rows = bare.measure(|| on_threads(threads, || read_bare(&path, wanted, filtered)));
            }
            assert_eq!(our_rows, bare_rows);
            let speed =
                |time: Duration| f64::from(u32::try_from(rows * threads).unwrap()) / time.as_secs_f64() / 1e6;
            println!(
                "{name}, {case}, {threads} threads: ours {:.2} M rows/s, bare {:.2} M rows/s, ratio {:.2}; by CPU time {:.2}",
                speed(ours.wall),
                speed(bare.wall),
                bare.wall.as_secs_f64() / ours.wall.as_secs_f64(),
                bare.cpu.as_secs_f64() / ours.cpu.as_secs_f64()
            );
        }
    }
}

/// The least time that some work took, on the clock and of the processors. Other work on the machine lengthens the first far more.
struct Cost {
    wall: Duration,
    cpu: Duration,
}

impl Cost {
    const MAX: Self = Self { wall: Duration::MAX, cpu: Duration::MAX };

    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (start, cpu_start) = (Instant::now(), cpu_time());
        let answer = work();
        self.wall = self.wall.min(start.elapsed());
        self.cpu = self.cpu.min(cpu_time() - cpu_start);
        answer
    }
}

/// Of all threads of this process.
fn cpu_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().unwrap()
}

fn write(path: &Path, arrow: &SchemaRef, rows: usize, make: fn(u64, usize) -> Vec<ArrayRef>) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(1_000_000))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(arrow), Some(properties)).unwrap();
    for from in (0..rows).step_by(65_536) {
        let columns = make(u64::try_from(from).unwrap(), 65_536.min(rows - from));
        writer.write(&RecordBatch::try_new(Arc::clone(arrow), columns).unwrap()).unwrap();
    }
    writer.close().unwrap();
}

/// The same work on so many threads at once; how many rows each had.
fn on_threads(threads: usize, work: impl Fn() -> usize + Sync) -> usize {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
    })
}

fn read(folder: &Path, schema: &Arc<Schema>, wanted: Wanted) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = TableStore::open(folder.to_str().unwrap(), StoreOptions::new()).await.unwrap();
        let path = TablePath::parse("data/0.parquet").unwrap();
        let fields = schema.fields();
        let asked = match wanted.columns {
            [] => Arc::clone(schema),
            some => Arc::new(
                Schema::new(some.iter().map(|at| fields.get(*at).unwrap().clone()).collect()).unwrap(),
            ),
        };
        let mut request = ReadRequest::new(asked).with_batch_rows(BATCH_ROWS);
        if let Some(limit) = wanted.below {
            let filter = format!("{} < {limit}", fields.first().unwrap().name);
            request = request.with_filter(filter.parse::<Predicate>().unwrap().bind(schema).unwrap());
        }
        let input = InputFile::new(store, path, "data/0.parquet");
        let reader = FileReader::open(input, &FileFormat::Parquet, request).await.unwrap();
        reader
            .into_stream()
            .try_fold(0, |sum, batch| async move { Ok(sum + batch.num_rows()) })
            .await
            .unwrap()
    })
}

fn read_bare(path: &Path, wanted: Wanted, filtered: usize) -> usize {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mask = match wanted.columns {
        [] => ProjectionMask::all(),
        some => ProjectionMask::leaves(builder.parquet_schema(), some.iter().copied()),
    };
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().unwrap();
    let batches = reader.map(Result::unwrap).map(|batch| match wanted.below {
        None => batch.num_rows(),
        Some(limit) => {
            let values = batch.column(filtered).as_primitive::<Int64Type>();
            let mask = values.iter().map(|value| Some(value.is_some_and(|value| value < limit))).collect();
            filter_record_batch(&batch, &mask).unwrap().num_rows()
        }
    });
    batches.sum()
}
