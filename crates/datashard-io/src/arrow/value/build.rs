//! Values into arrays: one builder per column, in the Arrow type of the column's Iceberg type.
//!
//! Appending checks the kind of a value and nothing else; whoever appends rows checks them first, since a builder that refused a value
//! halfway through a nested one is of no more use.

use std::fmt::Display;
use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, NullArray, StructArray, new_null_array};
use arrow::datatypes::Fields;
use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::Value;

use super::parts::{Parts, is_zoned};
use super::size::{check_offset, flat_bytes};
use crate::arrow::to_schema::type_to_arrow;
use crate::data_error::DataError;

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
    pub(super) value_type: Type,
    pub(super) rows: usize,
    /// Of values and nulls here; their parts count their own.
    pub(super) bytes: usize,
    pub(super) parts: Parts,
}

impl ColumnBuilder {
    /// A builder without values.
    pub(crate) fn new(value_type: &Type) -> Result<Self, DataError> {
        Ok(Self { value_type: value_type.clone(), rows: 0, bytes: 0, parts: Parts::new(value_type)? })
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

fn mismatch(value: &Value, value_type: &Type) -> DataError {
    DataError::InvalidInput { what: "value", reason: format!("{value} is no value of type {value_type}") }
}

/// A mistake of ours.
pub(super) fn internal(error: impl Display) -> DataError {
    DataError::internal(format!("an array of values: {error}"))
}
