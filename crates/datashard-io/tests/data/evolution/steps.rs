//! Each step of evolution with rows stated by hand: added, dropped, renamed, moved, widened; in structs, lists and maps.

use std::sync::Arc;

use datashard_io::DataError;
use datashard_io::read::ReadRequest;
use datashard_spec::expr::{Predicate, col};
use datashard_spec::id::FieldId;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::evolution::{NewColumn, Position, SchemaUpdate, UpdateBase};
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, Schema, StructType};
use datashard_spec::value::{Tuple, Value};

use crate::sheet::{FORMATS, Sheet, TINY, assert_same};

fn schema(fields: Vec<NestedField>) -> Arc<Schema> {
    Arc::new(Schema::new(fields).unwrap())
}

/// The schema after updates, one commit each.
fn evolved(from: &Schema, updates: Vec<SchemaUpdate>) -> Arc<Schema> {
    let (mut schema, mut last) = (from.clone(), from.highest_field_id());
    for update in updates {
        let change = update.apply(&UpdateBase::new(&schema, last, FormatVersion::V3)).unwrap();
        (schema, last) = (change.schema, change.last_column_id);
    }
    Arc::new(schema)
}

/// Writes rows in one schema and reads them in another.
async fn check(from: &Arc<Schema>, rows: &[Tuple], to: &Arc<Schema>, expect: &[Tuple]) {
    for format in FORMATS {
        for set in [&[][..], &TINY] {
            let sheet = Sheet::new(from, format, set).await;
            let file = sheet.write(rows).await;
            assert_same(&sheet.read_with(&file, to, |request| request).await, expect, to, format);
        }
    }
}

/// The rows that a filter of the later schema finds, by its first column.
async fn check_filter(
    from: &Arc<Schema>,
    rows: &[Tuple],
    to: &Arc<Schema>,
    filter: &Predicate,
    expect: &[i32],
) {
    let bound = filter.bind(to).unwrap();
    for format in FORMATS {
        for set in [&[][..], &TINY] {
            let sheet = Sheet::new(from, format, set).await;
            let file = sheet.write(rows).await;
            let found = sheet.read_with(&file, to, |request| request.with_filter(bound.clone())).await;
            let found: Vec<Option<Value>> = found.into_iter().map(|mut row| row.remove(0)).collect();
            let expect: Vec<Option<Value>> = expect.iter().map(|id| Some(Value::Int(*id))).collect();
            assert_eq!(found, expect, "{format}: {filter:?}");
        }
    }
}

fn int(value: i32) -> Option<Value> {
    Some(Value::Int(value))
}

fn of_struct(values: Vec<Option<Value>>) -> Option<Value> {
    Some(Value::Struct(values))
}

#[tokio::test]
async fn added_columns_are_null_or_their_initial_default() {
    let from = schema(vec![NestedField::required(1, "id", P::Int)]);
    let to = evolved(
        &from,
        vec![
            SchemaUpdate::new()
                .add_column(NewColumn::optional("nothing", P::String))
                .add_column(NewColumn::required("text", P::String).with_default("é".into()))
                .add_column(
                    NewColumn::optional("price", P::Decimal { precision: 38, scale: 2 })
                        .with_default(Value::decimal(-5, 2)),
                )
                .add_column(
                    NewColumn::optional("at", P::TimestamptzNs).with_default(Value::TimestamptzNs(-1)),
                )
                .add_column(NewColumn::optional("list", ListType::optional(0, P::Int))),
            // What is written from now on has no part in what was.
            SchemaUpdate::new().set_write_default("text", Some("later".into())),
        ],
    );
    let rows: Vec<Tuple> = (0..12).map(|id| vec![int(id)]).collect();
    let row = |id| {
        vec![
            int(id),
            None,
            Some("é".into()),
            Some(Value::decimal(-5, 2)),
            Some(Value::TimestamptzNs(-1)),
            None,
        ]
    };
    check(&from, &rows, &to, &(0..12).map(row).collect::<Vec<_>>()).await;
    let all: Vec<i32> = (0..12).collect();
    for (filter, expect) in [
        (col("text").equal_to("é"), &all[..]),
        (col("text").not_equal_to("é"), &[]),
        (col("nothing").is_null(), &all),
        (col("nothing").equal_to("x"), &[]),
        (col("nothing").is_not_null().or(col("id").greater_than(9)), &all[10..]),
        (col("price").less_than(Value::decimal(0, 2)).and(col("id").less_than(3)), &all[..3]),
    ] {
        check_filter(&from, &rows, &to, &filter, expect).await;
    }
}

#[tokio::test]
async fn renamed_moved_and_dropped_columns_keep_their_values_by_id() {
    let from = schema(vec![
        NestedField::required(1, "a", P::Int),
        NestedField::optional(2, "b", P::Int),
        NestedField::optional(3, "c", P::String),
    ]);
    let rows: Vec<Tuple> = (0..9).map(|n| vec![int(n), int(-n), (n % 2 == 0).then(|| "c".into())]).collect();
    // Two columns swap their names, one goes, the order turns round.
    let to = evolved(
        &from,
        vec![
            SchemaUpdate::new().rename_column("a", "b").rename_column("b", "a"),
            SchemaUpdate::new().delete_column("c").move_column("a", Position::First),
        ],
    );
    let names: Vec<&str> = to.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    check(&from, &rows, &to, &(0..9).map(|n| vec![int(-n), int(n)]).collect::<Vec<_>>()).await;
    check_filter(&from, &rows, &to, &col("b").greater_than(6), &[-7, -8]).await;
}

