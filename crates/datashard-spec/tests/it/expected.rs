//! Values in the form of the expectation files (`testdata/README.md`).

use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::value::Value;
use serde_json::Value as Json;

/// The value that `json` stands for.
pub(crate) fn value(field_type: &Type, json: &Json) -> Option<Value> {
    if json.is_null() {
        return None;
    }
    Some(match field_type {
        // Floats are strings, so that every bit pattern has a form.
        Type::Primitive(PrimitiveType::Float) => Value::Float(float(json.as_str().unwrap())),
        Type::Primitive(PrimitiveType::Double) => Value::Double(float(json.as_str().unwrap())),
        Type::Struct(fields) => {
            Value::Struct(fields.fields.iter().map(|f| value(&f.field_type, &json[&f.name])).collect())
        }
        Type::List(list) => {
            Value::List(json.as_array().unwrap().iter().map(|e| value(&list.element, e)).collect())
        }
        Type::Map(map) => Value::Map(
            json.as_array()
                .unwrap()
                .iter()
                .map(|pair| (value(&map.key, &pair[0]).unwrap(), value(&map.value, &pair[1])))
                .collect(),
        ),
        other => Value::from_json(other, &json.to_string()).unwrap_or_else(|e| panic!("{other} {json}: {e}")),
    })
}

fn float<T: std::str::FromStr>(text: &str) -> T {
    // Java's words for the values that have no digits.
    let text = match text {
        "Infinity" => "inf",
        "-Infinity" => "-inf",
        other => other,
    };
    text.parse().unwrap_or_else(|_| panic!("{text} is no float"))
}

/// Bytes from hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}
