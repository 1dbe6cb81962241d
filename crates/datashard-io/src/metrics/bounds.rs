//! The least and the greatest value of a column, in the order of its type.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use datashard_spec::schema::PrimitiveType;
use datashard_spec::value::Value;
use uuid::Uuid;

use super::floats::{doubles, key32, key64, singles};
use super::runs::{each_run, extremes, wider};

/// The least and the greatest value so far, with the type that they have.
#[derive(Debug)]
pub(super) struct Bounds {
    value_type: PrimitiveType,
    found: Found,
}

/// By how the values lie in arrays.
#[derive(Debug)]
enum Found {
    Boolean(Option<(bool, bool)>),
    Number32(Option<(i32, i32)>),
    Number64(Option<(i64, i64)>),
    Number128(Option<(i128, i128)>),
    /// As keys; see [`key32`].
    Float32(Option<(i32, i32)>),
    /// As keys; see [`key64`].
    Float64(Option<(i64, i64)>),
    Bytes(Option<(Vec<u8>, Vec<u8>)>),
}

impl Bounds {
    /// None yet; `None` for a type that has none.
    pub(super) fn new(value_type: &PrimitiveType) -> Option<Self> {
        let found = match value_type {
            PrimitiveType::Boolean => Found::Boolean(None),
            PrimitiveType::Int | PrimitiveType::Date => Found::Number32(None),
            PrimitiveType::Long
            | PrimitiveType::Time
            | PrimitiveType::Timestamp
            | PrimitiveType::Timestamptz
            | PrimitiveType::TimestampNs
            | PrimitiveType::TimestamptzNs => Found::Number64(None),
            PrimitiveType::Float => Found::Float32(None),
            PrimitiveType::Double => Found::Float64(None),
            PrimitiveType::Decimal { .. } => Found::Number128(None),
            PrimitiveType::String | PrimitiveType::Uuid | PrimitiveType::Fixed(_) | PrimitiveType::Binary => {
                Found::Bytes(None)
            }
            _ => return None,
        };
        Some(Self { value_type: value_type.clone(), found })
    }

    /// Adds the values of an array that are not null, and answers how many of them are NaN; `None` if the array is of another type.
    pub(super) fn add(&mut self, array: &ArrayRef, nulls: Option<&NullBuffer>) -> Option<usize> {
        match &mut self.found {
            Found::Boolean(found) => {
                let values = array.as_boolean_opt()?.values();
                each_run(nulls, values.len(), |run| {
                    let run = values.slice(run.start, run.len());
                    let trues = run.count_set_bits();
                    let seen = (!run.is_empty()).then_some((trues == run.len(), trues > 0));
                    *found = wider(*found, seen);
                });
            }
            Found::Number32(found) => {
                let values = match array.data_type() {
                    DataType::Int32 => array.as_primitive_opt::<Int32Type>()?.values(),
                    DataType::Date32 => array.as_primitive_opt::<Date32Type>()?.values(),
                    _ => return None,
                };
                *found = wider(*found, extremes(values, nulls));
            }
            Found::Number64(found) => *found = wider(*found, extremes(longs(array)?, nulls)),
            Found::Number128(found) => {
                let values = array.as_primitive_opt::<Decimal128Type>()?.values();
                *found = wider(*found, extremes(values, nulls));
            }
            Found::Float32(found) => {
                let seen = singles(array.as_primitive_opt::<Float32Type>()?.values(), nulls);
                *found = wider(*found, seen.extremes);
                return Some(seen.nans);
            }
            Found::Float64(found) => {
                let seen = doubles(array.as_primitive_opt::<Float64Type>()?.values(), nulls);
                *found = wider(*found, seen.extremes);
                return Some(seen.nans);
            }
            Found::Bytes(found) => add_bytes(found, array, nulls)?,
        }
        Some(0)
    }

