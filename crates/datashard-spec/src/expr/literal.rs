//! Literals: from Rust values and text, and from there to the type of a column.

use uuid::Uuid;

use crate::schema::PrimitiveType;
use crate::value::datetime::{MICROS_PER_DAY, NANOS_PER_DAY};
use crate::value::{Decimal, Value};

/// A literal of a predicate. Numbers have no width yet; binding gives them the column's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Literal(pub(super) Value);

impl From<Value> for Literal {
    fn from(value: Value) -> Self {
        Self(match value {
            Value::Int(v) => Value::Long(v.into()),
            Value::Float(v) => Value::Double(v.into()),
            Value::Fixed(bytes) => Value::Binary(bytes),
            other => other,
        })
    }
}

macro_rules! from {
    ($($from:ty => |$v:ident| $value:expr),* $(,)?) => {$(
        impl From<$from> for Literal {
            fn from($v: $from) -> Self {
                Self($value)
            }
        }
    )*};
}

from! {
    bool => |v| Value::Boolean(v),
    i32 => |v| Value::Long(v.into()),
    i64 => |v| Value::Long(v),
    f32 => |v| Value::Double(v.into()),
    f64 => |v| Value::Double(v),
    Decimal => |v| Value::Decimal(v),
    &str => |v| Value::String(v.to_owned()),
    String => |v| Value::String(v),
    Uuid => |v| Value::Uuid(v),
    Vec<u8> => |v| Value::Binary(v),
    &[u8] => |v| Value::Binary(v.to_vec()),
}

/// A literal as a value of a column's type, or where it lies if the type cannot hold it.
#[derive(Debug, PartialEq)]
pub(super) enum Converted {
    /// In the type.
    Value(Value),
    /// Above every finite value of the type.
    Above,
    /// Below every finite value of the type.
    Below,
}

/// Converts a literal.
///
/// Numbers convert where no digit is lost, but a double narrows to the nearest float. Whole numbers also count days,
/// microseconds or nanoseconds for the types that do. Text converts as in a JSON single value, dates and times in any
/// ISO form; hexadecimal for binary and fixed; numbers as if written without quotes, as JSON has decimals in quotes.
pub(super) fn convert(literal: &Value, to: &PrimitiveType) -> Result<Converted, String> {
    use PrimitiveType as P;
    let no_conversion = || Err("there is no conversion".to_owned());
    let value = match (literal, to) {
        (Value::Boolean(_), P::Boolean)
        | (Value::Long(_), P::Long)
        | (Value::Double(_), P::Double)
        | (Value::Date(_), P::Date)
        | (Value::Time(_), P::Time)
        | (Value::Timestamp(_), P::Timestamp)
        | (Value::Timestamptz(_), P::Timestamptz)
        | (Value::TimestampNs(_), P::TimestampNs)
        | (Value::TimestamptzNs(_), P::TimestamptzNs)
        | (Value::String(_), P::String)
        | (Value::Uuid(_), P::Uuid)
        | (Value::Binary(_), P::Binary) => literal.clone(),
        (Value::Long(v), P::Int) => return Ok(in_i32(i128::from(*v), Value::Int)),
        (Value::Long(v), P::Date) => return Ok(in_i32(i128::from(*v), Value::Date)),
        (Value::Long(v), P::Time) => Value::Time(*v),
        (Value::Long(v), P::Timestamp) => Value::Timestamp(*v),
        (Value::Long(v), P::Timestamptz) => Value::Timestamptz(*v),
        (Value::Long(v), P::TimestampNs) => Value::TimestampNs(*v),
        (Value::Long(v), P::TimestamptzNs) => Value::TimestamptzNs(*v),
        (Value::Long(v), P::Float | P::Double) => return number(&v.to_string(), to),
        (Value::Long(v), P::Decimal { precision, scale }) => {
            return rescale(Decimal { scale: 0, unscaled: (*v).into() }, *precision, *scale);
        }
        (Value::Double(v), P::Float) => return Ok(narrow(*v)),
        (Value::Decimal(v), P::Float | P::Double) => return number(&v.to_string(), to),
        (Value::Decimal(v), P::Decimal { precision, scale }) => return rescale(*v, *precision, *scale),
        (Value::Decimal(v), P::Int | P::Long) => {
            let whole = v.rescale(0).ok_or("it is not a whole number")?.unscaled;
            return Ok(if *to == P::Int { in_i32(whole, Value::Int) } else { in_i64(whole, Value::Long) });
        }
        (Value::Date(days), P::Timestamp) => {
            return Ok(in_i64(i128::from(*days).saturating_mul(MICROS_PER_DAY.into()), Value::Timestamp));
        }
        (Value::Date(days), P::TimestampNs) => {
            return Ok(in_i64(i128::from(*days).saturating_mul(NANOS_PER_DAY.into()), Value::TimestampNs));
        }
        (Value::Timestamp(micros), P::TimestampNs) => {
            return Ok(in_i64(i128::from(*micros).saturating_mul(1000), Value::TimestampNs));
        }
        (Value::Timestamptz(micros), P::TimestamptzNs) => {
            return Ok(in_i64(i128::from(*micros).saturating_mul(1000), Value::TimestamptzNs));
        }
        (Value::TimestampNs(nanos), P::Timestamp) => Value::Timestamp(whole_micros(*nanos)?),
        (Value::TimestamptzNs(nanos), P::Timestamptz) => Value::Timestamptz(whole_micros(*nanos)?),
        (Value::Binary(bytes), P::Fixed(length)) => fixed(bytes.clone(), *length)?,
        (Value::String(text), P::Int | P::Long | P::Float | P::Double) => {
            return convert(&number_in_text(text)?, to);
        }
        (Value::String(text), _) => return parse_as(text, to),
        _ => return no_conversion(),
    };
    Ok(Converted::Value(value))
}

