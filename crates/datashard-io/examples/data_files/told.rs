//! What was written, as JSON: schema, rows and place of each file.
//!
//! Floats are told by their bits, decimals by their unscaled number, times by their count: nothing is lost between two languages.

use std::error::Error;

use datashard_io::TableStore;
use datashard_io::write::WriteResult;
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::Schema;
use datashard_spec::value::{Tuple, Value};
use serde_json::{Value as Json, json};

/// All cases so far.
#[derive(Default)]
pub(crate) struct Told(Vec<Json>);

impl Told {
    /// Adds the one file that was written of a case. `unreadable_by` has readers with the reason why each cannot read it.
    pub(crate) fn add(
        &mut self,
        store: &TableStore,
        name: &str,
        schema: &Schema,
        rows: &[Tuple],
        written: &WriteResult,
        unreadable_by: &[(&str, &str)],
    ) -> Result<(), Box<dyn Error>> {
        let [file] = written.files.as_slice() else {
            return Err(format!("{name}: {} files, not one", written.files.len()).into());
        };
        let below =
            file.file_path.strip_prefix(&store.location().to_string()).ok_or("not below the table")?;
        let format = match file.file_format {
            FileFormat::Parquet => "parquet",
            FileFormat::Avro => "avro",
            _ => return Err(format!("{name}: nobody here reads {}", file.file_format).into()),
        };
        let unreadable: serde_json::Map<String, Json> =
            unreadable_by.iter().map(|(who, why)| ((*who).to_owned(), json!(why))).collect();
        self.0.push(json!({
            "name": name,
            "file": below.trim_start_matches('/'),
            "format": format,
            "schema": serde_json::from_str::<Json>(&schema.to_json())?,
            "rows": rows.iter().map(|row| row.iter().map(optional).collect::<Vec<_>>()).collect::<Vec<_>>(),
            "unreadable-by": unreadable,
        }));
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn json(&self) -> String {
        json!({ "cases": self.0 }).to_string()
    }
}

fn optional(value: &Option<Value>) -> Json {
    value.as_ref().map_or(Json::Null, told)
}

fn told(value: &Value) -> Json {
    match value {
        Value::Boolean(v) => json!(v),
        Value::Int(v) | Value::Date(v) => json!(v),
        Value::Long(v)
        | Value::Time(v)
        | Value::Timestamp(v)
        | Value::Timestamptz(v)
        | Value::TimestampNs(v)
        | Value::TimestamptzNs(v) => json!(v),
        Value::Float(v) => json!(v.to_bits()),
        Value::Double(v) => json!(v.to_bits()),
        Value::Decimal(v) => json!(v.unscaled.to_string()),
        Value::String(v) => json!(v),
        Value::Uuid(v) => json!(v.simple().to_string()),
        Value::Fixed(v) | Value::Binary(v) | Value::Geometry(v) | Value::Geography(v) => json!(hex(v)),
        Value::Struct(v) | Value::List(v) => v.iter().map(optional).collect(),
        Value::Map(v) => v.iter().map(|(key, value)| json!([told(key), optional(value)])).collect(),
        _ => Json::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
