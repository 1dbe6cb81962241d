//! Partition specs from and to JSON: the object with `spec-id`, and the array of fields alone.
//!
//! # Spec
//! "Appendix C: JSON serialization", partition specs.

use super::{FIRST_FIELD_ID, PartitionField, PartitionSpec};
use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId};
use crate::json::{Json, JsonError, JsonWriter, Object, parse_document};
use crate::transform::Transform;

impl PartitionSpec {
    /// Reads the JSON form: an object with `spec-id` and `fields`.
    ///
    /// # Errors
    /// `InvalidData` with the path of what is wrong. A transform that is not known is no error.
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        Ok(parse_spec(Json::root(parse_document(text)?))?)
    }

    /// The JSON form: an object with `spec-id` and `fields`.
    pub fn to_json(&self) -> String {
        let mut writer = JsonWriter::new();
        write_spec(self, &mut writer);
        writer.finish()
    }

    /// Reads an array of fields alone: the header of a manifest, or the key `partition-spec` of v1 metadata.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn fields_from_json(id: PartitionSpecId, text: &str) -> Result<Self, SpecError> {
        Ok(Self::new(id, parse_fields(Json::root(parse_document(text)?))?))
    }

    /// The array of fields alone, as in the header of a manifest.
    pub fn fields_to_json(&self) -> String {
        let mut writer = JsonWriter::new();
        write_fields(&self.fields, &mut writer);
        writer.finish()
    }
}

pub(crate) fn parse_spec(json: Json<'_, '_>) -> Result<PartitionSpec, JsonError> {
    let mut object = json.object()?;
    let id = PartitionSpecId(object.require("spec-id")?.i32()?);
    let fields = parse_fields(object.require("fields")?)?;
    Ok(PartitionSpec { id, fields, unknown_keys: object.into_unknown() })
}

/// Reads an array of fields. Old v1 writers gave no field ids: then they are 1000, 1001 and so on.
pub(crate) fn parse_fields(json: Json<'_, '_>) -> Result<Vec<PartitionField>, JsonError> {
    let array = json.array()?;
    // With some ids given and some not, a number by position could be one that another field has.
    let mut any_given = None;
    let mut next_id = FIRST_FIELD_ID.0;
    array.map(|json| {
        let mut object = json.object()?;
        let given = object.take("field-id").map(|id| id.i32()).transpose()?;
        if *any_given.get_or_insert(given.is_some()) != given.is_some() {
            return Err(json.unexpected("a field-id on every partition field or on none"));
        }
        let field_id = FieldId(given.unwrap_or(next_id));
        next_id = next_id.saturating_add(1);
        let source_ids = take_source_ids(&mut object, json)?;
        let name = object.require("name")?.string()?;
        let transform = parse_transform(object.require("transform")?)?;
        Ok(PartitionField { source_ids, field_id, name, transform, unknown_keys: object.into_unknown() })
    })
}

pub(crate) fn parse_transform(json: Json<'_, '_>) -> Result<Transform, JsonError> {
    Transform::parse(&json.str()?).map_err(|_| json.unexpected("a transform with a legal parameter"))
}

/// Takes `source-id` or, for transforms of several columns, `source-ids`.
pub(crate) fn take_source_ids<'a, 'p>(
    object: &mut Object<'a, 'p>,
    field: Json<'_, '_>,
) -> Result<Vec<FieldId>, JsonError> {
    let one = object.take("source-id").map(|id| id.i32().map(FieldId)).transpose()?;
    let several = match object.take("source-ids") {
        Some(ids) => Some(ids.array()?.map(|id| id.i32().map(FieldId))?),
        None => None,
    };
    match (one, several) {
        (Some(one), None) => Ok(vec![one]),
        (None, Some(several)) if !several.is_empty() => Ok(several),
        (Some(one), Some(several)) if several.as_slice() == [one] => Ok(several),
        (None, None) => Err(JsonError::Missing { at: field.path.to_string(), key: "source-id".to_owned() }),
        _ => Err(field.unexpected("either source-id or a list of source-ids")),
    }
}

/// Writes exactly one of `source-id` and `source-ids`.
pub(crate) fn write_source_ids(source_ids: &[FieldId], writer: &mut JsonWriter) {
    match source_ids {
        [one] => writer.key("source-id").number(one),
        several => writer.key("source-ids").array(several, |writer, id| writer.number(id)),
    }
}

pub(crate) fn write_spec(spec: &PartitionSpec, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("spec-id").number(spec.id);
        write_fields(&spec.fields, writer.key("fields"));
        writer.unknown(&spec.unknown_keys);
    });
}

pub(crate) fn write_fields(fields: &[PartitionField], writer: &mut JsonWriter) {
    writer.array(fields, |writer, field| {
        writer.object(|writer| {
            write_source_ids(&field.source_ids, writer);
            writer.key("field-id").number(field.field_id);
            writer.key("name").string(&field.name);
            writer.key("transform").string(&field.transform.to_string());
            writer.unknown(&field.unknown_keys);
        });
    });
}
