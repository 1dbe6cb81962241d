//! From an Avro schema to columns.
//!
//! # Spec
//! "Appendix A: Format-specific Requirements", Avro.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datashard_spec::id::FieldId;
use serde_json::Value as Json;

use super::column::{Column, Kind, Null, map_type};

/// Longer schemas are none of tables.
const MAX_SCHEMA_BYTES: usize = 1 << 24;
/// Deeper schemas are none of tables.
const MAX_DEPTH: usize = 64;
/// More columns are none of tables: a named type counts each time it is used.
const MAX_COLUMNS: usize = 200_000;

/// What is wrong with a schema, and in which column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SchemaFault {
    pub(super) column: String,
    pub(super) reason: String,
    /// Whether the schema is legal, but not supported.
    pub(super) is_legal: bool,
}

/// The columns of a file with this schema.
pub(super) fn columns(json: &str) -> Result<Vec<Column>, SchemaFault> {
    let mut parser =
        Parser { named: HashMap::new(), open: Vec::new(), path: Vec::new(), leaves: 0, columns: 0 };
    if json.len() > MAX_SCHEMA_BYTES {
        return Err(parser.wrong(format!("a schema of {} bytes", json.len())));
    }
    let json: Json =
        serde_json::from_str(json).map_err(|error| parser.wrong(format!("it is no JSON: {error}")))?;
    let root = parser.column(&json, String::new(), None)?;
    match (root.kind, root.null) {
        (Kind::Record(columns), Null::Never) => Ok(columns),
        _ => Err(parser.wrong("rows are no records".to_owned())),
    }
}

struct Parser<'a> {
    named: HashMap<String, &'a Json>,
    /// Named types around what is parsed.
    open: Vec<String>,
    path: Vec<String>,
    leaves: usize,
    columns: usize,
}

impl<'a> Parser<'a> {
    fn wrong(&self, reason: String) -> SchemaFault {
        SchemaFault { column: self.path.join("."), reason, is_legal: false }
    }

    fn unsupported(&self, reason: String) -> SchemaFault {
        SchemaFault { column: self.path.join("."), reason, is_legal: true }
    }

    fn column(&mut self, json: &'a Json, name: String, id: Option<FieldId>) -> Result<Column, SchemaFault> {
        self.columns = self.columns.saturating_add(1);
        if self.columns > MAX_COLUMNS || self.path.len() > MAX_DEPTH {
            return Err(self.wrong(format!("more than {MAX_COLUMNS} columns, or {MAX_DEPTH} levels")));
        }
        let (null, json) = match json {
            Json::Array(branches) => self.union(branches)?,
            other => (Null::Never, other),
        };
        let from = self.leaves;
        let (kind, data_type) = self.kind(json)?;
        if !matches!(kind, Kind::Record(_) | Kind::Array(_) | Kind::Map(..) | Kind::Pairs(..)) {
            self.leaves = self.leaves.saturating_add(1);
        }
        Ok(Column { name, id, null, kind, data_type, leaves: from..self.leaves })
    }

    fn union(&self, branches: &'a [Json]) -> Result<(Null, &'a Json), SchemaFault> {
        let is_null = |json: &Json| json == "null" || json.get("type").is_some_and(|kind| kind == "null");
        match branches {
            [only] => Ok((Null::Alone, only)),
            [null, other] if is_null(null) => Ok((Null::First, other)),
            [other, null] if is_null(null) => Ok((Null::Second, other)),
            _ => Err(self.unsupported("a union of other types than one and null".to_owned())),
        }
    }

