//! Files that claim more than they hold, files that are cut, and parts of files.

#![allow(clippy::as_conversions, clippy::arithmetic_side_effects, reason = "numbers of a test are small")]

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use datashard_spec::avro::{Codec, Compressor, put_bytes, put_length, put_long};
use datashard_spec::manifest::FileFormat;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use futures_util::TryStreamExt;
use serde_json::Value as Json;

use super::*;
use crate::avro::header::MAGIC;
use crate::avro::iceberg_schema::schema_json;
use crate::delete::Deletes;
use crate::path::TablePath;
use crate::read::{FileReader, ReadRequest};
use crate::store::{StoreOptions, TableStore};

const SYNC: [u8; SYNC_BYTES] = *b"the sync marker!";
const MIB: u64 = 1 << 20;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A file with blocks of so many rows and these bytes, and where each block starts.
fn file(fields: &str, codec: Codec, blocks: &[(usize, Vec<u8>)]) -> (Vec<u8>, Vec<usize>) {
    let schema = format!(r#"{{"type":"record","name":"table","fields":[{fields}]}}"#);
    let mut bytes = MAGIC.to_vec();
    put_length(&mut bytes, 2);
    for (key, value) in [("avro.schema", schema.as_str()), ("avro.codec", codec.as_str())] {
        put_bytes(&mut bytes, key.as_bytes());
        put_bytes(&mut bytes, value.as_bytes());
    }
    bytes.push(0);
    bytes.extend(SYNC);
    let mut compressor = Compressor::new(codec, None).unwrap();
    let mut starts = Vec::new();
    for (rows, content) in blocks {
        starts.push(bytes.len());
        put_length(&mut bytes, *rows);
        put_bytes(&mut bytes, compressor.compress(content).unwrap());
        bytes.extend(SYNC);
    }
    (bytes, starts)
}

const NUMBER: &str = r#"{"name":"n","type":"long","field-id":1}"#;

fn number_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![NestedField::required(1, "n", PrimitiveType::Long)]).unwrap())
}

/// Blocks of 1000 numbers that go on from block to block.
fn numbers(blocks: i64) -> Vec<(usize, Vec<u8>)> {
    let block = |block: i64| {
        let mut bytes = Vec::new();
        (block * 1000..(block + 1) * 1000).for_each(|n| put_long(&mut bytes, n));
        (1000, bytes)
    };
    (0..blocks).map(block).collect()
}

async fn batches(input: InputFile, request: ReadRequest) -> Result<Vec<RecordBatch>, DataError> {
    FileReader::open(input, &FileFormat::Avro, request).await?.into_stream().try_collect().await
}

fn read(bytes: Vec<u8>, request: ReadRequest) -> Result<Vec<RecordBatch>, DataError> {
    run(batches(InputFile::in_memory("f.avro", bytes.into()), request))
}

fn values(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

async fn stored(name: &str, bytes: Vec<u8>) -> (TableStore, InputFile) {
    let store = TableStore::open(&format!("memory://avro-read/{name}"), StoreOptions::new()).await.unwrap();
    let path = TablePath::parse("data/f.avro").unwrap();
    store.put(&path, Bytes::from(bytes)).await.unwrap();
    (store.clone(), InputFile::new(store, path, "f.avro"))
}

#[test]
fn nulls_of_large_values_are_charged_as_what_stands_in_for_them() {
    let fields = r#"{"name":"f","type":["null",{"type":"fixed","name":"x","size":1048576}],"field-id":1}"#;
    let schema = Schema::new(vec![NestedField::optional(1, "f", PrimitiveType::Fixed(1_048_576))]).unwrap();
    let (bytes, _) = file(fields, Codec::Null, &[(40, vec![0; 40])]);
    let request = ReadRequest::new(Arc::new(schema)).with_memory_limit_bytes(16 * MIB);
    let found = read(bytes, request).unwrap();
    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 40);
    assert!(found.iter().all(|batch| batch.num_rows() <= 4), "a batch holds 4 MiB");
    assert!(found.iter().all(|batch| batch.column(0).null_count() == batch.num_rows()));
}

