//! What comparisons look at: a value or a bound, reduced to something that compares in a few instructions.

use std::cmp::Ordering;

use super::predicate::{Comparison, Test};
use crate::schema::PrimitiveType;
use crate::value::Value;
use crate::value::datetime::{MICROS_PER_DAY, NANOS_PER_DAY};
use crate::value::decimal::number_from_be_bytes;

/// A value without its type. Floats compare as numbers: -0.0 equals 0.0, and NaN compares with nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    Number(i64, Unit),
    Float(f64),
    Decimal { unscaled: i128, scale: u8 },
    Uuid(u128),
    Bytes(&'a [u8]),
}

/// What a number counts. Days do not compare with microseconds: a tuple that was written while its column was a date says
/// nothing about a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nothing, or what the other number counts: some writers store days as plain ints.
    Plain,
    Days,
    Micros,
    Nanos,
}

impl Unit {
    fn compares_with(self, other: Self) -> bool {
        self == other || self == Self::Plain || other == Self::Plain
    }
}

/// What a test says about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    /// The value is null.
    Null,
    /// The value is of a type that does not compare with the literal.
    Incomparable,
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl<'a> Key<'a> {
    /// `None` for structs, lists and maps, which do not compare.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Boolean(v) => Self::Number(i64::from(*v), Unit::Plain),
            Value::Int(v) => Self::Number(i64::from(*v), Unit::Plain),
            Value::Long(v) | Value::Time(v) => Self::Number(*v, Unit::Plain),
            Value::Date(v) => Self::Number(i64::from(*v), Unit::Days),
            Value::Timestamp(v) | Value::Timestamptz(v) => Self::Number(*v, Unit::Micros),
            Value::TimestampNs(v) | Value::TimestamptzNs(v) => Self::Number(*v, Unit::Nanos),
            Value::Float(v) => Self::Float(f64::from(*v)),
            Value::Double(v) => Self::Float(*v),
            Value::Decimal(v) => Self::Decimal { unscaled: v.unscaled, scale: v.scale },
            Value::String(v) => Self::Bytes(v.as_bytes()),
            Value::Uuid(v) => Self::Uuid(v.as_u128()),
            Value::Fixed(v) | Value::Binary(v) => Self::Bytes(v),
            _ => return None,
        })
    }

    /// Decodes a bound, also one written before the column's type was promoted. `None` if it is malformed or NaN: nothing
    /// is ever concluded from such a bound.
    pub(super) fn of_bound(field_type: &PrimitiveType, bytes: &'a [u8]) -> Option<Self> {
        use PrimitiveType as P;
        Some(match field_type {
            P::Boolean => match bytes {
                [byte] => Self::Number(i64::from(*byte != 0), Unit::Plain),
                _ => return None,
            },
            P::Int => Self::Number(i64::from(i32::from_le_bytes(bytes.try_into().ok()?)), Unit::Plain),
            P::Date => Self::Number(i64::from(i32::from_le_bytes(bytes.try_into().ok()?)), Unit::Days),
            P::Long => Self::Number(long(bytes, 1)?, Unit::Plain),
            P::Timestamp => Self::Number(long(bytes, MICROS_PER_DAY)?, Unit::Micros),
            P::TimestampNs => Self::Number(long(bytes, NANOS_PER_DAY)?, Unit::Nanos),
            // No other type is promoted to these.
            P::Time => Self::Number(i64::from_le_bytes(bytes.try_into().ok()?), Unit::Plain),
            P::Timestamptz => Self::Number(i64::from_le_bytes(bytes.try_into().ok()?), Unit::Micros),
            P::TimestamptzNs => Self::Number(i64::from_le_bytes(bytes.try_into().ok()?), Unit::Nanos),
            P::Float => Self::Float(f64::from(f32::from_le_bytes(bytes.try_into().ok()?))),
            P::Double => Self::Float(match bytes.try_into() {
                Ok(eight) => f64::from_le_bytes(eight),
                Err(_) => f64::from(f32::from_le_bytes(bytes.try_into().ok()?)),
            }),
            P::Decimal { scale, .. } => {
                Self::Decimal { unscaled: number_from_be_bytes(bytes)?, scale: *scale }
            }
            P::String => Self::Bytes(std::str::from_utf8(bytes).ok()?.as_bytes()),
            P::Uuid => Self::Uuid(u128::from_be_bytes(bytes.try_into().ok()?)),
            P::Fixed(length) => Self::Bytes(
                Some(bytes).filter(|bytes| u32::try_from(bytes.len()).is_ok_and(|l| l <= *length))?,
            ),
            P::Binary => Self::Bytes(bytes),
            P::Unknown | P::Geometry(_) | P::Geography(..) => return None,
        })
        .filter(|key| !key.is_nan())
    }

    pub(super) fn is_nan(self) -> bool {
        matches!(self, Self::Float(v) if v.is_nan())
    }

    /// `None` between keys of different kinds, and for NaN.
    pub(super) fn compare(self, other: Key<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a, of_a), Key::Number(b, of_b)) => of_a.compares_with(of_b).then(|| a.cmp(&b)),
            (Self::Float(a), Key::Float(b)) => a.partial_cmp(&b),
            (Self::Decimal { unscaled: a, scale: of_a }, Key::Decimal { unscaled: b, scale: of_b }) => {
                (of_a == of_b).then(|| a.cmp(&b))
            }
            // As unsigned bytes, big-endian.
            (Self::Uuid(a), Key::Uuid(b)) => Some(a.cmp(&b)),
            (Self::Bytes(a), Key::Bytes(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Whether text or bytes begin with others.
    pub(super) fn starts_with(self, prefix: Key<'_>) -> Option<bool> {
        match (self, prefix) {
            (Self::Bytes(bytes), Key::Bytes(prefix)) => Some(bytes.starts_with(prefix)),
            _ => None,
        }
    }

    /// How as many leading bytes as the prefix has compare with it.
    pub(super) fn compare_with_prefix(self, prefix: Key<'_>) -> Option<Ordering> {
        match (self, prefix) {
            (Self::Bytes(bytes), Key::Bytes(prefix)) => {
                Some(bytes.get(..prefix.len()).unwrap_or(bytes).cmp(prefix))
            }
            _ => None,
        }
    }
}

/// Eight bytes, or four that were written when the column was an int, or a date: then `unit` is a day.
fn long(bytes: &[u8], unit: i64) -> Option<i64> {
    match bytes.try_into() {
        Ok(eight) => Some(i64::from_le_bytes(eight)),
        Err(_) => i64::from(i32::from_le_bytes(bytes.try_into().ok()?)).checked_mul(unit),
    }
}

impl Comparison {
    /// Whether a value that compares like this with the literal passes. `None` for the prefix tests.
    pub(super) fn accepts(self, ordering: Ordering) -> Option<bool> {
        Some(match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::StartsWith | Self::NotStartsWith => return None,
        })
    }
}

