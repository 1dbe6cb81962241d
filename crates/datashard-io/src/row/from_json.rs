//! JSON as values of a column's type.

use datashard_spec::schema::{ListType, MapType, PrimitiveType, Type};
use datashard_spec::value::Value;
use serde_json::{Map, Value as Json};

use super::check::{null, unique_keys};
use super::members::{ColumnNames, Members};
use super::path::{Path, RowError};
use super::scalar::{self, Form};

/// The value that the JSON stands for, or null. Goes as deep as the type, whatever the JSON does.
pub(super) fn from_json(
    json: &Json,
    to: &Type,
    path: &Path<'_>,
    names: Option<&ColumnNames>,
) -> Result<Option<Value>, RowError> {
    let say = |made: Result<Value, String>| made.map_err(|reason| path.error(reason));
    Ok(Some(match (json, to) {
        (Json::Null, _) => return Ok(None),
        (Json::Bool(value), Type::Primitive(PrimitiveType::Boolean)) => Value::Boolean(*value),
        (Json::Number(number), _) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            match (whole, number.as_f64()) {
                (Some(number), _) => say(scalar::from_integer(number, to, Form::Json))?,
                (None, Some(number)) => say(scalar::from_double(number, to, Form::Json))?,
                (None, None) => return Err(path.error(scalar::mismatch("a number too large", to))),
            }
        }
        (Json::String(text), _) => say(scalar::from_text(text, to, Form::Json))?,
        (Json::Object(object), Type::Struct(fields)) => {
            let mut members = Members::new(fields, path, names);
            for (name, json) in object {
                members.take(name, |field, path| from_json(json, &field.field_type, path, None))?;
            }
            Value::Struct(members.finish()?)
        }
        (Json::Array(elements), Type::List(list)) => Value::List(elements_of(elements, list, path)?),
        (Json::Object(object), Type::Map(map)) => pairs_of(object, map, path)?,
        (Json::Bool(_), _) => return Err(path.error(scalar::mismatch("a boolean", to))),
        (Json::Array(_), _) => return Err(path.error(scalar::mismatch("an array", to))),
        (Json::Object(_), _) => return Err(path.error(scalar::mismatch("an object", to))),
    }))
}

fn elements_of(elements: &[Json], list: &ListType, path: &Path<'_>) -> Result<Vec<Option<Value>>, RowError> {
    let path = path.below("element");
    let element = |json| part(json, &list.element, list.element_required, &path);
    elements.iter().map(element).collect()
}

fn part(json: &Json, to: &Type, required: bool, path: &Path<'_>) -> Result<Option<Value>, RowError> {
    match from_json(json, to, path, None)? {
        None if required => Err(null(path)),
        made => Ok(made),
    }
}

/// A map as the format writes it, `{"keys": [...], "values": [...]}`, or as an object if its keys are text.
fn pairs_of(object: &Map<String, Json>, map: &MapType, path: &Path<'_>) -> Result<Value, RowError> {
    let (key_path, value_path) = (path.below("key"), path.below("value"));
    let value = |json: &Json| part(json, &map.value, map.value_required, &value_path);
    let pairs: Vec<(Value, Option<Value>)> = match (object.get("keys"), object.get("values"), object.len()) {
        (Some(Json::Array(keys)), Some(Json::Array(values)), 2) => {
            if keys.len() != values.len() {
                return Err(path.error(format!("{} keys and {} values", keys.len(), values.len())));
            }
            let pair = |(key, json): (&Json, &Json)| {
                let key = part(key, &map.key, true, &key_path)?.ok_or_else(|| null(&key_path))?;
                Ok((key, value(json)?))
            };
            keys.iter().zip(values).map(pair).collect::<Result<_, RowError>>()?
        }
        _ => {
            let pair = |(key, json): (&String, &Json)| {
                let key = scalar::from_text(key, &map.key, Form::Json).map_err(|reason| {
                    key_path.error(format!(
                        "{reason}; keys that are no text go into {{\"keys\": [...], \"values\": [...]}}"
                    ))
                })?;
                Ok((key, value(json)?))
            };
            object.iter().map(pair).collect::<Result<_, RowError>>()?
        }
    };
    unique_keys(&pairs, path)?;
    Ok(Value::Map(pairs))
}
