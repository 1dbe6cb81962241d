//! Single values of every type: as binary, as bounds, as JSON, as text. The first bytes choose the type.

#![no_main]

use datashard_fuzz::{fits, round_trip};
use datashard_spec::schema::{
    EdgeAlgorithm, ListType, MapType, NestedField, PrimitiveType, StructType, Type,
};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;
use libfuzzer_sys::fuzz_target;

/// A type with values, by two bytes.
fn primitive(choice: u8, parameter: u8) -> PrimitiveType {
    use PrimitiveType as P;
    let precision = 1 + parameter % 38;
    match choice % 20 {
        0 => P::Boolean,
        1 => P::Int,
        2 => P::Long,
        3 => P::Float,
        4 => P::Double,
        5 => P::Decimal { precision, scale: parameter / 38 % (precision + 1) },
        6 => P::Decimal { precision, scale: precision },
        7 => P::Date,
        8 => P::Time,
        9 => P::Timestamp,
        10 => P::Timestamptz,
        11 => P::TimestampNs,
        12 => P::TimestamptzNs,
        13 => P::String,
        14 => P::Uuid,
        15 => P::Fixed(parameter.into()),
        16 => P::Binary,
        17 => P::Geometry(None),
        18 => P::Geography(None, Some(EdgeAlgorithm::Vincenty)),
        _ => P::Unknown,
    }
}

/// The type itself, or a nested one around it.
fn around(primitive: &PrimitiveType, choice: u8) -> Type {
    let part = primitive.clone();
    match choice % 5 {
        0 | 1 => part.into(),
        2 => ListType::optional(1, part).into(),
        3 => MapType::optional(1, PrimitiveType::String, 2, ListType::required(3, part)).into(),
        _ => StructType::new(vec![
            NestedField::optional(1, "a", part.clone()),
            NestedField::required(2, "b", MapType::required(3, part, 4, PrimitiveType::Int)),
        ])
        .into(),
    }
}

fn is_geospatial(primitive: &PrimitiveType) -> bool {
    matches!(primitive, PrimitiveType::Geometry(_) | PrimitiveType::Geography(..))
}

/// What holds of any value of a type, wherever it is from.
fn check(primitive: &PrimitiveType, value: &Value) {
    let whole = Type::from(primitive.clone());
    assert!(value.matches_type(&whole), "{value} is a {primitive}");
    assert_eq!(value.promote(primitive).is_some(), !is_too_precise(primitive, value));
    round_trip(value, Value::to_binary, |bytes| Value::from_binary(primitive, bytes));
    assert_eq!(value.to_json(&whole).is_err(), is_geospatial(primitive) || is_outside(primitive, value));
    if value.to_json(&whole).is_ok() {
        round_trip(value, |value| value.to_json(&whole), |json| Value::from_json(&whole, json));
    }
    assert!(!value.to_string().is_empty());
    for transform in ["identity", "year", "month", "day", "hour", "bucket[7]", "truncate[3]", "void"] {
        check_transform(&Transform::parse(transform).expect("a transform"), &whole, value);
    }
}

fn is_too_precise(primitive: &PrimitiveType, value: &Value) -> bool {
    match (primitive, value) {
        (PrimitiveType::Decimal { precision, scale }, Value::Decimal(decimal)) => {
            !decimal.fits(*precision, *scale)
        }
        _ => false,
    }
}

/// Whether it is a value that binary can hold and the type cannot.
fn is_outside(primitive: &PrimitiveType, value: &Value) -> bool {
    let time = matches!(value, Value::Time(micros) if !(0..86_400_000_000).contains(micros));
    time || is_too_precise(primitive, value)
}

fn check_transform(transform: &Transform, source: &Type, value: &Value) {
    if !transform.allows_source(source) {
        return;
    }
    let result_type = transform.result_type(source).expect("a source that is allowed has a result");
    let Ok(result) = transform.apply(Some(value)) else { return };
    if let Some(result) = &result {
        assert!(result.matches_type(&result_type), "{transform} of {value} is a {result_type}");
        if let (Transform::Bucket(_), Value::Int(bucket)) = (transform, result) {
            assert!((0..7).contains(bucket));
        }
    }
    assert!(
        result.is_none() || !transform.to_human_string(result.as_ref()).is_empty() || value_is_empty(value)
    );
}

fn value_is_empty(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.is_empty())
        || matches!(value, Value::Binary(bytes) | Value::Fixed(bytes) if bytes.is_empty())
}

fuzz_target!(|input: &[u8]| {
    let [choice, parameter, nesting, rest @ ..] = input else { return };
    if !fits(rest) {
        return;
    }
    let primitive = primitive(*choice, *parameter);

    let stored = Value::from_binary(&primitive, rest);
    if let Ok(value) = &stored {
        check(&primitive, value);
    }
    match (&primitive, Value::bound_from_binary(&primitive, rest)) {
        // The one type whose bounds may be shorter than its values.
        (PrimitiveType::Fixed(length), Ok(bound)) => {
            assert!(rest.len() <= *length as usize);
            assert_eq!(bound.to_binary().as_deref(), Ok(rest));
        }
        (_, Ok(bound)) => assert_eq!(stored.as_ref(), Ok(&bound)),
        (other, Err(_)) => assert!(stored.is_err() || is_geospatial(other)),
    }

    let Ok(text) = str::from_utf8(rest) else { return };
    if let Ok(value) = Value::parse_text(&primitive, text) {
        check(&primitive, &value);
        assert!(value.to_json(&primitive.clone().into()).is_ok(), "text holds no value outside the type");
    }
    let whole = around(&primitive, *nesting);
    if let Ok(value) = Value::from_json(&whole, text) {
        assert!(value.matches_type(&whole), "{value} is a {whole}");
        round_trip(&value, |value| value.to_json(&whole), |json| Value::from_json(&whole, json));
        if whole == Type::from(primitive.clone()) {
            check(&primitive, &value);
        }
    }
});
