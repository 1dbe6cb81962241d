//! Values into arrays: one builder per column, in the Arrow type of the column's Iceberg type.
//!
//! Appending checks the kind of a value and nothing else; whoever appends rows checks them first, since a builder that refused a value
//! halfway through a nested one is of no more use.

use std::fmt::Display;
use std::mem;
use std::sync::Arc;

use arrow::array::builder::NullBufferBuilder;
use arrow::array::new_null_array;
use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder,
    Float32Builder, Float64Builder, Int32Builder, Int64Builder, ListArray, MapArray, NullArray,
    StringBuilder, StructArray, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    TimestampNanosecondBuilder,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{FieldRef, Fields};
use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::{Decimal, Value};

use crate::arrow::to_schema::{
    UTC, element_to_arrow, entries_to_arrow, fields_to_arrow, primitive_to_arrow, type_to_arrow,
};
use crate::data_error::DataError;

/// The most bytes, or elements, that an Arrow array of these types can hold.
const MAX_OFFSET: usize = 0x7fff_ffff;

/// These values in the Arrow type of `value_type`.
pub(crate) fn array_of(values: &[Option<&Value>], value_type: &Type) -> Result<ArrayRef, DataError> {
    let mut builder = ColumnBuilder::new(value_type)?;
    for value in values {
        builder.append(*value)?;
    }
    builder.finish()
}

/// Values of one Iceberg type, gathered for an array.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    value_type: Type,
    rows: usize,
    bytes: usize,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    Boolean(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Decimal {
        builder: Decimal128Builder,
        precision: u8,
        scale: u8,
    },
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Micros(TimestampMicrosecondBuilder),
    Nanos(TimestampNanosecondBuilder),
    String(StringBuilder),
    Fixed(FixedSizeBinaryBuilder),
    Binary(BinaryBuilder),
    /// Of which there are nulls only.
    Nothing,
    Struct {
        fields: Fields,
        members: Vec<ColumnBuilder>,
        nulls: NullBufferBuilder,
    },
    List {
        field: FieldRef,
        offsets: Offsets,
        nulls: NullBufferBuilder,
        element: Box<ColumnBuilder>,
    },
    Map {
        entries: FieldRef,
        offsets: Offsets,
        nulls: NullBufferBuilder,
        pair: Box<(ColumnBuilder, ColumnBuilder)>,
    },
}

#[derive(Debug)]
struct Offsets(Vec<i32>);

impl Offsets {
    fn new() -> Self {
        Self(vec![0])
    }

    fn push(&mut self, end: usize) -> Result<(), DataError> {
        self.0.push(i32::try_from(end).map_err(|_| too_large(end))?);
        Ok(())
    }

    fn finish(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(mem::replace(&mut self.0, vec![0])))
    }
}

impl ColumnBuilder {
    /// A builder without values.
    pub(crate) fn new(value_type: &Type) -> Result<Self, DataError> {
        Ok(Self { value_type: value_type.clone(), rows: 0, bytes: 0, parts: Parts::new(value_type)? })
    }

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
    fn width(&self) -> usize {
        fixed_bytes(&self.value_type)
    }

    /// The most that any offset in it has counted so far, or more.
    fn extent(&self) -> usize {
        self.size_bytes().max(self.rows)
    }

