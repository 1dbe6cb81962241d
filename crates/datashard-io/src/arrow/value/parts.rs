//! What a builder of values is made of, type by type.

use std::mem;

use arrow::array::builder::NullBufferBuilder;
use arrow::array::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float32Builder,
    Float64Builder, Int32Builder, Int64Builder, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder, TimestampNanosecondBuilder,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{FieldRef, Fields};
use datashard_spec::schema::{PrimitiveType, Type};

use super::build::{ColumnBuilder, internal};
use super::size::too_large;
use crate::arrow::to_schema::{
    UTC, element_to_arrow, entries_to_arrow, fields_to_arrow, primitive_to_arrow, type_to_arrow,
};
use crate::data_error::DataError;

/// A builder of Arrow's per column, or the parts of nested values.
#[derive(Debug)]
pub(super) enum Parts {
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

/// Where each list or map ends.
#[derive(Debug)]
pub(super) struct Offsets(Vec<i32>);

impl Offsets {
    pub(super) fn new() -> Self {
        Self(vec![0])
    }

    pub(super) fn push(&mut self, end: usize) -> Result<(), DataError> {
        self.0.push(i32::try_from(end).map_err(|_| too_large(end))?);
        Ok(())
    }

    pub(super) fn finish(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(mem::replace(&mut self.0, vec![0])))
    }
}

impl Parts {
    pub(super) fn new(value_type: &Type) -> Result<Self, DataError> {
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

/// Whether it is the type of instants.
pub(super) fn is_zoned(value_type: &Type) -> bool {
    matches!(value_type, Type::Primitive(PrimitiveType::Timestamptz | PrimitiveType::TimestamptzNs))
}
