//! Columns that evolve inside structs, lists and maps.

use datashard_spec::expr::col;
use datashard_spec::schema::evolution::{NewColumn, Position, SchemaUpdate};
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, StructType};
use datashard_spec::value::{Tuple, Value};

use super::steps::{check, check_filter, evolved, int, of_struct, schema};

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
