//! What serde gives, as a value of a primitive type: only if it says just that value.

use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::datetime::{
    MICROS_PER_DAY, TextForm, TimeUnit, Zone, parse_date, parse_time, parse_timestamp,
};
use datashard_spec::value::{Decimal, Value};
use uuid::Uuid;

/// In which language a record is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// That of serde, which tells integers and floats of each width apart.
    Serde,
    /// JSON, which has numbers and text.
    Json,
}

/// More digits than these of a binary float are not those that were written.
const EXACT_DIGITS: u32 = 15;

/// An integer of whatever width.
pub(super) fn from_integer(number: i128, to: &Type, form: Form) -> Result<Value, String> {
    use PrimitiveType as P;
    let Type::Primitive(primitive) = to else { return Err(mismatch("an integer", to)) };
    let out_of_range = || format!("{number} is outside the range of {primitive}");
    let (int, long) = (i32::try_from(number).ok(), i64::try_from(number).ok());
    let is_temporal = matches!(
        primitive,
        P::Date | P::Time | P::Timestamp | P::Timestamptz | P::TimestampNs | P::TimestamptzNs
    );
    if is_temporal && form == Form::Json {
        return Err(format!(
            "{number} where ISO text of a {primitive} is needed: a number does not tell its unit"
        ));
    }
    let value = match primitive {
        P::Int => int.map(Value::Int),
        P::Long => long.map(Value::Long),
        P::Float => whole_float(number).map(Value::Float),
        P::Double => whole_double(number).map(Value::Double),
        P::Decimal { precision, scale } => return decimal(Decimal::new(number, 0), *precision, *scale),
        P::Date => int.map(Value::Date),
        P::Time => long.filter(|micros| (0..MICROS_PER_DAY).contains(micros)).map(Value::Time),
        P::Timestamp => long.map(Value::Timestamp),
        P::Timestamptz => long.map(Value::Timestamptz),
        P::TimestampNs => long.map(Value::TimestampNs),
        P::TimestamptzNs => long.map(Value::TimestamptzNs),
        _ => return Err(mismatch("an integer", to)),
    };
    value.ok_or_else(out_of_range)
}

/// The float, if it is exactly the number.
fn whole_float(number: i128) -> Option<f32> {
    let small = i16::try_from(number.checked_rem(1 << 12)?).ok()?;
    let large = i16::try_from(number.checked_div(1 << 12)?).ok()?;
    // Up to 2^24 every whole number is a float.
    (number.unsigned_abs() <= 1 << 24).then(|| f32::from(large).mul_add(4096.0, f32::from(small)))
}

/// The double, if it is exactly the number.
fn whole_double(number: i128) -> Option<f64> {
    let small = i32::try_from(number.checked_rem(1 << 27)?).ok()?;
    let large = i32::try_from(number.checked_div(1 << 27)?).ok()?;
    // Up to 2^53 every whole number is a double.
    (number.unsigned_abs() <= 1 << 53).then(|| f64::from(large).mul_add(134_217_728.0, f64::from(small)))
}

/// A float of 32 bits.
pub(super) fn from_float(number: f32, to: &Type) -> Result<Value, String> {
    match to {
        Type::Primitive(PrimitiveType::Float) => Ok(Value::Float(number)),
        Type::Primitive(PrimitiveType::Double) => Ok(Value::Double(number.into())),
        _ => Err(mismatch("a float", to)),
    }
}

