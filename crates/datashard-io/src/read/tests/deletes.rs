//! Deletes on read: by position, by equality, with projection and filter around them.

use std::sync::Arc;

use datashard_spec::expr::Predicate;
use datashard_spec::id::{DataSequenceNumber, FieldId};
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType};
use datashard_spec::value::{Tuple, Value};

use super::memory::{MemoryFile, batch_of};
use crate::delete::{Deletes, EqualityDeletes};
use crate::read::ReadRequest;
use crate::read::decoder::RowPositions;

fn long(value: i64) -> Option<Value> {
    Some(Value::Long(value))
}

fn double(value: f64) -> Option<Value> {
    Some(Value::Double(value))
}

fn table() -> Arc<Schema> {
    Arc::new(
        Schema::new(vec![
            NestedField::optional(1, "id", PrimitiveType::Long),
            NestedField::optional(2, "k", PrimitiveType::Long),
            NestedField::optional(3, "d", PrimitiveType::Double),
        ])
        .unwrap(),
    )
}

/// Keys over one column or more, deleted by one commit.
fn keys(schema: &Schema, ids: &[i32], rows: &[Tuple], sequence: i64) -> Arc<EqualityDeletes> {
    let ids: Vec<FieldId> = ids.iter().map(|id| FieldId(*id)).collect();
    let mut keys = EqualityDeletes::new(schema, &ids).unwrap();
    let batch = batch_of(keys.schema(), rows);
    keys.insert(&batch, DataSequenceNumber(sequence)).unwrap();
    Arc::new(keys)
}

fn with_keys(schema: Arc<Schema>, keys: Arc<EqualityDeletes>, data: i64) -> ReadRequest {
    let deletes = Deletes::builder().with_equality(keys, DataSequenceNumber(data)).build();
    ReadRequest::new(schema).with_deletes(Arc::new(deletes))
}

