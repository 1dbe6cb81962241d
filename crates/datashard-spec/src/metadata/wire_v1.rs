//! What documents of version 1 have of their own: one schema and one spec at first, lists of them later; no sequence
//! numbers.
//!
//! # Spec
//! "Appendix E: Format version changes", reading v1 metadata.

use super::read::{SchemaReader, Versioned, parse_list, parse_uuid};
use super::{MetadataError, TableMetadata};
use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SchemaId, SequenceNumber, SortOrderId};
use crate::json::{JsonWriter, Object};
use crate::partition::PartitionSpec;
use crate::partition::json::{parse_fields, parse_spec, write_fields};
use crate::schema::json::write_schema;
use crate::sort_order::SortOrder;
use crate::sort_order::json::parse_order;

/// One less than the first id of a partition field.
pub(super) const BEFORE_FIRST_PARTITION_ID: FieldId = FieldId(999);

pub(super) fn parse(
    object: &mut Object<'_, '_>,
    schema_reader: &mut SchemaReader,
) -> Result<Versioned, SpecError> {
    // The legacy keys are duplicates wherever the lists are there; they are written anew.
    let legacy_schema = object.take("schema");
    let mut schemas = parse_list(object, "schemas", |schema| schema_reader.parse(schema))?;
    let mut current_schema_id = object.take("current-schema-id").map(|id| id.i32()).transpose()?;
    if schemas.is_empty() {
        let schema = match legacy_schema {
            Some(schema) => schema_reader.parse(schema)?,
            None => schema_reader.parse(object.require("schema")?)?,
        };
        current_schema_id = Some(schema.id().0);
        schemas.push(schema);
    }
    let legacy_fields = object.take("partition-spec");
    let mut partition_specs =
        parse_list(object, "partition-specs", |spec| Ok::<_, SpecError>(parse_spec(spec)?))?;
    let mut default_spec_id = object.take("default-spec-id").map(|id| id.i32()).transpose()?;
    if partition_specs.is_empty() {
        let fields = match legacy_fields {
            Some(fields) => parse_fields(fields)?,
            None => parse_fields(object.require("partition-spec")?)?,
        };
        default_spec_id = Some(0);
        partition_specs.push(PartitionSpec::new(PartitionSpecId(0), fields));
    }
    let mut sort_orders = parse_list(object, "sort-orders", |order| Ok::<_, SpecError>(parse_order(order)?))?;
    if sort_orders.is_empty() {
        sort_orders.push(SortOrder::unsorted());
    }
    let last_partition_id = object.take("last-partition-id").map(|id| id.i32()).transpose()?;
    let last_sequence_number =
        object.take("last-sequence-number").map(|number| number.i64()).transpose()?.unwrap_or(0);
    if last_sequence_number != 0 {
        return Err(MetadataError::Inconsistent {
            key: "last-sequence-number".to_owned(),
            reason: "version 1 has no sequence numbers",
            found: last_sequence_number.to_string(),
        }
        .into());
    }
    Ok(Versioned {
        table_uuid: object.take("table-uuid").map(parse_uuid).transpose()?,
        last_sequence_number: SequenceNumber(0),
        schemas,
        current_schema_id: SchemaId(current_schema_id.unwrap_or(0)),
        partition_specs,
        default_spec_id: PartitionSpecId(default_spec_id.unwrap_or(0)),
        last_partition_id: last_partition_id.map_or(BEFORE_FIRST_PARTITION_ID, FieldId),
        sort_orders,
        default_sort_order_id: SortOrderId(
            object.take("default-sort-order-id").map(|id| id.i32()).transpose()?.unwrap_or(0),
        ),
        next_row_id: 0,
        encryption_keys: Vec::new(),
    })
}

/// The current schema and the default spec once more, where readers of version 1 look for them.
pub(super) fn write_legacy(metadata: &TableMetadata, writer: &mut JsonWriter) {
    write_schema(metadata.current_schema(), writer.key("schema"));
    write_fields(&metadata.default_partition_spec().fields, writer.key("partition-spec"));
}
