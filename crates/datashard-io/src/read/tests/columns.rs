//! Which columns come out: those asked for, whatever deletes and filter test; metadata columns; lineage.

use std::sync::Arc;

use datashard_spec::expr::Predicate;
use datashard_spec::id::{DataSequenceNumber, FieldId, PartitionSpecId};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType};
use datashard_spec::transform::Transform;
use datashard_spec::value::{Tuple, Value};

use super::memory::MemoryFile;
use crate::read::ReadRequest;
use crate::read::decoder::RowPositions;

fn long(value: i64) -> Option<Value> {
    Some(Value::Long(value))
}

fn nested() -> Arc<Schema> {
    let inner = StructType::new(vec![
        NestedField::optional(4, "b", PrimitiveType::Long),
        NestedField::optional(5, "c", PrimitiveType::Long),
    ]);
    let outer = StructType::new(vec![
        NestedField::optional(3, "in", inner),
        NestedField::optional(6, "d", PrimitiveType::Long),
    ]);
    let fields =
        vec![NestedField::optional(1, "id", PrimitiveType::Long), NestedField::optional(2, "out", outer)];
    Arc::new(Schema::new(fields).unwrap())
}

fn row(id: i64, b: Option<i64>, c: Option<i64>, d: Option<i64>) -> Tuple {
    let value = |v: Option<i64>| v.map(Value::Long);
    let inner = Value::Struct(vec![value(b), value(c)]);
    vec![long(id), Some(Value::Struct(vec![Some(inner), value(d)]))]
}

#[tokio::test]
async fn a_filter_on_fields_of_structs_that_were_not_asked_for() {
    let table = nested();
    let rows = [
        row(0, Some(1), Some(10), Some(5)),
        row(1, Some(2), Some(20), None),
        vec![long(2), None],
        vec![long(3), Some(Value::Struct(vec![None, long(5)]))],
        row(4, None, Some(40), Some(5)),
    ];
    let file = MemoryFile::new(&table, &rows);
    let asked = Arc::new(table.project(&[FieldId(4)]).unwrap());
    let filter = "out.in.c > 10 or out.d = 5".parse::<Predicate>().unwrap().bind(&table).unwrap();
    let request = ReadRequest::new(asked).with_table_schema(Arc::clone(&table)).with_filter(filter);
    let b = |value: Option<i64>| Some(Value::Struct(vec![Some(Value::Struct(vec![value.map(Value::Long)]))]));
    let expected: Vec<Tuple> =
        vec![vec![b(Some(1))], vec![b(Some(2))], vec![Some(Value::Struct(vec![None]))], vec![b(None)]];
    assert_eq!(file.rows(&request).await, expected);
    // Only the leaves that are needed are decoded.
    assert_eq!(file.plan.lock().unwrap().as_ref().unwrap().resolution.leaves(), [1, 2, 3]);
}

#[tokio::test]
async fn a_filter_bound_to_another_type_than_the_one_that_is_read_is_refused() {
    let of = |to| Arc::new(Schema::new(vec![NestedField::optional(1, "a", to)]).unwrap());
    let (old, today) = (of(PrimitiveType::Int), of(PrimitiveType::Long));
    let file = MemoryFile::new(&old, &[vec![Some(Value::Int(7))]]);
    let filter = "a > 5".parse::<Predicate>().unwrap().bind(&today).unwrap();
    let request = ReadRequest::new(Arc::clone(&old)).with_table_schema(Arc::clone(&today));
    let error = file.open(&request.with_filter(filter.clone())).unwrap_err();
    assert_eq!(error.kind(), datashard_spec::ErrorKind::InvalidInput, "{error}");
    assert_eq!(
        error.to_string(),
        "filter: it was bound to column `a` as long, but the column is read as int: bind it to the schema that is read"
    );
    let request = ReadRequest::new(today).with_filter(filter);
    assert_eq!(file.rows(&request).await, [vec![long(7)]]);
}