/// The first column of the rows that are left.
async fn left(file: &MemoryFile, request: &ReadRequest) -> Vec<i64> {
    let rows = file.rows(request).await;
    let id = |row: Tuple| match row.into_iter().next() {
        Some(Some(Value::Long(id))) => id,
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(id).collect()
}

#[tokio::test]
async fn trap_16_position_deletes_hit_rows_by_their_place_in_the_file() {
    let rows: Vec<Tuple> = (0..6).map(|id| vec![long(id), None, None]).collect();
    let positions = vec![RowPositions::Each(vec![0, 5, 9]), RowPositions::From(20)];
    let file = MemoryFile::new(&table(), &rows).at(positions, 3);
    let deleted = DeletionVector::from_positions([1, 5, 19, 20, 22, 1 << 40]).unwrap();
    let deletes = Deletes::builder()
        .with_positions(DeletionVector::from_positions([5]).unwrap())
        .with_positions(deleted)
        .build();
    let request = ReadRequest::new(table()).with_deletes(Arc::new(deletes));
    assert_eq!(left(&file, &request).await, [0, 2, 4]);
}

#[tokio::test]
async fn null_equals_null_and_nothing_else() {
    let rows = [(0, Some(1)), (1, None), (2, Some(0)), (3, Some(1))];
    let rows = rows.map(|(id, k)| vec![long(id), k.map(Value::Long), None]);
    let file = MemoryFile::new(&table(), &rows);
    let check = async |deleted: &[Tuple], expected: &[i64]| {
        assert_eq!(left(&file, &with_keys(table(), keys(&table(), &[2], deleted, 2), 1)).await, expected);
    };
    check(&[vec![None]], &[0, 2, 3]).await;
    check(&[vec![long(0)]], &[0, 1, 3]).await;
    check(&[vec![long(1)], vec![None]], &[2]).await;
    check(&[vec![long(9)]], &[0, 1, 2, 3]).await;
    check(&[], &[0, 1, 2, 3]).await;
    let both =
        keys(&table(), &[2, 1], &[vec![long(1), None], vec![long(3), long(2)], vec![long(3), long(1)]], 2);
    assert_eq!(left(&file, &with_keys(table(), both, 1)).await, [0, 2]);
}

#[tokio::test]
async fn nan_equals_nan_and_the_zeros_differ() {
    let odd_nan = f64::from_bits(0xfff8_0000_0000_0001);
    let rows = [0.0, -0.0, f64::NAN, odd_nan, 1.0];
    let rows: Vec<Tuple> = rows
        .iter()
        .enumerate()
        .map(|(id, d)| vec![long(i64::try_from(id).unwrap()), None, double(*d)])
        .collect();
    let file = MemoryFile::new(&table(), &rows);
    for (deleted, expected) in [
        (f64::NAN, vec![0, 1, 4]),
        (odd_nan, vec![0, 1, 4]),
        (0.0, vec![1, 2, 3, 4]),
        (-0.0, vec![0, 2, 3, 4]),
    ] {
        let keys = keys(&table(), &[3], &[vec![double(deleted)]], 2);
        assert_eq!(left(&file, &with_keys(table(), keys, 1)).await, expected, "{deleted}");
    }
}

#[tokio::test]
async fn trap_15_an_equality_delete_spares_rows_of_its_own_commit() {
    let rows = [vec![long(0), long(1), None], vec![long(1), long(2), None]];
    let file = MemoryFile::new(&table(), &rows);
    let mut keys = EqualityDeletes::new(&table(), &[FieldId(2)]).unwrap();
    let one = batch_of(keys.schema(), &[vec![long(1)]]);
    let two = batch_of(keys.schema(), &[vec![long(2)]]);
    // The newest delete of a key counts, in whatever order they were read.
    keys.insert(&one, DataSequenceNumber(7)).unwrap();
    keys.insert(&one, DataSequenceNumber(5)).unwrap();
    keys.insert(&two, DataSequenceNumber(6)).unwrap();
    assert_eq!(keys.len(), 2);
    let keys = Arc::new(keys);
    for (data, expected) in [(5, vec![]), (6, vec![1]), (7, vec![0, 1]), (8, vec![0, 1])] {
        assert_eq!(left(&file, &with_keys(table(), Arc::clone(&keys), data)).await, expected, "{data}");
    }
}

#[tokio::test]
async fn old_files_are_compared_in_the_types_and_with_the_defaults_of_today() {
    // Written when `k` was an int, and before `n` was there.
    let old = Schema::new(vec![
        NestedField::optional(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "key", PrimitiveType::Int),
    ])
    .unwrap();
    let rows: Vec<Tuple> = (0..3).map(|id| vec![long(id.into()), Some(Value::Int(id))]).collect();
    let file = MemoryFile::new(&old, &rows);
    let new = NestedField::optional(9, "n", PrimitiveType::String).with_initial_default("x".into());
    let mut fields = table().fields().to_vec();
    fields.push(new);
    let today = Arc::new(Schema::new(fields).unwrap());
    let id = Arc::new(today.select(&[FieldId(1)]).unwrap());

    let check = async |ids: &[i32], deleted: Tuple, expected: &[i64]| {
        let request = with_keys(Arc::clone(&id), keys(&today, ids, &[deleted], 2), 1);
        assert_eq!(left(&file, &request).await, expected);
    };
    check(&[2], vec![long(1)], &[0, 2]).await;
    check(&[2, 9], vec![long(1), Some("x".into())], &[0, 2]).await;
    check(&[2, 9], vec![long(1), None], &[0, 1, 2]).await;
    check(&[3], vec![None], &[]).await;
}

#[tokio::test]
async fn a_dropped_column_is_compared_still_and_never_given_out() {
    let old = Schema::new(vec![
        NestedField::optional(1, "id", PrimitiveType::Long),
        NestedField::required(5, "k", PrimitiveType::String),
    ])
    .unwrap();
    let rows = [vec![long(0), Some("a".into())], vec![long(1), Some("b".into())]];
    let file = MemoryFile::new(&old, &rows);
    // Another column has its name today.
    let request = with_keys(table(), keys(&old, &[5], &[vec![Some("a".into())]], 2), 1);
    assert_eq!(file.rows(&request).await, [vec![long(1), None, None]]);
}

#[tokio::test]
async fn a_null_struct_is_a_null_key() {
    let inner = StructType::new(vec![
        NestedField::optional(3, "k", PrimitiveType::Long),
        NestedField::optional(4, "other", PrimitiveType::Long),
    ]);
    let schema = Arc::new(
        Schema::new(vec![
            NestedField::optional(1, "id", PrimitiveType::Long),
            NestedField::optional(2, "s", inner),
        ])
        .unwrap(),
    );
    let point = |k: Option<i64>| Some(Value::Struct(vec![k.map(Value::Long), long(7)]));
    let rows = [
        vec![long(0), None],
        vec![long(1), point(None)],
        vec![long(2), point(Some(0))],
        vec![long(3), point(Some(1))],
    ];
    let file = MemoryFile::new(&schema, &rows);
    let key = |k: Option<i64>| vec![Some(Value::Struct(vec![k.map(Value::Long)]))];
    for (deleted, expected) in
        [(key(None), vec![2, 3]), (vec![None], vec![2, 3]), (key(Some(0)), vec![0, 1, 3])]
    {
        let request = with_keys(Arc::clone(&schema), keys(&schema, &[3], &[deleted], 2), 1);
        assert_eq!(left(&file, &request).await, expected);
    }
}

#[tokio::test]
async fn deletes_of_all_kinds_and_a_filter_leave_what_none_of_them_hits() {
    let rows: Vec<Tuple> = (0..8).map(|id| vec![long(id), long(id % 4), None]).collect();
    let file = MemoryFile::new(&table(), &rows);
    let deletes = Deletes::builder()
        .with_positions(DeletionVector::from_positions([0, 7]).unwrap())
        .with_equality(keys(&table(), &[2], &[vec![long(1)]], 2), DataSequenceNumber(1))
        .with_equality(keys(&table(), &[1], &[vec![long(6)]], 2), DataSequenceNumber(1))
        .build();
    let filter = "k >= 2 or id = 0".parse::<Predicate>().unwrap().bind(&table()).unwrap();
    let id = Arc::new(table().select(&[FieldId(1)]).unwrap());
    let request = ReadRequest::new(id)
        .with_table_schema(table())
        .with_filter(filter)
        .with_deletes(Arc::new(deletes))
        .with_batch_rows(1);
    assert_eq!(left(&file, &request).await, [2, 3]);
}

#[test]
fn columns_that_cannot_be_keys_are_refused() {
    let list = datashard_spec::schema::ListType::optional(3, PrimitiveType::Long);
    let schema = Schema::new(vec![NestedField::optional(2, "l", list)]).unwrap();
    for (ids, expected) in [
        (vec![], "there are none"),
        (vec![FieldId(9)], "column 9 is not in the schema"),
        (vec![FieldId(2)], "column 2 is not primitive"),
        (vec![FieldId(3)], "column 3 is not primitive, or lies in a list"),
    ] {
        let error = EqualityDeletes::new(&schema, &ids).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