    /// The least and the greatest value, if there was any.
    pub(super) fn values(&self) -> Option<(Value, Value)> {
        fn both<T>(found: &Option<(T, T)>, make: impl Fn(&T) -> Option<Value>) -> Option<(Value, Value)> {
            let (low, high) = found.as_ref()?;
            Some((make(low)?, make(high)?))
        }
        match &self.found {
            Found::Boolean(found) => both(found, |value| Some(Value::Boolean(*value))),
            Found::Number32(found) => both(found, |value| {
                Some(match self.value_type {
                    PrimitiveType::Date => Value::Date(*value),
                    _ => Value::Int(*value),
                })
            }),
            Found::Number64(found) => both(found, |value| {
                Some(match self.value_type {
                    PrimitiveType::Time => Value::Time(*value),
                    PrimitiveType::Timestamp => Value::Timestamp(*value),
                    PrimitiveType::Timestamptz => Value::Timestamptz(*value),
                    PrimitiveType::TimestampNs => Value::TimestampNs(*value),
                    PrimitiveType::TimestamptzNs => Value::TimestamptzNs(*value),
                    _ => Value::Long(*value),
                })
            }),
            Found::Number128(found) => both(found, |value| match self.value_type {
                PrimitiveType::Decimal { scale, .. } => Some(Value::decimal(*value, scale)),
                _ => None,
            }),
            Found::Float32(found) => {
                both(found, |key| Some(Value::Float(f32::from_bits(key32(*key).cast_unsigned()))))
            }
            Found::Float64(found) => {
                both(found, |key| Some(Value::Double(f64::from_bits(key64(*key).cast_unsigned()))))
            }
            Found::Bytes(found) => both(found, |bytes| match self.value_type {
                PrimitiveType::String => String::from_utf8(bytes.clone()).ok().map(Value::String),
                PrimitiveType::Uuid => Uuid::from_slice(bytes).ok().map(Value::Uuid),
                PrimitiveType::Fixed(_) => Some(Value::Fixed(bytes.clone())),
                _ => Some(Value::Binary(bytes.clone())),
            }),
        }
    }
}

fn longs(array: &ArrayRef) -> Option<&[i64]> {
    Some(match array.data_type() {
        DataType::Int64 => array.as_primitive_opt::<Int64Type>()?.values(),
        DataType::Time64(TimeUnit::Microsecond) => {
            array.as_primitive_opt::<Time64MicrosecondType>()?.values()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive_opt::<TimestampMicrosecondType>()?.values()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive_opt::<TimestampNanosecondType>()?.values()
        }
        _ => return None,
    })
}

fn add_bytes(
    found: &mut Option<(Vec<u8>, Vec<u8>)>,
    array: &ArrayRef,
    nulls: Option<&NullBuffer>,
) -> Option<()> {
    let seen = {
        let mut seen = found.as_ref().map(|(low, high)| Candidates::new(low, high));
        let mut see = |value| match &mut seen {
            Some(seen) => seen.see(value),
            None => seen = Some(Candidates::new(value, value)),
        };
        match array.data_type() {
            DataType::Utf8 => {
                let strings = array.as_string_opt::<i32>()?;
                each_value(strings.value_offsets(), strings.value_data(), nulls, &mut see);
            }
            DataType::Binary => {
                let values = array.as_binary_opt::<i32>()?;
                each_value(values.value_offsets(), values.value_data(), nulls, &mut see);
            }
            DataType::FixedSizeBinary(_) => {
                let values = array.as_fixed_size_binary_opt()?;
                each_run(nulls, values.len(), |run| run.for_each(|row| see(values.value(row))));
            }
            _ => return None,
        }
        seen.map(|seen| (seen.low.to_vec(), seen.high.to_vec()))
    };
    *found = seen;
    Some(())
}

fn each_value<'a>(
    offsets: &[i32],
    bytes: &'a [u8],
    nulls: Option<&NullBuffer>,
    see: &mut impl FnMut(&'a [u8]),
) {
    each_run(nulls, offsets.len().saturating_sub(1), |run| {
        let ends = offsets.get(run.start..=run.end).unwrap_or_default();
        for pair in ends.windows(2) {
            let [start, end] = pair else { continue };
            let (start, end) = (usize::try_from(*start).unwrap_or(0), usize::try_from(*end).unwrap_or(0));
            see(bytes.get(start..end).unwrap_or_default());
        }
    });
}

/// The least and the greatest so far. Most values are told apart from both by their first eight bytes, without a call.
struct Candidates<'a> {
    low: &'a [u8],
    high: &'a [u8],
    low_prefix: u64,
    high_prefix: u64,
}

impl<'a> Candidates<'a> {
    fn new(low: &'a [u8], high: &'a [u8]) -> Self {
        Self { low, high, low_prefix: prefix(low), high_prefix: prefix(high) }
    }

    #[inline]
    fn see(&mut self, value: &'a [u8]) {
        let first = prefix(value);
        if first <= self.low_prefix && value < self.low {
            (self.low, self.low_prefix) = (value, first);
        }
        if first >= self.high_prefix && value > self.high {
            (self.high, self.high_prefix) = (value, first);
        }
    }
}

/// The first eight bytes as a number that orders as they do; zeros where there are fewer.
#[inline]
fn prefix(value: &[u8]) -> u64 {
    if let Some(first) = value.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    value.iter().rev().fold(0, |number, byte| (number >> 8) | (u64::from(*byte) << 56))
}
