//! Batches as a stream: sizes, ends, errors; and what is held against the manifest.

use std::sync::Arc;

use datashard_spec::expr::Predicate;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};

use super::memory::MemoryFile;
use crate::data_error::DataError;
use crate::delete::Deletes;
use crate::file::InputFile;
use crate::read::decoder::RowPositions;
use crate::read::{FileReader, ReadRequest};
use datashard_spec::puffin::DeletionVector;

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap())
}

fn file(rows: i64) -> MemoryFile {
    let rows: Vec<Tuple> = (0..rows).map(|id| vec![Some(Value::Long(id))]).collect();
    MemoryFile::new(&schema(), &rows)
}

#[tokio::test]
async fn batches_hold_at_most_what_was_asked_for_and_none_is_empty() {
    for (rows, limit, expected) in
        [(10, 4, vec![4, 4, 2]), (10, 10, vec![10]), (10, 1, vec![1; 10]), (3, 0, vec![1; 3]), (0, 5, vec![])]
    {
        let request = ReadRequest::new(schema()).with_batch_rows(limit);
        let batches = file(rows).batches(&request).await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), expected);
    }
    // All rows of the second batch are deleted.
    let file = file(6).at(vec![RowPositions::From(0), RowPositions::From(2), RowPositions::From(4)], 2);
    let deletes = Deletes::builder().with_positions(DeletionVector::from_positions([2, 3]).unwrap()).build();
    let request = ReadRequest::new(schema()).with_deletes(Arc::new(deletes));
    assert_eq!(file.batches(&request).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_read_of_no_columns_tells_the_number_of_rows() {
    let nothing = Arc::new(Schema::new(Vec::new()).unwrap());
    let batches = file(7).batches(&ReadRequest::new(nothing)).await.unwrap();
    assert_eq!((batches[0].num_rows(), batches[0].num_columns()), (7, 0));
}

#[tokio::test]
async fn a_filter_that_nothing_matches_decodes_nothing() {
    let file = file(7);
    let filter = "id is null".parse::<Predicate>().unwrap().bind(&schema()).unwrap();
    assert!(filter.is_always_false());
    assert!(file.rows(&ReadRequest::new(schema()).with_filter(filter)).await.is_empty());
    assert!(file.plan.lock().unwrap().is_none());
}

#[tokio::test]
async fn the_stream_ends_after_the_first_error() {
    let mut file = file(4);
    file.fails = true;
    let (results, error) = file.outcome(&ReadRequest::new(schema())).await;
    assert_eq!(results, 2);
    assert_eq!(error.unwrap().to_string(), "`memory:f`, here: torn");
}

#[tokio::test]
async fn the_number_of_rows_is_held_against_the_manifest() {
    let request = |rows| ReadRequest::new(schema()).with_record_count(rows);
    assert_eq!(file(4).rows(&request(4)).await.len(), 4);
    let error = file(4).open(&request(5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`memory:f`, whole file: the number of rows is 4, but 5 was recorded; the file was damaged or replaced"
    );
    assert!(matches!(file(4).open(&request(-1)), Err(DataError::InvalidInput { .. })));
    assert!(file(4).open(&request(5).with_verification(false)).is_ok());
    // A file that does not tell its number of rows may not hold more.
    let mut silent = file(4);
    silent.row_count = None;
    assert!(matches!(silent.outcome(&request(3)).await, (1, Some(DataError::Mismatch { .. }))));
    // Nor may a file hold more than it tells itself.
    let mut liar = file(4);
    liar.row_count = Some(3);
    let (_, error) = liar.outcome(&ReadRequest::new(schema())).await;
    assert!(error.unwrap().to_string().contains("there is a row at position 3"));
}

#[tokio::test]
async fn what_a_decoder_is_told_leaves_room_for_what_it_cannot_know() {
    let file = file(300);
    let mut positions = DeletionVector::from_positions([1, 3, 5]).unwrap();
    positions.insert_range(10..=99).unwrap();
    positions.insert_range(200..=262).unwrap();
    let deletes = Deletes::builder().with_positions(positions).build();
    let mut fields = schema().fields().to_vec();
    fields.push(NestedField::required(FieldId::POS.0, "_pos", PrimitiveType::Long));
    let with_position = Arc::new(Schema::new(fields).unwrap());
    let bind = |text: &str| text.parse::<Predicate>().unwrap().bind(&with_position).unwrap();

    let request = ReadRequest::new(schema()).with_deletes(Arc::new(deletes)).with_filter(bind("id < 12"));
    assert_eq!(file.rows(&request).await.len(), 7);
    let plan = file.plan.lock().unwrap().take().unwrap();
    // Short runs are not worth it.
    assert_eq!(plan.deleted.to_vec(), vec![10..100]);
    assert!(plan.filter.is_some());

    let request = ReadRequest::new(Arc::clone(&with_position)).with_filter(bind("id > 3 and _pos < 6"));
    assert_eq!(file.rows(&request).await.len(), 2);
    assert!(file.plan.lock().unwrap().take().unwrap().filter.is_none());
}

#[tokio::test]
async fn formats_that_hold_no_rows_are_refused_by_name() {
    for (format, expected) in [
        (
            FileFormat::Puffin,
            "`f`: a Puffin file as a file of rows is not supported: it holds deletion vectors or statistics",
        ),
        (
            FileFormat::parse("lance"),
            "`f`: the file format LANCE is not supported: rewrite the file as Parquet, Avro or ORC",
        ),
    ] {
        let input = InputFile::in_memory("f", bytes::Bytes::new());
        let error = FileReader::open(input, &format, ReadRequest::new(schema())).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), datashard_spec::error::ErrorKind::Unsupported);
    }
}
