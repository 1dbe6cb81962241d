//! Making values: from Rust values, from text that people type, and by widening a column's type.

use uuid::Uuid;

use super::datetime::{
    self, MICROS_PER_DAY, NANOS_PER_DAY, TextForm, TimeUnit, Zone, parse_date, parse_timestamp,
};
use super::{Decimal, Value, ValueError, error};
use crate::schema::{PrimitiveType, Type};

impl Value {
    /// The decimal `unscaled` x 10^-`scale`.
    pub fn decimal(unscaled: i128, scale: u8) -> Self {
        Self::Decimal(Decimal { scale, unscaled })
    }

    /// Whether it is a float or double that is not a number.
    pub fn is_nan(&self) -> bool {
        match self {
            Self::Float(v) => v.is_nan(),
            Self::Double(v) => v.is_nan(),
            _ => false,
        }
    }

    /// Whether it is a value of the type, parts included. Nothing is converted.
    ///
    /// A decimal needs the scale of the type; its precision is not looked at, since `truncate` of a negative decimal may
    /// have a digit more than its source (see [`Decimal::fits`]). A required field of a struct may be null, since the
    /// value of a struct's default comes from its fields' own; a required element or map value may not.
    pub fn matches_type(&self, value_type: &Type) -> bool {
        match (value_type, self) {
            (Type::Primitive(primitive), _) => self.matches_primitive(primitive),
            (Type::Struct(fields), Self::Struct(values)) => {
                fields.fields.len() == values.len()
                    && fields.fields.iter().zip(values).all(|(field, value)| {
                        value.as_ref().is_none_or(|v| v.matches_type(&field.field_type))
                    })
            }
            (Type::List(list), Self::List(values)) => values.iter().all(|value| match value {
                Some(value) => value.matches_type(&list.element),
                None => !list.element_required,
            }),
            (Type::Map(map), Self::Map(pairs)) => pairs.iter().all(|(key, value)| {
                key.matches_type(&map.key)
                    && match value {
                        Some(value) => value.matches_type(&map.value),
                        None => !map.value_required,
                    }
            }),
            _ => false,
        }
    }

    fn matches_primitive(&self, primitive: &PrimitiveType) -> bool {
        match (primitive, self) {
            (PrimitiveType::Decimal { scale, .. }, Self::Decimal(decimal)) => decimal.scale == *scale,
            (PrimitiveType::Fixed(length), Self::Fixed(bytes)) => usize::try_from(*length) == Ok(bytes.len()),
            (PrimitiveType::Boolean, Self::Boolean(_))
            | (PrimitiveType::Int, Self::Int(_))
            | (PrimitiveType::Long, Self::Long(_))
            | (PrimitiveType::Float, Self::Float(_))
            | (PrimitiveType::Double, Self::Double(_))
            | (PrimitiveType::Date, Self::Date(_))
            | (PrimitiveType::Time, Self::Time(_))
            | (PrimitiveType::Timestamp, Self::Timestamp(_))
            | (PrimitiveType::Timestamptz, Self::Timestamptz(_))
            | (PrimitiveType::TimestampNs, Self::TimestampNs(_))
            | (PrimitiveType::TimestamptzNs, Self::TimestamptzNs(_))
            | (PrimitiveType::String, Self::String(_))
            | (PrimitiveType::Uuid, Self::Uuid(_))
            | (PrimitiveType::Binary, Self::Binary(_))
            | (PrimitiveType::Geometry(_), Self::Geometry(_))
            | (PrimitiveType::Geography(..), Self::Geography(_)) => true,
            _ => false,
        }
    }

