//! JSON single values (Appendix D): defaults, partition values, literals.
//!
//! JSON has no number for NaN and the infinities: they are read and written as the strings `"NaN"`, `"Infinity"` and
//! `"-Infinity"`, as Java's JSON library does.

use std::fmt::Write as _;

use super::convert::{parse_double, parse_float, parse_hex, parse_uuid};
use super::datetime::{
    MICROS_PER_DAY, TextForm, TimeUnit, Zone, format_date, format_time, format_timestamp, parse_date,
    parse_time, parse_timestamp,
};
use super::{Decimal, Value, ValueError, error};
use crate::SpecError;
use crate::json::{Json, JsonWriter, parse_document};
use crate::schema::{ListType, MapType, PrimitiveType, StructType, Type};

impl Value {
    /// Reads the JSON form of a value of the type. JSON's `null` is no value and is refused.
    ///
    /// A decimal must have the scale of the type, or an exponent that comes out at it; a struct's absent fields are null,
    /// and keys that are no field of it are ignored.
    ///
    /// # Errors
    /// `InvalidData` with the path of what is no value of its type; `Unsupported` for geometry and geography, whose JSON
    /// form is WKT.
    ///
    /// # Spec
    /// "JSON single-value serialization".
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::schema::{PrimitiveType, Type};
    /// use datashard_spec::value::Value;
    ///
    /// let value = Value::from_json(&Type::Primitive(PrimitiveType::Date), "\"2017-11-16\"")?;
    /// assert_eq!(value, Value::Date(17_486));
    /// assert_eq!(value.to_json(&Type::Primitive(PrimitiveType::Date))?, "\"2017-11-16\"");
    /// # Ok::<(), datashard_spec::SpecError>(())
    /// ```
    pub fn from_json(value_type: &Type, json: &str) -> Result<Self, SpecError> {
        parse(value_type, Json::root(parse_document(json)?))
    }

    /// The JSON form of the value as one of the type. Null fields of structs are left out.
    ///
    /// # Errors
    /// `InvalidInput` if it is no value of the type, or outside the type's range; `Unsupported` for geometry and geography.
    pub fn to_json(&self, value_type: &Type) -> Result<String, ValueError> {
        check(value_type, self)?;
        let mut writer = JsonWriter::new();
        write(value_type, self, &mut writer);
        Ok(writer.finish())
    }
}

pub(crate) fn parse(value_type: &Type, json: Json<'_, '_>) -> Result<Value, SpecError> {
    match value_type {
        Type::Primitive(PrimitiveType::Geometry(_) | PrimitiveType::Geography(..)) => {
            Err(ValueError::NotRepresentable { what: format!("{value_type} at {}", json.path), form: "JSON" }
                .into())
        }
        Type::Primitive(primitive) => {
            parse_primitive(primitive, json)?.ok_or_else(|| json.unexpected(expectation(primitive)).into())
        }
        Type::Variant => Err(json.unexpected("null, the only JSON form of a variant").into()),
        Type::Struct(fields) => parse_struct(fields, json),
        Type::List(list) => parse_list(list, json),
        Type::Map(map) => parse_map(map, json),
    }
}

fn expectation(primitive: &PrimitiveType) -> String {
    match primitive {
        PrimitiveType::Unknown => "null, the only value of type unknown".to_owned(),
        _ => format!("a value of type {primitive}"),
    }
}

