//! The Avro schema of files that are written: ids, record names and logical types as the Java reference writes them, because several
//! readers hold on to more of that than the format asks for.
//!
//! # Spec
//! "Appendix A: Format-specific Requirements", Avro.

use std::collections::HashSet;
use std::fmt::Write as _;

use datashard_spec::id::FieldId;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type};
use serde_json::Value as Json;

use crate::data_error::DataError;

/// The schema of a file with rows in `schema`, as JSON.
///
/// # Errors
/// `Unsupported` for a type that Avro has no form for.
pub(super) fn schema_json(schema: &Schema) -> Result<String, DataError> {
    let mut names = Names { taken: HashSet::from(["table".to_owned()]) };
    names.record("table", schema.fields())
}

/// Bytes of the fixed that holds decimals of this precision: the fewest in which all of them fit.
pub(super) fn decimal_bytes(precision: u8) -> usize {
    let largest = 10_u128.checked_pow(precision.into()).unwrap_or(u128::MAX).saturating_sub(1);
    // One bit more for the sign.
    let bits = u128::BITS.saturating_sub(largest.leading_zeros()).saturating_add(1);
    usize::try_from(bits.div_ceil(8)).unwrap_or(16)
}

/// A name made legal in Avro: a leading digit gets an underscore before it, any other illegal character becomes `_x` and its code.
fn legal(name: &str) -> String {
    let mut legal = String::with_capacity(name.len());
    // UTF-16 units, as the Java reference counts characters.
    for (at, unit) in name.encode_utf16().enumerate() {
        match char::from_u32(unit.into()) {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => legal.push(c),
            Some(c) if c.is_ascii_digit() && at > 0 => legal.push(c),
            Some(c) if c.is_ascii_digit() => {
                legal.push('_');
                legal.push(c);
            }
            _ => {
                let _ = write!(legal, "_x{unit:X}"); // writing to a string cannot fail
            }
        }
    }
    if legal.is_empty() { "_".to_owned() } else { legal }
}