    /// Adds a value, or null.
    ///
    /// # Errors
    /// `InvalidInput` for a value of another type or one more than an array can hold. The builder is of no use then.
    pub(crate) fn append(&mut self, value: Option<&Value>) -> Result<(), DataError> {
        self.rows = self.rows.saturating_add(1);
        let Some(value) = value else {
            self.bytes = self.bytes.saturating_add(if matches!(self.parts, Parts::Fixed(_)) {
                self.width()
            } else {
                1
            });
            return self.append_null();
        };
        self.bytes = self.bytes.saturating_add(flat_bytes(value));
        match (&mut self.parts, value) {
            (Parts::Boolean(builder), Value::Boolean(v)) => builder.append_value(*v),
            (Parts::Int(builder), Value::Int(v)) => builder.append_value(*v),
            (Parts::Long(builder), Value::Long(v)) => builder.append_value(*v),
            (Parts::Float(builder), Value::Float(v)) => builder.append_value(*v),
            (Parts::Double(builder), Value::Double(v)) => builder.append_value(*v),
            (Parts::Decimal { builder, precision, scale }, Value::Decimal(v))
                if v.fits(*precision, *scale) =>
            {
                builder.append_value(v.unscaled);
            }
            (Parts::Date(builder), Value::Date(v)) => builder.append_value(*v),
            (Parts::Time(builder), Value::Time(v)) => builder.append_value(*v),
            (Parts::Micros(builder), Value::Timestamp(v)) if !is_zoned(&self.value_type) => {
                builder.append_value(*v);
            }
            (Parts::Micros(builder), Value::Timestamptz(v)) if is_zoned(&self.value_type) => {
                builder.append_value(*v);
            }
            (Parts::Nanos(builder), Value::TimestampNs(v)) if !is_zoned(&self.value_type) => {
                builder.append_value(*v);
            }
            (Parts::Nanos(builder), Value::TimestamptzNs(v)) if is_zoned(&self.value_type) => {
                builder.append_value(*v);
            }
            (Parts::String(builder), Value::String(v)) => {
                check_offset(builder.values_slice().len(), v.len())?;
                builder.append_value(v);
            }
            (Parts::Fixed(builder), Value::Uuid(v)) if self.value_type == PrimitiveType::Uuid.into() => {
                builder.append_value(v.as_bytes()).map_err(internal)?;
            }
            (Parts::Fixed(builder), Value::Fixed(v)) if value.matches_type(&self.value_type) => {
                builder.append_value(v).map_err(internal)?;
            }
            (Parts::Binary(builder), Value::Binary(v) | Value::Geometry(v) | Value::Geography(v))
                if value.matches_type(&self.value_type) =>
            {
                check_offset(builder.values_slice().len(), v.len())?;
                builder.append_value(v);
            }
            (Parts::Struct { members, nulls, .. }, Value::Struct(values))
                if members.len() == values.len() =>
            {
                nulls.append_non_null();
                for (member, value) in members.iter_mut().zip(values) {
                    member.append(value.as_ref())?;
                }
            }
            (Parts::List { offsets, nulls, element, .. }, Value::List(values)) => {
                nulls.append_non_null();
                for value in values {
                    element.append(value.as_ref())?;
                }
                offsets.push(element.rows)?;
            }
            (Parts::Map { offsets, nulls, pair, .. }, Value::Map(pairs)) => {
                nulls.append_non_null();
                for (key, value) in pairs {
                    pair.0.append(Some(key))?;
                    pair.1.append(value.as_ref())?;
                }
                offsets.push(pair.0.rows)?;
            }
            _ => return Err(mismatch(value, &self.value_type)),
        }
        Ok(())
    }

    fn append_null(&mut self) -> Result<(), DataError> {
        match &mut self.parts {
            Parts::Boolean(builder) => builder.append_null(),
            Parts::Int(builder) => builder.append_null(),
            Parts::Long(builder) => builder.append_null(),
            Parts::Float(builder) => builder.append_null(),
            Parts::Double(builder) => builder.append_null(),
            Parts::Decimal { builder, .. } => builder.append_null(),
            Parts::Date(builder) => builder.append_null(),
            Parts::Time(builder) => builder.append_null(),
            Parts::Micros(builder) => builder.append_null(),
            Parts::Nanos(builder) => builder.append_null(),
            Parts::String(builder) => builder.append_null(),
            Parts::Fixed(builder) => builder.append_null(),
            Parts::Binary(builder) => builder.append_null(),
            Parts::Nothing => {}
            Parts::Struct { members, nulls, .. } => {
                nulls.append_null();
                for member in members {
                    member.append(None)?;
                }
            }
            Parts::List { offsets, nulls, element, .. } => {
                nulls.append_null();
                offsets.push(element.rows)?;
            }
            Parts::Map { offsets, nulls, pair, .. } => {
                nulls.append_null();
                offsets.push(pair.0.rows)?;
            }
        }
        Ok(())
    }

    /// The values as an array; the builder is empty afterwards.
    ///
    /// # Errors
    /// `Internal` where a value is null that must not be.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, DataError> {
        self.bytes = 0;
        let rows = mem::take(&mut self.rows);
        Ok(match &mut self.parts {
            Parts::Boolean(builder) => Arc::new(builder.finish()),
            Parts::Int(builder) => Arc::new(builder.finish()),
            Parts::Long(builder) => Arc::new(builder.finish()),
            Parts::Float(builder) => Arc::new(builder.finish()),
            Parts::Double(builder) => Arc::new(builder.finish()),
            Parts::Decimal { builder, .. } => Arc::new(builder.finish()),
            Parts::Date(builder) => Arc::new(builder.finish()),
            Parts::Time(builder) => Arc::new(builder.finish()),
            Parts::Micros(builder) => Arc::new(builder.finish()),
            Parts::Nanos(builder) => Arc::new(builder.finish()),
            Parts::String(builder) => Arc::new(builder.finish()),
            Parts::Fixed(builder) => Arc::new(builder.finish()),
            Parts::Binary(builder) => Arc::new(builder.finish()),
            Parts::Nothing => match &self.value_type {
                Type::Variant => new_null_array(&type_to_arrow(&Type::Variant)?, rows),
                _ => Arc::new(NullArray::new(rows)),
            },
            Parts::Struct { fields, members, nulls } => {
                let members: Result<Vec<ArrayRef>, DataError> =
                    members.iter_mut().map(ColumnBuilder::finish).collect();
                let made = StructArray::try_new_with_length(fields.clone(), members?, nulls.finish(), rows);
                Arc::new(made.map_err(internal)?)
            }
            Parts::List { field, offsets, nulls, element } => {
                let (offsets, nulls) = (offsets.finish(), nulls.finish());
                let made = ListArray::try_new(Arc::clone(field), offsets, element.finish()?, nulls);
                Arc::new(made.map_err(internal)?)
            }
            Parts::Map { entries, offsets, nulls, pair } => {
                let (offsets, nulls) = (offsets.finish(), nulls.finish());
                let fields = match entries.data_type() {
                    arrow::datatypes::DataType::Struct(fields) => fields.clone(),
                    _ => Fields::empty(),
                };
                let pairs = StructArray::try_new(fields, vec![pair.0.finish()?, pair.1.finish()?], None);
                let pairs = pairs.map_err(internal)?;
                let made = MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, false);
                Arc::new(made.map_err(internal)?)
            }
        })
    }
}