    fn kind(&mut self, json: &'a Json) -> Result<(Kind, DataType), SchemaFault> {
        let Some(word) = json.as_str() else {
            let kind = json.get("type").ok_or_else(|| self.wrong("a type without a type".to_owned()))?;
            let Some(word) = kind.as_str() else {
                // {"type": {"type": ...}} is legal.
                return match kind {
                    Json::Object(_) => self.nested(kind),
                    _ => Err(self.wrong("a type that is no type".to_owned())),
                };
            };
            return self.defined(word, json);
        };
        if let Some(primitive) = primitive(word) {
            return Ok(primitive);
        }
        let last = word.rsplit('.').next().unwrap_or(word);
        let found = self.named.get(word).or_else(|| self.named.get(last)).copied();
        let found = found.ok_or_else(|| self.wrong(format!("the type {word:?} is not defined")))?;
        if self.open.iter().any(|open| open == word || open == last) {
            return Err(self.unsupported(format!("the type {word:?} holds itself")));
        }
        self.kind(found)
    }

    fn nested(&mut self, json: &'a Json) -> Result<(Kind, DataType), SchemaFault> {
        self.path.push("type".to_owned());
        if self.path.len() > MAX_DEPTH {
            return Err(self.wrong(format!("more than {MAX_DEPTH} levels")));
        }
        let kind = self.kind(json);
        self.path.pop();
        kind
    }

    fn defined(&mut self, word: &str, json: &'a Json) -> Result<(Kind, DataType), SchemaFault> {
        let logical = json.get("logicalType").and_then(Json::as_str).unwrap_or_default();
        match word {
            "record" | "error" => self.record(json),
            "array" => self.array(json, logical == "map"),
            "map" => {
                let key_id = id(json, "key-id");
                let key = Column {
                    name: "key".to_owned(),
                    id: key_id,
                    null: Null::Never,
                    kind: Kind::String,
                    data_type: DataType::Utf8,
                    leaves: self.leaves..self.leaves.saturating_add(1),
                };
                self.leaves = self.leaves.saturating_add(1);
                let values =
                    json.get("values").ok_or_else(|| self.wrong("a map without values".to_owned()))?;
                let value = self.child(values, "value", id(json, "value-id"))?;
                let data_type = map_type(key.field(), value.field());
                Ok((Kind::Map(Box::new(key), Box::new(value)), data_type))
            }
            "fixed" => {
                let size = json.get("size").and_then(Json::as_u64).and_then(|size| i32::try_from(size).ok());
                let size = size.ok_or_else(|| self.wrong("a fixed without a size".to_owned()))?;
                self.define(json);
                let length = usize::try_from(size).unwrap_or(0);
                Ok(match (logical, decimal(json)) {
                    ("decimal", Some(decimal)) => (Kind::DecimalFixed(length), decimal),
                    _ => (Kind::Fixed(length), DataType::FixedSizeBinary(size)),
                })
            }
            "enum" => {
                let symbols = json.get("symbols").and_then(Json::as_array);
                let symbols = symbols
                    .and_then(|symbols| symbols.iter().map(|one| one.as_str().map(str::to_owned)).collect());
                let symbols = symbols.ok_or_else(|| self.wrong("an enum without symbols".to_owned()))?;
                self.define(json);
                Ok((Kind::Enum(symbols), DataType::Utf8))
            }
            word => match primitive(word) {
                Some((kind, data_type)) => Ok(self.logical(kind, data_type, logical, json)),
                None => self.kind(json.get("type").unwrap_or(&Json::Null)),
            },
        }
    }

    fn logical(&self, kind: Kind, data_type: DataType, logical: &str, json: &Json) -> (Kind, DataType) {
        let is_utc = json.get("adjust-to-utc").and_then(Json::as_bool).unwrap_or(false);
        let timestamp = |unit, is_utc: bool| DataType::Timestamp(unit, is_utc.then(|| "UTC".into()));
        let data_type = match (&kind, logical) {
            (Kind::Int, "date") => DataType::Date32,
            (Kind::Int, "time-millis") => DataType::Time32(TimeUnit::Millisecond),
            (Kind::Long, "time-micros") => DataType::Time64(TimeUnit::Microsecond),
            (Kind::Long, "timestamp-millis") => timestamp(TimeUnit::Millisecond, is_utc),
            (Kind::Long, "timestamp-micros") => timestamp(TimeUnit::Microsecond, is_utc),
            (Kind::Long, "timestamp-nanos") => timestamp(TimeUnit::Nanosecond, is_utc),
            (Kind::Long, "local-timestamp-millis") => timestamp(TimeUnit::Millisecond, false),
            (Kind::Long, "local-timestamp-micros") => timestamp(TimeUnit::Microsecond, false),
            (Kind::Long, "local-timestamp-nanos") => timestamp(TimeUnit::Nanosecond, false),
            (Kind::Bytes, "decimal") => {
                return decimal(json).map_or((kind, data_type), |decimal| (Kind::DecimalBytes, decimal));
            }
            (Kind::String, "uuid") => return (Kind::UuidText, DataType::FixedSizeBinary(16)),
            _ => data_type,
        };
        (kind, data_type)
    }

