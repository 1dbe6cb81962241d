//! Parquet files read as a table's rows (field ids, checks of every page and chunk, row positions) against the bare reader of the Parquet
//! crate on the same file: ten million rows of eight columns, and a table of 200 columns; all columns, two of them, one row in a thousand.
//! Prints rows per second and the ratio. `ROWS` sets the number of rows; 100,000 are a quick look. `ROUNDS` sets how often each is run.
//!
//! Each side opens the file in every run, reads its footer, and decodes batches of 8,192 rows. Ours has the table's folder and the async
//! runtime at hand, as a program has, and verifies: the file carries a CRC32C of each column chunk, which the bare reader does not look
//! at. One row in a thousand: ours is given a filter; the bare reader leaves out row groups by their statistics, and has a row filter on
//! the first column, as a program would write it by hand. The first column ascends in the file of eight columns, and is random in that of
//! 200.
//!
//! Runs take turns, and each side's best counts, as other work on the machine only ever slows down.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and measures time"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::compute::kernels::cmp;
use arrow::datatypes::SchemaRef;
use datashard_benches::rows;
use datashard_io::arrow::schema_to_arrow;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{InputFile, StoreOptions, TablePath, TableStore};
use datashard_spec::expr::Predicate;
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::Schema;
use futures_util::TryStreamExt;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use tokio::runtime::Runtime;

const BATCH_ROWS: usize = 8_192;

fn main() {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    let folder = tempfile::tempdir().unwrap();
    compare(folder.path(), "8 columns", &rows::mixed_schema(), rows, rows::mixed_columns);
    compare(folder.path(), "200 columns", &rows::wide_schema(), rows / 50, rows::wide_columns);
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
) {
    std::fs::create_dir_all(folder.join("data")).unwrap();
    let path = folder.join("data/0.parquet");
    write(&path, &schema_to_arrow(schema).unwrap(), rows, make);
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let runtimes = [runtime(), runtime()];
    let store =
        runtimes[0].block_on(TableStore::open(folder.to_str().unwrap(), StoreOptions::new())).unwrap();
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
            for _ in 0..rounds {
                our_rows = ours.measure(|| {
                    on_threads(&runtimes[..threads], |runtime| read(runtime, &store, schema, wanted))
                });
                bare_rows = bare.measure(|| on_threads(&runtimes[..threads], |_| read_bare(&path, wanted)));
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
    writer.flush().unwrap();
    writer.sync().unwrap();
    let checksums = checksums(&File::open(path).unwrap(), &writer);
    writer.append_key_value_metadata(KeyValue::new("datashard.crc32c".to_owned(), checksums));
    writer.close().unwrap();
}

/// CRC32C of each column chunk, as our writer leaves them in the footer.
fn checksums(file: &File, writer: &ArrowWriter<File>) -> String {
    let mut text = "1:".to_owned();
    for chunk in writer.flushed_row_groups().iter().flat_map(|group| group.columns()) {
        let (start, length) = chunk.byte_range();
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        file.read_exact_at(&mut bytes, start).unwrap();
        text.push_str(&format!("{:08x}", crc32c::crc32c(&bytes)));
    }
    text
}

/// The same work on a thread for each runtime at once; how many rows each had.
fn on_threads(runtimes: &[Runtime], work: impl Fn(&Runtime) -> usize + Sync) -> usize {
    std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = runtimes.iter().map(|runtime| scope.spawn(move || work(runtime))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
    })
}

fn read(runtime: &Runtime, store: &TableStore, schema: &Arc<Schema>, wanted: Wanted) -> usize {
    runtime.block_on(async {
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
        let input = InputFile::new(store.clone(), path, "data/0.parquet");
        let reader = FileReader::open(input, &FileFormat::Parquet, request).await.unwrap();
        reader
            .into_stream()
            .try_fold(0, |sum, batch| async move { Ok(sum + batch.num_rows()) })
            .await
            .unwrap()
    })
}

fn read_bare(path: &Path, wanted: Wanted) -> usize {
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mask = match wanted.columns {
        [] => ProjectionMask::all(),
        some => ProjectionMask::leaves(builder.parquet_schema(), some.iter().copied()),
    };
    if let Some(limit) = wanted.below {
        let groups = builder.metadata().row_groups().iter().enumerate();
        let may_match = groups.filter(|(_, group)| match group.column(0).statistics() {
            Some(Statistics::Int64(statistics)) => statistics.min_opt().is_none_or(|min| *min < limit),
            _ => true,
        });
        let may_match = may_match.map(|(number, _)| number).collect();
        let first = ProjectionMask::leaves(builder.parquet_schema(), [0]);
        let test = ArrowPredicateFn::new(first, move |batch| {
            cmp::lt(batch.column(0), &Int64Array::new_scalar(limit))
        });
        builder = builder.with_row_groups(may_match).with_row_filter(RowFilter::new(vec![Box::new(test)]));
    }
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().unwrap();
    reader.map(|batch| batch.unwrap().num_rows()).sum()
}