/// The names of types given so far: none may be given twice.
struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// `name`, or, if it is taken, `name` and the id of the field.
    fn unique(&mut self, name: String, id: FieldId) -> String {
        unique(&mut self.taken, name, id)
    }

    fn record(&mut self, name: &str, fields: &[NestedField]) -> Result<String, DataError> {
        let mut taken = HashSet::new();
        let fields: Result<Vec<String>, DataError> =
            fields.iter().map(|field| self.field(field, &mut taken)).collect();
        Ok(format!(r#"{{"type":"record","name":{},"fields":[{}]}}"#, quote(name), fields?.join(",")))
    }

    fn field(&mut self, field: &NestedField, taken: &mut HashSet<String>) -> Result<String, DataError> {
        let name = unique(taken, legal(&field.name), field.id);
        let value = self.slot(&field.field_type, field.required, field.id)?;
        let mut json = format!(r#"{{"name":{},"type":{value}"#, quote(&name));
        if let Some(doc) = &field.doc {
            let _ = write!(json, r#","doc":{}"#, quote(doc));
        }
        if !field.required {
            json.push_str(r#","default":null"#);
        }
        let _ = write!(json, r#","field-id":{}"#, field.id);
        if name != field.name {
            let _ = write!(json, r#","iceberg-field-name":{}"#, quote(&field.name));
        }
        json.push('}');
        Ok(json)
    }

    /// A type, in a union with null unless `required`. Unknown is null itself.
    fn slot(&mut self, value_type: &Type, required: bool, id: FieldId) -> Result<String, DataError> {
        let value = self.value(value_type, id)?;
        let is_null = matches!(value_type, Type::Primitive(PrimitiveType::Unknown));
        Ok(if required || is_null { value } else { format!(r#"["null",{value}]"#) })
    }

    fn value(&mut self, value_type: &Type, id: FieldId) -> Result<String, DataError> {
        match value_type {
            Type::Primitive(primitive) => self.primitive(primitive, id),
            Type::Struct(StructType { fields, .. }) => {
                let name = self.unique(format!("r{id}"), id);
                self.record(&name, fields)
            }
            Type::List(list) => self.list(list),
            Type::Map(map) => self.map(map),
            Type::Variant => {
                let name = quote(&self.unique(format!("r{id}"), id));
                let fields = r#"{"name":"metadata","type":"bytes"},{"name":"value","type":"bytes"}"#;
                Ok(format!(
                    r#"{{"type":"record","name":{name},"fields":[{fields}],"logicalType":"variant"}}"#
                ))
            }
            other => Err(unsupported(other)),
        }
    }

    fn list(&mut self, list: &ListType) -> Result<String, DataError> {
        let items = self.slot(&list.element, list.element_required, list.element_id)?;
        Ok(format!(r#"{{"type":"array","items":{items},"element-id":{}}}"#, list.element_id))
    }

    fn map(&mut self, map: &MapType) -> Result<String, DataError> {
        let (key_id, value_id) = (map.key_id, map.value_id);
        let value = self.slot(&map.value, map.value_required, value_id)?;
        if matches!(*map.key, Type::Primitive(PrimitiveType::String)) {
            return Ok(format!(
                r#"{{"type":"map","values":{value},"key-id":{key_id},"value-id":{value_id}}}"#
            ));
        }
        let key = self.slot(&map.key, true, key_id)?;
        let name = quote(&self.unique(format!("k{key_id}_v{value_id}"), key_id));
        let default = if map.value_required { "" } else { r#","default":null"# };
        Ok(format!(
            r#"{{"type":"array","items":{{"type":"record","name":{name},"fields":[{{"name":"key","type":{key},"field-id":{key_id}}},{{"name":"value","type":{value}{default},"field-id":{value_id}}}]}},"logicalType":"map"}}"#
        ))
    }

    fn primitive(&mut self, primitive: &PrimitiveType, id: FieldId) -> Result<String, DataError> {
        let fixed = |name: String, size: usize, rest: &str| {
            format!(r#"{{"type":"fixed","name":{},"size":{size}{rest}}}"#, quote(&name))
        };
        let timestamp = |unit: &str, utc: bool| {
            format!(r#"{{"type":"long","logicalType":"timestamp-{unit}","adjust-to-utc":{utc}}}"#)
        };
        Ok(match primitive {
            PrimitiveType::Unknown => r#""null""#.to_owned(),
            PrimitiveType::Boolean => r#""boolean""#.to_owned(),
            PrimitiveType::Int => r#""int""#.to_owned(),
            PrimitiveType::Long => r#""long""#.to_owned(),
            PrimitiveType::Float => r#""float""#.to_owned(),
            PrimitiveType::Double => r#""double""#.to_owned(),
            PrimitiveType::String => r#""string""#.to_owned(),
            PrimitiveType::Binary | PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => {
                r#""bytes""#.to_owned()
            }
            PrimitiveType::Date => r#"{"type":"int","logicalType":"date"}"#.to_owned(),
            PrimitiveType::Time => r#"{"type":"long","logicalType":"time-micros"}"#.to_owned(),
            PrimitiveType::Timestamp => timestamp("micros", false),
            PrimitiveType::Timestamptz => timestamp("micros", true),
            PrimitiveType::TimestampNs => timestamp("nanos", false),
            PrimitiveType::TimestamptzNs => timestamp("nanos", true),
            PrimitiveType::Uuid => {
                fixed(self.unique("uuid_fixed".to_owned(), id), 16, r#","logicalType":"uuid""#)
            }
            PrimitiveType::Fixed(length) => {
                let size = usize::try_from(*length).unwrap_or(usize::MAX);
                fixed(self.unique(format!("fixed_{length}"), id), size, "")
            }
            PrimitiveType::Decimal { precision, scale } => {
                let name = self.unique(format!("decimal_{precision}_{scale}"), id);
                let rest = format!(r#","logicalType":"decimal","precision":{precision},"scale":{scale}"#);
                fixed(name, decimal_bytes(*precision), &rest)
            }
            other => return Err(unsupported(other)),
        })
    }
}

fn unique(taken: &mut HashSet<String>, name: String, id: FieldId) -> String {
    let mut name = name;
    while !taken.insert(name.clone()) {
        name = format!("{name}_{id}");
    }
    name
}

fn quote(text: &str) -> String {
    Json::from(text).to_string()
}

fn unsupported(value_type: &dyn std::fmt::Display) -> DataError {
    DataError::Unsupported {
        place: "schema".to_owned(),
        what: format!("type {value_type} in Avro"),
        advice: "leave the column out, or write it with a newer version of this library".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(fields: Vec<NestedField>) -> String {
        schema_json(&Schema::new(fields).unwrap()).unwrap()
    }

    #[test]
    fn decimals_take_the_fewest_bytes() {
        let expected = [1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 8, 9, 9, 9, 10, 10, 11, 11, 11];
        for (precision, bytes) in (1_u8..).zip(expected) {
            assert_eq!(decimal_bytes(precision), bytes, "{precision}");
        }
        assert_eq!([27, 28, 29, 32, 34, 36, 38].map(decimal_bytes), [12, 12, 13, 14, 15, 16, 16]);
    }

    #[test]
    fn illegal_names_are_made_legal_and_stay_apart() {
        for (name, expected) in [("a.b", "a_x2Eb"), ("9x", "_9x"), ("ok_1", "ok_1"), ("é", "_xE9")] {
            assert_eq!(legal(name), expected);
        }
        let found = json(vec![
            NestedField::required(1, "a.b", PrimitiveType::Int),
            NestedField::required(2, "a_x2Eb", PrimitiveType::Int),
        ]);
        let expected = r#"{"type":"record","name":"table","fields":[{"name":"a_x2Eb","type":"int","field-id":1,"iceberg-field-name":"a.b"},{"name":"a_x2Eb_2","type":"int","field-id":2,"iceberg-field-name":"a_x2Eb"}]}"#;
        assert_eq!(found, expected);
    }

    #[test]
    fn maps_are_avros_own_for_text_and_arrays_of_pairs_for_other_keys() {
        let found = json(vec![
            NestedField::optional(
                1,
                "m",
                Type::Map(MapType::optional(2, PrimitiveType::String, 3, PrimitiveType::Long)),
            ),
            NestedField::required(
                4,
                "n",
                Type::Map(MapType::required(5, PrimitiveType::Int, 6, PrimitiveType::Long)),
            ),
        ]);
        assert!(found.contains(r#"{"name":"m","type":["null",{"type":"map","values":["null","long"],"key-id":2,"value-id":3}],"default":null,"field-id":1}"#), "{found}");
        assert!(found.contains(r#"{"type":"array","items":{"type":"record","name":"k5_v6","fields":[{"name":"key","type":"int","field-id":5},{"name":"value","type":"long","field-id":6}]},"logicalType":"map"}"#), "{found}");
    }

    #[test]
    fn trap_25_timestamps_say_whether_they_are_of_utc_and_names_of_types_are_given_once() {
        let decimal = PrimitiveType::Decimal { precision: 9, scale: 2 };
        let found = json(vec![
            NestedField::required(1, "a", PrimitiveType::Timestamp),
            NestedField::required(2, "b", PrimitiveType::TimestamptzNs),
            NestedField::required(3, "c", decimal.clone()),
            NestedField::required(4, "d", decimal),
        ]);
        assert!(found.contains(r#""timestamp-micros","adjust-to-utc":false"#), "{found}");
        assert!(found.contains(r#""timestamp-nanos","adjust-to-utc":true"#), "{found}");
        assert!(
            found
                .contains(r#""name":"decimal_9_2","size":4,"logicalType":"decimal","precision":9,"scale":2"#),
            "{found}"
        );
        assert!(found.contains(r#""name":"decimal_9_2_4""#), "{found}");
    }
}
