//! Values of each type, the troublesome ones more often than chance would have it.

#![expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]

use std::collections::BTreeSet;

use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::datetime::MICROS_PER_DAY;
use datashard_spec::value::{Decimal, Value};
use proptest::prelude::*;
use uuid::Uuid;

/// A value of the type, or null where that is allowed.
pub(crate) fn optional_value(value_type: &Type, required: bool) -> BoxedStrategy<Option<Value>> {
    if *value_type == Type::Primitive(PrimitiveType::Unknown) {
        return Just(None).boxed();
    }
    let value = value_of(value_type);
    if required { value.prop_map(Some).boxed() } else { prop::option::weighted(0.75, value).boxed() }
}

/// A value of the type, which is neither unknown nor variant.
pub(crate) fn value_of(value_type: &Type) -> BoxedStrategy<Value> {
    match value_type {
        Type::Primitive(primitive) => of_primitive(primitive),
        Type::Struct(fields) => {
            let members: Vec<_> =
                fields.fields.iter().map(|field| optional_value(&field.field_type, field.required)).collect();
            members.prop_map(Value::Struct).boxed()
        }
        Type::List(list) => {
            let element = optional_value(&list.element, list.element_required);
            prop::collection::vec(element, 0..4).prop_map(Value::List).boxed()
        }
        Type::Map(map) => {
            let pair = (value_of(&map.key), optional_value(&map.value, map.value_required));
            prop::collection::vec(pair, 0..4)
                .prop_map(|mut pairs| {
                    let mut seen = BTreeSet::new();
                    pairs.retain(|(key, _)| seen.insert(key.clone()));
                    Value::Map(pairs)
                })
                .boxed()
        }
        other => panic!("{other} has no values"),
    }
}

/// The two parts of a variant.
pub(super) fn variant(required: bool) -> BoxedStrategy<Option<(Vec<u8>, Vec<u8>)>> {
    // Without names; an integer of eight bits, null, or true.
    let value =
        prop_oneof![any::<u8>().prop_map(|byte| vec![0x0c, byte]), Just(vec![0x00]), Just(vec![0x04])];
    let some = value.prop_map(|value| Some((vec![0x01, 0x00, 0x00], value)));
    if required { some.boxed() } else { prop_oneof![3 => some, 1 => Just(None)].boxed() }
}

fn of_primitive(primitive: &PrimitiveType) -> BoxedStrategy<Value> {
    use PrimitiveType as P;
    match primitive {
        P::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        P::Int => int().prop_map(Value::Int).boxed(),
        P::Long => long().prop_map(Value::Long).boxed(),
        P::Float => prop_oneof![
            any::<u32>().prop_map(f32::from_bits),
            -1000_f32..1000.0,
            prop::sample::select(vec![
                f32::NAN,
                f32::INFINITY,
                f32::NEG_INFINITY,
                -0.0,
                0.0,
                f32::MIN,
                f32::MAX,
                f32::MIN_POSITIVE,
            ]),
        ]
        .prop_map(Value::Float)
        .boxed(),
        P::Double => prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            -1000_f64..1000.0,
            prop::sample::select(vec![
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                -0.0,
                0.0,
                f64::MIN,
                f64::MAX,
                f64::MIN_POSITIVE,
            ]),
        ]
        .prop_map(Value::Double)
        .boxed(),
        P::Decimal { precision, scale } => {
            let (end, scale) = (10_i128.pow((*precision).into()), *scale);
            prop_oneof![1 - end..end, prop::sample::select(vec![1 - end, -1, 0, 1, end - 1])]
                .prop_map(move |unscaled| Value::Decimal(Decimal::new(unscaled, scale)))
                .boxed()
        }
        P::Date => int().prop_map(Value::Date).boxed(),
        P::Time => {
            prop_oneof![0..MICROS_PER_DAY, Just(0), Just(MICROS_PER_DAY - 1)].prop_map(Value::Time).boxed()
        }
        P::Timestamp => long().prop_map(Value::Timestamp).boxed(),
        P::Timestamptz => long().prop_map(Value::Timestamptz).boxed(),
        P::TimestampNs => long().prop_map(Value::TimestampNs).boxed(),
        P::TimestamptzNs => long().prop_map(Value::TimestamptzNs).boxed(),
        P::String => text().prop_map(Value::String).boxed(),
        P::Uuid => any::<u128>().prop_map(|bits| Value::Uuid(Uuid::from_u128(bits))).boxed(),
        P::Fixed(length) => {
            let length = usize::try_from(*length).unwrap();
            prop::collection::vec(any::<u8>(), length).prop_map(Value::Fixed).boxed()
        }
        P::Binary => prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..12),
            1 => prop::collection::vec(any::<u8>(), 60..80),
            1 => Just(vec![0xff; 20]),
        ]
        .prop_map(Value::Binary)
        .boxed(),
        P::Geometry(_) => point().prop_map(Value::Geometry).boxed(),
        P::Geography(..) => point().prop_map(Value::Geography).boxed(),
        other => panic!("{other} has no values"),
    }
}

fn int() -> impl Strategy<Value = i32> {
    prop_oneof![any::<i32>(), -20_i32..20, prop::sample::select(vec![i32::MIN, i32::MAX])]
}

fn long() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -20_i64..20, prop::sample::select(vec![i64::MIN, i64::MAX, -1_000_001])]
}

/// Text: empty, plain, of all planes, on both sides of the surrogates, and longer than any bound that is cut.
fn text() -> impl Strategy<Value = String> {
    let edges = ["\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{10ffff}", "\0", "é", "e\u{301}"];
    prop_oneof![
        2 => Just(String::new()),
        6 => "[a-e]{0,6}",
        3 => "\\PC{0,12}",
        3 => prop::collection::vec(prop::sample::select(edges.to_vec()), 0..24).prop_map(|parts| parts.concat()),
        1 => "[a-z]{16}[\u{d7ff}\u{10ffff}]{0,3}[a-z]{20}",
    ]
}

/// A point in little-endian WKB; NaN coordinates are an empty point.
fn point() -> impl Strategy<Value = Vec<u8>> {
    let coordinate = || prop_oneof![8 => -180.0_f64..180.0, 1 => Just(f64::NAN)];
    (coordinate(), coordinate()).prop_map(|(x, y)| {
        let mut bytes = vec![1, 1, 0, 0, 0];
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
        bytes
    })
}
