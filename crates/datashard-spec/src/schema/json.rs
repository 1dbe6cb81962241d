//! Schemas and types from and to JSON.
//!
//! # Spec
//! "Appendix C: JSON serialization", schemas.

use std::collections::BTreeSet;

use super::{ListType, MapType, NestedField, Schema, SchemaError, StructType, Type, type_string};
use crate::SpecError;
use crate::id::{FieldId, SchemaId};
use crate::json::{Json, JsonError, JsonWriter, MAX_DEPTH, Object, parse_document};
use crate::value;

impl Schema {
    /// Reads the JSON form of a schema. A missing `schema-id` (v1) reads as 0.
    ///
    /// # Errors
    /// `InvalidData` with the path of what is wrong.
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        parse_schema(Json::root(parse_document(text)?))
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        let mut writer = JsonWriter::new();
        write_schema(self, &mut writer);
        writer.finish()
    }
}

impl Type {
    /// Reads the JSON form of a type: a string, or an object for nested types.
    ///
    /// # Errors
    /// `InvalidData` with the path of what is wrong.
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        parse_type(Json::root(parse_document(text)?))
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        let mut writer = JsonWriter::new();
        write_type(self, &mut writer);
        writer.finish()
    }
}

pub(crate) fn parse_schema(json: Json<'_, '_>) -> Result<Schema, SpecError> {
    json.check_nesting()?;
    let mut object = json.object()?;
    if let Some(kind) = object.take("type")
        && kind.str()? != "struct"
    {
        return Err(kind.unexpected("\"struct\"").into());
    }
    let id = object.take("schema-id").map(|id| id.i32()).transpose()?.unwrap_or(0);
    let fields = parse_fields(&mut object, 0)?;
    let identifiers: BTreeSet<FieldId> = match object.take("identifier-field-ids") {
        Some(ids) => ids.array()?.iter().map(|id| id.i32().map(FieldId)).collect::<Result<_, _>>()?,
        None => BTreeSet::new(),
    };
    let schema = Schema::new(fields)
        .and_then(|schema| schema.with_identifier_fields(identifiers))
        .map_err(|broken| broken_rule(json, broken))?;
    Ok(schema.with_id(SchemaId(id)).with_unknown_keys(object.into_unknown()))
}

/// A broken rule is the fault of the document here, not of the caller.
fn broken_rule(json: Json<'_, '_>, broken: SchemaError) -> SpecError {
    SchemaError::InJson { at: json.path.to_string(), broken: Box::new(broken) }.into()
}

fn parse_fields(object: &mut Object<'_, '_>, depth: usize) -> Result<Vec<NestedField>, SpecError> {
    object.require("fields")?.array()?.map(|field| parse_field(field, depth))
}

fn parse_field(json: Json<'_, '_>, depth: usize) -> Result<NestedField, SpecError> {
    let mut object = json.object()?;
    let id = FieldId(object.require("id")?.i32()?);
    let name = object.require("name")?.string()?;
    let required = object.require("required")?.bool()?;
    let field_type = parse_nested(object.require("type")?, depth)?;
    let doc = object.take("doc").map(|doc| doc.string()).transpose()?;
    let mut default = |key| object.take(key).map(|json| value::json::parse(&field_type, json)).transpose();
    let initial_default = default("initial-default")?;
    let write_default = default("write-default")?;
    Ok(NestedField {
        id,
        name,
        required,
        doc,
        initial_default,
        write_default,
        unknown_keys: object.into_unknown(),
        field_type,
    })
}

pub(crate) fn parse_type(json: Json<'_, '_>) -> Result<Type, SpecError> {
    json.check_nesting()?;
    parse_nested(json, 0)
}

fn parse_nested(json: Json<'_, '_>, depth: usize) -> Result<Type, SpecError> {
    if json.is_string() {
        let text = json.str()?;
        return type_string::parse(&text).ok_or_else(|| json.unexpected("a type of the format").into());
    }
    if depth >= MAX_DEPTH {
        return Err(JsonError::TooDeep { at: json.path.to_string(), limit: MAX_DEPTH }.into());
    }
    let depth = depth.saturating_add(1);
    let mut object = json.object()?;
    let kind = object.require("type")?;
    Ok(match kind.str()?.as_ref() {
        "struct" => {
            let fields = parse_fields(&mut object, depth)?;
            Type::Struct(StructType { fields, unknown_keys: object.into_unknown() })
        }
        "list" => Type::List(ListType {
            element_id: FieldId(object.require("element-id")?.i32()?),
            element_required: object.require("element-required")?.bool()?,
            element: Box::new(parse_nested(object.require("element")?, depth)?),
            unknown_keys: object.into_unknown(),
        }),
        "map" => Type::Map(MapType {
            key_id: FieldId(object.require("key-id")?.i32()?),
            key: Box::new(parse_nested(object.require("key")?, depth)?),
            value_id: FieldId(object.require("value-id")?.i32()?),
            value_required: object.require("value-required")?.bool()?,
            value: Box::new(parse_nested(object.require("value")?, depth)?),
            unknown_keys: object.into_unknown(),
        }),
        _ => return Err(kind.unexpected("\"struct\", \"list\" or \"map\"").into()),
    })
}

pub(crate) fn write_schema(schema: &Schema, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("type").string("struct");
        writer.key("schema-id").number(schema.id());
        if !schema.identifier_field_ids().is_empty() {
            writer
                .key("identifier-field-ids")
                .array(schema.identifier_field_ids(), |writer, id| writer.number(id));
        }
        writer.key("fields").array(schema.fields(), |writer, field| write_field(field, writer));
        writer.unknown(schema.unknown_keys());
    });
}

fn write_field(field: &NestedField, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("id").number(field.id);
        writer.key("name").string(&field.name);
        writer.key("required").bool(field.required);
        write_type(&field.field_type, writer.key("type"));
        if let Some(doc) = &field.doc {
            writer.key("doc").string(doc);
        }
        if let Some(default) = &field.initial_default {
            value::json::write(&field.field_type, default, writer.key("initial-default"));
        }
        if let Some(default) = &field.write_default {
            value::json::write(&field.field_type, default, writer.key("write-default"));
        }
        writer.unknown(&field.unknown_keys);
    });
}

pub(crate) fn write_type(field_type: &Type, writer: &mut JsonWriter) {
    match field_type {
        Type::Primitive(primitive) => writer.string(&primitive.to_string()),
        Type::Variant => writer.string("variant"),
        Type::Struct(fields) => writer.object(|writer| {
            writer.key("type").string("struct");
            writer.key("fields").array(&fields.fields, |writer, field| write_field(field, writer));
            writer.unknown(&fields.unknown_keys);
        }),
        Type::List(list) => writer.object(|writer| {
            writer.key("type").string("list");
            writer.key("element-id").number(list.element_id);
            write_type(&list.element, writer.key("element"));
            writer.key("element-required").bool(list.element_required);
            writer.unknown(&list.unknown_keys);
        }),
        Type::Map(map) => writer.object(|writer| {
            writer.key("type").string("map");
            writer.key("key-id").number(map.key_id);
            write_type(&map.key, writer.key("key"));
            writer.key("value-id").number(map.value_id);
            write_type(&map.value, writer.key("value"));
            writer.key("value-required").bool(map.value_required);
            writer.unknown(&map.unknown_keys);
        }),
    }
}

#[cfg(test)]
mod tests;
