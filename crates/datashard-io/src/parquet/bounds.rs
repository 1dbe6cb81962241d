//! Bounds of statistics and page indexes as Iceberg's binary single values.
//!
//! What is not certain gives no bound: unsigned numbers, whose order some writers got wrong, INT96, NaN, types that no promotion joins.

use arrow::datatypes::{DataType, TimeUnit};
use datashard_spec::schema::PrimitiveType;
use datashard_spec::value::Value;
use datashard_spec::value::decimal::number_from_be_bytes;
use parquet::basic::Type as PhysicalType;

/// Which end of the values a bound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Lower,
    Upper,
}

/// A column whose bounds can be told.
#[derive(Debug, Clone)]
pub(super) struct BoundColumn {
    pub(super) physical: PhysicalType,
    pub(super) stored: DataType,
    pub(super) wanted: PrimitiveType,
}

impl BoundColumn {
    /// The bound for these bytes, which are a value in Parquet's plain encoding without a length.
    pub(super) fn bound(&self, bytes: &[u8], end: End) -> Option<Vec<u8>> {
        use PrimitiveType as P;
        match self.wanted {
            // Cut bounds of text may end within a character: they are compared as bytes.
            P::String if self.physical == PhysicalType::BYTE_ARRAY => Some(bytes.to_vec()),
            P::Binary if self.physical == PhysicalType::BYTE_ARRAY => Some(bytes.to_vec()),
            P::Fixed(_) | P::Uuid if self.physical == PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                Some(bytes.to_vec())
            }
            _ => self.value(bytes, end)?.to_binary().ok(),
        }
    }

    fn value(&self, bytes: &[u8], end: End) -> Option<Value> {
        match self.physical {
            PhysicalType::BOOLEAN => match (&self.wanted, bytes) {
                (PrimitiveType::Boolean, [byte]) => Some(Value::Boolean(*byte != 0)),
                _ => None,
            },
            PhysicalType::INT32 => self.whole(i64::from(i32::from_le_bytes(bytes.try_into().ok()?))),
            PhysicalType::INT64 => self.whole(i64::from_le_bytes(bytes.try_into().ok()?)),
            PhysicalType::FLOAT => {
                let value = f64::from(f32::from_le_bytes(bytes.try_into().ok()?));
                self.float(value, end)
            }
            PhysicalType::DOUBLE => self.float(f64::from_le_bytes(bytes.try_into().ok()?), end),
            PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                self.decimal(number_from_be_bytes(bytes)?)
            }
            PhysicalType::INT96 => None,
        }
    }

    fn whole(&self, number: i64) -> Option<Value> {
        use DataType as D;
        use PrimitiveType as P;
        match (&self.stored, &self.wanted) {
            (D::Int8 | D::Int16 | D::Int32, P::Int) => i32::try_from(number).ok().map(Value::Int),
            (D::Int8 | D::Int16 | D::Int32 | D::Int64, P::Long) => Some(Value::Long(number)),
            (D::Date32, P::Date) => i32::try_from(number).ok().map(Value::Date),
            (D::Time64(TimeUnit::Microsecond), P::Time) => Some(Value::Time(number)),
            (D::Timestamp(unit, _), P::Timestamp) => in_micros(*unit, number).map(Value::Timestamp),
            (D::Timestamp(unit, _), P::Timestamptz) => in_micros(*unit, number).map(Value::Timestamptz),
            (D::Timestamp(TimeUnit::Nanosecond, _), P::TimestampNs) => Some(Value::TimestampNs(number)),
            (D::Timestamp(TimeUnit::Nanosecond, _), P::TimestamptzNs) => Some(Value::TimestamptzNs(number)),
            _ => self.decimal(i128::from(number)),
        }
    }

    /// Numbers without a fraction, where both types have the same scale.
    fn decimal(&self, unscaled: i128) -> Option<Value> {
        let stored = match self.stored {
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => scale,
            _ => return None,
        };
        match self.wanted {
            PrimitiveType::Decimal { scale, .. } if i16::from(scale) == i16::from(stored) => {
                Some(Value::decimal(unscaled, scale))
            }
            _ => None,
        }
    }

    /// Zeros go outward: some writers order -0.0 before 0.0, some take them for equal.
    fn float(&self, value: f64, end: End) -> Option<Value> {
        if value.is_nan() {
            return None;
        }
        let value = match end {
            _ if value != 0.0 => value,
            End::Lower => -0.0,
            End::Upper => 0.0,
        };
        match self.wanted {
            // It came from a float, so nothing is lost on the way back.
            PrimitiveType::Float => narrow(value).map(Value::Float),
            PrimitiveType::Double => Some(Value::Double(value)),
            _ => None,
        }
    }
}