#[test]
fn a_row_beyond_the_memory_limit_is_an_error_that_names_block_and_row() {
    let fields = r#"{"name":"l","type":{"type":"array","items":["null",{"type":"fixed","name":"x","size":1048576}],"element-id":2},"field-id":1}"#;
    let list = datashard_spec::schema::ListType::optional(2, PrimitiveType::Fixed(1_048_576));
    let schema = Schema::new(vec![NestedField::required(1, "l", list)]).unwrap();
    let mut content = vec![0];
    put_length(&mut content, 100);
    content.extend([0; 101]);
    let (bytes, starts) = file(fields, Codec::Null, &[(2, content)]);
    let request = ReadRequest::new(Arc::new(schema)).with_memory_limit_bytes(16 * MIB);
    let error = read(bytes, request).unwrap_err();
    let DataError::TooLarge { place, limit_bytes, .. } = error else { panic!("{error}") };
    assert_eq!(place, format!("block at byte {}, row 1", starts[0]));
    assert!(limit_bytes <= 16 * MIB);
}

#[test]
fn a_fixed_beyond_the_memory_limit_is_refused_when_the_file_is_opened() {
    let fields = r#"{"name":"f","type":["null",{"type":"fixed","name":"x","size":2147483647}],"field-id":1}"#;
    let schema = Schema::new(vec![NestedField::optional(2, "g", PrimitiveType::Int)]).unwrap();
    let (bytes, _) = file(fields, Codec::Null, &[]);
    let error = read(bytes, ReadRequest::new(Arc::new(schema)).with_memory_limit_bytes(MIB)).unwrap_err();
    assert!(matches!(&error, DataError::TooLarge { bytes: 2_147_483_647, .. }), "{error}");
    assert!(error.to_string().contains("column f"), "{error}");
}

#[test]
fn files_of_another_length_than_recorded_are_refused_even_if_they_end_with_a_block() {
    let (bytes, starts) = file(NUMBER, Codec::Null, &numbers(3));
    let (size, cut) = (bytes.len() as u64, starts[2]);
    run(async {
        let request = || ReadRequest::new(number_schema());
        let (_, whole) = stored("whole", bytes.clone()).await;
        assert_eq!(values(&batches(whole.clone(), request()).await.unwrap()).len(), 3000);
        let (_, short) = stored("short", bytes[..cut].to_vec()).await;
        for (input, known) in [(&short, size), (&whole, cut as u64)] {
            let error = batches(input.clone().with_size_bytes(known), request()).await.unwrap_err();
            assert!(matches!(&error, DataError::Mismatch { what: "length in bytes", .. }), "{error}");
        }
        // Where only the rows are known, they tell.
        let error = batches(short.clone(), request().with_record_count(3000)).await.unwrap_err();
        assert!(matches!(&error, DataError::Mismatch { what: "number of rows", .. }), "{error}");
    });
    let error = read([bytes, vec![0]].concat(), ReadRequest::new(number_schema())).unwrap_err();
    assert!(error.to_string().contains("sync marker"), "{error}");
}

#[test]
fn a_byte_range_reads_little_more_than_its_bytes_and_a_small_file_takes_one_request() {
    let (bytes, starts) = file(NUMBER, Codec::Null, &numbers(4000));
    let size = bytes.len() as u64;
    assert!(size > 8 * MIB, "{size}");
    run(async {
        let (store, input) = stored("large", bytes).await;
        let mut found = Vec::new();
        for piece in 0..8 {
            let range = piece * (size / 8 + 1)..(piece + 1) * (size / 8 + 1);
            let before = store.counts().bytes_read;
            let request = ReadRequest::new(number_schema()).with_byte_range(range.clone());
            found.extend(values(&batches(input.clone(), request).await.unwrap()));
            let more = store.counts().bytes_read - before - (range.end - range.start);
            assert!(more < 300 * 1024, "{more} bytes more than the range");
        }
        assert_eq!(found, (0..4_000_000).collect::<Vec<i64>>());
        // Ranges that end where a block starts, and that hold the start of none.
        let (first, second) = (starts[100] as u64, starts[101] as u64);
        for (range, rows) in [(first..second, 1000), (first + 1..second, 0), (first + 1..second + 1, 1000)] {
            let request = ReadRequest::new(number_schema()).with_byte_range(range.clone());
            let found = values(&batches(input.clone(), request).await.unwrap());
            assert_eq!(found.len(), rows, "{range:?}");
        }
        let (store, input) = stored("small", file(NUMBER, Codec::Null, &numbers(3)).0).await;
        let before = store.counts().total();
        assert_eq!(values(&batches(input, ReadRequest::new(number_schema())).await.unwrap()).len(), 3000);
        assert_eq!(store.counts().total() - before, 1);
    });
}