#[tokio::test]
async fn a_column_dropped_and_added_again_is_another_one() {
    let from = schema(vec![
        NestedField::required(1, "id", P::Int),
        NestedField::optional(2, "name", P::String),
        NestedField::optional(3, "s", StructType::new(vec![NestedField::optional(4, "x", P::Int)])),
    ]);
    let rows: Vec<Tuple> =
        vec![vec![int(1), Some("old".into()), of_struct(vec![int(7)])], vec![int(2), None, None]];
    let to = evolved(
        &from,
        vec![
            SchemaUpdate::new().delete_column("name").add_column(NewColumn::optional("name", P::String)),
            SchemaUpdate::new()
                .delete_column("s.x")
                .add_field("s", NewColumn::optional("x", P::Int).with_default(Value::Int(3))),
        ],
    );
    // No column of the file is left in the struct, but it says where the struct itself is null.
    check(&from, &rows, &to, &[vec![int(1), of_struct(vec![int(3)]), None], vec![int(2), None, None]]).await;
    check_filter(&from, &rows, &to, &col("name").is_not_null(), &[]).await;
    check_filter(&from, &rows, &to, &col("s.x").equal_to(3), &[1]).await;
    check_filter(&from, &rows, &to, &col("s.x").is_null(), &[2]).await;
}

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
async fn structs_lists_and_maps_evolve_within() {
    let inner = |id| {
        StructType::new(vec![
            NestedField::optional(id, "n", P::Int),
            NestedField::optional(id + 1, "gone", P::String),
        ])
    };
    let from = schema(vec![
        NestedField::required(1, "id", P::Int),
        NestedField::optional(2, "s", StructType::new(vec![NestedField::optional(3, "t", inner(4))])),
        NestedField::optional(6, "l", ListType::optional(7, inner(8))),
        NestedField::optional(10, "m", MapType::optional(11, P::Int, 12, inner(13))),
        NestedField::optional(15, "floats", ListType::optional(16, P::Float)),
        NestedField::optional(17, "ints", MapType::optional(18, P::String, 19, P::Int)),
    ]);
    let to = evolved(
        &from,
        vec![
            SchemaUpdate::new()
                .change_type("s.t.n", P::Long)
                .delete_column("s.t.gone")
                .add_field("s.t", NewColumn::optional("new", P::Int).with_default(Value::Int(9)))
                .add_field("s", NewColumn::optional("beside", P::Boolean)),
            SchemaUpdate::new()
                .rename_column("l.element.n", "number")
                .delete_column("l.element.gone")
                .add_field("l", NewColumn::required("new", P::String).with_default("x".into())),
            SchemaUpdate::new()
                .change_type("m.value.n", P::Long)
                .move_column("m.value.gone", Position::First)
                .add_field("m", NewColumn::optional("new", ListType::optional(0, P::Int))),
            SchemaUpdate::new().change_type("floats.element", P::Double).change_type("ints.value", P::Long),
            SchemaUpdate::new().move_column("m", Position::After("id".to_owned())),
        ],
    );
    let old = |n: i32| of_struct(vec![int(n), Some("gone".into())]);
    let rows: Vec<Tuple> = vec![
        vec![
            int(1),
            of_struct(vec![old(1)]),
            Some(Value::List(vec![old(2), None, of_struct(vec![None, None])])),
            Some(Value::Map(vec![(3.into(), old(4)), (4.into(), None)])),
            Some(Value::List(vec![Some(Value::Float(0.5)), None])),
            Some(Value::Map(vec![("k".into(), int(-1)), ("".into(), None)])),
        ],
        vec![
            int(2),
            of_struct(vec![None]),
            Some(Value::List(vec![])),
            Some(Value::Map(vec![])),
            Some(Value::List(vec![])),
            Some(Value::Map(vec![])),
        ],
        vec![int(3), None, None, None, None, None],
    ];
    let long = |n| Some(Value::Long(n));
    let expect: Vec<Tuple> = vec![
        vec![
            int(1),
            Some(Value::Map(vec![
                (3.into(), of_struct(vec![Some("gone".into()), long(4), None])),
                (4.into(), None),
            ])),
            of_struct(vec![of_struct(vec![long(1), int(9)]), None]),
            Some(Value::List(vec![
                of_struct(vec![int(2), Some("x".into())]),
                None,
                of_struct(vec![None, Some("x".into())]),
            ])),
            Some(Value::List(vec![Some(Value::Double(0.5)), None])),
            Some(Value::Map(vec![("k".into(), long(-1)), ("".into(), None)])),
        ],
        vec![
            int(2),
            Some(Value::Map(vec![])),
            of_struct(vec![None, None]),
            Some(Value::List(vec![])),
            Some(Value::List(vec![])),
            Some(Value::Map(vec![])),
        ],
        vec![int(3), None, None, None, None, None],
    ];
    check(&from, &rows, &to, &expect).await;
    check_filter(&from, &rows, &to, &col("s.t.n").equal_to(1), &[1]).await;
    check_filter(&from, &rows, &to, &col("s.t.new").equal_to(9), &[1]).await;
    check_filter(&from, &rows, &to, &col("s.t.n").is_null(), &[2, 3]).await;
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