/// Readers cut what is below a microsecond, downward, and so keep the order.
fn in_micros(unit: TimeUnit, number: i64) -> Option<i64> {
    match unit {
        TimeUnit::Second => number.checked_mul(1_000_000),
        TimeUnit::Millisecond => number.checked_mul(1_000),
        TimeUnit::Microsecond => Some(number),
        TimeUnit::Nanosecond => Some(number.div_euclid(1_000)),
    }
}

#[expect(
    clippy::as_conversions,
    reason = "there is no other way from double to float; what it loses is found"
)]
fn narrow(value: f64) -> Option<f32> {
    let narrow = value as f32;
    (f64::from(narrow).to_bits() == value.to_bits()).then_some(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        physical: PhysicalType,
        stored: DataType,
        wanted: PrimitiveType,
        bytes: &[u8],
        expected: Option<Value>,
    ) {
        let column = BoundColumn { physical, stored, wanted };
        let expected = expected.map(|value| value.to_binary().unwrap());
        assert_eq!(column.bound(bytes, End::Lower), expected, "{column:?}");
    }

    #[test]
    fn numbers_have_bounds_in_the_type_of_the_table() {
        use PhysicalType as F;
        use PrimitiveType as P;
        let (five, minus) = (5_i32.to_le_bytes(), (-1_i64).to_le_bytes());
        check(F::INT32, DataType::Int32, P::Int, &five, Some(Value::Int(5)));
        check(F::INT32, DataType::Int32, P::Long, &five, Some(Value::Long(5)));
        check(F::INT32, DataType::UInt32, P::Long, &five, None);
        check(F::INT64, DataType::Int64, P::Int, &minus, None);
        check(F::INT32, DataType::Date32, P::Date, &five, Some(Value::Date(5)));
        check(
            F::INT64,
            DataType::Timestamp(TimeUnit::Nanosecond, None),
            P::Timestamp,
            &minus,
            Some(Value::Timestamp(-1)),
        );
        check(
            F::INT64,
            DataType::Timestamp(TimeUnit::Millisecond, None),
            P::Timestamptz,
            &minus,
            Some(Value::Timestamptz(-1_000)),
        );
        let decimal = || P::Decimal { precision: 9, scale: 2 };
        check(F::INT32, DataType::Decimal128(5, 2), decimal(), &five, Some(Value::decimal(5, 2)));
        check(F::INT32, DataType::Decimal128(5, 1), decimal(), &five, None);
        check(
            F::FIXED_LEN_BYTE_ARRAY,
            DataType::Decimal128(5, 2),
            decimal(),
            &[0xFF, 0xFE],
            Some(Value::decimal(-2, 2)),
        );
        check(F::INT32, DataType::Int32, P::Int, &[1], None);
    }

    #[test]
    fn trap_11_nan_is_no_bound_and_zeros_go_outward() {
        let column = |end, value: f64| {
            BoundColumn {
                physical: PhysicalType::DOUBLE,
                stored: DataType::Float64,
                wanted: PrimitiveType::Double,
            }
            .bound(&value.to_le_bytes(), end)
        };
        assert_eq!(column(End::Lower, f64::NAN), None);
        assert_eq!(column(End::Lower, 0.0), Some((-0.0_f64).to_le_bytes().to_vec()));
        assert_eq!(column(End::Upper, -0.0), Some(0.0_f64.to_le_bytes().to_vec()));
        assert_eq!(column(End::Upper, 1.5), Some(1.5_f64.to_le_bytes().to_vec()));
    }
}