/// `None` if there is no such value in the JSON.
fn parse_primitive(primitive: &PrimitiveType, json: Json<'_, '_>) -> Result<Option<Value>, SpecError> {
    let number = !json.is_string() && !json.is_null();
    let text = if json.is_string() { json.str()? } else { json.text().into() };
    let timestamp = |unit, zone| parse_timestamp(&text, unit, zone, TextForm::Strict).ok();
    Ok(match primitive {
        PrimitiveType::Boolean => Some(Value::Boolean(json.bool()?)),
        PrimitiveType::Int => Some(Value::Int(json.i32()?)),
        PrimitiveType::Long => Some(Value::Long(json.i64()?)),
        PrimitiveType::Float if number => parse_float(&text).flatten().map(Value::Float),
        PrimitiveType::Double if number => parse_double(&text).flatten().map(Value::Double),
        // All others are strings.
        _ if number || json.is_null() => None,
        PrimitiveType::Float => named_float(&text).map(Value::Float),
        PrimitiveType::Double => named_float(&text).map(|value| Value::Double(value.into())),
        PrimitiveType::Decimal { precision, scale } => {
            let decimal = Decimal::parse(&text).ok().and_then(|decimal| match text.contains(['e', 'E']) {
                true => decimal.rescale(*scale),
                false => Some(decimal),
            });
            decimal.filter(|decimal| decimal.fits(*precision, *scale)).map(Value::Decimal)
        }
        PrimitiveType::Date => parse_date(&text).ok().map(Value::Date),
        PrimitiveType::Time => parse_time(&text, TextForm::Strict).ok().map(Value::Time),
        PrimitiveType::Timestamp => timestamp(TimeUnit::Micros, Zone::None).map(Value::Timestamp),
        PrimitiveType::Timestamptz => timestamp(TimeUnit::Micros, Zone::Utc).map(Value::Timestamptz),
        PrimitiveType::TimestampNs => timestamp(TimeUnit::Nanos, Zone::None).map(Value::TimestampNs),
        PrimitiveType::TimestamptzNs => timestamp(TimeUnit::Nanos, Zone::Utc).map(Value::TimestamptzNs),
        PrimitiveType::String => Some(Value::String(text.into_owned())),
        PrimitiveType::Uuid => parse_uuid(&text).map(Value::Uuid),
        PrimitiveType::Binary => parse_hex(&text).map(Value::Binary),
        PrimitiveType::Fixed(length) => {
            parse_hex(&text).filter(|bytes| usize::try_from(*length) == Ok(bytes.len())).map(Value::Fixed)
        }
        PrimitiveType::Unknown | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => None,
    })
}

fn named_float(text: &str) -> Option<f32> {
    match text {
        "NaN" => Some(f32::NAN),
        "Infinity" => Some(f32::INFINITY),
        "-Infinity" => Some(f32::NEG_INFINITY),
        _ => None,
    }
}

fn parse_struct(fields: &StructType, json: Json<'_, '_>) -> Result<Value, SpecError> {
    let keys: Vec<String> = fields.fields.iter().map(|field| field.id.to_string()).collect();
    let mut object = json.object()?;
    let mut values = Vec::with_capacity(keys.len());
    for (field, key) in fields.fields.iter().zip(&keys) {
        values.push(object.take(key).map(|member| parse(&field.field_type, member)).transpose()?);
    }
    Ok(Value::Struct(values))
}

fn parse_list(list: &ListType, json: Json<'_, '_>) -> Result<Value, SpecError> {
    let elements =
        json.array()?.map(|element| parse_optional(&list.element, list.element_required, element))?;
    Ok(Value::List(elements))
}

fn parse_map(map: &MapType, json: Json<'_, '_>) -> Result<Value, SpecError> {
    let mut object = json.object()?;
    let (keys, values) = (object.require("keys")?, object.require("values")?);
    let keys = keys.array()?.map(|key| parse(&map.key, key))?;
    let found = values.array()?;
    if found.len() != keys.len() {
        return Err(values.unexpected(format!("{} values, one per key", keys.len())).into());
    }
    let found = found.map(|value| parse_optional(&map.value, map.value_required, value))?;
    Ok(Value::Map(keys.into_iter().zip(found).collect()))
}

fn parse_optional(value_type: &Type, required: bool, json: Json<'_, '_>) -> Result<Option<Value>, SpecError> {
    if json.is_null() && !required {
        return Ok(None);
    }
    parse(value_type, json).map(Some)
}

