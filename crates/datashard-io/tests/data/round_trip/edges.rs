//! Every type with the values that break things, as one wide table.

use std::sync::Arc;

use datashard_spec::schema::{
    EdgeAlgorithm, ListType, MapType, NestedField, PrimitiveType as P, Schema, StructType, Type,
};
use datashard_spec::value::{Tuple, Value};
use uuid::Uuid;

/// Every primitive type but unknown; decimals on both sides of each width that a format stores differently.
pub(crate) fn primitives() -> Vec<P> {
    let mut types = vec![
        P::Boolean,
        P::Int,
        P::Long,
        P::Float,
        P::Double,
        P::Date,
        P::Time,
        P::Timestamp,
        P::Timestamptz,
        P::TimestampNs,
        P::TimestamptzNs,
        P::String,
        P::Uuid,
        P::Fixed(1),
        P::Fixed(16),
        P::Fixed(33),
        P::Binary,
        P::Geometry(None),
        P::Geometry(Some("EPSG:3857".into())),
        P::Geography(None, Some(EdgeAlgorithm::Karney)),
    ];
    let decimals = [
        (1, 0),
        (2, 2),
        (4, 1),
        (9, 0),
        (9, 9),
        (10, 2),
        (18, 0),
        (18, 18),
        (19, 5),
        (28, 10),
        (38, 0),
        (38, 38),
    ];
    types.extend(decimals.map(|(precision, scale)| P::Decimal { precision, scale }));
    types
}

/// Values of a type: the ends of its range, zeros, and what is odd about it.
pub(crate) fn edges(primitive: &P) -> Vec<Value> {
    let bytes = || -> Vec<Vec<u8>> {
        vec![
            vec![],
            vec![0],
            b"abc".to_vec(),
            vec![0xff; 40],
            vec![0x80, 0, 0x7f],
            (0..3000).map(|n| (n % 251) as u8).collect(),
        ]
    };
    match primitive {
        P::Boolean => vec![true.into(), false.into()],
        P::Int => [i32::MIN, -1, 0, 1, 127, i32::MAX].map(Value::Int).to_vec(),
        P::Long => longs().map(Value::Long).to_vec(),
        P::Float => [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -0.0,
            0.0,
            f32::MIN,
            f32::MAX,
            f32::MIN_POSITIVE,
            1e-45,
            0.1,
        ]
        .map(Value::Float)
        .to_vec(),
        P::Double => [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.0,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            0.1,
        ]
        .map(Value::Double)
        .to_vec(),
        P::Decimal { precision, scale } => {
            let end = 10_i128.pow((*precision).into());
            [1 - end, -1, 0, 1, end / 3, end - 1].map(|unscaled| Value::decimal(unscaled, *scale)).to_vec()
        }
        P::Date => [i32::MIN, -719_162, -1, 0, 1, 20_000, i32::MAX].map(Value::Date).to_vec(),
        P::Time => [0, 1, 999_999, 43_200_000_000, 86_399_999_999].map(Value::Time).to_vec(),
        P::Timestamp => longs().map(Value::Timestamp).to_vec(),
        P::Timestamptz => longs().map(Value::Timestamptz).to_vec(),
        P::TimestampNs => longs().map(Value::TimestampNs).to_vec(),
        P::TimestamptzNs => longs().map(Value::TimestamptzNs).to_vec(),
        P::String => texts().into_iter().map(Value::String).collect(),
        P::Uuid => [0, 1, u128::MAX, 1 << 127, 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff]
            .map(|bits| Value::Uuid(Uuid::from_u128(bits)))
            .to_vec(),
        P::Fixed(length) => {
            [0, 0x7f, 0x80, 0xff].map(|byte| Value::Fixed(vec![byte; *length as usize])).to_vec()
        }
        P::Binary => bytes().into_iter().map(Value::Binary).collect(),
        P::Geometry(_) => points().into_iter().map(Value::Geometry).collect(),
        P::Geography(..) => points().into_iter().map(Value::Geography).collect(),
        other => panic!("{other} has no values"),
    }
}

fn longs() -> [i64; 7] {
    [i64::MIN, -1_000_001, -1, 0, 1, 1_700_000_000_123_456, i64::MAX]
}

/// Text: empty, long, with NUL, on both sides of the surrogates, composed and not.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "a",
        "\0",
        "a\0b",
        "\u{d7ff}",
        "\u{e000}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
        "e\u{301}é",
        "日本語",
        "\"\\\n",
        " ",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("é\u{10ffff}".repeat(1500));
    texts
}

/// Points in WKB, little- and big-endian.
fn points() -> Vec<Vec<u8>> {
    let point = |x: f64, y: f64| {
        let mut bytes = vec![1, 1, 0, 0, 0];
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
        bytes
    };
    let mut big = vec![0, 0, 0, 0, 1];
    big.extend([0; 16]);
    vec![point(1.5, -90.0), point(f64::NAN, f64::NAN), big]
}

/// A table of every type: required, optional with nulls, and without any value; and nested ones. With rows.
pub(crate) fn every_type(rows: usize) -> (Arc<Schema>, Vec<Tuple>) {
    let (mut fields, mut columns): (Vec<NestedField>, Vec<Vec<Option<Value>>>) = (Vec::new(), Vec::new());
    let mut id = 0;
    for (at, primitive) in primitives().iter().enumerate() {
        let values = edges(primitive);
        let value = |row: usize| values[(row + at) % values.len()].clone();
        fields.push(NestedField::required(id + 1, format!("required {primitive}"), primitive.clone()));
        columns.push((0..rows).map(|row| Some(value(row))).collect());
        fields.push(NestedField::optional(id + 2, format!("optional_{}", at), primitive.clone()));
        columns.push((0..rows).map(|row| ((row + at) % 3 != 0).then(|| value(row))).collect());
        fields.push(NestedField::optional(id + 3, format!("null.{at}"), primitive.clone()));
        columns.push(vec![None; rows]);
        id += 3;
    }
    fields.push(NestedField::optional(id + 1, "unknown", P::Unknown));
    columns.push(vec![None; rows]);
    for (name, nested, values) in nested(id + 2) {
        assert!(values.iter().flatten().all(|value| value.matches_type(&nested)), "{name}");
        id += 100;
        fields.push(NestedField::optional(id, name, nested));
        columns.push((0..rows).map(|row| values[row % values.len()].clone()).collect());
    }
    let rows = (0..rows).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect();
    (Arc::new(Schema::new(fields).unwrap()), rows)
}

type Nested = (&'static str, Type, Vec<Option<Value>>);

/// Nested types, three deep, each with nulls and empty collections at every level.
fn nested(first: i32) -> Vec<Nested> {
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