impl Test {
    /// Applies the test to a value. Literals of `In` and `NotIn` must be sorted, as binding leaves them.
    pub(super) fn check(&self, value: Option<&Value>) -> Truth {
        let key = match (self, value) {
            (Self::IsNull, _) => return value.is_none().into(),
            (Self::NotNull, _) => return value.is_some().into(),
            (Self::IsNan, None) => return Truth::False,
            (Self::NotNan, None) => return Truth::True,
            (_, None) => return Truth::Null,
            (_, Some(value)) => Key::of(value),
        };
        key.and_then(|key| self.check_key(key)).map_or(Truth::Incomparable, Truth::from)
    }

    fn check_key(&self, key: Key<'_>) -> Option<bool> {
        match self {
            Self::IsNull => Some(false),
            Self::NotNull => Some(true),
            Self::IsNan => Some(key.is_nan()),
            Self::NotNan => Some(!key.is_nan()),
            Self::Compare(comparison, literal) => {
                let literal = Key::of(literal)?;
                match comparison {
                    Comparison::StartsWith => key.starts_with(literal),
                    Comparison::NotStartsWith => key.starts_with(literal).map(|starts| !starts),
                    _ if key.is_nan() => {
                        matches!(literal, Key::Float(_)).then_some(*comparison == Comparison::NotEqual)
                    }
                    _ => comparison.accepts(key.compare(literal)?),
                }
            }
            Self::In(literals) => contains(literals, key),
            Self::NotIn(literals) => contains(literals, key).map(|contained| !contained),
        }
    }
}

