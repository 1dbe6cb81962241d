//! Integers, floats and decimals.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, Decimal128Array, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::super::fault::Fault;
use super::super::rle::{IntegerReader, varint_i128, varints_i128};
use super::super::stream::ByteStream;
use super::spread;

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

pub(super) fn long(reader: &mut IntegerReader, count: usize) -> Result<Vec<i64>, Fault> {
    let mut values = Vec::with_capacity(count);
    reader.read(count, &mut values)?;
    Ok(values)
}

/// Microseconds since midnight, checked.
pub(super) fn time(reader: &mut IntegerReader, count: usize) -> Result<Vec<i64>, Fault> {
    let values = long(reader, count)?;
    match values.iter().position(|value| !(0..DAY_MICROS).contains(value)) {
        None => Ok(values),
        Some(index) => {
            let value = values.get(index).copied().unwrap_or(0);
            Err(Fault::Value(index, format!("{value} is no number of microseconds of a day")))
        }
    }
}

/// Integers of fewer than 64 bits, checked.
pub(super) fn narrow<T>(
    reader: &mut IntegerReader,
    count: usize,
    nulls: Option<&NullBuffer>,
    what: &str,
) -> Result<ArrayRef, Fault>
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i64> + Default + Copy,
{
    let mut values: Vec<T::Native> = Vec::with_capacity(count);
    let mut wrong = None;
    reader.each(count, |given| {
        let first = values.len();
        let mut fit = true;
        values.extend(given.iter().map(|value| {
            T::Native::try_from(*value).unwrap_or_else(|_| {
                fit = false;
                T::Native::default()
            })
        }));
        if !fit && wrong.is_none() {
            let mut given = given.iter().enumerate();
            wrong = given
                .find(|(_, value)| T::Native::try_from(**value).is_err())
                .map(|(index, value)| (first.saturating_add(index), *value));
        }
    })?;
    match wrong {
        None => Ok(Arc::new(PrimitiveArray::<T>::new(spread(values, nulls).into(), nulls.cloned()))),
        Some((index, value)) => Err(Fault::Value(index, format!("{value} does not fit {what}"))),
    }
}

pub(super) fn floats(stream: &mut ByteStream, count: usize) -> Result<Vec<f32>, Fault> {
    let bytes = fixed(stream, count, 4)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

pub(super) fn doubles(stream: &mut ByteStream, count: usize) -> Result<Vec<f64>, Fault> {
    let bytes = fixed(stream, count, 8)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
}

fn fixed(stream: &mut ByteStream, count: usize, width: usize) -> Result<Vec<u8>, Fault> {
    let length = count.saturating_mul(width);
    let mut bytes = Vec::with_capacity(length);
    stream.read(length, &mut bytes)?;
    Ok(bytes)
}

/// Decimals: numbers without their point in one stream, digits after the point in another.
#[derive(Debug)]
pub(super) struct DecimalReader {
    pub(super) unscaled: ByteStream,
    pub(super) scales: IntegerReader,
    pub(super) precision: u8,
    pub(super) scale: u8,
}

impl DecimalReader {
    pub(super) fn read(
        &mut self,
        data_type: &DataType,
        count: usize,
        nulls: Option<&NullBuffer>,
    ) -> Result<ArrayRef, Fault> {
        let scales = long(&mut self.scales, count)?;
        let limit = 10_u128.saturating_pow(self.precision.into());
        let mut values = Vec::with_capacity(count);
        varints_i128(&mut self.unscaled, count, &mut values)?;
        let to = i64::from(self.scale);
        for (index, (value, scale)) in values.iter_mut().zip(scales).enumerate() {
            let unscaled = *value;
            let found = if scale == to { Some(unscaled) } else { self.rescale(unscaled, scale) };
            *value = found.filter(|value| value.unsigned_abs() < limit).ok_or_else(|| {
                let precision = self.precision;
                Fault::Value(index, format!("{unscaled}e-{scale} does not fit decimal({precision}, {to})"))
            })?;
        }
        let values = spread(values, nulls);
        Ok(Arc::new(Decimal128Array::new(values.into(), nulls.cloned()).with_data_type(data_type.clone())))
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.scales.skip(count)?;
        for _ in 0..count {
            varint_i128(&mut self.unscaled)?;
        }
        Ok(())
    }

    /// The number at the column's scale; writers drop zeros at the end. `None` if digits would be lost.
    fn rescale(&self, unscaled: i128, scale: i64) -> Option<i128> {
        let digits = i64::from(self.scale).checked_sub(scale)?;
        let factor = 10_i128.checked_pow(u32::try_from(digits.unsigned_abs()).ok()?);
        match factor {
            _ if unscaled == 0 => Some(0),
            Some(factor) if digits >= 0 => unscaled.checked_mul(factor),
            Some(factor) if unscaled.checked_rem(factor)? == 0 => unscaled.checked_div(factor),
            _ => None,
        }
    }
}