    /// The value in a type that its own may be widened to: int to long, float to double, decimal to more digits, date to
    /// `timestamp` or `timestamp_ns`. The value itself if it is of the type already.
    ///
    /// `None` if the types allow no widening, or the value does not fit: a decimal with too many digits, a date outside
    /// the range of the timestamp.
    ///
    /// # Spec
    /// "Schema Evolution".
    pub fn promote(&self, to: &PrimitiveType) -> Option<Self> {
        match (self, to) {
            (Self::Int(v), PrimitiveType::Long) => Some(Self::Long((*v).into())),
            (Self::Float(v), PrimitiveType::Double) => Some(Self::Double((*v).into())),
            (Self::Date(days), PrimitiveType::Timestamp) => {
                i64::from(*days).checked_mul(MICROS_PER_DAY).map(Self::Timestamp)
            }
            (Self::Date(days), PrimitiveType::TimestampNs) => {
                i64::from(*days).checked_mul(NANOS_PER_DAY).map(Self::TimestampNs)
            }
            (Self::Decimal(decimal), PrimitiveType::Decimal { precision, scale }) => {
                decimal.fits(*precision, *scale).then(|| self.clone())
            }
            _ => self.matches_primitive(to).then(|| self.clone()),
        }
    }

    /// Reads text that a person typed as a value of the type.
    ///
    /// Dates, times and timestamps take the [lenient form](TextForm::Lenient); a decimal may have fewer digits after the
    /// point than the type; binary and fixed are hexadecimal; upper and lower case are alike for booleans.
    ///
    /// # Errors
    /// `InvalidData` if the text is no value of the type; `InvalidInput` if the value is outside its range; `Unsupported`
    /// if the type has no text form.
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::schema::PrimitiveType;
    /// use datashard_spec::value::Value;
    ///
    /// assert_eq!(Value::parse_text(&PrimitiveType::Date, "1970-01-02")?, Value::Date(1));
    /// assert!(Value::parse_text(&PrimitiveType::Int, "3000000000").is_err());
    /// # Ok::<(), datashard_spec::value::ValueError>(())
    /// ```
    pub fn parse_text(value_type: &PrimitiveType, text: &str) -> Result<Self, ValueError> {
        let fail = || error::text(value_type.to_string(), text);
        let out_of_range = || error::out_of_range(value_type.to_string(), crate::error::excerpt(text));
        let timestamp = |unit, zone| parse_timestamp(text, unit, zone, TextForm::Lenient);
        Ok(match value_type {
            PrimitiveType::Boolean if text.eq_ignore_ascii_case("true") => Self::Boolean(true),
            PrimitiveType::Boolean if text.eq_ignore_ascii_case("false") => Self::Boolean(false),
            PrimitiveType::Boolean => return Err(fail()),
            PrimitiveType::Int => Self::Int(text.parse().map_err(|e| integer_error(&e, fail, out_of_range))?),
            PrimitiveType::Long => {
                Self::Long(text.parse().map_err(|e| integer_error(&e, fail, out_of_range))?)
            }
            PrimitiveType::Float => {
                Self::Float(parse_float(text).ok_or_else(fail)?.ok_or_else(out_of_range)?)
            }
            PrimitiveType::Double => {
                Self::Double(parse_double(text).ok_or_else(fail)?.ok_or_else(out_of_range)?)
            }
            PrimitiveType::Decimal { precision, scale } => {
                let decimal = Decimal::parse(text)?.rescale(*scale).filter(|d| d.fits(*precision, *scale));
                Self::Decimal(decimal.ok_or_else(out_of_range)?)
            }
            PrimitiveType::Date => Self::Date(parse_date(text)?),
            PrimitiveType::Time => Self::Time(datetime::parse_time(text, TextForm::Lenient)?),
            PrimitiveType::Timestamp => Self::Timestamp(timestamp(TimeUnit::Micros, Zone::None)?),
            PrimitiveType::Timestamptz => Self::Timestamptz(timestamp(TimeUnit::Micros, Zone::Utc)?),
            PrimitiveType::TimestampNs => Self::TimestampNs(timestamp(TimeUnit::Nanos, Zone::None)?),
            PrimitiveType::TimestamptzNs => Self::TimestamptzNs(timestamp(TimeUnit::Nanos, Zone::Utc)?),
            PrimitiveType::String => Self::String(text.to_owned()),
            PrimitiveType::Uuid => Self::Uuid(parse_uuid(text).ok_or_else(fail)?),
            PrimitiveType::Binary => Self::Binary(parse_hex(text).ok_or_else(fail)?),
            PrimitiveType::Fixed(length) => {
                let bytes = parse_hex(text).filter(|bytes| usize::try_from(*length) == Ok(bytes.len()));
                Self::Fixed(bytes.ok_or_else(fail)?)
            }
            PrimitiveType::Unknown | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => {
                return Err(ValueError::NotRepresentable { what: value_type.to_string(), form: "text" });
            }
        })
    }
}

