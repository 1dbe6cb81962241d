//! Types and values at random, for property tests.

use proptest::prelude::*;

use super::Value;
use super::datetime::MICROS_PER_DAY;
use crate::schema::{EdgeAlgorithm, ListType, MapType, NestedField, PrimitiveType, StructType, Type};

/// Any primitive type that has values.
pub(crate) fn primitive() -> impl Strategy<Value = PrimitiveType> {
    prop_oneof![
        Just(PrimitiveType::Boolean),
        Just(PrimitiveType::Int),
        Just(PrimitiveType::Long),
        Just(PrimitiveType::Float),
        Just(PrimitiveType::Double),
        (1_u8..=38).prop_flat_map(|precision| {
            (0..=precision).prop_map(move |scale| PrimitiveType::Decimal { precision, scale })
        }),
        Just(PrimitiveType::Date),
        Just(PrimitiveType::Time),
        Just(PrimitiveType::Timestamp),
        Just(PrimitiveType::Timestamptz),
        Just(PrimitiveType::TimestampNs),
        Just(PrimitiveType::TimestamptzNs),
        Just(PrimitiveType::String),
        Just(PrimitiveType::Uuid),
        (0_u32..20).prop_map(PrimitiveType::Fixed),
        Just(PrimitiveType::Binary),
        Just(PrimitiveType::Geometry(None)),
        Just(PrimitiveType::Geography(None, Some(EdgeAlgorithm::Karney))),
    ]
}

/// Any value of a primitive type.
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
pub(crate) fn value_of(primitive: &PrimitiveType) -> BoxedStrategy<Value> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..12);
    match primitive {
        PrimitiveType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        PrimitiveType::Int => any::<i32>().prop_map(Value::Int).boxed(),
        PrimitiveType::Long => any::<i64>().prop_map(Value::Long).boxed(),
        // From bits, so that NaN, the infinities and subnormal numbers are among them.
        PrimitiveType::Float => any::<u32>().prop_map(|bits| Value::Float(f32::from_bits(bits))).boxed(),
        PrimitiveType::Double => prop_oneof![
            any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
            prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0])
                .prop_map(Value::Double),
        ]
        .boxed(),
        PrimitiveType::Decimal { precision, scale } => {
            let (end, scale) = (10_i128.pow((*precision).into()), *scale);
            (1 - end..end).prop_map(move |unscaled| Value::decimal(unscaled, scale)).boxed()
        }
        PrimitiveType::Date => any::<i32>().prop_map(Value::Date).boxed(),
        PrimitiveType::Time => (0..MICROS_PER_DAY).prop_map(Value::Time).boxed(),
        PrimitiveType::Timestamp => any::<i64>().prop_map(Value::Timestamp).boxed(),
        PrimitiveType::Timestamptz => any::<i64>().prop_map(Value::Timestamptz).boxed(),
        PrimitiveType::TimestampNs => any::<i64>().prop_map(Value::TimestampNs).boxed(),
        PrimitiveType::TimestamptzNs => any::<i64>().prop_map(Value::TimestamptzNs).boxed(),
        PrimitiveType::String => "\\PC{0,12}".prop_map(Value::String).boxed(),
        PrimitiveType::Uuid => {
            any::<u128>().prop_map(|bits| Value::Uuid(uuid::Uuid::from_u128(bits))).boxed()
        }
        PrimitiveType::Fixed(length) => prop::collection::vec(any::<u8>(), usize::try_from(*length).unwrap())
            .prop_map(Value::Fixed)
            .boxed(),
        PrimitiveType::Binary => bytes().prop_map(Value::Binary).boxed(),
        PrimitiveType::Geometry(_) => bytes().prop_map(Value::Geometry).boxed(),
        PrimitiveType::Geography(..) => bytes().prop_map(Value::Geography).boxed(),
        PrimitiveType::Unknown => panic!("unknown has no values"),
    }
}

/// A primitive type and a value of it.
pub(crate) fn primitive_and_value() -> impl Strategy<Value = (PrimitiveType, Value)> {
    primitive().prop_flat_map(|primitive| (Just(primitive.clone()), value_of(&primitive)))
}

/// A type, nested at times, and a value of it.
pub(crate) fn type_and_value() -> impl Strategy<Value = (Type, Value)> {
    let leaf = primitive_and_value().prop_map(|(primitive, value)| (Type::from(primitive), value));
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec((inner.clone(), any::<bool>()), 0..4).prop_map(|parts| {
                let (mut fields, mut values) = (Vec::new(), Vec::new());
                for (id, ((field_type, value), present)) in (1..).zip(parts) {
                    fields.push(NestedField::optional(id, format!("f{id}"), field_type));
                    values.push(present.then_some(value));
                }
                (StructType::new(fields).into(), Value::Struct(values))
            }),
            (inner.clone(), any::<bool>(), 0_usize..3).prop_map(|((element, value), null, count)| {
                let mut values = vec![Some(value); count];
                values.extend(null.then_some(None));
                (ListType::optional(7, element).into(), Value::List(values))
            }),
            (inner.clone(), inner, any::<bool>()).prop_map(
                |((key_type, key), (value_type, value), present)| {
                    let pairs = vec![(key, present.then_some(value))];
                    (MapType::optional(8, key_type, 9, value_type).into(), Value::Map(pairs))
                }
            ),
        ]
    })
}
