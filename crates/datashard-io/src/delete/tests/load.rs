//! Delete files loaded for the data files of a scan.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Int64Type, Schema as ArrowSchema};
use bytes::Bytes;
use datashard_spec::error::ErrorKind;
use datashard_spec::id::{DataSequenceNumber, FieldId, PartitionSpecId};
use datashard_spec::manifest::applies::LiveFile;
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use futures_util::TryStreamExt;
use parquet::arrow::ArrowWriter;

use crate::arrow::FIELD_ID_KEY;
use crate::data_error::DataError;
use crate::delete::{DeleteFile, DeleteLoader, Deletes};
use crate::file::InputFile;
use crate::read::{FileReader, ReadRequest};

/// A Parquet file of these columns, by field id.
fn parquet(columns: Vec<(i32, ArrayRef)>) -> Bytes {
    let field = |(id, array): &(i32, ArrayRef)| {
        let ids = HashMap::from([(FIELD_ID_KEY.to_owned(), id.to_string())]);
        Field::new(format!("c{id}"), array.data_type().clone(), true).with_metadata(ids)
    };
    let schema = Arc::new(ArrowSchema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

/// A position-delete file.
fn positions(rows: &[(&str, i64)]) -> Bytes {
    let paths = StringArray::from_iter_values(rows.iter().map(|(path, _)| path));
    let positions = Int64Array::from_iter_values(rows.iter().map(|(_, position)| *position));
    parquet(vec![
        (FieldId::DELETE_FILE_PATH.0, Arc::new(paths)),
        (FieldId::DELETE_POS.0, Arc::new(positions)),
    ])
}

fn longs(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// Files by name, and the names in the order in which they were opened.
#[derive(Clone, Default)]
struct Files {
    bytes: Arc<HashMap<String, Bytes>>,
    opened: Arc<Mutex<Vec<String>>>,
}

impl Files {
    fn new<const N: usize>(files: [(&str, Bytes); N]) -> Self {
        let bytes = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        Self { bytes: Arc::new(bytes), opened: Arc::default() }
    }

    /// The entry of a delete file with so many rows.
    fn entry(&self, name: &str, content: FileContent, rows: i64) -> DataFile {
        let size = i64::try_from(self.bytes[name].len()).unwrap();
        DataFile::new(name, FileFormat::Parquet, rows, size).with_content(content)
    }

    fn positions(&self, name: &str, rows: i64) -> DeleteFile {
        delete(self.entry(name, FileContent::PositionDeletes, rows), 5)
    }

    fn equality(&self, name: &str, rows: i64, ids: &[i32]) -> DataFile {
        let ids = ids.iter().map(|id| FieldId(*id)).collect();
        self.entry(name, FileContent::EqualityDeletes, rows).with_equality_ids(ids)
    }

    fn loader(&self, deletes: Vec<DeleteFile>) -> DeleteLoader {
        let files = self.clone();
        DeleteLoader::new(deletes, [schema(), older()], move |location| {
            files.opened.lock().unwrap().push(location.to_owned());
            Ok(InputFile::in_memory(location, files.bytes[location].clone()))
        })
    }

    fn opened(&self) -> Vec<String> {
        std::mem::take(&mut self.opened.lock().unwrap())
    }
}

fn delete(file: DataFile, sequence: i64) -> DeleteFile {
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    DeleteFile::new(file, DataSequenceNumber(sequence), Arc::new(spec))
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![NestedField::optional(1, "id", PrimitiveType::Long)]).unwrap())
}

/// A schema of before, with a column that was dropped.
fn older() -> Arc<Schema> {
    let fields = vec![
        NestedField::optional(1, "id", PrimitiveType::Int),
        NestedField::required(2, "gone", PrimitiveType::Long),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

async fn load(loader: &DeleteLoader, path: &str) -> Result<Deletes, DataError> {
    let file = DataFile::new(path, FileFormat::Parquet, 100, 1000);
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    loader.load(LiveFile { file: &file, sequence_number: DataSequenceNumber(4), spec: &spec }).await
}

async fn deleted(loader: &DeleteLoader, path: &str) -> Vec<u64> {
    let deletes = load(loader, path).await.unwrap_or_else(|error| panic!("{error}"));
    deletes.positions().map(|positions| positions.iter().collect()).unwrap_or_default()
}

async fn error(loader: &DeleteLoader, kind: ErrorKind) -> String {
    let error = load(loader, "a").await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_file_for_many_data_files_is_read_once() {
    let rows = [("/t/b", 9), ("/t/a", 1), ("/t/b", 2), ("file:/t/a", 0), ("file:///t/b", 2)];
    let files = Files::new([("p", positions(&rows)), ("q", positions(&[("/t/a", 7)]))]);
    let loader = files.loader(vec![files.positions("p", 5), files.positions("q", 1)]);
    assert_eq!(deleted(&loader, "/t/a").await, [0, 1, 7]);
    assert_eq!(deleted(&loader.clone(), "file:///t/b").await, [2, 9]);
    assert!(load(&loader, "/t/c").await.unwrap().is_empty());
    assert_eq!(files.opened(), ["p", "q"]);
    // So it is if several ask at once, from other threads too.
    let loader = loader.with_memory_limit_bytes(1 << 20);
    let other = loader.clone();
    let b = tokio::spawn(async move { deleted(&other, "/t/b").await });
    let (a, b) = futures_util::join!(deleted(&loader, "/t/a"), b);
    assert_eq!((a.len(), b.unwrap().len(), files.opened().len()), (3, 2, 2));
}

#[tokio::test]
async fn of_a_large_file_only_what_it_says_of_one_data_file_is_kept() {
    let rows = [("/t/a", 1), ("/t/b", 2), ("file:/t/a", 5)];
    let files = Files::new([("p", positions(&rows))]);
    let mut large = files.entry("p", FileContent::PositionDeletes, 3);
    large.file_size_in_bytes = 1 << 40;
    let loader = files.loader(vec![delete(large, 5)]);
    assert_eq!(deleted(&loader, "file:///t/a").await, [1, 5]);
    assert_eq!(deleted(&loader, "/t/a").await, [1, 5]);
    assert_eq!(files.opened(), ["p"]);
    assert_eq!(deleted(&loader, "/t/b").await, [2]);
    assert_eq!(files.opened(), ["p"]);
}

#[tokio::test]
async fn a_deletion_vector_is_read_by_its_place_and_position_deletes_are_not_read_then() {
    let mut puffin = b"PFA1, other blobs".to_vec();
    let offset = i64::try_from(puffin.len()).unwrap();
    let blob = DeletionVector::from_positions([4, 8]).unwrap().serialize().unwrap();
    puffin.extend_from_slice(&blob);
    let files = Files::new([("v", puffin.into()), ("p", positions(&[("a", 1)]))]);
    let mut vector = files
        .entry("v", FileContent::PositionDeletes, 2)
        .with_referenced_data_file("a".to_owned())
        .with_content_offset(offset)
        .with_content_size_in_bytes(i64::try_from(blob.len()).unwrap());
    vector.file_format = FileFormat::Puffin;
    let loader = files.loader(vec![files.positions("p", 1), delete(vector.clone(), 5)]);
    assert_eq!(deleted(&loader, "a").await, [4, 8]);
    assert_eq!(deleted(&loader, "a").await, [4, 8]);
    assert_eq!(files.opened(), ["v"]);
    vector.record_count = 3;
    let loader = files.loader(vec![delete(vector, 5)]);
    assert_eq!(error(&loader, ErrorKind::InvalidData).await, "`v`, deletion vector at byte 17");
}

#[tokio::test]
async fn damaged_position_deletes_are_refused() {
    let nulls: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let (path, pos) = (FieldId::DELETE_FILE_PATH.0, FieldId::DELETE_POS.0);
    let files = Files::new([
        ("negative", positions(&[("a", 3), ("a", -1)])),
        ("null", parquet(vec![(path, nulls), (pos, longs(&[Some(1), Some(2)]))])),
        ("no positions", parquet(vec![(path, Arc::new(StringArray::from(vec!["a", "b"])))])),
        ("other rows", positions(&[("a", 3)])),
        ("not parquet", Bytes::from_static(b"nothing of the sort")),
    ]);
    for (name, expected) in [
        ("negative", "`negative`, position deletes, row 1: position -1 is negative"),
        ("null", "file_path"),
        ("no positions", "is required, not in the file"),
        ("other rows", "the number of rows is 1, but 2 was recorded"),
        ("not parquet", "not parquet"),
    ] {
        let loader = files.loader(vec![files.positions(name, 2)]);
        let error = error(&loader, ErrorKind::InvalidData).await;
        assert!(error.contains(expected), "{error}");
    }
    let loader = files.loader(vec![files.positions("other rows", 2)]).with_verification(false);
    assert_eq!(deleted(&loader, "a").await, [3]);
}

#[tokio::test]
async fn equality_deletes_have_the_types_of_today_and_of_their_own_columns() {
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let files = Files::new([
        ("ints", parquet(vec![(1, ints)])),
        ("longs", parquet(vec![(1, longs(&[Some(7)])), (3, longs(&[Some(0)]))])),
        ("gone", parquet(vec![(2, longs(&[Some(7), Some(8), Some(7)]))])),
    ]);
    let deletes = vec![
        delete(files.equality("ints", 2, &[1]), 5),
        delete(files.equality("longs", 1, &[1]), 6),
        delete(files.equality("gone", 3, &[2]), 5),
    ];
    let loader = files.loader(deletes);
    let loaded = load(&loader, "a").await.unwrap();
    let sets: Vec<(Vec<FieldId>, usize)> =
        loaded.equality_sets().map(|set| (set.field_ids().to_vec(), set.len())).collect();
    assert_eq!(sets, [(vec![FieldId(1)], 3), (vec![FieldId(2)], 2)]);
    load(&loader, "b").await.unwrap();
    assert_eq!(files.opened(), ["ints", "longs", "gone"]);
}

#[tokio::test]
async fn a_key_of_a_dropped_column_and_one_that_was_widened_since_is_compared_in_the_types_of_today() {
    // The only schema with both columns is one in which the first was an int still.
    let ints = |values: &[i32]| -> ArrayRef { Arc::new(Int32Array::from(values.to_vec())) };
    let files = Files::new([
        ("ints", parquet(vec![(1, ints(&[7])), (2, longs(&[Some(8)]))])),
        ("longs", parquet(vec![(1, longs(&[Some(1 << 40)])), (2, longs(&[Some(8)]))])),
    ]);
    let deletes =
        vec![delete(files.equality("ints", 1, &[1, 2]), 5), delete(files.equality("longs", 1, &[1, 2]), 6)];
    let deletes = Arc::new(load(&files.loader(deletes), "a").await.unwrap());
    let rows = parquet(vec![(1, ints(&[6, 7, 7])), (2, longs(&[Some(8), Some(8), Some(9)]))]);
    let request = ReadRequest::new(schema()).with_deletes(deletes);
    let input = InputFile::in_memory("a", rows);
    let reader = FileReader::open(input, &FileFormat::Parquet, request).await.unwrap();
    let batches: Vec<RecordBatch> = reader.into_stream().try_collect().await.unwrap();
    let left: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(left, [6, 7]);
}

#[tokio::test]
async fn equality_deletes_without_their_columns_are_refused() {
    let files = Files::new([("e", parquet(vec![(1, longs(&[Some(7)]))]))]);
    let error_of = async |ids: &[i32]| {
        error(&files.loader(vec![delete(files.equality("e", 1, ids), 5)]), ErrorKind::InvalidData).await
    };
    assert_eq!(
        error_of(&[2]).await,
        "`e`, equality deletes: it has no column 2, though its manifest says that it compares it"
    );
    assert_eq!(
        error_of(&[9]).await,
        "`e`, equality deletes: it compares column 9, which no schema of the table has"
    );
    assert_eq!(error_of(&[]).await, "`e`, equality deletes: its manifest names no columns to compare");
}

#[tokio::test]
async fn deletes_that_need_more_memory_than_is_allowed_are_refused() {
    let many: Vec<(&str, i64)> = (0..50_000).map(|position| ("a", position * 977)).collect();
    let keys: Vec<Option<i64>> = (0..5_000).map(Some).collect();
    let files = Files::new([("p", positions(&many)), ("e", parquet(vec![(1, longs(&keys))]))]);
    for delete in [files.positions("p", 50_000), delete(files.equality("e", 5_000, &[1]), 5)] {
        let small = files.loader(vec![delete.clone()]).with_memory_limit_bytes(64 * 1024);
        let error = error(&small, ErrorKind::InvalidInput).await;
        assert!(error.contains("and 65536 are allowed"), "{error}");
        load(&files.loader(vec![delete]), "a").await.unwrap();
    }
}
