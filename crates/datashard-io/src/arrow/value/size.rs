//! How much values take, before an array's offsets, which count to 2^31, or the memory run out.

use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::{Decimal, Value};

use super::build::ColumnBuilder;
use super::parts::Parts;
use crate::data_error::DataError;

/// The most bytes, or elements, that an Arrow array of these types can hold.
const MAX_OFFSET: usize = 0x7fff_ffff;

impl ColumnBuilder {
    /// Bytes of the values, nearly.
    pub(crate) fn size_bytes(&self) -> usize {
        match &self.parts {
            Parts::Struct { members, .. } => {
                members.iter().fold(self.bytes, |sum, member| sum.saturating_add(member.size_bytes()))
            }
            Parts::List { element, .. } => self.bytes.saturating_add(element.size_bytes()),
            Parts::Map { pair, .. } => {
                self.bytes.saturating_add(pair.0.size_bytes()).saturating_add(pair.1.size_bytes())
            }
            _ => self.bytes,
        }
    }

    /// Whether any array in it has come so near to what Arrow's offsets can count that the value might not fit.
    pub(crate) fn has_room_for(&self, value: Option<&Value>) -> bool {
        let room = |used: usize, more: usize| used.saturating_add(more) <= MAX_OFFSET;
        match (&self.parts, value) {
            // A null takes the room of a value there.
            (Parts::Fixed(builder), None) => room(builder.values_slice().len(), self.width()),
            (Parts::Struct { members, .. }, None) => members.iter().all(|member| member.has_room_for(None)),
            (_, None) => true,
            (Parts::String(builder), Some(Value::String(text))) => {
                room(builder.values_slice().len(), text.len())
            }
            (Parts::Binary(builder), Some(value)) => {
                room(builder.values_slice().len(), bytes_of(value).map_or(0, <[u8]>::len))
            }
            (Parts::Fixed(builder), Some(_)) => room(builder.values_slice().len(), self.width()),
            (Parts::Struct { members, .. }, Some(Value::Struct(values))) => {
                members.iter().zip(values).all(|(member, value)| member.has_room_for(value.as_ref()))
            }
            // Nested values are counted whole: their parts might fit one by one and not together.
            (Parts::List { element, .. }, Some(value)) => room(element.extent(), extent_of(value)),
            (Parts::Map { pair, .. }, Some(value)) => {
                room(pair.0.extent().max(pair.1.extent()), extent_of(value))
            }
            _ => true,
        }
    }

    /// Bytes of each value, where all have the same.
    pub(super) fn width(&self) -> usize {
        fixed_bytes(&self.value_type)
    }

    /// The most that any offset in it has counted so far, or more.
    fn extent(&self) -> usize {
        self.size_bytes().max(self.rows)
    }
}

/// The bytes of a value that is some.
fn bytes_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Binary(v) | Value::Fixed(v) | Value::Geometry(v) | Value::Geography(v) => Some(v),
        _ => None,
    }
}

/// Bytes that even a null of the type takes in an array, but for a few.
pub(crate) fn fixed_bytes(value_type: &Type) -> usize {
    match value_type {
        Type::Primitive(PrimitiveType::Fixed(length)) => usize::try_from(*length).unwrap_or(usize::MAX),
        Type::Primitive(_) => 16,
        Type::Struct(fields) => {
            fields.fields.iter().fold(1, |sum, field| sum.saturating_add(fixed_bytes(&field.field_type)))
        }
        _ => 8,
    }
}

/// Bytes of the value without its parts.
pub(super) fn flat_bytes(value: &Value) -> usize {
    match value {
        Value::Boolean(_) | Value::Struct(_) => 1,
        Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::List(_) | Value::Map(_) => 4,
        Value::Decimal(Decimal { .. }) | Value::Uuid(_) => 16,
        Value::String(text) => text.len().saturating_add(4),
        Value::Fixed(bytes) => bytes.len(),
        Value::Binary(bytes) | Value::Geometry(bytes) | Value::Geography(bytes) => {
            bytes.len().saturating_add(4)
        }
        _ => 8,
    }
}

/// Bytes of the value with its parts, and at least one for each.
fn extent_of(value: &Value) -> usize {
    let add = |sum: usize, part: &Value| sum.saturating_add(extent_of(part));
    match value {
        Value::Struct(parts) | Value::List(parts) => {
            let start = flat_bytes(value).saturating_add(parts.len());
            parts.iter().flatten().fold(start, add)
        }
        Value::Map(pairs) => {
            let start = flat_bytes(value).saturating_add(pairs.len());
            pairs.iter().fold(start, |sum, (key, part)| part.iter().fold(add(sum, key), add))
        }
        _ => flat_bytes(value).max(1),
    }
}

/// Checks that as many bytes more can be counted.
pub(super) fn check_offset(used: usize, more: usize) -> Result<(), DataError> {
    match used.checked_add(more) {
        Some(end) if end <= MAX_OFFSET => Ok(()),
        _ => Err(too_large(used.saturating_add(more))),
    }
}

/// More than an Arrow array can hold.
pub(crate) fn too_large(bytes: usize) -> DataError {
    DataError::TooLarge {
        file: "record batch".to_owned(),
        place: "one column".to_owned(),
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        limit_bytes: u64::try_from(MAX_OFFSET).unwrap_or(u64::MAX),
    }
}
