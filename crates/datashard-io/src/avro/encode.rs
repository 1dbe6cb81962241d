//! Rows of Arrow arrays as Avro's bytes: one encoder per column and part of a column, walked for each row.
//!
//! The walk also holds values against their columns: the null of a required column and a decimal with too many digits are errors, never
//! other values.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, StringArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use datashard_spec::avro::{put_bytes, put_length, put_long};
use datashard_spec::schema::{NestedField, PrimitiveType, Type};

use super::iceberg_schema::decimal_bytes;
use crate::data_error::DataError;

/// The encoder of a column, or of a part of one.
pub(super) struct Encoder<'a> {
    /// Whether the value is in a union with null.
    optional: bool,
    nulls: Option<&'a NullBuffer>,
    name: &'a str,
    values: Values<'a>,
}

enum Values<'a> {
    Unknown,
    Boolean(&'a BooleanArray),
    Int(&'a [i32]),
    Long(&'a [i64]),
    Float(&'a [f32]),
    Double(&'a [f64]),
    Decimal { array: &'a Decimal128Array, limit: u128, bytes: usize },
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Fixed(&'a FixedSizeBinaryArray),
    Struct(Vec<Encoder<'a>>),
    List(&'a [i32], Box<Encoder<'a>>),
    Map(&'a [i32], Box<Encoder<'a>>, Box<Encoder<'a>>),
}

/// A value that its column cannot hold.
#[derive(Debug)]
pub(super) struct Unfit {
    /// Names from the inside out.
    path: Vec<String>,
    pub(super) reason: String,
}

impl Unfit {
    /// Full name of the column.
    pub(super) fn column(&self) -> String {
        let names: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        names.join(".")
    }
}

impl<'a> Encoder<'a> {
    /// For a column of the table.
    ///
    /// # Errors
    /// `Internal` if the array is of another type: batches are checked before.
    pub(super) fn new(field: &'a NestedField, array: &'a ArrayRef) -> Result<Self, DataError> {
        Self::part(&field.name, &field.field_type, field.required, array)
    }

    fn part(
        name: &'a str,
        value_type: &'a Type,
        required: bool,
        array: &'a ArrayRef,
    ) -> Result<Self, DataError> {
        let other = || DataError::internal(format!("column `{name}` is not of the type of its batch"));
        let values = values(value_type, array, &other)?;
        let is_unknown = matches!(values, Values::Unknown);
        Ok(Self {
            optional: !required && !is_unknown,
            nulls: if is_unknown { None } else { array.nulls() },
            name,
            values,
        })
    }

    /// Appends the value of a row.
    #[inline]
    pub(super) fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let is_null = self.nulls.is_some_and(|nulls| row >= nulls.len() || nulls.is_null(row));
        if self.optional {
            // The branch of the union: 0, or 1 doubled.
            out.push(if is_null { 0 } else { 2 });
            if is_null {
                return Ok(());
            }
        } else if is_null {
            return Err(self.unfit("it is required, but has no value"));
        }
        let ends = || self.unfit("the batch ends before this row");
        match &self.values {
            Values::Unknown => {}
            Values::Boolean(array) => out.push(u8::from(array.value(row))),
            Values::Int(values) => put_long(out, i64::from(*values.get(row).ok_or_else(ends)?)),
            Values::Long(values) => put_long(out, *values.get(row).ok_or_else(ends)?),
            Values::Float(values) => {
                out.extend_from_slice(&values.get(row).ok_or_else(ends)?.to_le_bytes());
            }
            Values::Double(values) => {
                out.extend_from_slice(&values.get(row).ok_or_else(ends)?.to_le_bytes());
            }
            Values::Decimal { array, limit, bytes } => {
                let value = array.value(row);
                if value.unsigned_abs() >= *limit {
                    return Err(self.unfit("a decimal with more digits than its column has"));
                }
                let all = value.to_be_bytes();
                out.extend_from_slice(all.get(all.len().saturating_sub(*bytes)..).unwrap_or_default());
            }
            Values::Text(array) => put_bytes(out, array.value(row).as_bytes()),
            Values::Bytes(array) => put_bytes(out, array.value(row)),
            Values::Fixed(array) => out.extend_from_slice(array.value(row)),
            Values::Struct(members) => {
                members.iter().try_for_each(|member| member.put(row, out)).map_err(|e| self.within(e))?;
            }
            Values::List(offsets, element) => {
                let items = items(offsets, row).ok_or_else(ends)?;
                if !items.is_empty() {
                    put_length(out, items.len());
                    for item in items {
                        element.put(item, out).map_err(|e| self.within(e))?;
                    }
                }
                out.push(0);
            }
            Values::Map(offsets, key, value) => {
                let items = items(offsets, row).ok_or_else(ends)?;
                if !items.is_empty() {
                    put_length(out, items.len());
                    for item in items {
                        key.put(item, out).and_then(|()| value.put(item, out)).map_err(|e| self.within(e))?;
                    }
                }
                out.push(0);
            }
        }
        Ok(())
    }

    #[cold]
    fn unfit(&self, reason: &str) -> Unfit {
        Unfit { path: vec![self.name.to_owned()], reason: reason.to_owned() }
    }

    #[cold]
    fn within(&self, mut unfit: Unfit) -> Unfit {
        unfit.path.push(self.name.to_owned());
        unfit
    }
}

fn items(offsets: &[i32], row: usize) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(*offsets.get(row)?).ok()?;
    let end = usize::try_from(*offsets.get(row.checked_add(1)?)?).ok()?;
    Some(start..end)
}

fn values<'a>(
    value_type: &'a Type,
    array: &'a ArrayRef,
    other: &dyn Fn() -> DataError,
) -> Result<Values<'a>, DataError> {
    Ok(match value_type {
        Type::Primitive(primitive) => return primitive_values(primitive, array, other),
        Type::Variant => {
            let parts = array.as_struct_opt().ok_or_else(other)?;
            let [metadata, value] = parts.columns() else { return Err(other()) };
            let part = |name, array: &'a ArrayRef| {
                let array = array.as_binary_opt::<i32>().ok_or_else(other)?;
                let (nulls, values) = (array.nulls(), Values::Bytes(array));
                Ok::<_, DataError>(Encoder { optional: false, nulls, name, values })
            };
            Values::Struct(vec![part("metadata", metadata)?, part("value", value)?])
        }
        Type::Struct(fields) => {
            let parts = array.as_struct_opt().ok_or_else(other)?;
            if parts.num_columns() != fields.fields.len() {
                return Err(other());
            }
            let members = fields.fields.iter().zip(parts.columns());
            Values::Struct(
                members.map(|(field, array)| Encoder::new(field, array)).collect::<Result<_, _>>()?,
            )
        }
        Type::List(list) => {
            let array = array.as_list_opt::<i32>().ok_or_else(other)?;
            let element = Encoder::part("element", &list.element, list.element_required, array.values())?;
            Values::List(array.value_offsets(), Box::new(element))
        }
        Type::Map(map) => {
            let array = array.as_map_opt().ok_or_else(other)?;
            let key = Encoder::part("key", &map.key, true, array.keys())?;
            let value = Encoder::part("value", &map.value, map.value_required, array.values())?;
            Values::Map(array.value_offsets(), Box::new(key), Box::new(value))
        }
        _ => return Err(other()),
    })
}

fn primitive_values<'a>(
    primitive: &PrimitiveType,
    array: &'a ArrayRef,
    other: &dyn Fn() -> DataError,
) -> Result<Values<'a>, DataError> {
    use DataType as D;
    Ok(match (primitive, array.data_type()) {
        (PrimitiveType::Unknown, _) => Values::Unknown,
        (_, D::Boolean) => Values::Boolean(array.as_boolean_opt().ok_or_else(other)?),
        (_, D::Int32) => Values::Int(slice::<Int32Type>(array, other)?),
        (_, D::Date32) => Values::Int(slice::<Date32Type>(array, other)?),
        (_, D::Int64) => Values::Long(slice::<Int64Type>(array, other)?),
        (_, D::Time64(_)) => Values::Long(slice::<Time64MicrosecondType>(array, other)?),
        (_, D::Timestamp(TimeUnit::Microsecond, _)) => {
            Values::Long(slice::<TimestampMicrosecondType>(array, other)?)
        }
        (_, D::Timestamp(TimeUnit::Nanosecond, _)) => {
            Values::Long(slice::<TimestampNanosecondType>(array, other)?)
        }
        (_, D::Float32) => Values::Float(slice::<Float32Type>(array, other)?),
        (_, D::Float64) => Values::Double(slice::<Float64Type>(array, other)?),
        (PrimitiveType::Decimal { precision, .. }, _) => Values::Decimal {
            array: array.as_primitive_opt::<Decimal128Type>().ok_or_else(other)?,
            limit: 10_u128.checked_pow(u32::from(*precision)).unwrap_or(u128::MAX),
            bytes: decimal_bytes(*precision),
        },
        (_, D::Utf8) => Values::Text(array.as_string_opt().ok_or_else(other)?),
        (_, D::Binary) => Values::Bytes(array.as_binary_opt().ok_or_else(other)?),
        (_, D::FixedSizeBinary(_)) => Values::Fixed(array.as_fixed_size_binary_opt().ok_or_else(other)?),
        _ => return Err(other()),
    })
}

fn slice<'a, T: ArrowPrimitiveType>(
    array: &'a ArrayRef,
    other: &dyn Fn() -> DataError,
) -> Result<&'a [T::Native], DataError> {
    Ok(array.as_primitive_opt::<T>().ok_or_else(other)?.values())
}
