//! Each step of evolution with rows stated by hand: columns added, dropped, renamed, moved, and added again.

use std::sync::Arc;

use datashard_spec::expr::{Predicate, col};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::schema::evolution::{NewColumn, Position, SchemaUpdate, UpdateBase};
use datashard_spec::schema::{ListType, NestedField, PrimitiveType as P, Schema, StructType};
use datashard_spec::value::{Tuple, Value};

use crate::sheet::{FORMATS, Sheet, TINY, assert_same};

pub(super) fn schema(fields: Vec<NestedField>) -> Arc<Schema> {
    Arc::new(Schema::new(fields).unwrap())
}

/// The schema after updates, one commit each.
pub(super) fn evolved(from: &Schema, updates: Vec<SchemaUpdate>) -> Arc<Schema> {
    let (mut schema, mut last) = (from.clone(), from.highest_field_id());
    for update in updates {
        let change = update.apply(&UpdateBase::new(&schema, last, FormatVersion::V3)).unwrap();
        (schema, last) = (change.schema, change.last_column_id);
    }
    Arc::new(schema)
}

/// Writes rows in one schema and reads them in another.
pub(super) async fn check(from: &Arc<Schema>, rows: &[Tuple], to: &Arc<Schema>, expect: &[Tuple]) {
    for format in FORMATS {
        for set in [&[][..], &TINY] {
            let sheet = Sheet::new(from, format, set).await;
            let file = sheet.write(rows).await;
            assert_same(&sheet.read_with(&file, to, |request| request).await, expect, to, format);
        }
    }
}

/// The rows that a filter of the later schema finds, by its first column.
pub(super) async fn check_filter(
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

pub(super) fn int(value: i32) -> Option<Value> {
    Some(Value::Int(value))
}

pub(super) fn of_struct(values: Vec<Option<Value>>) -> Option<Value> {
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
