//! Transforms of whole columns, with the results of [`Transform::apply`] on each value.

use std::num::NonZeroU32;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, Date32Array, Int32Array, PrimitiveArray,
    StringArray, new_null_array,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow::error::ArrowError;
use datashard_spec::transform::{Transform, bucket, temporal, truncate};

use crate::data_error::DataError;

/// The transformed values of a column in the Arrow type of its Iceberg type. Nulls stay null. `column` is for errors.
///
/// Not for `void`, whose result does not depend on the column, nor for unknown transforms.
pub(crate) fn transform_column(
    array: &ArrayRef,
    transform: &Transform,
    column: &str,
) -> Result<ArrayRef, DataError> {
    if *array.data_type() == DataType::Null {
        return Ok(new_null_array(&DataType::Null, array.len()));
    }
    let done = match transform {
        Transform::Identity => Some(Arc::clone(array)),
        Transform::Bucket(buckets) => buckets_of(array, *buckets),
        Transform::Truncate(width) => NonZeroU32::new(*width).and_then(|width| truncated(array, width)),
        Transform::Year => by_day(array, temporal::year_of_days),
        Transform::Month => by_day(array, temporal::month_of_days),
        Transform::Day => days(array).map(|days| -> ArrayRef { Arc::new(days) }),
        Transform::Hour => return hours(array, column),
        _ => None,
    };
    done.ok_or_else(|| not_applicable(array, transform, column))
}

fn not_applicable(array: &ArrayRef, transform: &Transform, column: &str) -> DataError {
    DataError::internal(format!(
        "the transform {transform} met column `{column}` of type {} though specs are checked before",
        array.data_type()
    ))
}

/// The bucket of each value.
fn buckets_of(array: &ArrayRef, buckets: u32) -> Option<ArrayRef> {
    // That the number is none of 0 is checked once; every hash then has a bucket.
    bucket::index(0, buckets)?;
    let index = |hash: i32| bucket::index(hash, buckets).unwrap_or(0);
    let long = |value: i64| index(bucket::hash_long(value));
    let bytes = |value: &[u8]| index(bucket::hash_bytes(value));
    let found: Int32Array = match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().unary(|v| long(v.into())),
        DataType::Date32 => array.as_primitive::<Date32Type>().unary(|v| long(v.into())),
        DataType::Int64 => array.as_primitive::<Int64Type>().unary(long),
        DataType::Time64(TimeUnit::Microsecond) => array.as_primitive::<Time64MicrosecondType>().unary(long),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().unary(long)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().unary(|v| long(v.div_euclid(1_000)))
        }
        DataType::Decimal128(..) => {
            array.as_primitive::<Decimal128Type>().unary(|v| index(bucket::hash_decimal(v)))
        }
        DataType::Utf8 => array.as_string::<i32>().iter().map(|v| v.map(|v| bytes(v.as_bytes()))).collect(),
        DataType::Binary => array.as_binary::<i32>().iter().map(|v| v.map(bytes)).collect(),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().iter().map(|v| v.map(bytes)).collect(),
        _ => return None,
    };
    Some(Arc::new(found))
}

fn truncated(array: &ArrayRef, width: NonZeroU32) -> Option<ArrayRef> {
    Some(match array.data_type() {
        DataType::Int32 => same(array.as_primitive::<Int32Type>(), |v| truncate::int(v, width)),
        DataType::Int64 => same(array.as_primitive::<Int64Type>(), |v| truncate::long(v, width)),
        DataType::Decimal128(..) => {
            same(array.as_primitive::<Decimal128Type>(), |v| truncate::number(v, width))
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>().iter();
            Arc::new(values.map(|v| v.map(|v| truncate::text(v, width))).collect::<StringArray>())
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>().iter();
            Arc::new(values.map(|v| v.map(|v| truncate::bytes(v, width))).collect::<BinaryArray>())
        }
        _ => return None,
    })
}

/// Values of the same type, scale and zone included.
fn same<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    apply: impl Fn(T::Native) -> T::Native,
) -> ArrayRef {
    Arc::new(array.unary::<_, T>(apply).with_data_type(array.data_type().clone()))
}

fn days(array: &ArrayRef) -> Option<Date32Array> {
    Some(match array.data_type() {
        DataType::Date32 => array.as_primitive::<Date32Type>().clone(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().unary(temporal::days_of_micros)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().unary(temporal::days_of_nanos)
        }
        _ => return None,
    })
}

fn by_day(array: &ArrayRef, of_days: impl Fn(i32) -> i32) -> Option<ArrayRef> {
    let found: Int32Array = days(array)?.unary(of_days);
    Some(Arc::new(found))
}

fn hours(array: &ArrayRef, column: &str) -> Result<ArrayRef, DataError> {
    // The hour of a value under a null does not matter, and may be anything.
    let hour = |count: i64, per_hour: i64| {
        i32::try_from(count.div_euclid(per_hour)).map_err(|_| ArrowError::ComputeError(count.to_string()))
    };
    let found: Result<Int32Array, _> = match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().try_unary(|v| hour(v, 3_600_000_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().try_unary(|v| hour(v, 3_600_000_000_000))
        }
        _ => return Err(not_applicable(array, &Transform::Hour, column)),
    };
    match found {
        Ok(found) => Ok(Arc::new(found)),
        Err(_) => Err(beyond_hours(array, column)),
    }
}

/// The first timestamp that has no hour in 32 bits.
fn beyond_hours(array: &ArrayRef, column: &str) -> DataError {
    // Nanoseconds in 64 bits end in the year 2262, so it is microseconds.
    let micros = array.as_primitive_opt::<TimestampMicrosecondType>();
    let beyond =
        |value: Option<i64>| value.is_some_and(|v| i32::try_from(v.div_euclid(3_600_000_000)).is_err());
    let row = micros.and_then(|micros| micros.iter().position(beyond)).unwrap_or(0);
    DataError::BadValue {
        place: "record batch".to_owned(),
        row: u64::try_from(row).unwrap_or(u64::MAX),
        column: column.to_owned(),
        reason: "the timestamp lies beyond the hours that a partition or sort order by hour can count"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
