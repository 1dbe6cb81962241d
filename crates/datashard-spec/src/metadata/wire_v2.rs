//! What documents of version 2 have of their own: nothing but lists, and sequence numbers.

use super::TableMetadata;
use super::read::{SchemaReader, Versioned, parse_uuid};
use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SchemaId, SequenceNumber, SortOrderId};
use crate::json::{Json, JsonWriter, Object};
use crate::partition::json::parse_spec;
use crate::sort_order::json::parse_order;

pub(super) fn parse(
    object: &mut Object<'_, '_>,
    schema_reader: &mut SchemaReader,
) -> Result<Versioned, SpecError> {
    // Duplicates of version 1 that some writer left are not kept: they would say what was once current.
    object.take("schema");
    object.take("partition-spec");
    let table_uuid = Some(parse_uuid(object.require("table-uuid")?)?);
    let last_sequence_number = SequenceNumber(object.require("last-sequence-number")?.i64()?);
    let current_schema_id = SchemaId(object.require("current-schema-id")?.i32()?);
    let default_spec_id = PartitionSpecId(object.require("default-spec-id")?.i32()?);
    let last_partition_id = FieldId(object.require("last-partition-id")?.i32()?);
    let default_sort_order_id = SortOrderId(object.require("default-sort-order-id")?.i32()?);
    Ok(Versioned {
        table_uuid,
        last_sequence_number,
        schemas: parse_required_list(object, "schemas", |schema| schema_reader.parse(schema))?,
        current_schema_id,
        partition_specs: parse_required_list(object, "partition-specs", |spec| {
            Ok::<_, SpecError>(parse_spec(spec)?)
        })?,
        default_spec_id,
        last_partition_id,
        sort_orders: parse_required_list(object, "sort-orders", |order| {
            Ok::<_, SpecError>(parse_order(order)?)
        })?,
        default_sort_order_id,
        next_row_id: 0,
        encryption_keys: Vec::new(),
    })
}

fn parse_required_list<'p, T>(
    object: &mut Object<'_, 'p>,
    key: &'p str,
    parse: impl FnMut(Json<'_, '_>) -> Result<T, SpecError>,
) -> Result<Vec<T>, SpecError> {
    let list = object.require(key)?;
    list.array()?.map(parse)
}

/// The counter of commits.
pub(super) fn write_counters(metadata: &TableMetadata, writer: &mut JsonWriter) {
    writer.key("last-sequence-number").number(metadata.last_sequence_number);
}