/// Reads text as a value of a type, as in `date '2020-01-01'`, or a string compared with a column of another type.
pub(super) fn parse_as(text: &str, to: &PrimitiveType) -> Result<Converted, String> {
    match to {
        PrimitiveType::Decimal { precision, scale } => {
            rescale(Decimal::parse(text).map_err(|e| e.to_string())?, *precision, *scale)
        }
        PrimitiveType::Boolean
        | PrimitiveType::Int
        | PrimitiveType::Long
        | PrimitiveType::Float
        | PrimitiveType::Double => Err("there is no conversion from text".to_owned()),
        _ => Value::parse_text(to, text).map(Converted::Value).map_err(|e| e.to_string()),
    }
}

/// A number in quotes, as the literal that it would be without.
fn number_in_text(text: &str) -> Result<Value, String> {
    if let Ok(decimal) = Decimal::parse(text) {
        return Ok(Value::Decimal(decimal));
    }
    let double: Option<f64> = text.parse().ok().filter(|double: &f64| !double.is_nan());
    double.map(Value::Double).ok_or_else(|| "it is not a number".to_owned())
}

fn fixed(bytes: Vec<u8>, length: u32) -> Result<Value, String> {
    if u32::try_from(bytes.len()) != Ok(length) {
        return Err(format!("it has {} bytes", bytes.len()));
    }
    Ok(Value::Fixed(bytes))
}

fn in_i32(value: i128, make: fn(i32) -> Value) -> Converted {
    i32::try_from(value).map_or_else(|_| outside(value), |v| Converted::Value(make(v)))
}

fn in_i64(value: i128, make: fn(i64) -> Value) -> Converted {
    i64::try_from(value).map_or_else(|_| outside(value), |v| Converted::Value(make(v)))
}

fn outside(value: i128) -> Converted {
    if value < 0 { Converted::Below } else { Converted::Above }
}

/// 10 to a power up to 38.
fn limit(power: u8) -> u128 {
    10_u128.checked_pow(power.into()).unwrap_or(u128::MAX)
}

fn whole_micros(nanos: i64) -> Result<i64, String> {
    if nanos.rem_euclid(1000) != 0 {
        return Err("it has digits beyond the microsecond".to_owned());
    }
    Ok(nanos.div_euclid(1000))
}

/// The same number at another scale, if it has no more digits than that.
fn rescale(decimal: Decimal, precision: u8, scale: u8) -> Result<Converted, String> {
    match decimal.rescale(scale) {
        Some(rescaled) if rescaled.unscaled.unsigned_abs() < limit(precision) => {
            Ok(Converted::Value(Value::Decimal(rescaled)))
        }
        None if scale < decimal.scale => Err(format!("it has more than {scale} digits after the point")),
        _ => Ok(outside(decimal.unscaled)),
    }
}

/// The float or double nearest to a number written out.
fn number(text: &str, to: &PrimitiveType) -> Result<Converted, String> {
    let double: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if *to == PrimitiveType::Double {
        return Ok(Converted::Value(Value::Double(double)));
    }
    // Straight from the text: by way of a double it would be rounded twice.
    let float: f32 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    Ok(if float.is_finite() { Converted::Value(Value::Float(float)) } else { narrow(double) })
}

