//! Default values: which ones a type may have.

use std::collections::HashMap;

use super::promotion::promote_value;
use super::{PrimitiveType, SchemaError, Type};
use crate::error::excerpt;
use crate::id::FieldId;
use crate::value::Value;

/// Checks that `value` may be a default of a field of this type.
///
/// The recursion follows the type, but stops where the value does, and a value that is no struct, list or map has no
/// depth; so a deep type with a shallow default costs nothing.
pub(super) fn check(field: &str, field_type: &Type, value: &Value) -> Result<(), SchemaError> {
    let reason = match field_type {
        Type::Variant
        | Type::Primitive(
            PrimitiveType::Unknown | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..),
        ) => "the only default of this type is null",
        Type::Struct(_) => match value {
            Value::Struct(members) if members.iter().all(Option::is_none) => return Ok(()),
            _ => "the default of a struct is null or without members: members have defaults of their own",
        },
        Type::Primitive(_) | Type::List(_) | Type::Map(_) if is_of_type(field_type, value) => return Ok(()),
        Type::Primitive(_) | Type::List(_) | Type::Map(_) => "it is no value of this type",
    };
    Err(SchemaError::InvalidDefault {
        field: excerpt(field),
        field_type: excerpt(&field_type.to_string()),
        found: excerpt(&value.to_string()),
        reason,
    })
}

/// Whether the value is one of the type.
pub(super) fn is_of_type(field_type: &Type, value: &Value) -> bool {
    match (field_type, value) {
        (Type::Primitive(primitive), value) => is_primitive(primitive, value),
        (Type::Struct(fields), Value::Struct(members)) => {
            fields.fields.len() == members.len()
                && fields.fields.iter().zip(members).all(|(field, member)| match member {
                    Some(member) => is_of_type(&field.field_type, member),
                    None => !field.required,
                })
        }
        (Type::List(list), Value::List(elements)) => elements.iter().all(|element| match element {
            Some(element) => is_of_type(&list.element, element),
            None => !list.element_required,
        }),
        (Type::Map(map), Value::Map(pairs)) => pairs.iter().all(|(key, value)| {
            is_of_type(&map.key, key)
                && match value {
                    Some(value) => is_of_type(&map.value, value),
                    None => !map.value_required,
                }
        }),
        _ => false,
    }
}

/// The default after its field changed from type `from` to `to`: members of structs follow their fields by id, and
/// values are promoted. What cannot follow stays as it is, for [`check`] to find.
pub(super) fn fit(value: &Value, from: &Type, to: &Type) -> Value {
    let each = |value: &Option<Value>, from, to| value.as_ref().map(|value| fit(value, from, to));
    match (value, from, to) {
        (Value::Struct(members), Type::Struct(from), Type::Struct(to)) => {
            let old: HashMap<FieldId, (&Type, &Option<Value>)> = from
                .fields
                .iter()
                .zip(members)
                .map(|(field, member)| (field.id, (&field.field_type, member)))
                .collect();
            let new = to.fields.iter().map(|field| {
                old.get(&field.id).and_then(|(from, member)| each(member, from, &field.field_type))
            });
            Value::Struct(new.collect())
        }
        (Value::List(elements), Type::List(from), Type::List(to)) => {
            Value::List(elements.iter().map(|element| each(element, &from.element, &to.element)).collect())
        }
        (Value::Map(pairs), Type::Map(from), Type::Map(to)) => Value::Map(
            pairs
                .iter()
                .map(|(key, value)| (fit(key, &from.key, &to.key), each(value, &from.value, &to.value)))
                .collect(),
        ),
        (value, _, to) if is_of_type(to, value) => value.clone(),
        (value, _, to) => promote_value(value, to).unwrap_or_else(|| value.clone()),
    }
}

fn is_primitive(primitive: &PrimitiveType, value: &Value) -> bool {
    match (primitive, value) {
        (PrimitiveType::Boolean, Value::Boolean(_))
        | (PrimitiveType::Int, Value::Int(_))
        | (PrimitiveType::Long, Value::Long(_))
        | (PrimitiveType::Float, Value::Float(_))
        | (PrimitiveType::Double, Value::Double(_))
        | (PrimitiveType::Date, Value::Date(_))
        | (PrimitiveType::Timestamp, Value::Timestamp(_))
        | (PrimitiveType::Timestamptz, Value::Timestamptz(_))
        | (PrimitiveType::TimestampNs, Value::TimestampNs(_))
        | (PrimitiveType::TimestamptzNs, Value::TimestamptzNs(_))
        | (PrimitiveType::String, Value::String(_))
        | (PrimitiveType::Uuid, Value::Uuid(_))
        | (PrimitiveType::Binary, Value::Binary(_))
        | (PrimitiveType::Geometry(_), Value::Geometry(_))
        | (PrimitiveType::Geography(..), Value::Geography(_)) => true,
        (PrimitiveType::Time, Value::Time(micros)) => (0..86_400_000_000).contains(micros),
        (PrimitiveType::Fixed(length), Value::Fixed(bytes)) => u32::try_from(bytes.len()) == Ok(*length),
        (PrimitiveType::Decimal { precision, scale }, Value::Decimal(decimal)) => {
            decimal.scale == *scale
                && 10_u128
                    .checked_pow(u32::from(*precision))
                    .is_some_and(|limit| decimal.unscaled.unsigned_abs() < limit)
        }
        _ => false,
    }
}
