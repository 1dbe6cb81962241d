//! Partition specs and sort orders from and to JSON.
//!
//! MERGE: stands in for `crate::partition::json` and `crate::sort_order::json` (same function names), and for the
//! parsing and display of transforms. To be replaced by them.

use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SortOrderId};
use crate::json::{Json, JsonWriter, Object};
use crate::partition::{PartitionField, PartitionSpec};
use crate::sort_order::{NullOrder, SortDirection, SortField, SortOrder};
use crate::transform::Transform;

pub(super) fn unsorted() -> SortOrder {
    SortOrder { id: SortOrderId(0), fields: Vec::new(), unknown_keys: Default::default() }
}

pub(super) fn parse_spec(json: Json<'_, '_>) -> Result<PartitionSpec, SpecError> {
    let mut object = json.object()?;
    let id = PartitionSpecId(object.require("spec-id")?.i32()?);
    let fields = parse_fields(object.require("fields")?)?;
    Ok(PartitionSpec { id, fields, unknown_keys: object.into_unknown() })
}

pub(super) fn parse_fields(json: Json<'_, '_>) -> Result<Vec<PartitionField>, SpecError> {
    let mut next = 1000_i32;
    json.array()?.map(|field| {
        let mut object = field.object()?;
        let source_ids = parse_sources(&mut object)?;
        // v1 has no ids of partition fields: they count from 1000.
        let field_id = object.take("field-id").map(|id| id.i32()).transpose()?.unwrap_or(next);
        next = next.saturating_add(1);
        Ok(PartitionField {
            source_ids,
            field_id: FieldId(field_id),
            name: object.require("name")?.string()?,
            transform: parse_transform(&object.require("transform")?.str()?),
            unknown_keys: object.into_unknown(),
        })
    })
}

pub(super) fn parse_order(json: Json<'_, '_>) -> Result<SortOrder, SpecError> {
    let mut object = json.object()?;
    let id = SortOrderId(object.require("order-id")?.i32()?);
    let fields = object.require("fields")?;
    let fields = fields.array()?.map(|field| {
        let mut object = field.object()?;
        let source_ids = parse_sources(&mut object)?;
        let transform = parse_transform(&object.require("transform")?.str()?);
        let direction = object.require("direction")?;
        let direction = match direction.str()?.to_ascii_lowercase().as_str() {
            "asc" => SortDirection::Ascending,
            "desc" => SortDirection::Descending,
            _ => return Err(SpecError::from(direction.unexpected("\"asc\" or \"desc\""))),
        };
        let nulls = object.require("null-order")?;
        let null_order = match nulls.str()?.to_ascii_lowercase().as_str() {
            "nulls-first" => NullOrder::First,
            "nulls-last" => NullOrder::Last,
            _ => return Err(nulls.unexpected("\"nulls-first\" or \"nulls-last\"").into()),
        };
        let unknown_keys = object.into_unknown();
        Ok(SortField { source_ids, transform, direction, null_order, unknown_keys })
    })?;
    Ok(SortOrder { id, fields, unknown_keys: object.into_unknown() })
}

fn parse_sources<'p>(object: &mut Object<'_, 'p>) -> Result<Vec<FieldId>, SpecError> {
    match object.take("source-ids") {
        Some(ids) => {
            let _ = object.take("source-id");
            Ok(ids.array()?.map(|id| id.i32().map(FieldId))?)
        }
        None => Ok(vec![FieldId(object.require("source-id")?.i32()?)]),
    }
}

fn parse_transform(text: &str) -> Transform {
    let width = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(']')?.parse::<u32>().ok();
    match text {
        "identity" => Transform::Identity,
        "year" => Transform::Year,
        "month" => Transform::Month,
        "day" => Transform::Day,
        "hour" => Transform::Hour,
        "void" => Transform::Void,
        _ => match (width("bucket["), width("truncate[")) {
            (Some(count), _) => Transform::Bucket(count),
            (_, Some(width)) => Transform::Truncate(width),
            _ => Transform::Unknown(text.into()),
        },
    }
}

fn transform_text(transform: &Transform) -> String {
    match transform {
        Transform::Identity => "identity".into(),
        Transform::Bucket(count) => format!("bucket[{count}]"),
        Transform::Truncate(width) => format!("truncate[{width}]"),
        Transform::Year => "year".into(),
        Transform::Month => "month".into(),
        Transform::Day => "day".into(),
        Transform::Hour => "hour".into(),
        Transform::Void => "void".into(),
        Transform::Unknown(text) => text.to_string(),
    }
}

fn write_sources(ids: &[FieldId], writer: &mut JsonWriter) {
    match ids {
        [one] => writer.key("source-id").number(one),
        many => writer.key("source-ids").array(many, |writer, id| writer.number(id)),
    }
}

pub(super) fn write_spec(spec: &PartitionSpec, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("spec-id").number(spec.id);
        write_fields(&spec.fields, writer.key("fields"));
        writer.unknown(&spec.unknown_keys);
    });
}

pub(super) fn write_fields(fields: &[PartitionField], writer: &mut JsonWriter) {
    writer.array(fields, |writer, field| {
        writer.object(|writer| {
            writer.key("name").string(&field.name);
            writer.key("transform").string(&transform_text(&field.transform));
            write_sources(&field.source_ids, writer);
            writer.key("field-id").number(field.field_id);
            writer.unknown(&field.unknown_keys);
        });
    });
}

pub(super) fn write_order(order: &SortOrder, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("order-id").number(order.id);
        writer.key("fields").array(&order.fields, |writer, field| {
            writer.object(|writer| {
                writer.key("transform").string(&transform_text(&field.transform));
                write_sources(&field.source_ids, writer);
                let descending = field.direction == SortDirection::Descending;
                writer.key("direction").string(if descending { "desc" } else { "asc" });
                let last = field.null_order == NullOrder::Last;
                writer.key("null-order").string(if last { "nulls-last" } else { "nulls-first" });
                writer.unknown(&field.unknown_keys);
            });
        });
        writer.unknown(&order.unknown_keys);
    });
}