#[test]
fn blocks_of_deleted_rows_are_not_decompressed() {
    let (mut bytes, starts) = file(NUMBER, Codec::Deflate, &numbers(5));
    // A block that no decompressor takes.
    bytes[starts[2] + 8..starts[3] - SYNC_BYTES].fill(0xFF);
    assert!(read(bytes.clone(), ReadRequest::new(number_schema())).is_err());
    let mut gone = DeletionVector::new();
    (1_500..3_000).for_each(|position| {
        gone.insert(position).unwrap();
    });
    let deletes = Arc::new(Deletes::builder().with_positions(gone).build());
    let request = ReadRequest::new(number_schema()).with_deletes(deletes);
    let found = values(&read(bytes, request).unwrap());
    assert_eq!(found, (0..1_500).chain(3_000..5_000).collect::<Vec<i64>>());
}

#[test]
fn schemas_are_written_as_the_java_reference_writes_them() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/iceberg-java");
    let mut files = 0;
    for table in ["avro_data", "types_all_avro", "mixed_formats", "avro_position_deletes"] {
        let table = root.join(table);
        let expected: Json =
            serde_json::from_slice(&std::fs::read(table.join("expected.json")).unwrap()).unwrap();
        let metadata = std::fs::read(table.join(expected["metadata-file"].as_str().unwrap())).unwrap();
        let metadata = TableMetadata::from_json(&metadata).unwrap();
        for path in std::fs::read_dir(table.join("data")).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.ends_with(".avro") || name.contains("deletes") {
                continue;
            }
            let header = header::parse("f", &std::fs::read(&path).unwrap()).unwrap().unwrap();
            let theirs: Json = serde_json::from_str(&header.schema).unwrap();
            let ours =
                |schema: &Schema| -> Json { serde_json::from_str(&schema_json(schema).unwrap()).unwrap() };
            // Spark writes columns as required where its query has no nulls, so there is also the schema that the file itself tells.
            let columns = schema::columns(&header.schema).unwrap();
            let told = crate::arrow::schema_from_arrow(&schema::fields(&columns)).unwrap();
            let known = metadata.schemas().iter().map(|schema| ours(schema));
            let all: Vec<Json> = known.chain([ours(&told)]).collect();
            assert!(all.contains(&theirs), "{name}: {theirs} is none of {all:?}");
            files += 1;
        }
    }
    assert_eq!(files, 5);
}

#[test]
fn a_record_without_fields_tells_which_rows_have_it() {
    let empty = r#"{"name":"s","type":["null",{"type":"record","name":"r","fields":[]}],"default":null,"field-id":2}"#;
    let fields = format!("{NUMBER},{empty}");
    // 1 and null; 2 and a record.
    let (bytes, _) = file(&fields, Codec::Null, &[(2, vec![2, 0, 4, 2])]);
    let added =
        datashard_spec::schema::StructType::new(vec![NestedField::optional(3, "x", PrimitiveType::Int)]);
    let schema = Arc::new(
        Schema::new(vec![
            NestedField::required(1, "n", PrimitiveType::Long),
            NestedField::optional(2, "s", added),
        ])
        .unwrap(),
    );
    let batches = read(bytes.clone(), ReadRequest::new(schema)).unwrap();
    assert_eq!(values(&batches), [1, 2]);
    assert_eq!((batches[0].column(1).is_null(0), batches[0].column(1).is_null(1)), (true, false));
    assert_eq!(batches[0].column(1).as_struct().column(0).null_count(), 2);
    // Nobody has to ask for it.
    assert_eq!(values(&read(bytes, ReadRequest::new(number_schema())).unwrap()), [1, 2]);
}
