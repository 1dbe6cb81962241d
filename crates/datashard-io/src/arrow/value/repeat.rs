//! The same value for many rows: partition values and defaults.

use arrow::array::{ArrayRef, UInt32Array, new_null_array};
use arrow::compute::take;
use datashard_spec::schema::{NestedField, Type};
use datashard_spec::value::Value;

use super::build::array_of;
use super::size::{fixed_bytes, too_large};
use crate::arrow::to_schema::type_to_arrow;
use crate::data_error::DataError;

/// Which defaults fill the members of a struct that a value leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defaults {
    /// Those of rows written before a field existed.
    Initial,
    /// Those that a writer stores.
    Write,
}

impl Defaults {
    /// The default of this field.
    pub(crate) fn of(self, field: &NestedField) -> Option<&Value> {
        match self {
            Self::Initial => field.initial_default.as_ref(),
            Self::Write => field.write_default.as_ref(),
        }
    }
}

/// `rows` times the same value, in the Arrow type of `value_type`.
///
/// A struct's members that are null become their initial defaults: the default of a struct says nothing of its members.
///
/// # Errors
/// `InvalidInput` for a value of another type, or one so long that so many of it don't fit an array; `WrongColumns` for a required member
/// without a default.
pub(crate) fn repeat(value: Option<&Value>, value_type: &Type, rows: usize) -> Result<ArrayRef, DataError> {
    repeat_with(value, value_type, rows, Defaults::Initial)
}

/// As [`repeat`], with these defaults.
pub(crate) fn repeat_with(
    value: Option<&Value>,
    value_type: &Type,
    rows: usize,
    defaults: Defaults,
) -> Result<ArrayRef, DataError> {
    let Some(value) = value else { return nulls(value_type, rows) };
    let filled;
    let value = if value_type.is_nested() {
        filled = fill(value, value_type, defaults)?;
        &filled
    } else {
        value
    };
    check_size(bytes_of(value), rows)?;
    let one = array_of(&[Some(value)], value_type)?;
    let zeros = UInt32Array::from(vec![0_u32; rows]);
    take(&one, &zeros, None).map_err(|error| DataError::internal(format!("a value repeated: {error}")))
}

/// `rows` nulls, in the Arrow type of `value_type`.
///
/// # Errors
/// `InvalidInput` if even the nulls of so long a `fixed` are too much.
pub(crate) fn nulls(value_type: &Type, rows: usize) -> Result<ArrayRef, DataError> {
    let made = type_to_arrow(value_type)?;
    check_size(fixed_bytes(value_type), rows)?;
    Ok(new_null_array(&made, rows))
}

/// Offsets count to 2^31, and no array needs more.
fn check_size(bytes: usize, rows: usize) -> Result<(), DataError> {
    let total = bytes.saturating_mul(rows);
    match i32::try_from(total) {
        Ok(_) => Ok(()),
        Err(_) => Err(too_large(total)),
    }
}

/// The default of a field, with those of the members that it leaves open.
///
/// # Errors
/// `WrongColumns` for a required member without a default.
pub(crate) fn filled_default(field: &NestedField, defaults: Defaults) -> Result<Option<Value>, DataError> {
    defaults.of(field).map(|value| fill(value, &field.field_type, defaults)).transpose()
}

/// Bytes of all parts, and at least one for each.
fn bytes_of(value: &Value) -> usize {
    let sum = |parts: &mut dyn Iterator<Item = &Value>| {
        parts.fold(0_usize, |sum, part| sum.saturating_add(bytes_of(part)))
    };
    match value {
        Value::String(text) => text.len(),
        Value::Binary(bytes) | Value::Fixed(bytes) => bytes.len(),
        Value::Struct(parts) => sum(&mut parts.iter().flatten()),
        Value::List(parts) => sum(&mut parts.iter().flatten()).max(parts.len()),
        Value::Map(pairs) => sum(&mut pairs.iter().map(|(key, _)| key))
            .saturating_add(sum(&mut pairs.iter().filter_map(|(_, part)| part.as_ref())))
            .max(pairs.len()),
        _ => 1,
    }
}

/// The value with the defaults of what it leaves open.
fn fill(value: &Value, value_type: &Type, defaults: Defaults) -> Result<Value, DataError> {
    let each = |part: &Option<Value>, part_type: &Type| {
        part.as_ref().map(|part| fill(part, part_type, defaults)).transpose()
    };
    Ok(match (value, value_type) {
        (Value::Struct(members), Type::Struct(fields)) if members.len() == fields.fields.len() => {
            let members = members.iter().zip(&fields.fields).map(|(member, field)| {
                let member = member.as_ref().or_else(|| defaults.of(field));
                match member {
                    Some(member) => fill(member, &field.field_type, defaults).map(Some),
                    None if field.required => Err(DataError::WrongColumns {
                        place: "default of a struct".to_owned(),
                        reason: format!(
                            "its field `{}` (id {}) is required and has no default of its own",
                            field.name, field.id
                        ),
                    }),
                    None => Ok(None),
                }
            });
            Value::Struct(members.collect::<Result<_, _>>()?)
        }
        (Value::List(elements), Type::List(list)) => {
            let elements = elements.iter().map(|element| each(element, &list.element));
            Value::List(elements.collect::<Result<_, _>>()?)
        }
        (Value::Map(pairs), Type::Map(map)) => {
            let pairs =
                pairs.iter().map(|(key, part)| Ok((fill(key, &map.key, defaults)?, each(part, &map.value)?)));
            Value::Map(pairs.collect::<Result<_, DataError>>()?)
        }
        _ => value.clone(),
    })
}
