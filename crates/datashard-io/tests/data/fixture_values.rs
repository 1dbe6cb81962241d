//! Rows of the expectation files as typed values, for the evaluator of the format.

use datashard_spec::expr::{BoundPredicate, Row};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{PrimitiveType, Schema, Type};
use datashard_spec::value::{Tuple, Value};
use serde_json::Value as Json;

/// A row of an expectation file.
pub(crate) struct ExpectedRow<'a> {
    schema: &'a Schema,
    values: Tuple,
    pub(crate) json: String,
}

impl Row for ExpectedRow<'_> {
    fn value(&self, id: FieldId) -> Option<&Value> {
        let mut path: Vec<FieldId> = self.schema.with_ancestors(id).map(|field| field.id).collect();
        let column = path.pop()?;
        let position = self.schema.fields().iter().position(|field| field.id == column)?;
        let mut fields = &self.schema.fields()[position].field_type;
        let mut value = self.values[position].as_ref()?;
        for id in path.into_iter().rev() {
            let (Type::Struct(inner), Value::Struct(values)) = (fields, value) else { return None };
            let position = inner.fields.iter().position(|field| field.id == id)?;
            fields = &inner.fields[position].field_type;
            value = values[position].as_ref()?;
        }
        Some(value)
    }
}

impl ExpectedRow<'_> {
    /// Whether the reference may count the row though we don't: comparisons with null are unknown to us, and NaN is in no range, where
    /// the reference puts null first and NaN last.
    pub(crate) fn is_loose(&self, bound: &BoundPredicate) -> bool {
        let nan = || bound.field_ids().into_iter().any(|id| self.value(id).is_some_and(Value::is_nan));
        bound.evaluate(self).is_none() || nan()
    }
}

/// The rows of an expectation file.
pub(crate) fn rows<'a>(schema: &'a Schema, json: &Json) -> Vec<ExpectedRow<'a>> {
    let row = |row: &Json| ExpectedRow {
        schema,
        values: schema.fields().iter().map(|field| value(&field.field_type, &row[&field.name])).collect(),
        json: row.to_string(),
    };
    json.as_array().unwrap().iter().map(row).collect()
}

fn value(field_type: &Type, json: &Json) -> Option<Value> {
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
        Type::Map(map) => {
            let pairs = json.as_array().unwrap().iter();
            let pair = |pair: &Json| (value(&map.key, &pair[0]).unwrap(), value(&map.value, &pair[1]));
            Value::Map(pairs.map(pair).collect())
        }
        other => Value::from_json(other, &json.to_string()).unwrap_or_else(|e| panic!("{other} {json}: {e}")),
    })
}

fn float<T: std::str::FromStr>(text: &str) -> T {
    let text = match text {
        "Infinity" => "inf",
        "-Infinity" => "-inf",
        // The expectation files cut the greatest float to four digits.
        "3.403e+38" => "3.4028235e38",
        other => other,
    };
    text.parse().unwrap_or_else(|_| panic!("{text} is no float"))
}
