//! Decimals of any width, and as the bytes that files hold.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type};
use datashard_spec::value::Decimal;
use datashard_spec::value::decimal::number_from_be_bytes;

use super::bytes::Bytes;
use super::number::each;
use super::{At, counts};
use crate::data_error::DataError;

/// The numbers below 10^`precision`, without the sign.
fn limit(precision: u8) -> i128 {
    10_i128.checked_pow(precision.into()).unwrap_or(i128::MAX)
}

/// Whether a number has no more digits than these.
fn fits(value: i128, limit: i128) -> bool {
    value < limit && value > limit.saturating_neg()
}

fn reason(precision: u8, scale: u8) -> impl Fn(i128) -> String {
    move |value| format!("{} has more digits than decimal({precision}, {scale})", Decimal::new(value, scale))
}

/// Decimals of the same scale. From a caller, of no more digits; from a file, of any.
pub(super) fn to_decimal(
    array: &ArrayRef,
    precision: u8,
    scale: u8,
    at: &At<'_>,
) -> Result<Option<ArrayRef>, DataError> {
    use DataType as D;
    let (found_precision, found_scale) = match array.data_type() {
        D::Decimal32(p, s) | D::Decimal64(p, s) | D::Decimal128(p, s) | D::Decimal256(p, s) => (*p, *s),
        _ if at.is_stored() => return from_bytes(array, precision, scale, at),
        _ => return Ok(None),
    };
    if i8::try_from(scale) != Ok(found_scale) || (found_precision > precision && !at.is_stored()) {
        return Ok(None);
    }
    let limit = limit(precision);
    let fitting = |value: i128| fits(value, limit).then_some(value);
    let reason = reason(precision, scale);
    let numbers = match array.data_type() {
        D::Decimal32(..) => {
            let convert = |value: i32| fitting(value.into());
            each::<Decimal32Type, Decimal128Type>(array.as_primitive(), at, convert, |v| reason(v.into()))?
        }
        D::Decimal64(..) => {
            let convert = |value: i64| fitting(value.into());
            each::<Decimal64Type, Decimal128Type>(array.as_primitive(), at, convert, |v| reason(v.into()))?
        }
        D::Decimal256(..) => {
            let convert = |value: arrow::datatypes::i256| value.to_i128().and_then(fitting);
            each::<Decimal256Type, Decimal128Type>(array.as_primitive(), at, convert, |value| {
                match value.to_i128() {
                    Some(value) => reason(value),
                    None => format!("a number of more than 38 digits, for decimal({precision}, {scale})"),
                }
            })?
        }
        // From a file, of no more digits: the same numbers under another name.
        _ if at.is_stored() && found_precision <= precision => array.as_primitive::<Decimal128Type>().clone(),
        _ => {
            check(array, precision, scale, at)?;
            array.as_primitive::<Decimal128Type>().clone()
        }
    };
    named(numbers, precision, scale, at).map(Some)
}

/// Big-endian two's complement, as Parquet and Avro hold decimals.
fn from_bytes(
    array: &ArrayRef,
    precision: u8,
    scale: u8,
    at: &At<'_>,
) -> Result<Option<ArrayRef>, DataError> {
    let Some(bytes) = Bytes::binary(array) else { return Ok(None) };
    let (limit, counting) = (limit(precision), at.counting(array));
    let mut made = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        made.push(if counts(counting.as_ref(), row) {
            let value = bytes.value(row);
            let number = number_from_be_bytes(value).ok_or_else(|| {
                at.bad_value(row, format!("{} bytes are no decimal({precision}, {scale})", value.len()))
            })?;
            if !fits(number, limit) {
                return Err(at.bad_value(row, reason(precision, scale)(number)));
            }
            number
        } else {
            0
        });
    }
    let numbers = Decimal128Array::try_new(made.into(), array.logical_nulls());
    named(numbers.map_err(|error| at.internal(error))?, precision, scale, at).map(Some)
}

fn named(numbers: Decimal128Array, precision: u8, scale: u8, at: &At<'_>) -> Result<ArrayRef, DataError> {
    let digits = i8::try_from(scale).map_err(|error| at.internal(error))?;
    let named = numbers.with_precision_and_scale(precision, digits).map_err(|error| at.internal(error))?;
    Ok(Arc::new(named))
}

/// Checks that numbers have no more digits than their type says, which Arrow does not.
pub(super) fn check(array: &ArrayRef, precision: u8, scale: u8, at: &At<'_>) -> Result<(), DataError> {
    let Some(numbers) = array.as_primitive_opt::<Decimal128Type>() else {
        return Err(at.internal("decimals of another width"));
    };
    let limit = limit(precision);
    if numbers.values().iter().all(|value| fits(*value, limit)) {
        return Ok(());
    }
    let counting = at.counting(array);
    let mut unfit = numbers.values().iter().enumerate().filter(|(_, value)| !fits(**value, limit));
    match unfit.find(|(row, _)| counts(counting.as_ref(), *row)) {
        Some((row, value)) => Err(at.bad_value(row, reason(precision, scale)(*value))),
        None => Ok(()),
    }
}