fn metadata_schema(ids: &[FieldId]) -> Arc<Schema> {
    let partition = StructType::new(vec![
        NestedField::optional(1000, "p", PrimitiveType::Long),
        NestedField::optional(1001, "q", PrimitiveType::String),
    ]);
    let mut all = nested().fields()[..1].to_vec();
    all.extend([
        NestedField::required(FieldId::FILE.0, "_file", PrimitiveType::String),
        NestedField::required(FieldId::POS.0, "_pos", PrimitiveType::Long),
        NestedField::required(FieldId::DELETED.0, "_deleted", PrimitiveType::Boolean),
        NestedField::required(FieldId::SPEC_ID.0, "_spec_id", PrimitiveType::Int),
        NestedField::optional(FieldId::PARTITION.0, "_partition", partition),
        NestedField::optional(FieldId::ROW_ID.0, "_row_id", PrimitiveType::Long),
        NestedField::optional(
            FieldId::LAST_UPDATED_SEQUENCE_NUMBER.0,
            "_last_updated_sequence_number",
            PrimitiveType::Long,
        ),
        NestedField::optional(FieldId::CHANGE_ORDINAL.0, "_change_ordinal", PrimitiveType::Int),
    ]);
    Arc::new(Schema::new(all).unwrap().select(ids).unwrap())
}

fn numbered(rows: i64) -> MemoryFile {
    let rows: Vec<Tuple> = (0..rows).map(|id| vec![long(id)]).collect();
    MemoryFile::new(&metadata_schema(&[FieldId(1)]), &rows)
}

#[tokio::test]
async fn trap_16_positions_survive_what_a_decoder_leaves_out() {
    let file = numbered(4).at(vec![RowPositions::Each(vec![3, 7]), RowPositions::From(100)], 2);
    let schema = metadata_schema(&[FieldId(1), FieldId::POS, FieldId::ROW_ID]);
    let request =
        ReadRequest::new(schema).with_first_row_id(1000).with_data_sequence_number(DataSequenceNumber(5));
    let expected: Vec<Tuple> = [(0, 3), (1, 7), (2, 100), (3, 101)]
        .map(|(id, position)| vec![long(id), long(position), long(1000 + position)])
        .into();
    assert_eq!(file.rows(&request).await, expected);
}

#[tokio::test]
async fn a_file_tells_where_its_rows_lie() {
    let ids =
        [FieldId::FILE, FieldId::POS, FieldId::DELETED, FieldId::SPEC_ID, FieldId::PARTITION, FieldId(1)];
    let schema = metadata_schema(&ids);
    let field = PartitionField::new(FieldId(1), FieldId(1000), "p", Transform::Identity);
    let spec = PartitionSpec::new(PartitionSpecId(3), vec![field]);
    let filter = "_spec_id = 3 and _pos > 0 and id < 2".parse::<Predicate>().unwrap().bind(&schema).unwrap();
    let request = ReadRequest::new(Arc::clone(&schema))
        .with_partition(&spec, &[Some(Value::Int(9))])
        .with_filter(filter);
    let partition = Some(Value::Struct(vec![long(9), None]));
    let file: Option<Value> = Some("memory:f".into());
    let expected: Vec<Tuple> =
        vec![vec![long(1), file, long(1), Some(Value::Boolean(false)), Some(Value::Int(3)), partition]];
    assert_eq!(numbered(4).rows(&request).await, expected);
}

#[tokio::test]
async fn a_filter_may_test_a_field_of_the_partition() {
    let schema = metadata_schema(&[FieldId(1), FieldId::PARTITION]);
    let spec = PartitionSpec::new(
        PartitionSpecId(3),
        vec![PartitionField::new(FieldId(1), FieldId(1000), "p", Transform::Identity)],
    );
    let column = schema.field_by_id(FieldId::PARTITION).unwrap().field_type.as_struct().unwrap();
    let name = format!("_partition.{}", column.fields[0].name);
    for (value, rows) in [(9, 3), (8, 0)] {
        let filter =
            format!("{name} = {value} and id > 0").parse::<Predicate>().unwrap().bind(&schema).unwrap();
        for asked in [Arc::clone(&schema), metadata_schema(&[FieldId(1)])] {
            let request = ReadRequest::new(asked)
                .with_table_schema(Arc::clone(&schema))
                .with_partition(&spec, &[Some(Value::Int(9))])
                .with_filter(filter.clone());
            assert_eq!(numbered(4).rows(&request).await.len(), rows, "{filter}");
        }
    }
}

