//! Columns whose types were widened: values stay, filters work in the new type, and what does not fit is refused.

use std::sync::Arc;

use datashard_io::DataError;
use datashard_io::read::ReadRequest;
use datashard_spec::expr::col;
use datashard_spec::id::FieldId;
use datashard_spec::schema::evolution::SchemaUpdate;
use datashard_spec::schema::{NestedField, PrimitiveType as P};
use datashard_spec::value::{Tuple, Value};

use super::steps::{check, check_filter, evolved, int, schema};
use crate::sheet::{FORMATS, Sheet};

#[tokio::test]
async fn widened_columns_keep_their_values_and_are_filtered_in_the_new_type() {
    let decimal = |precision| P::Decimal { precision, scale: 2 };
    let from = schema(vec![
        NestedField::required(1, "id", P::Int),
        NestedField::optional(2, "n", P::Int),
        NestedField::optional(3, "f", P::Float),
        NestedField::optional(4, "d9", decimal(9)),
        NestedField::optional(5, "d18", decimal(18)),
        NestedField::optional(6, "d20", decimal(20)),
        NestedField::optional(7, "on", P::Date),
    ]);
    let row = |id: i32, n: i32, f: f32, d: i128, on: i32| {
        let d = |scale| Some(Value::decimal(d, scale));
        vec![int(id), int(n), Some(Value::Float(f)), d(2), d(2), d(2), Some(Value::Date(on))]
    };
    let rows: Vec<Tuple> = vec![
        row(1, i32::MIN, f32::NAN, 1 - 1_000_000_000, -1),
        row(2, i32::MAX, -0.0, 1_000_000_000 - 1, 0),
        row(3, 0, 0.1, 0, 20_000),
        vec![int(4), None, None, None, None, None, None],
        row(5, -1, f32::MAX, -1, -719_162),
    ];
    let to = evolved(
        &from,
        vec![
            SchemaUpdate::new().change_type("n", P::Long).change_type("f", P::Double),
            SchemaUpdate::new()
                .change_type("d9", decimal(10))
                .change_type("d18", decimal(19))
                .change_type("d20", decimal(38))
                .change_type("on", P::Timestamp),
        ],
    );
    let day = 86_400_000_000_i64;
    let wide = |row: &Tuple| -> Tuple {
        row.iter()
            .enumerate()
            .map(|(at, value)| match value {
                Some(Value::Int(n)) if at == 1 => Some(Value::Long(i64::from(*n))),
                Some(Value::Float(f)) => Some(Value::Double(f64::from(*f))),
                Some(Value::Date(on)) => Some(Value::Timestamp(i64::from(*on) * day)),
                other => other.clone(),
            })
            .collect()
    };
    check(&from, &rows, &to, &rows.iter().map(wide).collect::<Vec<_>>()).await;
    for (filter, expect) in [
        (col("n").less_than(i64::from(i32::MIN) - 1), &[][..]),
        (col("n").less_than_or_equal(i64::from(i32::MIN)), &[1]),
        (col("n").is_in([i64::from(i32::MAX), 1 << 40]), &[2]),
        // 0.1 as a float is not 0.1 as a double.
        (col("f").equal_to(0.1_f64), &[]),
        (col("f").equal_to(f64::from(0.1_f32)), &[3]),
        (col("f").is_nan(), &[1]),
        (col("f").equal_to(0.0), &[2]),
        (col("d9").greater_than(Value::decimal(1_000_000_000, 2)), &[]),
        (col("d18").greater_than(Value::decimal(0, 2)), &[2]),
        (col("d20").less_than(Value::decimal(-1, 2)), &[1]),
        (col("on").less_than(Value::Timestamp(-day)), &[5]),
        (col("on").equal_to(Value::Timestamp(20_000 * day)), &[3]),
    ] {
        check_filter(&from, &rows, &to, &filter, expect).await;
    }
}

#[tokio::test]
async fn an_unknown_column_may_become_anything() {
    let from =
        schema(vec![NestedField::required(1, "id", P::Int), NestedField::optional(2, "u", P::Unknown)]);
    let to = evolved(&from, vec![SchemaUpdate::new().change_type("u", P::Uuid)]);
    assert_eq!(to.field_by_name("u").unwrap().id, FieldId(2));
    let rows: Vec<Tuple> = (0..3).map(|id| vec![int(id), None]).collect();
    check(&from, &rows, &to, &rows).await;
}

#[tokio::test]
async fn a_date_that_no_timestamp_reaches_is_refused_with_its_row_and_column() {
    let from = schema(vec![NestedField::optional(1, "on", P::Date)]);
    let to = evolved(&from, vec![SchemaUpdate::new().change_type("on", P::TimestampNs)]);
    let rows: Vec<Tuple> =
        (0..20).map(|n| vec![Some(Value::Date(if n == 17 { 200_000 } else { n }))]).collect();
    for format in FORMATS {
        let sheet = Sheet::new(&from, format, &[]).await;
        let file = sheet.write(&rows).await;
        for batch_rows in [1, 7, 100] {
            let request = ReadRequest::new(Arc::clone(&to)).with_batch_rows(batch_rows);
            match sheet.try_batches(&file, request).await.unwrap_err() {
                DataError::BadValue { place, row, column, .. } => {
                    assert!(place.contains(&file.file_path), "{place}");
                    assert_eq!((row, column.as_str()), (17, "on"), "{format}");
                }
                other => panic!("{other}"),
            }
        }
    }
}
