//! SHIM, to be replaced by `partition` and `value::binary`: the partition type of a spec, its field list as JSON, and
//! the binary form of partition values.

use crate::id::{FieldId, PartitionSpecId};
use crate::json::{Json, JsonWriter, parse_document};
use crate::partition::{PartitionField, PartitionSpec};
use crate::schema::{NestedField, PrimitiveType, Schema, StructType};
use crate::transform::Transform;
use crate::value::Value;
use crate::{JsonError, SpecError};

/// Reads the list of fields in the header of a manifest; also the whole object, which some writers put there.
pub(crate) fn parse_spec(text: &str, id: PartitionSpecId) -> Result<PartitionSpec, SpecError> {
    let root = Json::root(parse_document(text)?);
    if !root.is_object() {
        return Ok(PartitionSpec::new(id, parse_fields(root)?));
    }
    let mut object = root.object()?;
    let fields = object.require("fields")?;
    Ok(PartitionSpec::new(id, parse_fields(fields)?))
}

fn parse_fields(json: Json<'_, '_>) -> Result<Vec<PartitionField>, JsonError> {
    let mut next_id = 1000_i32;
    json.array()?.map(|json| {
        let mut object = json.object()?;
        let name = object.require("name")?.string()?;
        let transform = parse_transform(&object.require("transform")?.str()?);
        let field_id = match object.take("field-id") {
            Some(id) => id.i32()?,
            None => next_id,
        };
        next_id = next_id.saturating_add(1);
        let source_ids = match object.take("source-id") {
            Some(id) => vec![FieldId(id.i32()?)],
            None => object.require("source-ids")?.array()?.map(|id| id.i32().map(FieldId))?,
        };
        let unknown_keys = object.into_unknown();
        Ok(PartitionField { source_ids, field_id: FieldId(field_id), name, transform, unknown_keys })
    })
}

pub(crate) fn write_fields(spec: &PartitionSpec) -> String {
    let mut writer = JsonWriter::new();
    writer.array(&spec.fields, |writer, field| {
        writer.object(|writer| {
            writer.key("name").string(&field.name);
            writer.key("transform").string(&transform_text(&field.transform));
            match field.source_id() {
                Some(id) => writer.key("source-id").number(id),
                None => writer.key("source-ids").array(&field.source_ids, |writer, id| writer.number(id)),
            }
            writer.key("field-id").number(field.field_id);
            writer.unknown(&field.unknown_keys);
        });
    });
    writer.finish()
}

fn parse_transform(text: &str) -> Transform {
    let lower = text.to_ascii_lowercase();
    let parameter = |name: &str| {
        lower
            .strip_prefix(name)?
            .strip_prefix('[')?
            .strip_suffix(']')?
            .trim()
            .parse::<u32>()
            .ok()
            .filter(|n| *n > 0)
    };
    match lower.as_str() {
        "identity" => Transform::Identity,
        "year" => Transform::Year,
        "month" => Transform::Month,
        "day" => Transform::Day,
        "hour" => Transform::Hour,
        "void" => Transform::Void,
        _ => match (parameter("bucket"), parameter("truncate")) {
            (Some(n), _) => Transform::Bucket(n),
            (_, Some(width)) => Transform::Truncate(width),
            _ => Transform::Unknown(text.into()),
        },
    }
}

fn transform_text(transform: &Transform) -> String {
    match transform {
        Transform::Identity => "identity".to_owned(),
        Transform::Bucket(n) => format!("bucket[{n}]"),
        Transform::Truncate(width) => format!("truncate[{width}]"),
        Transform::Year => "year".to_owned(),
        Transform::Month => "month".to_owned(),
        Transform::Day => "day".to_owned(),
        Transform::Hour => "hour".to_owned(),
        Transform::Void => "void".to_owned(),
        Transform::Unknown(text) => text.to_string(),
    }
}

/// The partition type. A field whose source is gone is of type unknown: the file itself then says what it holds.
pub(crate) fn partition_type(spec: &PartitionSpec, schema: &Schema) -> StructType {
    let fields = spec.fields.iter().map(|field| {
        let source = field.source_id().and_then(|id| schema.field_by_id(id));
        let source = source.and_then(|field| field.field_type.as_primitive()).cloned();
        let result = match field.transform {
            Transform::Bucket(_) | Transform::Year | Transform::Month | Transform::Hour => PrimitiveType::Int,
            Transform::Day => PrimitiveType::Date,
            Transform::Unknown(_) => PrimitiveType::String,
            Transform::Identity | Transform::Truncate(_) | Transform::Void => {
                source.unwrap_or(PrimitiveType::Unknown)
            }
        };
        NestedField::optional(field.field_id.0, field.name.clone(), result)
    });
    StructType::new(fields.collect())
}

/// The binary single value.
pub(crate) fn to_binary(value: &Value) -> Option<Vec<u8>> {
    Some(match value {
        Value::Boolean(v) => vec![u8::from(*v)],
        Value::Int(v) | Value::Date(v) => v.to_le_bytes().to_vec(),
        Value::Long(v)
        | Value::Time(v)
        | Value::Timestamp(v)
        | Value::Timestamptz(v)
        | Value::TimestampNs(v)
        | Value::TimestamptzNs(v) => v.to_le_bytes().to_vec(),
        Value::Float(v) => v.to_le_bytes().to_vec(),
        Value::Double(v) => v.to_le_bytes().to_vec(),
        Value::Decimal(v) => minimal_bytes(v.unscaled),
        Value::String(v) => v.as_bytes().to_vec(),
        Value::Uuid(v) => v.as_bytes().to_vec(),
        Value::Fixed(v) | Value::Binary(v) => v.clone(),
        _ => return None,
    })
}

/// Two's complement, big-endian, without bytes that only repeat the sign.
fn minimal_bytes(unscaled: i128) -> Vec<u8> {
    let bytes = unscaled.to_be_bytes();
    let sign = if unscaled < 0 { 0xff } else { 0 };
    let repeats = |pair: &[u8]| matches!(pair, [a, b] if *a == sign && (*b ^ sign) < 0x80);
    let spare = bytes.windows(2).take_while(|pair| repeats(pair)).count();
    bytes.into_iter().skip(spare).collect()
}
