//! Which type can become which.

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::DataType;
use datashard_spec::schema::{PrimitiveType, Type};

use super::{At, bytes, decimal, number, temporal, unpack};
use crate::arrow::to_schema::primitive_to_arrow;
use crate::arrow::value::nulls;
use crate::data_error::DataError;

/// The array in the Arrow type of a primitive type.
pub(super) fn convert(array: &ArrayRef, to: &PrimitiveType, at: &At<'_>) -> Result<ArrayRef, DataError> {
    let wanted = primitive_to_arrow(to)?;
    if *array.data_type() == wanted {
        check_range(array, to, at)?;
        return Ok(ArrayRef::clone(array));
    }
    if *array.data_type() == DataType::Null {
        return nulls(&Type::Primitive(to.clone()), array.len());
    }
    let unpacked = unpack::unpack(array, at)?;
    let array = &unpacked;
    if *array.data_type() == wanted {
        check_range(array, to, at)?;
        return Ok(unpacked);
    }
    let made = match to {
        PrimitiveType::Int => number::to_int(array),
        PrimitiveType::Long => number::to_long(array),
        PrimitiveType::Float => number::to_float(array),
        PrimitiveType::Double => number::to_double(array),
        PrimitiveType::Decimal { precision, scale } => decimal::to_decimal(array, *precision, *scale, at)?,
        PrimitiveType::Date => temporal::to_date(array, at)?,
        PrimitiveType::Time => temporal::to_time(array, at)?,
        PrimitiveType::Timestamp
        | PrimitiveType::Timestamptz
        | PrimitiveType::TimestampNs
        | PrimitiveType::TimestamptzNs => temporal::to_timestamp(array, to, at)?,
        PrimitiveType::String => bytes::to_string(array, at)?,
        PrimitiveType::Uuid => bytes::to_uuid(array, at)?,
        PrimitiveType::Fixed(length) => bytes::to_fixed(array, *length, at)?,
        PrimitiveType::Binary | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => {
            bytes::to_binary(array, at)?
        }
        PrimitiveType::Unknown if at.is_stored() => Some(new_null_array(&DataType::Null, array.len())),
        _ => None,
    };
    made.ok_or_else(|| at.wrong_type(array.data_type(), to, advice(array.data_type(), to, at)))
}

/// Checks what Arrow's type allows and Iceberg's does not. Files are trusted with it.
fn check_range(array: &ArrayRef, to: &PrimitiveType, at: &At<'_>) -> Result<(), DataError> {
    if at.is_stored() {
        return Ok(());
    }
    match to {
        PrimitiveType::Decimal { precision, scale } => decimal::check(array, *precision, *scale, at),
        PrimitiveType::Time => temporal::check_time(array, at),
        _ => Ok(()),
    }
}

/// What to do about a type that is refused.
fn advice(found: &DataType, to: &PrimitiveType, at: &At<'_>) -> &'static str {
    use PrimitiveType as P;
    if at.is_stored() {
        return "the file was written with a type that the column never had, or its field id is that of another column";
    }
    match (found, to) {
        (DataType::UInt64, _) => "half of its values do not fit a long; make the column decimal(20, 0)",
        (DataType::Timestamp(_, None), P::Timestamptz | P::TimestamptzNs) => {
            "give the column its zone, since without one it is no instant"
        }
        (DataType::Timestamp(_, Some(_)), P::Timestamp | P::TimestampNs) => {
            "take the zone off first, since the column holds what a clock somewhere shows"
        }
        (DataType::Timestamp(..), P::Timestamp | P::Timestamptz) | (DataType::Time64(_), P::Time) => {
            "digits would be lost; round to microseconds first"
        }
        (
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..),
            P::Decimal { .. },
        ) => "the scale has to be the same, and the precision no more; cast it first",
        (DataType::Int64 | DataType::UInt32, P::Int) | (DataType::Float64, P::Float) => {
            "values would be lost; cast it first, or widen the column"
        }
        _ => "cast it first",
    }
}
