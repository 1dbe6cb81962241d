//! Avro data files by [`FileReader`] and [`TableWriter`] against the bare reader and writer of `arrow-avro`, and against fastavro on the same
//! files: one million rows of eight columns under each codec. Prints rows per second and the ratios.
//!
//! Runs take turns, and each side's best counts, as other work on the machine only ever slows down. fastavro is asked through
//! `time_fastavro.py`, once for each file: `PYTHON` names an interpreter with fastavro (`python3` by default); without it its figures are left
//! out. `ROWS` is another number of rows.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and measures time"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow_avro::compression::CompressionCodec;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::writer::WriterBuilder;
use arrow_avro::writer::format::AvroOcfFormat;
use datashard_benches::rows;
use datashard_io::arrow::schema_to_arrow;
use datashard_io::context::Context;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::store::Durability;
use datashard_io::write::{TableWriter, WriteOptions};
use datashard_io::{InputFile, StoreOptions, TableStore};
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::{FileContent, FileFormat};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::TableProperties;
use datashard_spec::schema::Schema;
use datashard_spec::sort_order::SortOrder;
use futures_util::TryStreamExt;

const ROUNDS: usize = 5;
const BATCH_ROWS: usize = 65_536;
const TWO_COLUMNS: [&str; 2] = ["quantity", "city"];

fn main() {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    let codecs = [
        ("uncompressed", None),
        ("snappy", Some(CompressionCodec::Snappy)),
        ("gzip", Some(CompressionCodec::Deflate)),
        ("zstd", Some(CompressionCodec::ZStandard)),
    ];
    for (codec, bare) in codecs {
        compare(codec, bare, rows);
    }
}

fn compare(codec: &str, bare_codec: Option<CompressionCodec>, rows: usize) {
    let schema = rows::mixed_schema();
    let arrow = schema_to_arrow(&schema).unwrap();
    let batches: Vec<RecordBatch> = (0..rows)
        .step_by(BATCH_ROWS)
        .map(|from| {
            let columns = rows::mixed_columns(u64::try_from(from).unwrap(), BATCH_ROWS.min(rows - from));
            RecordBatch::try_new(Arc::clone(&arrow), columns).unwrap()
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = runtime.block_on(open(folder.path()));
    let mut file = PathBuf::new();
    let wrote = best(
        || file = runtime.block_on(write_table(&store, folder.path(), &schema, &batches, codec)),
        || {
            let writer = WriterBuilder::new(arrow.as_ref().clone()).with_compression(bare_codec);
            let out = File::create(folder.path().join("bare.avro")).unwrap();
            let mut writer = writer.build::<_, AvroOcfFormat>(out).unwrap();
            batches.iter().for_each(|batch| writer.write(batch).unwrap());
            writer.finish().unwrap();
        },
    );
    report(codec, "write", rows, wrote, None);
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name.as_str()).collect();
    for (what, names) in [("read all columns", names.as_slice()), ("read 2 columns", &TWO_COLUMNS)] {
        let read = best(
            || assert_eq!(runtime.block_on(read_table(&store, folder.path(), &file, names)), rows),
            || assert_eq!(read_bare(&file, &schema, names), rows),
        );
        let fastavro = if names.len() > 2 { fastavro(&file) } else { None };
        report(codec, what, rows, read, fastavro);
    }
}

/// The best time of each side, in turns.
fn best(mut ours: impl FnMut(), mut bare: impl FnMut()) -> (Duration, Duration) {
    let time = |side: &mut dyn FnMut()| {
        let start = Instant::now();
        side();
        start.elapsed()
    };
    (0..ROUNDS).fold((Duration::MAX, Duration::MAX), |(least, bare_least), _| {
        (least.min(time(&mut ours)), bare_least.min(time(&mut bare)))
    })
}

fn report(codec: &str, what: &str, rows: usize, times: (Duration, Duration), fastavro: Option<f64>) {
    let (ours, bare) = times;
    let speed = |seconds: f64| f64::from(u32::try_from(rows).unwrap()) / seconds / 1e6;
    let fastavro = fastavro.map_or_else(String::new, |seconds| {
        format!("; fastavro {:.2}, ratio {:.1}", speed(seconds), seconds / ours.as_secs_f64())
    });
    println!(
        "{codec}, {what}: ours {:.2} M rows/s; bare {:.2}, ratio {:.2}{fastavro}",
        speed(ours.as_secs_f64()),
        speed(bare.as_secs_f64()),
        bare.as_secs_f64() / ours.as_secs_f64()
    );
}

async fn open(folder: &Path) -> TableStore {
    let options = StoreOptions::new().with_durability(Durability::None);
    TableStore::open(folder.join("table").to_str().unwrap(), options).await.unwrap()
}

/// Writes one file of a table, and tells where it is.
async fn write_table(
    store: &TableStore,
    folder: &Path,
    schema: &Arc<Schema>,
    batches: &[RecordBatch],
    codec: &str,
) -> PathBuf {
    let set = [("write.format.default", "avro"), ("write.avro.compression-codec", codec)];
    let set: BTreeMap<String, String> = set.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let properties = TableProperties::new(&set);
    let (options, warnings) =
        WriteOptions::from_properties(schema, &SortOrder::unsorted(), properties, FileContent::Data).unwrap();
    assert!(warnings.is_empty());
    let options = options.with_target_file_size_bytes(u64::MAX);
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    let mut writer = TableWriter::new(store, schema, &spec, &options, &Context::system()).unwrap();
    for batch in batches {
        writer.write(batch).await.unwrap();
    }
    let written = writer.finish().await.unwrap();
    let path = store.location().relative(&written.files.first().unwrap().file_path).unwrap();
    folder.join("table").join(path.as_str())
}

async fn read_table(store: &TableStore, folder: &Path, file: &Path, names: &[&str]) -> usize {
    let all = rows::mixed_schema();
    let fields = all.fields().iter().filter(|field| names.contains(&field.name.as_str())).cloned();
    let schema = Arc::new(Schema::new(fields.collect()).unwrap());
    let below = file.strip_prefix(folder.join("table")).unwrap().to_str().unwrap();
    let path = datashard_io::TablePath::parse(below).unwrap();
    let location = store.location().file(&path);
    let input = InputFile::new(store.clone(), path, location);
    let reader = FileReader::open(input, &FileFormat::Avro, ReadRequest::new(schema)).await.unwrap();
    let mut batches = reader.into_stream();
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await.unwrap() {
        rows += batch.num_rows();
    }
    rows
}

fn read_bare(file: &Path, schema: &Schema, names: &[&str]) -> usize {
    let columns =
        schema.fields().iter().enumerate().filter(|(_, field)| names.contains(&field.name.as_str()));
    let reader = ReaderBuilder::new()
        .with_batch_size(ReadRequest::DEFAULT_BATCH_ROWS)
        .with_projection(columns.map(|(index, _)| index).collect())
        .build(BufReader::new(File::open(file).unwrap()))
        .unwrap();
    reader.map(|batch| batch.unwrap().num_rows()).sum()
}

/// Seconds that fastavro takes for all rows of the file; `None` where it is not at hand.
fn fastavro(file: &Path) -> Option<f64> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("time_fastavro.py");
    let output = Command::new(python).arg(script).arg(file).output().ok()?;
    if !output.status.success() {
        println!("fastavro was not measured: {}", String::from_utf8_lossy(&output.stderr).lines().last()?);
        return None;
    }
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
