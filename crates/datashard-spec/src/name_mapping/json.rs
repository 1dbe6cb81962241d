//! Name mappings from and to JSON.
//!
//! # Spec
//! "Name Mapping Serialization".

use super::{MappedField, MappedFields, NameMapping};
use crate::SpecError;
use crate::id::FieldId;
use crate::json::{Json, JsonError, JsonWriter, MAX_DEPTH, parse_document};
use crate::schema::SchemaError;

impl NameMapping {
    /// Reads the JSON form: the value of the property [`PROPERTY`](Self::PROPERTY).
    ///
    /// # Errors
    /// `InvalidData` with the path of what is wrong.
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        let json = Json::root(parse_document(text)?);
        json.check_nesting()?;
        Ok(Self { fields: parse_fields(json, &mut Vec::new())? })
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        let mut writer = JsonWriter::new();
        write_fields(&self.fields, &mut writer);
        writer.finish()
    }
}

/// `parents` are the names of the fields around, for messages.
fn parse_fields(json: Json<'_, '_>, parents: &mut Vec<String>) -> Result<MappedFields, SpecError> {
    if parents.len() >= MAX_DEPTH {
        return Err(JsonError::TooDeep { at: json.path.to_string(), limit: MAX_DEPTH }.into());
    }
    let fields = json.array()?.map(|field| parse_field(field, parents))?;
    MappedFields::new(fields).map_err(|broken| {
        let broken = match broken {
            SchemaError::MappedTwice { name, .. } => {
                SchemaError::MappedTwice { name, parent: parents.join(".") }
            }
            other => other,
        };
        SchemaError::InJson { at: json.path.to_string(), broken: Box::new(broken) }.into()
    })
}

fn parse_field(json: Json<'_, '_>, parents: &mut Vec<String>) -> Result<MappedField, SpecError> {
    let mut object = json.object()?;
    let field_id = object.take("field-id").map(|id| id.i32().map(FieldId)).transpose()?;
    let names = object.require("names")?.array()?.map(|name| name.string())?;
    let fields = match object.take("fields") {
        None => MappedFields::default(),
        Some(fields) => {
            parents.push(names.first().cloned().unwrap_or_default());
            let fields = parse_fields(fields, parents)?;
            parents.pop();
            fields
        }
    };
    Ok(MappedField { field_id, names, fields, unknown_keys: object.into_unknown() })
}

/// Recursion is as deep as the mapping, which is bounded when it is made.
fn write_fields(fields: &MappedFields, writer: &mut JsonWriter) {
    writer.array(fields.iter(), |writer, field| {
        writer.object(|writer| {
            if let Some(id) = field.field_id {
                writer.key("field-id").number(id);
            }
            writer.key("names").array(&field.names, |writer, name| writer.string(name));
            if !field.fields.is_empty() {
                write_fields(&field.fields, writer.key("fields"));
            }
            writer.unknown(&field.unknown_keys);
        });
    });
}