/// Whether the value can be written as one of the type.
fn check(value_type: &Type, value: &Value) -> Result<(), ValueError> {
    let check_optional = |part_type: &Type, required: bool, part: Option<&Value>| match part {
        Some(part) => check(part_type, part),
        None if required => Err(error::mismatch(value_type.to_string(), value)),
        None => Ok(()),
    };
    match (value_type, value) {
        (Type::Primitive(PrimitiveType::Geometry(_) | PrimitiveType::Geography(..)), _) => {
            Err(ValueError::NotRepresentable { what: value_type.to_string(), form: "JSON" })
        }
        (Type::Primitive(PrimitiveType::Decimal { precision, scale }), Value::Decimal(decimal))
            if decimal.scale == *scale && !decimal.fits(*precision, *scale) =>
        {
            Err(error::out_of_range(value_type.to_string(), value))
        }
        (Type::Primitive(PrimitiveType::Time), Value::Time(micros))
            if !(0..MICROS_PER_DAY).contains(micros) =>
        {
            Err(error::out_of_range("time", micros))
        }
        (Type::Struct(fields), Value::Struct(values)) if fields.fields.len() == values.len() => fields
            .fields
            .iter()
            .zip(values)
            .try_for_each(|(field, part)| check_optional(&field.field_type, false, part.as_ref())),
        (Type::List(list), Value::List(values)) => values
            .iter()
            .try_for_each(|part| check_optional(&list.element, list.element_required, part.as_ref())),
        (Type::Map(map), Value::Map(pairs)) => pairs.iter().try_for_each(|(key, part)| {
            check(&map.key, key)?;
            check_optional(&map.value, map.value_required, part.as_ref())
        }),
        (Type::Primitive(_), _) if value.matches_type(value_type) => Ok(()),
        _ => Err(error::mismatch(value_type.to_string(), value)),
    }
}

/// Writes the JSON form. What has none, or is no value of the type, becomes `null`: it reads as absent and never as
/// another value. [`Value::to_json`] says so instead.
pub(crate) fn write(value_type: &Type, value: &Value, writer: &mut JsonWriter) {
    match (value_type, value) {
        (Type::Struct(fields), Value::Struct(values)) => writer.object(|writer| {
            for (field, part) in fields.fields.iter().zip(values) {
                if let Some(part) = part {
                    write(&field.field_type, part, writer.key(&field.id.to_string()));
                }
            }
        }),
        (Type::List(list), Value::List(values)) => {
            writer.array(values, |writer, part| write_optional(&list.element, part.as_ref(), writer));
        }
        (Type::Map(map), Value::Map(pairs)) => writer.object(|writer| {
            writer.key("keys").array(pairs, |writer, (key, _)| write(&map.key, key, writer));
            writer
                .key("values")
                .array(pairs, |writer, (_, part)| write_optional(&map.value, part.as_ref(), writer));
        }),
        (Type::Primitive(_), _) if check(value_type, value).is_ok() => write_primitive(value, writer),
        _ => writer.raw("null"),
    }
}

fn write_optional(value_type: &Type, value: Option<&Value>, writer: &mut JsonWriter) {
    match value {
        Some(value) => write(value_type, value, writer),
        None => writer.raw("null"),
    }
}

fn write_primitive(value: &Value, writer: &mut JsonWriter) {
    let mut timestamp = |count, unit, zone| writer.string(&format_timestamp(count, unit, zone));
    match value {
        Value::Timestamp(v) => timestamp(*v, TimeUnit::Micros, Zone::None),
        Value::Timestamptz(v) => timestamp(*v, TimeUnit::Micros, Zone::Utc),
        Value::TimestampNs(v) => timestamp(*v, TimeUnit::Nanos, Zone::None),
        Value::TimestamptzNs(v) => timestamp(*v, TimeUnit::Nanos, Zone::Utc),
        Value::Boolean(v) => writer.bool(*v),
        Value::Int(v) => writer.number(v),
        Value::Long(v) => writer.number(v),
        // The debug form has a point or an exponent always, which some readers need to see a float in it.
        Value::Float(v) if v.is_finite() => writer.raw(&format!("{v:?}")),
        Value::Double(v) if v.is_finite() => writer.raw(&format!("{v:?}")),
        Value::Float(v) => writer.string(float_name(v.is_nan(), *v > 0.0)),
        Value::Double(v) => writer.string(float_name(v.is_nan(), *v > 0.0)),
        Value::Decimal(v) => writer.string(&v.to_string()),
        Value::Date(v) => writer.string(&format_date(*v)),
        Value::Time(v) => writer.string(&format_time(*v)),
        Value::String(v) => writer.string(v),
        Value::Uuid(v) => writer.string(&v.to_string()),
        Value::Fixed(v) | Value::Binary(v) => writer.string(&hex(v)),
        Value::Geometry(_) | Value::Geography(_) | Value::Struct(_) | Value::List(_) | Value::Map(_) => {
            writer.raw("null");
        }
    }
}

fn float_name(nan: bool, positive: bool) -> &'static str {
    match (nan, positive) {
        (true, _) => "NaN",
        (false, true) => "Infinity",
        (false, false) => "-Infinity",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a string cannot fail
        text
    })
}

#[cfg(test)]
mod tests;
