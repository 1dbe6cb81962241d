//! The builder itself: numbers of rows, refused records, typed values, batches of another schema.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use datashard_spec::error::ErrorKind;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, Schema, StructType, Type};
use datashard_spec::value::Value;
use serde_json::json;

use super::super::{RowBuilder, to_json, values};
use super::{decimal, one, rows_of};
use crate::arrow::testing::variants;
use crate::data_error::DataError;

fn two() -> Arc<Schema> {
    let fields = vec![
        NestedField::required(1, "id", P::Long),
        NestedField::optional(2, "tags", ListType::required(3, P::String)),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

#[test]
fn a_refused_record_leaves_nothing_behind() {
    let schema = two();
    let mut rows = RowBuilder::new(&schema).unwrap();
    rows.push_json(&json!({"id": 1, "tags": ["a"]})).unwrap();
    let (len, size) = (rows.len(), rows.size_bytes());
    for bad in [
        json!({"id": 2, "tags": ["b", null]}),
        json!({"tags": ["b"]}),
        json!({"id": 2, "tag": []}),
        json!({"id": null}),
        json!(null),
        json!(7),
        json!([]),
    ] {
        let error = rows.push_json(&bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
        assert!(matches!(error, DataError::BadValue { row: 1, .. }), "{bad}: {error}");
        let error = rows.push(&bad).unwrap_err();
        assert!(matches!(error, DataError::BadValue { row: 1, .. }), "{bad}: {error}");
        assert_eq!((rows.len(), rows.size_bytes()), (len, size), "{bad}");
    }
    rows.push_json(&json!({"id": 3})).unwrap();
    let tags = Value::List(vec![Some("a".into())]);
    assert_eq!(
        rows_of(&mut rows, &schema),
        [[Some(Value::Long(1)), Some(tags)], [Some(Value::Long(3)), None]]
    );
}

#[test]
fn messages_name_the_row_and_the_field() {
    let mut rows = RowBuilder::new(&two()).unwrap();
    let mut message = |record| rows.push_json(&record).unwrap_err().to_string();
    assert_eq!(
        message(json!({})),
        "record, row 0: column `id`: is missing, required, and has no write default"
    );
    assert_eq!(message(json!({"id": 1, "x": 1})), "record, row 0: column `x`: there is no such field");
    assert_eq!(
        message(json!({"id": 1, "tags": [1]})),
        "record, row 0: column `tags.element`: an integer where a value of type string is needed"
    );
    assert_eq!(message(json!(null)), "record, row 0: column ``: null where a record is needed");
    assert_eq!(message(json!(1)), "record, row 0: column ``: an integer where a struct is needed");
}

#[test]
fn rows_are_counted_across_batches() {
    let schema = one(P::Int);
    let mut rows = RowBuilder::new(&schema).unwrap();
    rows.push_values([Some(Value::Int(1))]).unwrap();
    rows.push_values([None]).unwrap();
    assert_eq!((rows.len(), rows.is_empty()), (2, false));
    assert_eq!(rows.finish().unwrap().num_rows(), 2);
    assert_eq!((rows.len(), rows.is_empty(), rows.size_bytes()), (0, true, 0));
    let error = rows.push_values([Some(Value::Long(1))]).unwrap_err();
    assert_eq!(error.to_string(), "record, row 2: column `c`: 1 is no value of type int");
    assert_eq!(rows.finish().unwrap().num_rows(), 0);
}

#[test]
fn a_name_given_twice_is_refused() {
    struct Twice;
    impl serde::Serialize for Twice {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([("c", 1), ("c", 2)])
        }
    }
    let mut rows = RowBuilder::new(&one(P::Int)).unwrap();
    assert_eq!(rows.push(&Twice).unwrap_err().to_string(), "record, row 0: column `c`: is there twice");
    let mut rows = RowBuilder::new(&one(MapType::optional(2, P::String, 3, P::Int))).unwrap();
    let error = rows.push(&std::collections::BTreeMap::from([("c", Twice)])).unwrap_err();
    assert_eq!(error.to_string(), "record, row 0: column `c`: the key \"c\" is there twice");
}

#[test]
fn typed_values_are_one_per_column() {
    let mut rows = RowBuilder::new(&two()).unwrap();
    let mut message = |record: Vec<Option<Value>>| rows.push_values(record).unwrap_err().to_string();
    assert_eq!(
        message(vec![Some(Value::Long(1))]),
        "record, row 0: column `tags`: 1 values where the table has 2 columns"
    );
    assert_eq!(
        message(vec![None; 5]),
        "record, row 0: column `tags`: more values where the table has 2 columns"
    );
    assert_eq!(message(vec![None, None]), "record, row 0: column `id`: null in a required column");
    // Endless input is no matter.
    assert!(rows.push_values(std::iter::repeat(None)).is_err());
}

#[test]
fn typed_values_are_checked_at_any_depth_and_widened() {
    let member = StructType::new(vec![NestedField::required(4, "x", decimal(3, 1))]);
    let to = Type::from(MapType::required(2, P::Date, 3, member));
    let push = |to: &Type, value: Value| {
        let schema = one(to.clone());
        let mut rows = RowBuilder::new(&schema).unwrap();
        rows.push_values([Some(value)]).map_err(|error| error.to_string())?;
        Ok::<_, String>(rows_of(&mut rows, &schema).remove(0).remove(0))
    };
    let map = |member: Option<Value>| Value::Map(vec![(Value::Date(1), Some(Value::Struct(vec![member])))]);
    let fine = map(Some(Value::decimal(999, 1)));
    assert_eq!(push(&to, fine.clone()), Ok(Some(fine)));
    for (value, words) in [
        (map(None), "column `c.value.x`: null in a required column"),
        (map(Some(Value::decimal(1000, 1))), "column `c.value.x`: 100.0 is no value of type decimal(3, 1)"),
        (map(Some(Value::decimal(1, 2))), "column `c.value.x`: 0.01 is no value of type decimal(3, 1)"),
        (Value::Map(vec![(Value::Date(1), None)]), "column `c.value`: null in a required column"),
        (Value::Map(vec![(Value::Int(1), None)]), "column `c.key`: 1 is no value of type date"),
        (Value::Map(vec![(Value::Date(1), Some(Value::Struct(vec![])))]), "column `c.value`: "),
    ] {
        let error = push(&to, value).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let twice = Value::Map(vec![(Value::Int(1), None), (Value::Int(1), None)]);
    let error = push(&MapType::optional(2, P::Int, 3, P::Int).into(), twice).unwrap_err();
    assert!(error.ends_with("the key 1 is there twice"), "{error}");
    assert_eq!(push(&P::Long.into(), Value::Int(7)), Ok(Some(Value::Long(7))));
    assert_eq!(push(&P::Double.into(), Value::Float(0.5)), Ok(Some(Value::Double(0.5))));
    assert!(push(&P::Time.into(), Value::Time(-1)).unwrap_err().ends_with("is outside the range of time"));
    assert!(push(&P::Unknown.into(), Value::Int(1)).is_err());
    assert!(push(&Type::Variant, Value::Int(1)).is_err());
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("id", ints)]).unwrap();
    let error = values(&batch, &two()).err().unwrap();
    assert_eq!(error.to_string(), "record batch: its columns are id, not those of the schema");
    let longs = Schema::new(vec![NestedField::optional(1, "id", P::Long)]).unwrap();
    let error = to_json(&batch, &longs).err().unwrap();
    assert_eq!(
        error.to_string(),
        "record batch: column `id` is Int32, which cannot be read as long; make the batch conform to the schema first"
    );
    // Metadata and nullability do not matter.
    let array: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("id", array)]).unwrap();
    assert_eq!(values(&batch, &longs).unwrap().len(), 1);
}

