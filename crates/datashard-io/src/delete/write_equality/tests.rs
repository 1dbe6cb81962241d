//! Equality deletes to files: columns, keys that come again, partitions, what is refused.

#![expect(clippy::as_conversions, reason = "tests state what they expect")]

use arrow::array::{AsArray, Int64Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use datashard_spec::ErrorKind;
use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::DataFile;
use datashard_spec::schema::{ListType, NestedField, StructType};
use datashard_spec::value::Value;

use super::*;
use crate::write::testing::{Notebook, files_of, options_of, table};

/// `id: long` (an identifier), `name: string`, `at: struct<day: date, place: string>`, `ratio: double`, `tags: list<int>`.
fn schema() -> Schema {
    let at = StructType::new(vec![
        NestedField::optional(4, "day", PrimitiveType::Date),
        NestedField::optional(5, "place", PrimitiveType::String),
    ]);
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "name", PrimitiveType::String),
        NestedField::optional(3, "at", at),
        NestedField::optional(6, "ratio", PrimitiveType::Double),
        NestedField::optional(7, "tags", ListType::optional(8, PrimitiveType::Int)),
    ];
    Schema::new(fields).unwrap().with_identifier_fields([FieldId(1)]).unwrap()
}

fn unpartitioned() -> PartitionSpec {
    PartitionSpec::unpartitioned(PartitionSpecId(0))
}

fn begin(spec: &PartitionSpec, ids: &[i32], clustered: bool) -> (EqualityDeleteWriter, Notebook, TableStore) {
    let (store, book, schema) = (table(-1), Notebook::new(10), schema());
    let ids: Vec<FieldId> = ids.iter().copied().map(FieldId).collect();
    let ids = equality_columns(&schema, Some(&ids)).unwrap();
    let options = options_of(FileContent::EqualityDeletes, &[]).with_clustered_rows(clustered);
    let (context, format) = (Context::system(), Box::new(book.clone()));
    let writer = EqualityDeleteWriter::with_format(
        &store,
        (&schema, spec),
        ids,
        &options,
        FormatVersion::V2,
        &context,
        format,
    );
    (writer.unwrap(), book, store)
}

fn keys(rows: &[(i64, Option<&str>)]) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("id", Arc::new(rows.iter().map(|(id, _)| *id).collect::<Int64Array>()) as ArrayRef),
        ("name", Arc::new(rows.iter().map(|(_, name)| *name).collect::<StringArray>())),
    ])
    .unwrap()
}

fn ids_of(book: &Notebook, file: &DataFile) -> Vec<i64> {
    book.rows_of(file).column(0).as_primitive::<Int64Type>().values().to_vec()
}

#[tokio::test]
async fn files_hold_the_equality_columns_only() {
    let (mut writer, book, store) = begin(&unpartitioned(), &[1], false);
    writer.write(&keys(&[(7, Some("x")), (9, None)])).await.unwrap();
    let written = writer.finish().await.unwrap();
    let file = &written.files[0];
    assert_eq!((file.content, &*file.equality_ids), (FileContent::EqualityDeletes, &[FieldId(1)][..]));
    assert_eq!(file.sort_order_id, Some(datashard_spec::id::SortOrderId(0)));
    assert!(file.file_path.ends_with("-deletes.rows"));
    let rows = book.rows_of(file);
    assert_eq!(rows.schema(), schema_to_arrow(&schema().project(&[FieldId(1)]).unwrap()).unwrap());
    assert_eq!(ids_of(&book, file), [7, 9]);
    assert_eq!((store.counts().put, store.counts().total()), (1, 1));
}

#[tokio::test]
async fn keys_whose_field_ids_and_names_contradict_each_other_are_refused() {
    let (mut writer, _, _) = begin(&unpartitioned(), &[1], false);
    // Of another table, in which 1 is the number of something else.
    let fields = vec![
        NestedField::required(1, "serial", PrimitiveType::Long),
        NestedField::required(2, "id", PrimitiveType::Long),
    ];
    let longs = |value| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    let other = schema_to_arrow(&Schema::new(fields).unwrap()).unwrap();
    let keys = RecordBatch::try_new(other, vec![longs(7), longs(8)]).unwrap();
    let error = writer.write(&keys).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("column `serial` has the field id 1 of column `id`"), "{error}");
}

#[tokio::test]
async fn keys_come_once_with_nulls_equal() {
    let (mut writer, book, _) = begin(&unpartitioned(), &[1, 2, 1], false);
    writer.write(&keys(&[(1, None), (1, Some("a")), (1, None)])).await.unwrap();
    writer.write(&keys(&[(1, Some("a")), (2, Some("a")), (1, Some(""))])).await.unwrap();
    writer.write(&keys(&[(2, Some("a"))])).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(written.files[0].equality_ids, [FieldId(1), FieldId(2)]);
    assert_eq!(ids_of(&book, &written.files[0]), [1, 1, 2, 1]);
}

#[tokio::test]
async fn one_key_in_two_partitions_is_written_to_both() {
    let spec = PartitionSpec::builder(&schema()).identity("name").build().unwrap();
    let (mut writer, book, _) = begin(&spec, &[1], false);
    // The partition is made of a column that is not in the files.
    let input: Vec<i32> = writer.input_schema().fields().iter().map(|f| f.id.0).collect();
    assert_eq!(input, [1, 2]);
    writer.write(&keys(&[(1, Some("a")), (1, Some("b")), (1, Some("a"))])).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(written.files.len(), 2);
    for (file, partition) in written.files.iter().zip(["a", "b"]) {
        assert_eq!(file.partition, [Some(Value::from(partition))]);
        assert_eq!(ids_of(&book, file), [1]);
    }
}

