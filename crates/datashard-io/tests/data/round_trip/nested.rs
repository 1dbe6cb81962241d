//! Nested types, three deep, with values that have nulls and nothing in them at every level.

use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType as P, StructType, Type};
use datashard_spec::value::Value;
use uuid::Uuid;

/// Name, type, and what rows hold, over and over.
pub(super) type Nested = (&'static str, Type, Vec<Option<Value>>);

/// Columns with ids from `first` on, a hundred apart.
pub(super) fn nested(first: i32) -> Vec<Nested> {
    let some = |value: Value| Some(value);
    let text = |text: &str| Some(Value::from(text));
    let inner = |at: i32| {
        StructType::new(vec![
            NestedField::optional(at, "x", P::String),
            NestedField::required(at + 1, "y", P::Long),
            NestedField::optional(at + 2, "nothing", P::Unknown),
        ])
    };
    let of_inner = |x: Option<&str>, y: i64| Value::Struct(vec![x.map(Value::from), Some(y.into()), None]);

    let at = first;
    let structs = StructType::new(vec![
        NestedField::optional(at, "n", P::Double),
        NestedField::optional(
            at + 1,
            "s",
            StructType::new(vec![NestedField::optional(at + 2, "t", inner(at + 3))]),
        ),
    ]);
    let of_structs = |n: f64, t: Option<Option<Value>>| {
        some(Value::Struct(vec![Some(n.into()), t.map(|t| Value::Struct(vec![t]))]))
    };
    let struct_values = vec![
        None,
        of_structs(f64::NAN, None),
        of_structs(-0.0, Some(None)),
        of_structs(0.0, Some(Some(of_inner(None, 0)))),
        of_structs(1.0, Some(Some(of_inner(Some(""), i64::MIN)))),
        some(Value::Struct(vec![None, None])),
    ];

    let at = first + 100;
    let lists = ListType::optional(at, ListType::optional(at + 1, ListType::optional(at + 2, P::Int)));
    let ints = |values: &[Option<i32>]| Some(Value::List(values.iter().map(|v| v.map(Value::Int)).collect()));
    let list_values = vec![
        None,
        some(Value::List(vec![])),
        some(Value::List(vec![None])),
        some(Value::List(vec![Some(Value::List(vec![])), None, Some(Value::List(vec![None]))])),
        some(Value::List(vec![
            Some(Value::List(vec![ints(&[]), ints(&[None]), ints(&[Some(1), None, Some(i32::MIN)])])),
            None,
        ])),
        some(Value::List(vec![Some(Value::List(vec![ints(&[Some(7); 300])])); 3])),
    ];

    let at = first + 200;
    let maps = MapType::optional(
        at,
        P::String,
        at + 1,
        MapType::optional(at + 2, P::Int, at + 3, ListType::required(at + 4, P::Double)),
    );
    let doubles =
        |values: &[f64]| Some(Value::List(values.iter().map(|v| Some(Value::Double(*v))).collect()));
    let map_values = vec![
        None,
        some(Value::Map(vec![])),
        some(Value::Map(vec![("".into(), None), ("é\0".into(), Some(Value::Map(vec![])))])),
        some(Value::Map(vec![(
            "k".into(),
            Some(Value::Map(vec![
                (2.into(), None),
                (1.into(), doubles(&[])),
                (i32::MIN.into(), doubles(&[f64::NAN, -0.0, f64::INFINITY])),
            ])),
        )])),
    ];

    let at = first + 300;
    let mixed = ListType::optional(
        at,
        StructType::new(vec![
            NestedField::optional(at + 1, "m", MapType::optional(at + 2, P::Uuid, at + 3, inner(at + 4))),
            NestedField::optional(at + 10, "d", P::Decimal { precision: 38, scale: 3 }),
        ]),
    );
    let uuid = |bits| Value::Uuid(Uuid::from_u128(bits));
    let mixed_values = vec![
        some(Value::List(vec![])),
        None,
        some(Value::List(vec![None, Some(Value::Struct(vec![None, None]))])),
        some(Value::List(vec![Some(Value::Struct(vec![
            Some(Value::Map(vec![
                (uuid(1), None),
                (uuid(u128::MAX), Some(of_inner(Some("\u{10ffff}"), -1))),
            ])),
            Some(Value::decimal(10_i128.pow(38) - 1, 3)),
        ]))])),
    ];

    let at = first + 400;
    let keys = StructType::new(vec![
        NestedField::required(at + 1, "a", P::Int),
        NestedField::optional(at + 2, "b", P::String),
    ]);
    let keyed = MapType::required(at, keys, at + 3, P::Decimal { precision: 10, scale: 1 });
    let keyed_values = vec![
        some(Value::Map(vec![
            (Value::Struct(vec![Some(1.into()), None]), Some(Value::decimal(-1, 1))),
            (Value::Struct(vec![Some(1.into()), text("")]), Some(Value::decimal(9_999_999_999, 1))),
        ])),
        None,
        some(Value::Map(vec![])),
    ];
    vec![
        ("structs", structs.into(), struct_values),
        ("lists", lists.into(), list_values),
        ("maps", maps.into(), map_values),
        ("mixed", mixed.into(), mixed_values),
        ("keyed by structs", keyed.into(), keyed_values),
    ]
}
