//! The types without parts.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datashard_spec::schema::PrimitiveType;
use datashard_spec::value::decimal::MAX_PRECISION;

use super::path::{Path, unsupported, wrong_type};
use crate::data_error::DataError;

/// The Iceberg type of a type without parts.
pub(super) fn primitive(data_type: &DataType, path: &Path<'_>) -> Result<PrimitiveType, DataError> {
    use DataType as D;
    use PrimitiveType as P;
    Ok(match data_type {
        D::Null => P::Unknown,
        D::Boolean => P::Boolean,
        D::Int8 | D::Int16 | D::Int32 | D::UInt8 | D::UInt16 => P::Int,
        D::Int64 | D::UInt32 => P::Long,
        D::UInt64 => {
            return Err(wrong_type(
                path,
                data_type,
                "half of its values do not fit a long; make it decimal(20, 0)",
            ));
        }
        D::Float16 | D::Float32 => P::Float,
        D::Float64 => P::Double,
        D::Decimal32(precision, scale)
        | D::Decimal64(precision, scale)
        | D::Decimal128(precision, scale)
        | D::Decimal256(precision, scale) => decimal(data_type, *precision, *scale, path)?,
        D::Date32 | D::Date64 => P::Date,
        D::Time32(_) | D::Time64(TimeUnit::Microsecond) => P::Time,
        D::Time64(_) => {
            return Err(wrong_type(path, data_type, "times are kept in microseconds; round it first"));
        }
        D::Timestamp(TimeUnit::Nanosecond, None) => P::TimestampNs,
        D::Timestamp(TimeUnit::Nanosecond, Some(_)) => P::TimestamptzNs,
        D::Timestamp(_, None) => P::Timestamp,
        D::Timestamp(_, Some(_)) => P::Timestamptz,
        D::Utf8 | D::LargeUtf8 | D::Utf8View => P::String,
        D::Binary | D::LargeBinary | D::BinaryView => P::Binary,
        D::FixedSizeBinary(length) => match u32::try_from(*length) {
            Ok(0) | Err(_) => {
                return Err(wrong_type(path, data_type, "bytes of a fixed length have at least one"));
            }
            Ok(length) => P::Fixed(length),
        },
        D::Duration(_) => {
            return Err(unsupported(
                path,
                data_type,
                "store it as a long, in a unit that the column's name tells",
            ));
        }
        D::Interval(IntervalUnit::YearMonth) => {
            return Err(unsupported(path, data_type, "store it as an int of months"));
        }
        D::Interval(_) => {
            return Err(unsupported(path, data_type, "store its parts as columns of their own"));
        }
        D::Union(..) => {
            return Err(unsupported(path, data_type, "store it as a struct with one field per member"));
        }
        other => return Err(unsupported(path, other, "store it as another type")),
    })
}

fn decimal(
    data_type: &DataType,
    precision: u8,
    scale: i8,
    path: &Path<'_>,
) -> Result<PrimitiveType, DataError> {
    match u8::try_from(scale) {
        Err(_) => {
            Err(wrong_type(path, data_type, "the scale of a decimal is not negative; cast it to scale 0"))
        }
        Ok(_) if precision > MAX_PRECISION => Err(wrong_type(
            path,
            data_type,
            "a decimal has at most 38 digits; cast it to fewer, or to a string",
        )),
        Ok(scale) => Ok(PrimitiveType::Decimal { precision, scale }),
    }
}