#[tokio::test]
async fn nested_key_comes_in_its_struct() {
    let (mut writer, book, _) = begin(&unpartitioned(), &[5], false);
    let place: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, Some("x")]));
    let day: ArrayRef = Arc::new(arrow::array::Date32Array::from(vec![1, 2, 3]));
    let at = StructArray::from(vec![
        (Arc::new(Field::new("place", DataType::Utf8, true)), place),
        (Arc::new(Field::new("day", DataType::Date32, true)), day),
    ]);
    // Columns that the key does not need are left aside.
    let other: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let rows = RecordBatch::try_from_iter([("other", other), ("at", Arc::new(at) as ArrayRef)]).unwrap();
    writer.write(&rows).await.unwrap();
    let written = writer.finish().await.unwrap();
    let rows = book.rows_of(&written.files[0]);
    assert_eq!(rows.schema(), schema_to_arrow(&schema().project(&[FieldId(5)]).unwrap()).unwrap());
    let places = rows.column(0).as_struct().column(0).as_string::<i32>().clone();
    assert_eq!(places.iter().collect::<Vec<_>>(), [Some("x"), None]);
}

#[tokio::test]
async fn missing_column_is_an_error_also_if_it_is_optional() {
    let (mut writer, _, _) = begin(&unpartitioned(), &[1, 2], false);
    let rows = keys(&[(1, None)]).project(&[0]).unwrap();
    let error = writer.write(&rows).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`name` (id 2)"), "{error}");
    let (mut writer, _, _) = begin(&unpartitioned(), &[5], false);
    let day: ArrayRef = Arc::new(arrow::array::Date32Array::from(vec![1]));
    let at = StructArray::from(vec![(Arc::new(Field::new("day", DataType::Date32, true)), day)]);
    let rows = RecordBatch::try_from_iter([("at", Arc::new(at) as ArrayRef)]).unwrap();
    let error = writer.write(&rows).await.unwrap_err();
    assert!(error.to_string().contains("`at.place` (id 5)"), "{error}");
}

#[tokio::test]
async fn rows_refused_for_their_order_are_not_remembered_as_written() {
    let spec = PartitionSpec::builder(&schema()).identity("name").build().unwrap();
    let (mut writer, book, _) = begin(&spec, &[1], true);
    writer.write(&keys(&[(1, Some("a")), (2, Some("b"))])).await.unwrap();
    writer.write(&keys(&[(3, Some("b")), (4, Some("a"))])).await.unwrap_err();
    writer.write(&keys(&[(3, Some("b"))])).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(ids_of(&book, &written.files[1]), [2, 3]);
}

#[tokio::test]
async fn memory_for_keys_is_bounded_and_forgetting_writes_twice() {
    let (mut writer, book, _) = begin(&unpartitioned(), &[1], false);
    writer.seen.limit_bytes = 100;
    for _ in 0..3 {
        for id in 0..10 {
            writer.write(&keys(&[(id, None)])).await.unwrap();
            assert!(writer.seen.bytes <= 100 + 64);
        }
    }
    let written = writer.finish().await.unwrap();
    let mut ids = ids_of(&book, &written.files[0]);
    assert!(ids.len() > 10);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
}

#[test]
fn columns_that_cannot_be_compared_are_refused() {
    let schema = schema();
    assert_eq!(equality_columns(&schema, None).unwrap(), [FieldId(1)]);
    for (ids, text) in [
        (vec![6], "delete by another column"),
        (vec![3], "not a single value"),
        (vec![7], "not a single value"),
        (vec![8], "list or map"),
        (vec![1, 99], "no column with id 99"),
        (vec![], "there are none"),
    ] {
        let ids: Vec<FieldId> = ids.into_iter().map(FieldId).collect();
        let error = equality_columns(&schema, Some(&ids)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(text), "{error}");
    }
    let anonymous = Schema::new(schema.fields().to_vec()).unwrap();
    let error = equality_columns(&anonymous, None).unwrap_err();
    assert!(error.to_string().contains("identifier"), "{error}");
}

#[test]
fn version_1_and_options_of_data_are_refused() {
    for (content, version, kind) in [
        (FileContent::EqualityDeletes, FormatVersion::V1, ErrorKind::Unsupported),
        (FileContent::Data, FormatVersion::V2, ErrorKind::InvalidInput),
        (FileContent::PositionDeletes, FormatVersion::V3, ErrorKind::InvalidInput),
    ] {
        let options = options_of(content, &[]);
        let made = EqualityDeleteWriter::new(
            &table(-1),
            &Arc::new(schema()),
            &unpartitioned(),
            None,
            &options,
            version,
            &Context::system(),
        );
        assert_eq!(made.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn abort_deletes_what_was_written() {
    let (mut writer, _, store) =
        begin(&PartitionSpec::builder(&schema()).identity("name").build().unwrap(), &[1], true);
    writer.write(&keys(&[(1, Some("a")), (2, Some("b"))])).await.unwrap();
    assert_eq!(files_of(&store).await.len(), 1);
    assert!(writer.abort().await.is_complete());
    assert!(files_of(&store).await.is_empty());
}
