//! The first version of a table.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::snapshot_list::SnapshotList;
use super::spec_shim::unsorted;
use super::update::{RESERVED, check_partition_fields, check_schema_version, check_sort_fields};
use super::wire_v1::BEFORE_FIRST_PARTITION_ID;
use super::{FormatVersion, MetadataError, TableMetadata};
use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SchemaId, SequenceNumber, SortOrderId};
use crate::json::UnknownKeys;
use crate::partition::PartitionSpec;
use crate::schema::{ListType, MapType, NestedField, Schema, StructType, Type};
use crate::sort_order::SortOrder;

/// The codec of new tables' Parquet files; tables that say nothing have gzip.
const PARQUET_CODEC: (&str, &str) = ("write.parquet.compression-codec", "zstd");

/// Makes the metadata of a new table; see [`TableMetadata::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct TableBuilder {
    schema: Schema,
    location: String,
    uuid: Uuid,
    now_ms: i64,
    partition_spec: PartitionSpec,
    sort_order: SortOrder,
    properties: BTreeMap<String, String>,
    format_version: Option<FormatVersion>,
}

impl TableMetadata {
    /// Starts a new table with this schema at this location; the identity and the time, in milliseconds since 1970-01-01
    /// UTC, are the caller's.
    ///
    /// Field ids are given out anew from 1, partition field ids from 1000; partition spec and sort order follow.
    /// Without more it is unpartitioned, unsorted and of format version 2.
    pub fn builder(schema: Schema, location: impl Into<String>, uuid: Uuid, now_ms: i64) -> TableBuilder {
        TableBuilder {
            schema,
            location: location.into(),
            uuid,
            now_ms,
            partition_spec: PartitionSpec::unpartitioned(PartitionSpecId(0)),
            sort_order: unsorted(),
            properties: BTreeMap::new(),
            format_version: None,
        }
    }
}

impl TableBuilder {
    /// With this partition spec, whose sources are field ids of the schema as given.
    pub fn with_partition_spec(mut self, spec: PartitionSpec) -> Self {
        self.partition_spec = spec;
        self
    }

    /// With this sort order, whose sources are field ids of the schema as given.
    pub fn with_sort_order(mut self, order: SortOrder) -> Self {
        self.sort_order = order;
        self
    }

    /// With these properties. `format-version` among them sets the format version and is not stored.
    pub fn with_properties(mut self, properties: BTreeMap<String, String>) -> Self {
        self.properties = properties;
        self
    }

    /// With this format version, whatever the properties say.
    pub fn with_format_version(mut self, format_version: FormatVersion) -> Self {
        self.format_version = Some(format_version);
        self
    }