fn integer_error(
    error: &std::num::ParseIntError,
    fail: impl Fn() -> ValueError,
    out_of_range: impl Fn() -> ValueError,
) -> ValueError {
    match error.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => out_of_range(),
        _ => fail(),
    }
}

/// `None` if it is no number, `Some(None)` if it is too big: only the words for infinity mean infinity.
pub(super) fn parse_float(text: &str) -> Option<Option<f32>> {
    let value: f32 = text.parse().ok()?;
    Some((value.is_finite() || !text.contains(|c: char| c.is_ascii_digit())).then_some(value))
}

/// As [`parse_float`].
pub(super) fn parse_double(text: &str) -> Option<Option<f64>> {
    let value: f64 = text.parse().ok()?;
    Some((value.is_finite() || !text.contains(|c: char| c.is_ascii_digit())).then_some(value))
}

/// The hyphenated form only, in either case.
pub(super) fn parse_uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok())?
}

pub(super) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)?.wrapping_shl(4) | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Self::Decimal(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::schema::{ListType, MapType, NestedField, StructType};
    use crate::value::testing;

    #[test]
    fn values_widen_where_types_do_and_nowhere_else() {
        use PrimitiveType as P;
        let wide = P::Decimal { precision: 3, scale: 2 };
        for (value, to, expect) in [
            (Value::Int(-7), P::Long, Some(Value::Long(-7))),
            (Value::Int(-7), P::Int, Some(Value::Int(-7))),
            (Value::Long(7), P::Int, None),
            (Value::Int(7), P::Double, None),
            (Value::Float(1.5), P::Double, Some(Value::Double(1.5))),
            (Value::Double(1.5), P::Float, None),
            (Value::decimal(999, 2), wide.clone(), Some(Value::decimal(999, 2))),
            (Value::decimal(1000, 2), wide.clone(), None),
            (Value::decimal(9, 1), wide, None),
            (Value::Date(-1), P::Timestamp, Some(Value::Timestamp(-MICROS_PER_DAY))),
            (Value::Date(1), P::TimestampNs, Some(Value::TimestampNs(NANOS_PER_DAY))),
            (Value::Date(i32::MAX), P::Timestamp, None),
            (Value::Date(106_752), P::TimestampNs, None),
            (Value::Date(1), P::Timestamptz, None),
            (Value::Timestamp(1), P::TimestampNs, None),
            (Value::Fixed(vec![1]), P::Fixed(2), None),
        ] {
            assert_eq!(value.promote(&to), expect, "{value} to {to}");
        }
    }

    #[test]
    fn parts_must_match_the_type_and_nulls_stand_only_where_they_may() {
        let fields = StructType::new(vec![
            NestedField::required(1, "a", PrimitiveType::Int),
            NestedField::optional(2, "b", PrimitiveType::String),
        ]);
        let of_struct = Type::from(fields);
        for (value_type, value, expect) in [
            (of_struct.clone(), Value::Struct(vec![Some(1.into()), Some("x".into())]), true),
            (of_struct.clone(), Value::Struct(vec![None, None]), true),
            (of_struct.clone(), Value::Struct(vec![Some(1_i64.into()), None]), false),
            (of_struct, Value::Struct(vec![Some(1.into())]), false),
            (ListType::optional(1, PrimitiveType::Int).into(), Value::List(vec![None, Some(1.into())]), true),
            (ListType::required(1, PrimitiveType::Int).into(), Value::List(vec![None]), false),
            (
                MapType::required(1, PrimitiveType::Int, 2, PrimitiveType::Int).into(),
                Value::Map(vec![(1.into(), None)]),
                false,
            ),
            (Type::Variant, Value::Int(1), false),
            (PrimitiveType::Unknown.into(), Value::Int(1), false),
            (PrimitiveType::Fixed(2).into(), Value::Fixed(vec![1]), false),
            (PrimitiveType::Decimal { precision: 9, scale: 2 }.into(), Value::decimal(1, 3), false),
        ] {
            assert_eq!(value.matches_type(&value_type), expect, "{value} as {value_type}");
        }
    }

    #[test]
    fn text_becomes_a_value_of_the_type_or_says_why_not() {
        use PrimitiveType as P;
        let decimal = P::Decimal { precision: 4, scale: 2 };
        let uuid = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
        for (value_type, text, expect) in [
            (P::Boolean, "TRUE", Ok(Value::Boolean(true))),
            (P::Boolean, "1", Err(ErrorKind::InvalidData)),
            (P::Int, "-2147483648", Ok(Value::Int(i32::MIN))),
            (P::Int, "2147483648", Err(ErrorKind::InvalidInput)),
            (P::Long, "x", Err(ErrorKind::InvalidData)),
            (P::Float, "0.1", Ok(Value::Float(0.1))),
            (P::Float, "1e39", Err(ErrorKind::InvalidInput)),
            (P::Double, "1e39", Ok(Value::Double(1e39))),
            (P::Double, "-Infinity", Ok(Value::Double(f64::NEG_INFINITY))),
            (P::Double, "NaN", Ok(Value::Double(f64::NAN))),
            (decimal.clone(), "1.5", Ok(Value::decimal(150, 2))),
            (decimal.clone(), "1.555", Err(ErrorKind::InvalidInput)),
            (decimal, "100", Err(ErrorKind::InvalidInput)),
            (P::Date, "1969-12-31", Ok(Value::Date(-1))),
            (P::Time, "00:01", Ok(Value::Time(60_000_000))),
            (P::Timestamp, "1970-01-02", Ok(Value::Timestamp(MICROS_PER_DAY))),
            (P::Timestamptz, "1970-01-01 02:00+02:00", Ok(Value::Timestamptz(0))),
            (P::TimestampNs, "1970-01-01T00:00:00.000000001", Ok(Value::TimestampNs(1))),
            (P::TimestamptzNs, "1970-01-01T00:00Z", Ok(Value::TimestamptzNs(0))),
            (P::String, "", Ok(Value::from(""))),
            (P::Uuid, uuid, Ok(Value::Uuid(uuid.parse().unwrap()))),
            (P::Uuid, "f79c3e09677c4bbda4793f349cb785e7", Err(ErrorKind::InvalidData)),
            (P::Binary, "00Ff", Ok(Value::Binary(vec![0, 255]))),
            (P::Binary, "00f", Err(ErrorKind::InvalidData)),
            (P::Fixed(2), "00ff", Ok(Value::Fixed(vec![0, 255]))),
            (P::Fixed(1), "00ff", Err(ErrorKind::InvalidData)),
            (P::Unknown, "", Err(ErrorKind::Unsupported)),
        ] {
            let found = Value::parse_text(&value_type, text).map_err(|error| error.kind());
            assert_eq!(found, expect, "{text:?} as {value_type}");
        }
    }

    proptest! {
        #[test]
        fn every_value_matches_the_type_it_was_made_for((value_type, value) in testing::type_and_value()) {
            prop_assert!(value.matches_type(&value_type));
            if let Some(primitive) = value_type.as_primitive() {
                prop_assert_eq!(value.promote(primitive), Some(value));
            }
        }
    }
}
