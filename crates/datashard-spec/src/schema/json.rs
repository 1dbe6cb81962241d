//! Schemas and types from and to JSON.
//!
//! # Spec
//! "Appendix C: JSON serialization", schemas.

use std::collections::BTreeSet;

use super::{ListType, MapType, NestedField, Schema, StructType, Type, type_string};
use crate::SpecError;
use crate::id::{FieldId, SchemaId};
use crate::json::{Json, JsonWriter, parse_document};
use crate::value;

impl Schema {
    /// Reads the JSON form of a schema. A missing `schema-id` (v1) reads as 0.
    ///
    /// # Errors
    /// `InvalidData` with the path of what is wrong; `InvalidInput` if a rule of schemas is broken.
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
    let mut object = json.object()?;
    if let Some(kind) = object.take("type")
        && kind.str()? != "struct"
    {
        return Err(kind.unexpected("\"struct\"").into());
    }
    let id = object.take("schema-id").map(|id| id.i32()).transpose()?.unwrap_or(0);
    let fields = object.require("fields")?;
    let fields = fields.array()?.map(parse_field)?;
    let identifiers: BTreeSet<FieldId> = match object.take("identifier-field-ids") {
        Some(ids) => ids.array()?.iter().map(|id| id.i32().map(FieldId)).collect::<Result<_, _>>()?,
        None => BTreeSet::new(),
    };
    let schema = Schema::new(fields)?.with_id(SchemaId(id)).with_identifier_fields(identifiers)?;
    Ok(schema.with_unknown_keys(object.into_unknown()))
}

fn parse_field(json: Json<'_, '_>) -> Result<NestedField, SpecError> {
    let mut object = json.object()?;
    let id = FieldId(object.require("id")?.i32()?);
    let name = object.require("name")?.string()?;
    let required = object.require("required")?.bool()?;
    let field_type = parse_type(object.require("type")?)?;
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
    if json.is_string() {
        let text = json.str()?;
        return type_string::parse(&text).ok_or_else(|| json.unexpected("a type of the format").into());
    }
    let mut object = json.object()?;
    let kind = object.require("type")?;
    Ok(match kind.str()?.as_ref() {
        "struct" => {
            let fields = object.require("fields")?;
            Type::Struct(StructType::new(fields.array()?.map(parse_field)?))
        }
        "list" => Type::List(ListType {
            element_id: FieldId(object.require("element-id")?.i32()?),
            element_required: object.require("element-required")?.bool()?,
            element: Box::new(parse_type(object.require("element")?)?),
        }),
        "map" => Type::Map(MapType {
            key_id: FieldId(object.require("key-id")?.i32()?),
            key: Box::new(parse_type(object.require("key")?)?),
            value_id: FieldId(object.require("value-id")?.i32()?),
            value_required: object.require("value-required")?.bool()?,
            value: Box::new(parse_type(object.require("value")?)?),
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
        }),
        Type::List(list) => writer.object(|writer| {
            writer.key("type").string("list");
            writer.key("element-id").number(list.element_id);
            writer.key("element-required").bool(list.element_required);
            write_type(&list.element, writer.key("element"));
        }),
        Type::Map(map) => writer.object(|writer| {
            writer.key("type").string("map");
            writer.key("key-id").number(map.key_id);
            write_type(&map.key, writer.key("key"));
            writer.key("value-id").number(map.value_id);
            writer.key("value-required").bool(map.value_required);
            write_type(&map.value, writer.key("value"));
        }),
    }
}