#[tokio::test]
async fn what_a_metadata_column_needs_must_be_told() {
    for (id, expected) in [
        (
            FieldId::SPEC_ID,
            "read request: column `_spec_id` was asked for, but the file's partition spec was not given",
        ),
        (
            FieldId::PARTITION,
            "read request: column `_partition` was asked for, but the file's partition was not given",
        ),
        (
            FieldId::CHANGE_ORDINAL,
            "column `_change_ordinal`: a column of changelogs in a scan of one file is not supported: compare two snapshots instead",
        ),
    ] {
        let error = numbered(1).open(&ReadRequest::new(metadata_schema(&[id]))).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let number = metadata_schema(&[FieldId::LAST_UPDATED_SEQUENCE_NUMBER]);
    let error = numbered(1).open(&ReadRequest::new(number).with_first_row_id(0)).unwrap_err();
    assert!(error.to_string().contains("the file's data sequence number was not given"), "{error}");
    let wrong = NestedField::optional(FieldId::POS.0, "_pos", PrimitiveType::Int);
    let wrong = Arc::new(Schema::new(vec![wrong]).unwrap());
    let error = numbered(1).open(&ReadRequest::new(wrong)).unwrap_err();
    assert!(error.to_string().contains("column `_pos`"), "{error}");
}

#[tokio::test]
async fn stored_lineage_wins_over_inherited_and_rows_of_old_files_have_none() {
    let schema = metadata_schema(&[FieldId(1), FieldId::ROW_ID, FieldId::LAST_UPDATED_SEQUENCE_NUMBER]);
    let rows = [vec![long(0), long(70), long(2)], vec![long(1), long(71), None], vec![long(2), None, None]];
    let stored = MemoryFile::new(&schema, &rows);
    let request = ReadRequest::new(Arc::clone(&schema)).with_data_sequence_number(DataSequenceNumber(8));
    let inherited = request.clone().with_first_row_id(100);
    let expected: Vec<Tuple> = vec![
        vec![long(0), long(70), long(2)],
        vec![long(1), long(71), long(8)],
        vec![long(2), long(102), long(8)],
    ];
    assert_eq!(stored.rows(&inherited).await, expected);
    let expected: Vec<Tuple> = vec![vec![long(0), long(100), long(8)], vec![long(1), long(101), long(8)]];
    assert_eq!(numbered(2).rows(&inherited).await, expected);
    for file in [&stored, &numbered(3)] {
        let expected: Vec<Tuple> = (0..3).map(|id| vec![long(id), None, None]).collect();
        assert_eq!(file.rows(&request).await, expected);
    }
    // A filter sees what comes out.
    let filter = "_row_id > 71".parse::<Predicate>().unwrap().bind(&schema).unwrap();
    let ids = ReadRequest { schema: metadata_schema(&[FieldId(1)]), ..inherited }
        .with_table_schema(schema)
        .with_filter(filter);
    assert_eq!(stored.rows(&ids).await, [vec![long(2)]]);
    let negative = ReadRequest::new(metadata_schema(&[FieldId::ROW_ID])).with_first_row_id(-1);
    assert!(numbered(2).open(&negative).unwrap_err().to_string().contains("-1 is below 0"));
    let overflow = ReadRequest::new(metadata_schema(&[FieldId::ROW_ID])).with_first_row_id(i64::MAX);
    assert!(numbered(2).outcome(&overflow).await.1.unwrap().to_string().contains("exceed 64 bits"));
}