    fn record(&mut self, json: &'a Json) -> Result<(Kind, DataType), SchemaFault> {
        self.define(json);
        let name = json.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
        let fields = json.get("fields").and_then(Json::as_array);
        let fields = fields.ok_or_else(|| self.wrong("a record without fields".to_owned()))?;
        self.open.push(name);
        let columns: Result<Vec<Column>, _> = fields.iter().map(|field| self.field(field)).collect();
        self.open.pop();
        let columns = columns?;
        let data_type = DataType::Struct(columns.iter().map(Column::field).collect());
        Ok((Kind::Record(columns), data_type))
    }

    fn field(&mut self, json: &'a Json) -> Result<Column, SchemaFault> {
        let name = json.get("iceberg-field-name").or_else(|| json.get("name")).and_then(Json::as_str);
        let name = name.ok_or_else(|| self.wrong("a field without a name".to_owned()))?;
        let field_type = json.get("type").ok_or_else(|| self.wrong(format!("field {name:?} has no type")))?;
        self.child(field_type, name, id(json, "field-id"))
    }

    fn child(&mut self, json: &'a Json, name: &str, id: Option<FieldId>) -> Result<Column, SchemaFault> {
        self.path.push(name.to_owned());
        let column = self.column(json, name.to_owned(), id)?;
        self.path.pop();
        Ok(column)
    }

    fn array(&mut self, json: &'a Json, is_map: bool) -> Result<(Kind, DataType), SchemaFault> {
        let items = json.get("items").ok_or_else(|| self.wrong("an array without items".to_owned()))?;
        if !is_map {
            let element = self.child(items, "element", id(json, "element-id"))?;
            let data_type = DataType::List(element.field());
            return Ok((Kind::Array(Box::new(element)), data_type));
        }
        let (Kind::Record(fields), _) = self.kind(items)? else {
            return Err(self.wrong("the entries of a map are no records".to_owned()));
        };
        let [key, value] = <[Column; 2]>::try_from(fields).map_err(|_| {
            self.wrong("the entries of a map have other fields than key and value".to_owned())
        })?;
        if key.name == "value" {
            return Err(self.unsupported("a map whose entries have the value before the key".to_owned()));
        }
        let data_type = map_type(key.field(), value.field());
        Ok((Kind::Pairs(Box::new(key), Box::new(value)), data_type))
    }

    fn define(&mut self, json: &'a Json) {
        let Some(name) = json.get("name").and_then(Json::as_str) else { return };
        if let Some(space) = json.get("namespace").and_then(Json::as_str) {
            self.named.insert(format!("{space}.{name}"), json);
        }
        // References within the same namespace leave it out.
        let last = name.rsplit('.').next().unwrap_or(name);
        self.named.insert(last.to_owned(), json);
        self.named.insert(name.to_owned(), json);
    }
}

fn id(json: &Json, key: &str) -> Option<FieldId> {
    json.get(key).and_then(Json::as_i64).and_then(|id| i32::try_from(id).ok()).map(FieldId)
}

fn primitive(word: &str) -> Option<(Kind, DataType)> {
    Some(match word {
        "null" => (Kind::Null, DataType::Null),
        "boolean" => (Kind::Boolean, DataType::Boolean),
        "int" => (Kind::Int, DataType::Int32),
        "long" => (Kind::Long, DataType::Int64),
        "float" => (Kind::Float, DataType::Float32),
        "double" => (Kind::Double, DataType::Float64),
        "bytes" => (Kind::Bytes, DataType::Binary),
        "string" => (Kind::String, DataType::Utf8),
        _ => return None,
    })
}

