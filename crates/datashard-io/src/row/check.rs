//! Typed values, checked against the type of their column at any depth.

use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::Value;
use datashard_spec::value::datetime::MICROS_PER_DAY;

use super::path::{Path, RowError};

/// The value, widened to the type where the format allows that, or null.
pub(super) fn checked(
    value: Option<Value>,
    to: &Type,
    required: bool,
    path: &Path<'_>,
) -> Result<Option<Value>, RowError> {
    let Some(value) = value else {
        return if required { Err(null(path)) } else { Ok(None) };
    };
    let found = |value: &Value| {
        path.error(format!("{:.80} is no value of type {to:.80}", value.to_string(), to = to.to_string()))
    };
    Ok(Some(match (to, value) {
        (Type::Primitive(primitive), value) => match value.promote(primitive) {
            Some(value) => in_range(value, primitive, path)?,
            None => return Err(found(&value)),
        },
        (Type::Struct(fields), Value::Struct(members)) if members.len() == fields.fields.len() => {
            let members = fields.fields.iter().zip(members).map(|(field, member)| {
                checked(member, &field.field_type, field.required, &path.below(&field.name))
            });
            Value::Struct(members.collect::<Result<_, _>>()?)
        }
        (Type::List(list), Value::List(elements)) => {
            let path = path.below("element");
            let elements = elements
                .into_iter()
                .map(|element| checked(element, &list.element, list.element_required, &path));
            Value::List(elements.collect::<Result<_, _>>()?)
        }
        (Type::Map(map), Value::Map(pairs)) => {
            let (key_path, value_path) = (path.below("key"), path.below("value"));
            let pairs = pairs.into_iter().map(|(key, value)| {
                let key = checked(Some(key), &map.key, true, &key_path)?.ok_or_else(|| null(&key_path))?;
                Ok((key, checked(value, &map.value, map.value_required, &value_path)?))
            });
            let pairs: Vec<_> = pairs.collect::<Result<_, RowError>>()?;
            unique_keys(&pairs, path)?;
            Value::Map(pairs)
        }
        (_, value) => return Err(found(&value)),
    }))
}

/// A null where none may be.
pub(super) fn null(path: &Path<'_>) -> RowError {
    path.error("null in a required column")
}

/// Refuses a map that has a key twice.
pub(super) fn unique_keys(pairs: &[(Value, Option<Value>)], path: &Path<'_>) -> Result<(), RowError> {
    let mut seen = std::collections::HashSet::with_capacity(pairs.len());
    match pairs.iter().find(|(key, _)| !seen.insert(key)) {
        Some((key, _)) => Err(path.error(format!("the key {:.80} is there twice", key.to_string()))),
        None => Ok(()),
    }
}

fn in_range(value: Value, primitive: &PrimitiveType, path: &Path<'_>) -> Result<Value, RowError> {
    let fits = match (&value, primitive) {
        (Value::Decimal(decimal), PrimitiveType::Decimal { precision, scale }) => {
            decimal.fits(*precision, *scale)
        }
        (Value::Time(micros), _) => (0..MICROS_PER_DAY).contains(micros),
        _ => true,
    };
    if fits { Ok(value) } else { Err(path.error(format!("{value} is outside the range of {primitive}"))) }
}
