//! Columns of identity partition fields that files lack, and required ones that nothing stands in for.

use std::sync::Arc;

use datashard_io::read::{ReadRequest, identity_constants};
use datashard_spec::error::ErrorKind;
use datashard_spec::expr::col;
use datashard_spec::id::FieldId;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType};
use datashard_spec::value::{Tuple, Value};

use crate::sheet::{FORMATS, Sheet, assert_same};

fn table() -> Arc<Schema> {
    let place = StructType::new(vec![
        NestedField::optional(4, "country", PrimitiveType::String),
        NestedField::optional(5, "zip", PrimitiveType::Int),
    ]);
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "day", PrimitiveType::Date).with_initial_default(Value::Date(-7)),
        NestedField::optional(3, "place", place),
        NestedField::optional(6, "kind", PrimitiveType::Long),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

/// What files hold that were imported from folders named by day, country and kind.
fn in_files() -> Arc<Schema> {
    let place = StructType::new(vec![NestedField::optional(5, "zip", PrimitiveType::Int)]);
    let fields =
        vec![NestedField::required(1, "id", PrimitiveType::Long), NestedField::optional(3, "place", place)];
    Arc::new(Schema::new(fields).unwrap())
}

fn rows() -> Vec<Tuple> {
    let zip = |zip| Some(Value::Struct(vec![Some(Value::Int(zip))]));
    vec![vec![Some(Value::Long(1)), zip(100)], vec![Some(Value::Long(2)), zip(200)]]
}

fn spec() -> PartitionSpec {
    PartitionSpec::builder(&table())
        .identity("day")
        .identity("place.country")
        .identity("kind")
        .build()
        .unwrap()
}

#[tokio::test]
async fn partition_values_stand_in_for_columns_that_files_lack() {
    let (table, spec) = (table(), spec());
    // The tuple is older than the type of `kind`.
    let tuple = [Some(Value::Date(20_000)), Some("is".into()), Some(Value::Int(3))];
    let constants = identity_constants(&spec, &table, &tuple);
    let row = |id: i64, zip: i32| {
        let place = Value::Struct(vec![Some("is".into()), Some(Value::Int(zip))]);
        vec![Some(Value::Long(id)), Some(Value::Date(20_000)), Some(place), Some(Value::Long(3))]
    };
    for format in FORMATS {
        let sheet = Sheet::new(&in_files(), format, &[]).await;
        let file = sheet.write(&rows()).await;
        let with = |request: ReadRequest| request.with_constants(constants.clone());
        let found = sheet.read_with(&file, &table, with).await;
        assert_same(&found, &[row(1, 100), row(2, 200)], &table, format);

        for (filter, expect) in [
            (col("day").equal_to(Value::Date(20_000)), 2),
            (col("day").less_than(Value::Date(20_000)), 0),
            (col("place.country").equal_to("is").and(col("id").equal_to(1)), 1),
            (col("kind").is_null(), 0),
        ] {
            let bound = filter.bind(&table).unwrap();
            let found = sheet.read_with(&file, &table, |request| with(request).with_filter(bound)).await;
            assert_eq!(found.len(), expect, "{format}: {filter:?}");
        }
    }
}

#[tokio::test]
async fn a_null_partition_value_is_null_even_where_there_is_a_default() {
    let (table, spec) = (table(), spec());
    let constants = identity_constants(&spec, &table, &[None, None, None]);
    for format in FORMATS {
        let sheet = Sheet::new(&in_files(), format, &[]).await;
        let file = sheet.write(&rows()).await;
        let found = sheet.read_with(&file, &table, |request| request.with_constants(constants.clone())).await;
        assert_eq!(found[0][1], None, "{format}");
        assert_eq!(found[0][2], Some(Value::Struct(vec![None, Some(Value::Int(100))])));
        assert_eq!(found[0][3], None);
        // Without the tuple, the default stands.
        let found = sheet.read_with(&file, &table, |request| request).await;
        assert_eq!(found[0][1], Some(Value::Date(-7)), "{format}");
    }
}

#[tokio::test]
async fn what_files_hold_wins_over_partition_values() {
    let table = table();
    let constants =
        identity_constants(&spec(), &table, &[Some(Value::Date(1)), Some("no".into()), Some(Value::Long(9))]);
    let place = Value::Struct(vec![None, None]);
    let rows: Vec<Tuple> = vec![
        vec![Some(Value::Long(1)), Some(Value::Date(2)), Some(place), None],
        vec![Some(Value::Long(2)), None, None, None],
    ];
    for format in FORMATS {
        let sheet = Sheet::new(&table, format, &[]).await;
        let file = sheet.write(&rows).await;
        let found = sheet.read_with(&file, &table, |request| request.with_constants(constants.clone())).await;
        assert_same(&found, &rows, &table, format);
    }
}

#[tokio::test]
async fn a_required_column_that_nothing_stands_in_for_is_refused_by_name() {
    let from = Arc::new(Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap());
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::required(2, "needed", PrimitiveType::String),
    ];
    let to = Arc::new(Schema::new(fields).unwrap());
    for format in FORMATS {
        let sheet = Sheet::new(&from, format, &[]).await;
        let file = sheet.write(&[vec![Some(Value::Long(1))]]).await;
        let error = sheet.try_batches(&file, ReadRequest::new(Arc::clone(&to))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        assert!(error.to_string().contains("`needed`"), "{error}");
        assert!(error.to_string().contains(&FieldId(2).to_string()), "{error}");
    }
}
