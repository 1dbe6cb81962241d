//! ORC files by [`FileReader`] (columns by id, every length and value checked, in the table's types) against the bare reader of `orc-rust`:
//! three million rows of eight columns under each codec, all columns and two of them. Prints rows per second and the ratio.
//!
//! The files come from `make_orc.py`, which is run for files that are missing: `PYTHON` names an interpreter with pyarrow and numpy
//! (`python3` by default), `ROWS` another number of rows. `EACH=1` also reads each column alone. Runs take turns, and each side's best
//! counts, as other work on the machine only ever slows down.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark stops at the first surprise, and measures time"
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use datashard_benches::rows;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{InputFile, StoreOptions, TablePath, TableStore};
use datashard_spec::manifest::FileFormat;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::Schema;
use futures_util::TryStreamExt;
use orc_rust::projection::ProjectionMask;
use orc_rust::{ArrowReaderBuilder, TimestampPrecision};

const ROUNDS: usize = 7;
const CODECS: [&str; 4] = ["none", "snappy", "zstd", "zlib"];
const TWO_COLUMNS: [&str; 2] = ["quantity", "city"];

fn main() -> ExitCode {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(3_000_000);
    let folder = match files(rows) {
        Ok(folder) => folder,
        Err(reason) => {
            eprintln!("nothing was measured: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let schema = rows::mixed_schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name.as_str()).collect();
    for codec in CODECS {
        compare(&folder, codec, rows, "all columns", &names);
        compare(&folder, codec, rows, "2 columns", &TWO_COLUMNS);
        if std::env::var_os("EACH").is_some() {
            names.iter().for_each(|name| compare(&folder, codec, rows, name, &[name]));
        }
    }
    ExitCode::SUCCESS
}

/// The folder with the files of so many rows, which are made if they are missing.
fn files(rows: usize) -> Result<PathBuf, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("orc_data_{rows}"));
    if CODECS.iter().all(|codec| folder.join(format!("{codec}.orc")).exists()) {
        return Ok(folder);
    }
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let status = Command::new(&python)
        .arg(here.join("make_orc.py"))
        .arg(&folder)
        .arg(rows.to_string())
        .status()
        .map_err(|error| format!("{} did not start: {error}; PYTHON names another", python.display()))?;
    match status.success() {
        true => Ok(folder),
        false => Err(format!("{} make_orc.py: {status}; it needs pyarrow and numpy", python.display())),
    }
}

fn compare(folder: &Path, codec: &str, rows: usize, what: &str, names: &[&str]) {
    let file = format!("{codec}.orc");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert_eq!(runtime.block_on(read_table(folder, &file, names)), rows);
        ours = ours.min(start.elapsed());
        let start = Instant::now();
        assert_eq!(read_bare(&folder.join(&file), names), rows);
        bare = bare.min(start.elapsed());
    }
    let speed = |time: Duration| f64::from(u32::try_from(rows).unwrap()) / time.as_secs_f64() / 1e6;
    println!(
        "{codec}, {what}: ours {:.2} M rows/s, bare {:.2} M rows/s, ratio {:.2}",
        speed(ours),
        speed(bare),
        bare.as_secs_f64() / ours.as_secs_f64()
    );
}

/// The number of rows. The files have no field ids, as imported ones have none: columns are found by their names.
async fn read_table(folder: &Path, file: &str, names: &[&str]) -> usize {
    let all = rows::mixed_schema();
    let fields = all.fields().iter().filter(|field| names.contains(&field.name.as_str())).cloned();
    let schema = Arc::new(Schema::new(fields.collect()).unwrap());
    let mapping = Arc::new(NameMapping::from_schema(&schema));
    let store = TableStore::open(&format!("file://{}", folder.display()), StoreOptions::new()).await.unwrap();
    let input = InputFile::new(store, TablePath::parse(file).unwrap(), file);
    let request = ReadRequest::new(schema).with_name_mapping(mapping);
    let reader = FileReader::open(input, &FileFormat::Orc, request).await.unwrap();
    let mut batches = reader.into_stream();
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await.unwrap() {
        rows += batch.num_rows();
    }
    rows
}

fn read_bare(path: &Path, names: &[&str]) -> usize {
    let builder = ArrowReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let columns = ProjectionMask::named_roots(builder.file_metadata().root_data_type(), names);
    let reader = builder
        .with_projection(columns)
        .with_batch_size(ReadRequest::DEFAULT_BATCH_ROWS)
        .with_timestamp_precision(TimestampPrecision::Microsecond)
        .build();
    reader.map(|batch| batch.unwrap().num_rows()).sum()
}