impl Parts {
    fn new(value_type: &Type) -> Result<Self, DataError> {
        let nulls = || NullBufferBuilder::new(0);
        Ok(match value_type {
            Type::Primitive(primitive) => Self::of_primitive(primitive)?,
            Type::Variant => Self::Nothing,
            Type::Struct(fields) => {
                let members: Result<Vec<_>, DataError> =
                    fields.fields.iter().map(|field| ColumnBuilder::new(&field.field_type)).collect();
                Self::Struct { fields: fields_to_arrow(fields)?, members: members?, nulls: nulls() }
            }
            Type::List(list) => Self::List {
                field: element_to_arrow(list)?,
                offsets: Offsets::new(),
                nulls: nulls(),
                element: Box::new(ColumnBuilder::new(&list.element)?),
            },
            Type::Map(map) => Self::Map {
                entries: entries_to_arrow(map)?,
                offsets: Offsets::new(),
                nulls: nulls(),
                pair: Box::new((ColumnBuilder::new(&map.key)?, ColumnBuilder::new(&map.value)?)),
            },
            other => return Err(type_to_arrow(other).err().unwrap_or_else(|| internal(other))),
        })
    }

    fn of_primitive(primitive: &PrimitiveType) -> Result<Self, DataError> {
        let data_type = primitive_to_arrow(primitive)?;
        let zone = is_zoned(&Type::Primitive(primitive.clone())).then_some(UTC);
        Ok(match primitive {
            PrimitiveType::Boolean => Self::Boolean(BooleanBuilder::new()),
            PrimitiveType::Int => Self::Int(Int32Builder::new()),
            PrimitiveType::Long => Self::Long(Int64Builder::new()),
            PrimitiveType::Float => Self::Float(Float32Builder::new()),
            PrimitiveType::Double => Self::Double(Float64Builder::new()),
            PrimitiveType::Decimal { precision, scale } => Self::Decimal {
                builder: Decimal128Builder::new().with_data_type(data_type),
                precision: *precision,
                scale: *scale,
            },
            PrimitiveType::Date => Self::Date(Date32Builder::new()),
            PrimitiveType::Time => Self::Time(Time64MicrosecondBuilder::new()),
            PrimitiveType::Timestamp | PrimitiveType::Timestamptz => {
                Self::Micros(TimestampMicrosecondBuilder::new().with_timezone_opt(zone))
            }
            PrimitiveType::TimestampNs | PrimitiveType::TimestamptzNs => {
                Self::Nanos(TimestampNanosecondBuilder::new().with_timezone_opt(zone))
            }
            PrimitiveType::String => Self::String(StringBuilder::new()),
            PrimitiveType::Uuid => Self::Fixed(FixedSizeBinaryBuilder::new(16)),
            PrimitiveType::Fixed(length) => {
                let length = i32::try_from(*length).map_err(internal)?;
                Self::Fixed(FixedSizeBinaryBuilder::with_capacity(0, length))
            }
            PrimitiveType::Binary | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => {
                Self::Binary(BinaryBuilder::new())
            }
            PrimitiveType::Unknown => Self::Nothing,
            other => return Err(internal(other)),
        })
    }
}

fn is_zoned(value_type: &Type) -> bool {
    matches!(value_type, Type::Primitive(PrimitiveType::Timestamptz | PrimitiveType::TimestamptzNs))
}

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
fn flat_bytes(value: &Value) -> usize {
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

fn check_offset(used: usize, more: usize) -> Result<(), DataError> {
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

fn mismatch(value: &Value, value_type: &Type) -> DataError {
    DataError::InvalidInput { what: "value", reason: format!("{value} is no value of type {value_type}") }
}

fn internal(error: impl Display) -> DataError {
    DataError::internal(format!("an array of values: {error}"))
}