#[test]
fn a_variant_in_a_batch_is_refused_by_row() {
    let schema = one(Type::Variant);
    let arrow = crate::arrow::schema_to_arrow(&schema).unwrap();
    let column = variants(&[None, Some((vec![1, 0, 0], vec![0]))]);
    let batch = RecordBatch::try_new(arrow, vec![column]).unwrap();
    let rows: Vec<_> = values(&batch, &schema).unwrap().collect();
    assert_eq!(rows[0].as_ref().unwrap(), &[None]);
    assert_eq!(
        rows[1].as_ref().unwrap_err().to_string(),
        "record batch, row 1, column `c`: a single value of type variant is not supported: read the column as Arrow"
    );
}

#[test]
fn a_wide_record_finds_its_columns_in_any_order() {
    let fields = (1..=300).map(|id| NestedField::required(id, format!("c{id}"), P::Int)).collect();
    let schema = Arc::new(Schema::new(fields).unwrap());
    let mut rows = RowBuilder::new(&schema).unwrap();
    let record: serde_json::Map<_, _> = (1..=300).map(|id| (format!("c{id}"), json!(id))).collect();
    rows.push_json(&record.into()).unwrap();
    let expect: Vec<_> = (1..=300).map(|id| Some(Value::Int(id))).collect();
    assert_eq!(rows_of(&mut rows, &schema), [expect]);
}