/// Whether a key is among sorted literals. `None` if it does not compare with them.
pub(super) fn contains(literals: &[Value], key: Key<'_>) -> Option<bool> {
    if key.is_nan() {
        return Some(false);
    }
    if let Some(first) = literals.first() {
        Key::of(first)?.compare(key)?;
    }
    let found = literals.binary_search_by(|literal| {
        Key::of(literal).and_then(|literal| literal.compare(key)).unwrap_or(Ordering::Less)
    });
    Some(found.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Decimal;

    fn check(field_type: PrimitiveType, bytes: &[u8], like: Option<Value>) {
        let key = Key::of_bound(&field_type, bytes);
        match (key, &like) {
            (None, None) => {}
            (Some(key), Some(value)) => {
                let expected = Key::of(value).unwrap();
                assert_eq!(key.compare(expected), Some(Ordering::Equal), "{field_type} {bytes:?}");
            }
            _ => panic!("{field_type} {bytes:?}: {key:?}, expected {like:?}"),
        }
    }

    #[test]
    fn bounds_of_promoted_columns_decode_by_length() {
        check(PrimitiveType::Long, &[255; 4], Some(Value::Long(-1)));
        check(PrimitiveType::Long, &[255; 8], Some(Value::Long(-1)));
        check(PrimitiveType::Double, &1.5_f32.to_le_bytes(), Some(Value::Double(1.5)));
        check(PrimitiveType::Timestamp, &1_i32.to_le_bytes(), Some(Value::Timestamp(MICROS_PER_DAY)));
        check(PrimitiveType::TimestampNs, &(-1_i32).to_le_bytes(), Some(Value::TimestampNs(-NANOS_PER_DAY)));
        check(PrimitiveType::TimestampNs, &i32::MAX.to_le_bytes(), None);
    }

    #[test]
    fn decimals_decode_from_any_length() {
        let decimal = |unscaled| Some(Value::Decimal(Decimal { scale: 2, unscaled }));
        let field_type = || PrimitiveType::Decimal { precision: 38, scale: 2 };
        check(field_type(), &[0x80], decimal(-128));
        check(field_type(), &[0, 0x80], decimal(128));
        check(field_type(), &[0xff; 16], decimal(-1));
        check(field_type(), &[], None);
        check(field_type(), &[0; 17], None);
    }

    #[test]
    fn malformed_bounds_count_as_missing() {
        check(PrimitiveType::Boolean, &[], None);
        check(PrimitiveType::Int, &[0; 8], None);
        check(PrimitiveType::Float, &[0; 8], None);
        check(PrimitiveType::Long, &[0; 5], None);
        check(PrimitiveType::String, &[0xff, 0xfe], None);
        check(PrimitiveType::Uuid, &[0; 15], None);
        for of in [PrimitiveType::Time, PrimitiveType::Timestamptz, PrimitiveType::TimestamptzNs] {
            check(of, &[0; 4], None);
        }
        check(PrimitiveType::Fixed(2), &[0; 3], None);
    }

    #[test]
    fn trap_11_a_nan_bound_counts_as_missing() {
        check(PrimitiveType::Float, &f32::NAN.to_le_bytes(), None);
        check(PrimitiveType::Double, &(-f64::NAN).to_le_bytes(), None);
        check(PrimitiveType::Double, &f32::NAN.to_le_bytes(), None);
    }

    #[test]
    fn nan_passes_only_what_excludes_values() {
        let nan = Value::Double(f64::NAN);
        let one = || Value::Double(1.0);
        for comparison in [Comparison::Less, Comparison::GreaterOrEqual, Comparison::Equal] {
            assert_eq!(Test::Compare(comparison, one()).check(Some(&nan)), Truth::False);
        }
        assert_eq!(Test::Compare(Comparison::NotEqual, one()).check(Some(&nan)), Truth::True);
        assert_eq!(Test::In(vec![one()]).check(Some(&nan)), Truth::False);
        assert_eq!(Test::NotIn(vec![one()]).check(Some(&nan)), Truth::True);
    }

    #[test]
    fn zeros_of_both_signs_are_equal() {
        let equal = Test::Compare(Comparison::Equal, Value::Double(0.0));
        assert_eq!(equal.check(Some(&Value::Double(-0.0))), Truth::True);
        assert_eq!(Test::In(vec![Value::Double(0.0)]).check(Some(&Value::Float(-0.0))), Truth::True);
    }

    #[test]
    fn values_of_another_kind_are_incomparable() {
        let text = Value::String("a".to_owned());
        assert_eq!(Test::In(vec![Value::Int(1)]).check(Some(&text)), Truth::Incomparable);
        assert_eq!(Test::Compare(Comparison::Less, Value::Int(1)).check(Some(&text)), Truth::Incomparable);
        assert_eq!(Test::IsNan.check(Some(&Value::List(vec![]))), Truth::Incomparable);
        let less = |literal| Test::Compare(Comparison::Less, literal);
        // A tuple of the time when the column was a date, and one of another scale or unit.
        assert_eq!(less(Value::Timestamp(5)).check(Some(&Value::Date(1))), Truth::Incomparable);
        assert_eq!(less(Value::TimestampNs(5)).check(Some(&Value::Timestamp(1))), Truth::Incomparable);
        assert_eq!(less(Value::decimal(5, 2)).check(Some(&Value::decimal(1, 1))), Truth::Incomparable);
        // Days may come as plain ints.
        assert_eq!(less(Value::Date(5)).check(Some(&Value::Int(1))), Truth::True);
    }
}
