//! Reading a file of any size takes memory as the request allows, measured from outside: what a process of its own is resident with at most,
//! over what it was resident with before. That holds everything: bytes of the file, decoded batches, stacks, the allocator's slack.

use std::process::Command;
use std::sync::Arc;

use datashard_io::arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{InputFile, StoreOptions, TablePath, TableStore};
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use futures_util::TryStreamExt;
use tempfile::TempDir;

use crate::sheet::{FORMATS, Sheet, run};

/// Tells a child process what to read: format, folder, and two files.
const JOB: &str = "DATASHARD_IO_MEMORY";
const LIMIT_BYTES: u64 = 4 << 20;
/// What may come on top of the limit: code paged in, threads, stacks, the batch that the caller holds, the allocator.
const SLACK_BYTES: u64 = 24 << 20;
const SMALL_BYTES: usize = 2 << 20;
const LARGE_BYTES: usize = 64 << 20;
const ROW_BYTES: usize = 1024;
const BATCH_ROWS: usize = 512;

fn table() -> Arc<Schema> {
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::required(2, "noise", PrimitiveType::Binary),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

/// A file of so many bytes in row groups, or blocks, far below the limit.
async fn write(folder: &TempDir, format: &str, bytes: usize) -> String {
    let url = format!("file://{}/t", folder.path().display());
    let store = TableStore::open(&url, StoreOptions::new()).await.unwrap();
    let set = [
        ("write.parquet.compression-codec", "uncompressed"),
        ("write.avro.compression-codec", "uncompressed"),
        ("write.parquet.row-group-size-bytes", "524288"),
        ("write.parquet.dict-encoding-enabled.column.noise", "false"),
    ];
    let sheet = Sheet::on(store, &table(), format, &set);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = vec![0; BATCH_ROWS * ROW_BYTES];
    for bytes in noise.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.copy_from_slice(&state.to_le_bytes());
    }
    let mut writer = sheet.writer();
    let batches = bytes / noise.len();
    for batch in 0..batches {
        let first = (batch * BATCH_ROWS) as i64;
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + BATCH_ROWS as i64));
        let values: ArrayRef = Arc::new(BinaryArray::from_iter_values(noise.chunks(ROW_BYTES)));
        writer.write(&RecordBatch::try_from_iter([("id", ids), ("noise", values)]).unwrap()).await.unwrap();
    }
    let file = writer.finish().await.unwrap().files.remove(0);
    assert!(file.file_size_in_bytes as usize >= bytes);
    sheet.store.location().relative(&file.file_path).unwrap().to_string()
}

/// Reads the files of a job, and says what that took.
fn child(job: &str) {
    let parts: Vec<&str> = job.split('\n').collect();
    let [format, folder, small, large] = parts[..] else { panic!("{job}") };
    let at_first = peak_resident_bytes();
    assert_eq!(run(read(format, folder, small)), SMALL_BYTES / ROW_BYTES);
    let after_small = peak_resident_bytes();
    assert_eq!(run(read(format, folder, large)), LARGE_BYTES / ROW_BYTES);
    let after_large = peak_resident_bytes();
    let (taken, grown) = (after_large - at_first, after_large - after_small);
    println!("{format} took {taken} bytes, of which {grown} for the larger file");
    assert!(taken < LIMIT_BYTES + SLACK_BYTES, "{format} took {taken} bytes");
    assert!(grown < LIMIT_BYTES, "{format} took {grown} bytes more for a larger file");
}

/// The number of rows of a file.
async fn read(format: &str, folder: &str, path: &str) -> usize {
    let store = TableStore::open(&format!("file://{folder}/t"), StoreOptions::new()).await.unwrap();
    let input = InputFile::new(store, TablePath::parse(path).unwrap(), path);
    let request = ReadRequest::new(table()).with_memory_limit_bytes(LIMIT_BYTES);
    let reader = FileReader::open(input, &FileFormat::parse(format), request).await.unwrap();
    let counts = reader.into_stream().map_ok(|batch| batch.num_rows());
    counts.try_fold(0, |sum, rows| async move { Ok(sum + rows) }).await.unwrap()
}

/// The most that this process was ever resident with.
fn peak_resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_file_sixteen_times_the_limit_is_read_within_it() {
    if let Ok(job) = std::env::var(JOB) {
        return child(&job);
    }
    for format in FORMATS {
        let folder = TempDir::new().unwrap();
        let [small, large] = [SMALL_BYTES, LARGE_BYTES].map(|bytes| run(write(&folder, format, bytes)));
        let job = format!("{format}\n{}\n{small}\n{large}", folder.path().display());
        let out = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::a_file_sixteen_times_the_limit_is_read_within_it", "--nocapture"])
            .env(JOB, job)
            .output()
            .unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{text}");
        assert!(text.contains("1 passed") && text.contains(" took "), "{text}");
    }
}
