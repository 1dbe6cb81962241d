//! Integers and floats. Only wider types are tried, so no value can fail.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type,
};

use super::{At, counts};
use crate::data_error::DataError;

pub(super) fn to_int(array: &ArrayRef) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::Int8 => widen::<Int8Type, Int32Type>(array),
        DataType::Int16 => widen::<Int16Type, Int32Type>(array),
        DataType::UInt8 => widen::<UInt8Type, Int32Type>(array),
        DataType::UInt16 => widen::<UInt16Type, Int32Type>(array),
        _ => None,
    }
}

pub(super) fn to_long(array: &ArrayRef) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::Int8 => widen::<Int8Type, Int64Type>(array),
        DataType::Int16 => widen::<Int16Type, Int64Type>(array),
        DataType::Int32 => widen::<Int32Type, Int64Type>(array),
        DataType::UInt8 => widen::<UInt8Type, Int64Type>(array),
        DataType::UInt16 => widen::<UInt16Type, Int64Type>(array),
        DataType::UInt32 => widen::<UInt32Type, Int64Type>(array),
        _ => None,
    }
}

pub(super) fn to_float(array: &ArrayRef) -> Option<ArrayRef> {
    let halves = array.as_primitive_opt::<Float16Type>()?;
    Some(Arc::new(halves.unary::<_, Float32Type>(|value| value.to_f32())))
}

pub(super) fn to_double(array: &ArrayRef) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::Float16 => {
            let halves = array.as_primitive_opt::<Float16Type>()?;
            Some(Arc::new(halves.unary::<_, Float64Type>(|value| value.to_f64())))
        }
        DataType::Float32 => widen::<Float32Type, Float64Type>(array),
        _ => None,
    }
}

fn widen<A, B>(array: &ArrayRef) -> Option<ArrayRef>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType,
    B::Native: From<A::Native>,
{
    Some(Arc::new(array.as_primitive_opt::<A>()?.unary::<_, B>(B::Native::from)))
}

/// Each value by a function that may refuse it, with the reason for the first refusal of a value that counts.
pub(super) fn each<A, B>(
    array: &PrimitiveArray<A>,
    at: &At<'_>,
    convert: impl Fn(A::Native) -> Option<B::Native>,
    reason: impl Fn(A::Native) -> String,
) -> Result<PrimitiveArray<B>, DataError>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType,
{
    let mut counting: Option<Option<NullBuffer>> = None;
    let mut made = Vec::with_capacity(array.len());
    for (row, value) in array.values().iter().enumerate() {
        made.push(match convert(*value) {
            Some(value) => value,
            None => {
                let counting = counting.get_or_insert_with(|| at.counting(array));
                if counts(counting.as_ref(), row) {
                    return Err(at.bad_value(row, reason(*value)));
                }
                B::Native::default()
            }
        });
    }
    PrimitiveArray::try_new(made.into(), array.nulls().cloned()).map_err(|error| at.internal(error))
}
