//! Rows as JSON.

use arrow::array::RecordBatch;
use datashard_spec::schema::{PrimitiveType, Schema, Type};
use datashard_spec::value::Value;
use datashard_spec::value::datetime::{TimeUnit, Zone, format_date, format_time, format_timestamp};
use serde_json::{Map, Number, Value as Json};

use super::read::Columns;
use crate::data_error::DataError;

/// The rows of a batch as JSON objects, in the forms of the [module's](super) table; null fields are there as `null`.
/// [`RowBuilder::push_json`](super::RowBuilder::push_json) makes the same rows of them.
///
/// # Errors
/// As [`values`](super::values).
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use datashard_io::row::{RowBuilder, to_json};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use serde_json::json;
///
/// let price = PrimitiveType::Decimal { precision: 9, scale: 2 };
/// let schema = Arc::new(Schema::new(vec![NestedField::optional(1, "price", price)])?);
/// let mut rows = RowBuilder::new(&schema)?;
/// rows.push_json(&json!({"price": 9.5}))?;
/// let batch = rows.finish()?;
/// let row = to_json(&batch, &schema)?.next().ok_or("no row")??;
/// assert_eq!(row, json!({"price": "9.50"}));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_json<'a>(
    batch: &'a RecordBatch,
    schema: &'a Schema,
) -> Result<impl ExactSizeIterator<Item = Result<Json, DataError>> + use<'a>, DataError> {
    let columns = Columns::of(batch, schema)?;
    Ok((0..batch.num_rows()).map(move |row| {
        let values = columns.values(row)?;
        let members = schema.fields().iter().zip(&values);
        let object =
            members.map(|(field, value)| (field.name.clone(), json_of(value.as_ref(), &field.field_type)));
        Ok(Json::Object(object.collect()))
    }))
}

/// The JSON form of a value of this type.
fn json_of(value: Option<&Value>, value_type: &Type) -> Json {
    let Some(value) = value else { return Json::Null };
    match (value, value_type) {
        (Value::Struct(members), Type::Struct(fields)) => {
            let members = fields.fields.iter().zip(members);
            let object = members
                .map(|(field, value)| (field.name.clone(), json_of(value.as_ref(), &field.field_type)));
            Json::Object(object.collect())
        }
        (Value::List(elements), Type::List(list)) => {
            elements.iter().map(|element| json_of(element.as_ref(), &list.element)).collect()
        }
        (Value::Map(pairs), Type::Map(map)) => {
            let keys = pairs.iter().map(|(key, _)| json_of(Some(key), &map.key));
            let values = pairs.iter().map(|(_, value)| json_of(value.as_ref(), &map.value));
            let object = [("keys".to_owned(), keys.collect()), ("values".to_owned(), values.collect())];
            Json::Object(Map::from_iter(object))
        }
        (Value::Boolean(value), _) => (*value).into(),
        (Value::Int(value), _) => (*value).into(),
        (Value::Long(value), _) => (*value).into(),
        (Value::Float(value), _) => float(*value),
        (Value::Double(value), _) => double(*value),
        (value, _) => text_of(value, value_type).into(),
    }
}

/// The text form of a value that is neither number nor nested.
pub(super) fn text_of(value: &Value, value_type: &Type) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Decimal(decimal) => decimal.to_string(),
        Value::Date(days) => format_date(*days),
        Value::Time(micros) => format_time(*micros),
        Value::Timestamp(count) => format_timestamp(*count, TimeUnit::Micros, Zone::None),
        Value::Timestamptz(count) => format_timestamp(*count, TimeUnit::Micros, Zone::Utc),
        Value::TimestampNs(count) => format_timestamp(*count, TimeUnit::Nanos, Zone::None),
        Value::TimestamptzNs(count) => format_timestamp(*count, TimeUnit::Nanos, Zone::Utc),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Fixed(bytes) | Value::Binary(bytes) | Value::Geometry(bytes) | Value::Geography(bytes) => {
            hex(bytes)
        }
        other => format!("{other} ({value_type})"),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

fn double(value: f64) -> Json {
    Number::from_f64(value).map_or_else(|| name_of(value).into(), Json::Number)
}

/// The shortest number that reads as this float: `0.1`, not its exact 27 digits.
fn float(value: f32) -> Json {
    let exact = f64::from(value);
    let short: f64 = value.to_string().parse().unwrap_or(exact);
    let back = super::scalar::from_double(short, &PrimitiveType::Float.into(), super::scalar::Form::Json);
    double(match back {
        Ok(Value::Float(back)) if back.to_bits() == value.to_bits() => short,
        _ => exact,
    })
}

/// What JSON has no number for.
fn name_of(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}