#[expect(clippy::as_conversions, reason = "the only way to round a double to the nearest float")]
fn narrow(double: f64) -> Converted {
    let float = double as f32;
    if float.is_finite() || double.is_infinite() {
        Converted::Value(Value::Float(float))
    } else if double > 0.0 {
        Converted::Above
    } else {
        Converted::Below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(literal: impl Into<Literal>, to: PrimitiveType, expected: Result<Converted, ()>) {
        let literal = literal.into().0;
        assert_eq!(convert(&literal, &to).map_err(|_| ()), expected, "{literal:?} to {to}");
    }

    fn exact(value: Value) -> Result<Converted, ()> {
        Ok(Converted::Value(value))
    }

    fn decimal(scale: u8, unscaled: i128) -> Value {
        Value::Decimal(Decimal { scale, unscaled })
    }

    #[test]
    fn whole_numbers_take_the_type_of_the_column() {
        check(7, PrimitiveType::Int, exact(Value::Int(7)));
        check(1_i64 << 31, PrimitiveType::Int, Ok(Converted::Above));
        check(i64::MIN, PrimitiveType::Date, Ok(Converted::Below));
        check(7, PrimitiveType::Double, exact(Value::Double(7.0)));
        check(7, PrimitiveType::Timestamp, exact(Value::Timestamp(7)));
        check(7, PrimitiveType::Decimal { precision: 4, scale: 2 }, exact(decimal(2, 700)));
        check(100, PrimitiveType::Decimal { precision: 4, scale: 2 }, Ok(Converted::Above));
        check(7, PrimitiveType::String, Err(()));
    }

    #[test]
    fn decimals_change_scale_only_where_no_digit_is_lost() {
        let two = PrimitiveType::Decimal { precision: 9, scale: 2 };
        check(Decimal { scale: 1, unscaled: 15 }, two.clone(), exact(decimal(2, 150)));
        check(Decimal { scale: 3, unscaled: 1500 }, two.clone(), exact(decimal(2, 150)));
        check(Decimal { scale: 3, unscaled: 1501 }, two.clone(), Err(()));
        check("-10.65", two, exact(decimal(2, -1065)));
        check(Decimal { scale: 1, unscaled: 15 }, PrimitiveType::Float, exact(Value::Float(1.5)));
        check(Decimal { scale: 1, unscaled: 20 }, PrimitiveType::Int, exact(Value::Int(2)));
        check(Decimal { scale: 1, unscaled: 25 }, PrimitiveType::Int, Err(()));
    }

    #[test]
    fn doubles_narrow_to_the_nearest_float() {
        check(0.1, PrimitiveType::Float, exact(Value::Float(0.1)));
        check(1e300, PrimitiveType::Float, Ok(Converted::Above));
        check(-1e300, PrimitiveType::Float, Ok(Converted::Below));
        check(f64::INFINITY, PrimitiveType::Float, exact(Value::Float(f32::INFINITY)));
        check(1.0, PrimitiveType::Long, Err(()));
    }

    #[test]
    fn text_reads_as_the_type_of_the_column() {
        check("1970-01-02", PrimitiveType::Date, exact(Value::Date(1)));
        check("1970-01-01T00:00:00.000001", PrimitiveType::Timestamp, exact(Value::Timestamp(1)));
        check("1970-01-01T01:00:00+01:00", PrimitiveType::TimestamptzNs, exact(Value::TimestamptzNs(0)));
        check("00ff", PrimitiveType::Fixed(2), exact(Value::Fixed(vec![0, 255])));
        check("00ff", PrimitiveType::Fixed(3), Err(()));
        check("0g", PrimitiveType::Binary, Err(()));
        check("nonsense", PrimitiveType::Uuid, Err(()));
        check("-7", PrimitiveType::Int, exact(Value::Int(-7)));
        check("3000000000", PrimitiveType::Int, Ok(Converted::Above));
        check("1.5", PrimitiveType::Double, exact(Value::Double(1.5)));
        check("-inf", PrimitiveType::Float, exact(Value::Float(f32::NEG_INFINITY)));
        for text in ["", "abc", "1.5", "0x10", "NaN", "1e400"] {
            check(text, PrimitiveType::Long, Err(()));
        }
        check("NaN", PrimitiveType::Double, Err(()));
    }

    #[test]
    fn units_of_time_convert_where_they_fit() {
        check(Value::Date(-1), PrimitiveType::Timestamp, exact(Value::Timestamp(-MICROS_PER_DAY)));
        check(Value::Timestamp(i64::MAX), PrimitiveType::TimestampNs, Ok(Converted::Above));
        check(Value::TimestampNs(-2000), PrimitiveType::Timestamp, exact(Value::Timestamp(-2)));
        check(Value::TimestampNs(-2001), PrimitiveType::Timestamp, Err(()));
        check(Value::Timestamp(0), PrimitiveType::Timestamptz, Err(()));
    }
}
