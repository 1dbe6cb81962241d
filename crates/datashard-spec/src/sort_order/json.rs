//! Sort orders from and to JSON.
//!
//! # Spec
//! "Appendix C: JSON serialization", sort orders.

use super::{NullOrder, SortDirection, SortField, SortOrder};
use crate::SpecError;
use crate::id::SortOrderId;
use crate::json::{Json, JsonError, JsonWriter, parse_document};
use crate::partition::json::{parse_transform, take_source_ids, write_source_ids};

impl SortOrder {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// `InvalidData` with the path of what is wrong. A transform that is not known is no error.
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        Ok(parse_order(Json::root(parse_document(text)?))?)
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        let mut writer = JsonWriter::new();
        write_order(self, &mut writer);
        writer.finish()
    }
}

pub(crate) fn parse_order(json: Json<'_, '_>) -> Result<SortOrder, JsonError> {
    let mut object = json.object()?;
    let id = SortOrderId(object.require("order-id")?.i32()?);
    let fields = object.require("fields")?;
    let fields = fields.array()?.map(parse_field)?;
    Ok(SortOrder { id, fields, unknown_keys: object.into_unknown() })
}

fn parse_field(json: Json<'_, '_>) -> Result<SortField, JsonError> {
    let mut object = json.object()?;
    let source_ids = take_source_ids(&mut object, json)?;
    let transform = parse_transform(object.require("transform")?)?;
    let direction = object.require("direction")?;
    let direction = match direction.str()?.to_ascii_lowercase().as_str() {
        "asc" => SortDirection::Ascending,
        "desc" => SortDirection::Descending,
        _ => return Err(direction.unexpected("\"asc\" or \"desc\"")),
    };
    let null_order = object.require("null-order")?;
    let null_order = match null_order.str()?.to_ascii_lowercase().as_str() {
        "nulls-first" => NullOrder::First,
        "nulls-last" => NullOrder::Last,
        _ => return Err(null_order.unexpected("\"nulls-first\" or \"nulls-last\"")),
    };
    Ok(SortField { source_ids, transform, direction, null_order, unknown_keys: object.into_unknown() })
}

pub(crate) fn write_order(order: &SortOrder, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("order-id").number(order.id);
        writer.key("fields").array(&order.fields, |writer, field| {
            writer.object(|writer| {
                writer.key("transform").string(&field.transform.to_string());
                write_source_ids(&field.source_ids, writer);
                writer.key("direction").string(field.direction.as_str());
                writer.key("null-order").string(field.null_order.as_str());
                writer.unknown(&field.unknown_keys);
            });
        });
        writer.unknown(&order.unknown_keys);
    });
}