/// The type of a decimal that Iceberg has; others are read as their bytes.
fn decimal(json: &Json) -> Option<DataType> {
    let precision =
        json.get("precision").and_then(Json::as_u64).and_then(|digits| u8::try_from(digits).ok())?;
    let scale = match json.get("scale") {
        None => 0,
        Some(scale) => i8::try_from(scale.as_u64()?).ok()?,
    };
    let fits = (1..=38).contains(&precision) && u8::try_from(scale).is_ok_and(|scale| scale <= precision);
    fits.then_some(DataType::Decimal128(precision, scale))
}

/// The schema in a file's header, as fields of Arrow.
pub(super) fn fields(columns: &[Column]) -> Arc<arrow::datatypes::Schema> {
    Arc::new(arrow::datatypes::Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(fields: &str) -> Result<Vec<(String, DataType)>, SchemaFault> {
        let json = format!(r#"{{"type": "record", "name": "t", "fields": [{fields}]}}"#);
        Ok(columns(&json)?.into_iter().map(|column| (column.name, column.data_type)).collect())
    }

    #[test]
    fn logical_types_become_types_of_arrow() {
        let check = |json: &str, expected: DataType| {
            let found = types(&format!(r#"{{"name": "c", "type": {json}}}"#)).unwrap();
            assert_eq!(found, [("c".to_owned(), expected)], "{json}");
        };
        let micros = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        check(r#"{"type": "int", "logicalType": "date"}"#, DataType::Date32);
        check(
            r#"{"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": true}"#,
            micros(Some("UTC")),
        );
        check(
            r#"["null", {"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": false}]"#,
            micros(None),
        );
        check(r#"{"type": "long", "logicalType": "timestamp-micros"}"#, micros(None));
        check(
            r#"{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}"#,
            DataType::Decimal128(9, 2),
        );
        check(r#"{"type": "bytes", "logicalType": "decimal", "precision": 99}"#, DataType::Binary);
        check(
            r#"{"type": "fixed", "name": "f", "size": 16, "logicalType": "uuid"}"#,
            DataType::FixedSizeBinary(16),
        );
        check(r#"{"type": {"type": "string"}}"#, DataType::Utf8);
    }

    #[test]
    fn names_defined_once_are_found_again_and_recursion_is_refused() {
        let found = types(
            r#"{"name": "a", "type": {"type": "fixed", "name": "x.f", "size": 3}},
               {"name": "b", "type": ["f", "null"]}, {"name": "c", "type": "x.f"}"#,
        );
        let expected = ["a", "b", "c"].map(|name| (name.to_owned(), DataType::FixedSizeBinary(3)));
        assert_eq!(found.unwrap(), expected);
        let fault = types(r#"{"name": "next", "type": ["null", "t"]}"#).unwrap_err();
        assert!(fault.is_legal && fault.column == "next", "{fault:?}");
        let fault = types(r#"{"name": "u", "type": ["int", "string"]}"#).unwrap_err();
        assert!(fault.is_legal && fault.reason.contains("union"), "{fault:?}");
    }

    #[test]
    fn broken_schemas_are_faults() {
        for json in
            ["", "[]", "1", "\"int\"", r#"{"type": "record"}"#, r#"{"type": []}"#, r#"{"fields": []}"#]
        {
            assert!(columns(json).is_err(), "{json}");
        }
        let deep = format!("{}\"int\"{}", "{\"type\": ".repeat(100), "}".repeat(100));
        assert!(types(&format!(r#"{{"name": "c", "type": {deep}}}"#)).is_err());
        let arrays = format!("{}\"int\"{}", r#"{"type": "array", "items": "#.repeat(90), "}".repeat(90));
        assert!(types(&format!(r#"{{"name": "c", "type": {arrays}}}"#)).is_err());
    }
}