/// A float of 64 bits. JSON has no others, so there it is rounded for a float, and its digits count for a decimal.
pub(super) fn from_double(number: f64, to: &Type, form: Form) -> Result<Value, String> {
    match to {
        Type::Primitive(PrimitiveType::Double) => Ok(Value::Double(number)),
        Type::Primitive(PrimitiveType::Float) => {
            let narrow = narrow(number);
            if narrow.is_infinite() && number.is_finite() {
                Err(format!("{number} is outside the range of float"))
            } else if form == Form::Json || f64::from(narrow) == number || number.is_nan() {
                Ok(Value::Float(narrow))
            } else {
                Err(format!("{number} is no float of 32 bits; round it first, or make the column a double"))
            }
        }
        Type::Primitive(PrimitiveType::Decimal { precision, scale }) if form == Form::Json => {
            let text = number.to_string();
            let parsed = Decimal::parse(&text).map_err(|error| error.to_string())?;
            if parsed.digits() > EXACT_DIGITS {
                return Err(format!(
                    "{text} as a number may have lost digits; write the decimal as a string"
                ));
            }
            decimal(parsed, *precision, *scale)
        }
        Type::Primitive(PrimitiveType::Decimal { .. }) => {
            Err(format!("a float where a {to} is needed: give it as text, which keeps all digits"))
        }
        _ => Err(mismatch("a float", to)),
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "there is no other way to round a double"
)]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// Text.
pub(super) fn from_text(text: &str, to: &Type, form: Form) -> Result<Value, String> {
    use PrimitiveType as P;
    let Type::Primitive(primitive) = to else { return Err(mismatch("text", to)) };
    let say = |error: datashard_spec::value::ValueError| error.to_string();
    let timestamp = |unit, zone| parse_timestamp(text, unit, zone, TextForm::Lenient).map_err(say);
    let named = |text: &str| match text {
        "NaN" => Some(f32::NAN),
        "Infinity" => Some(f32::INFINITY),
        "-Infinity" => Some(f32::NEG_INFINITY),
        _ => None,
    };
    Ok(match primitive {
        P::String => Value::String(text.to_owned()),
        P::Decimal { precision, scale } => decimal(Decimal::parse(text).map_err(say)?, *precision, *scale)?,
        P::Date => Value::Date(parse_date(text).map_err(say)?),
        P::Time => Value::Time(parse_time(text, TextForm::Lenient).map_err(say)?),
        P::Timestamp => Value::Timestamp(timestamp(TimeUnit::Micros, Zone::None)?),
        P::Timestamptz => Value::Timestamptz(timestamp(TimeUnit::Micros, Zone::Utc)?),
        P::TimestampNs => Value::TimestampNs(timestamp(TimeUnit::Nanos, Zone::None)?),
        P::TimestamptzNs => Value::TimestamptzNs(timestamp(TimeUnit::Nanos, Zone::Utc)?),
        P::Uuid => Value::Uuid(Uuid::try_parse(text).map_err(|_| format!("{text:.80?} is no uuid"))?),
        P::Fixed(_) | P::Binary => Value::parse_text(primitive, text).map_err(say)?,
        P::Geometry(_) | P::Geography(..) => match Value::parse_text(&P::Binary, text) {
            Ok(Value::Binary(wkb)) => from_bytes(wkb, to)?,
            _ => {
                return Err(format!(
                    "{text:.80?} is no {primitive}: it is given as WKB, in text as hexadecimal"
                ));
            }
        },
        P::Float | P::Double if form == Form::Json => match (named(text), primitive) {
            (Some(number), P::Float) => Value::Float(number),
            (Some(number), _) => Value::Double(number.into()),
            (None, _) => return Err(mismatch("text", to)),
        },
        _ => return Err(mismatch("text", to)),
    })
}

/// Bytes.
pub(super) fn from_bytes(bytes: Vec<u8>, to: &Type) -> Result<Value, String> {
    use PrimitiveType as P;
    let count = bytes.len();
    match to {
        Type::Primitive(P::Binary) => Ok(Value::Binary(bytes)),
        Type::Primitive(P::Geometry(_)) => Ok(Value::Geometry(bytes)),
        Type::Primitive(P::Geography(..)) => Ok(Value::Geography(bytes)),
        Type::Primitive(P::Fixed(length)) if usize::try_from(*length) == Ok(count) => Ok(Value::Fixed(bytes)),
        Type::Primitive(P::Uuid) if count == 16 => {
            Uuid::from_slice(&bytes).map(Value::Uuid).map_err(|error| error.to_string())
        }
        Type::Primitive(P::Fixed(_) | P::Uuid) => Err(format!("{count} bytes where a {to} is needed")),
        _ => Err(mismatch("bytes", to)),
    }
}

/// Whether a column of this type takes bytes.
pub(super) fn takes_bytes(to: &Type) -> bool {
    use PrimitiveType as P;
    matches!(to, Type::Primitive(P::Binary | P::Geometry(_) | P::Geography(..) | P::Fixed(_) | P::Uuid))
}

fn decimal(number: Decimal, precision: u8, scale: u8) -> Result<Value, String> {
    let fitting = number.rescale(scale).filter(|number| number.fits(precision, scale));
    let reason = || format!("{number} does not fit decimal({precision}, {scale}) without loss");
    fitting.map(Value::Decimal).ok_or_else(reason)
}

/// Something of the wrong kind.
pub(super) fn mismatch(found: &str, to: &Type) -> String {
    match to {
        Type::Variant => "a variant cannot be given as a record; hand it in as Arrow".to_owned(),
        Type::Primitive(PrimitiveType::Unknown) => format!("{found} where there can only be null"),
        Type::Struct(_) => format!("{found} where a struct is needed"),
        Type::List(_) => format!("{found} where a list is needed"),
        Type::Map(_) => format!("{found} where a map is needed"),
        _ => format!("{found} where a value of type {to} is needed"),
    }
}