    /// Makes the metadata.
    ///
    /// # Errors
    /// `InvalidInput` if a property is reserved, the schema needs a newer format version, or partition spec or sort order
    /// do not fit the schema.
    pub fn build(mut self) -> Result<TableMetadata, SpecError> {
        let format_version = self.take_format_version()?;
        if let Some(key) = self.properties.keys().find(|key| RESERVED.contains(&key.as_str())) {
            return Err(refused("the property is reserved", key).into());
        }
        let (codec_key, codec) = PARQUET_CODEC;
        self.properties.entry(codec_key.to_owned()).or_insert_with(|| codec.to_owned());
        check_schema_version(&self.schema, format_version)?;
        let location = self.location.trim_end_matches('/');
        if location.is_empty() {
            return Err(refused("a location is not empty", &self.location).into());
        }

        let mut ids = FreshIds::default();
        let fields = ids.fields(self.schema.fields());
        let identifiers = self.schema.identifier_field_ids().iter();
        let identifiers = identifiers.map(|id| ids.of(*id)).collect::<Result<Vec<_>, _>>()?;
        let schema = Schema::new(fields)?.with_id(SchemaId(0)).with_identifier_fields(identifiers)?;

        let mut spec = PartitionSpec { id: PartitionSpecId(0), ..self.partition_spec };
        let mut last_partition_id = BEFORE_FIRST_PARTITION_ID;
        for field in &mut spec.fields {
            last_partition_id = FieldId(last_partition_id.0.saturating_add(1));
            field.field_id = last_partition_id;
            ids.rename(&mut field.source_ids)?;
        }
        check_partition_fields(&spec.fields)?;
        let mut order = self.sort_order;
        order.id = SortOrderId(if order.fields.is_empty() { 0 } else { 1 });
        for field in &mut order.fields {
            ids.rename(&mut field.source_ids)?;
        }
        check_sort_fields(&order.fields)?;

        let metadata = TableMetadata {
            format_version,
            table_uuid: Some(self.uuid),
            location: location.to_owned(),
            last_sequence_number: SequenceNumber(0),
            last_updated_ms: self.now_ms,
            last_column_id: schema.highest_field_id(),
            schemas: vec![Arc::new(schema)],
            current_schema_id: SchemaId(0),
            partition_specs: vec![Arc::new(spec)],
            default_spec_id: PartitionSpecId(0),
            last_partition_id,
            default_sort_order_id: order.id,
            sort_orders: vec![Arc::new(order)],
            properties: self.properties,
            current_snapshot_id: None,
            snapshots: SnapshotList::default(),
            refs: BTreeMap::new(),
            snapshot_log: Vec::new(),
            metadata_log: Vec::new(),
            statistics: Vec::new(),
            partition_statistics: Vec::new(),
            next_row_id: 0,
            encryption_keys: Vec::new(),
            unknown_keys: UnknownKeys::default(),
        };
        metadata.check()?;
        metadata.check_sources()?;
        Ok(metadata)
    }

    fn take_format_version(&mut self) -> Result<FormatVersion, MetadataError> {
        let property = match self.properties.remove("format-version") {
            Some(text) => {
                let version = text.parse().ok().and_then(FormatVersion::from_number);
                Some(version.ok_or_else(|| refused("format-version is 1, 2 or 3", &text))?)
            }
            None => None,
        };
        Ok(self.format_version.or(property).unwrap_or(FormatVersion::V2))
    }
}

fn refused(reason: &'static str, found: &str) -> MetadataError {
    MetadataError::Refused { update: "create table", reason, found: crate::error::excerpt(found) }
}

/// Gives out field ids from 1: to all fields of a struct first, then inside each of them.
#[derive(Default)]
struct FreshIds {
    last: i32,
    new_of_old: HashMap<FieldId, FieldId>,
}

impl FreshIds {
    fn next(&mut self, old: FieldId) -> FieldId {
        self.last = self.last.saturating_add(1);
        self.new_of_old.insert(old, FieldId(self.last));
        FieldId(self.last)
    }

    fn of(&self, old: FieldId) -> Result<FieldId, MetadataError> {
        let missing =
            || refused("partition spec and sort order use columns of the schema", &format!("field {old}"));
        self.new_of_old.get(&old).copied().ok_or_else(missing)
    }

    fn rename(&self, ids: &mut [FieldId]) -> Result<(), MetadataError> {
        for id in ids {
            *id = self.of(*id)?;
        }
        Ok(())
    }

    fn fields(&mut self, fields: &[NestedField]) -> Vec<NestedField> {
        let mut fields = fields.to_vec();
        for field in &mut fields {
            field.id = self.next(field.id);
        }
        for field in &mut fields {
            field.field_type = self.inside(&field.field_type);
        }
        fields
    }

    fn inside(&mut self, field_type: &Type) -> Type {
        match field_type {
            Type::Primitive(_) | Type::Variant => field_type.clone(),
            Type::Struct(fields) => Type::Struct(StructType::new(self.fields(&fields.fields))),
            Type::List(list) => Type::List(ListType {
                element_id: self.next(list.element_id),
                element_required: list.element_required,
                element: Box::new(self.inside(&list.element)),
            }),
            Type::Map(map) => {
                let (key_id, value_id) = (self.next(map.key_id), self.next(map.value_id));
                Type::Map(MapType {
                    key_id,
                    key: Box::new(self.inside(&map.key)),
                    value_id,
                    value_required: map.value_required,
                    value: Box::new(self.inside(&map.value)),
                })
            }
        }
    }
}
