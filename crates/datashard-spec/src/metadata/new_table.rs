//! The first version of a table.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::snapshot_list::SnapshotList;
use super::wire_v1::BEFORE_FIRST_PARTITION_ID;
use super::{FormatVersion, MetadataError, TableMetadata};
use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SchemaId, SequenceNumber, SortOrderId};
use crate::json::UnknownKeys;
use crate::partition::PartitionSpec;
use crate::property::is_reserved;
use crate::schema::{Schema, SchemaError};
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
            sort_order: SortOrder::unsorted(),
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

    /// With these properties. `format-version` among them sets the format version; it and the other
    /// [reserved keys](crate::property::RESERVED_KEYS) are not stored.
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
    /// `InvalidInput` if the schema needs a newer format version or has a column `a.b` beside a field `b` of a struct `a`, or
    /// if partition spec or sort order do not fit the schema.
    pub fn build(mut self) -> Result<TableMetadata, SpecError> {
        let format_version = self.take_format_version()?;
        self.properties.retain(|key, _| !is_reserved(key));
        let (codec_key, codec) = PARQUET_CODEC;
        self.properties.entry(codec_key.to_owned()).or_insert_with(|| codec.to_owned());
        self.schema.check_format_version(format_version)?;
        if let Some(name) = self.schema.ambiguous_name() {
            return Err(SchemaError::NameTaken { name: name.to_owned() }.into());
        }
        let location = without_trailing_slashes(&self.location);
        if location.is_empty() {
            return Err(refused("a location is not empty", &self.location).into());
        }

        let (schema, new_ids) = self.schema.with_fresh_ids_and_mapping()?;
        let schema = schema.with_id(SchemaId(0));

        let mut spec = PartitionSpec { id: PartitionSpecId(0), ..self.partition_spec };
        let mut last_partition_id = BEFORE_FIRST_PARTITION_ID;
        for field in &mut spec.fields {
            last_partition_id = FieldId(last_partition_id.0.saturating_add(1));
            field.field_id = last_partition_id;
            rename(&mut field.source_ids, &new_ids)?;
        }
        spec.check_writable()?;
        spec.check(&schema)?;
        let mut order = self.sort_order;
        order.id = SortOrderId(if order.fields.is_empty() { 0 } else { 1 });
        for field in &mut order.fields {
            rename(&mut field.source_ids, &new_ids)?;
        }
        order.check_writable()?;
        order.check(&schema)?;

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
            // Others write the unsorted order beside any other, and some look for it.
            sort_orders: match order.is_unsorted() {
                true => vec![Arc::new(order)],
                false => vec![Arc::new(SortOrder::unsorted()), Arc::new(order)],
            },
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

/// The slashes of `file:///` are no trailing ones.
fn without_trailing_slashes(mut location: &str) -> &str {
    let is_root = |shorter: &str| shorter.ends_with(":/") || shorter.ends_with("://");
    while let Some(shorter) = location.strip_suffix('/').filter(|shorter| !is_root(shorter)) {
        location = shorter;
    }
    location
}

/// Replaces ids of the given schema by those of the table's.
fn rename(ids: &mut [FieldId], new_ids: &HashMap<FieldId, FieldId>) -> Result<(), MetadataError> {
    for id in ids {
        let new = new_ids.get(id).copied();
        *id = new.ok_or_else(|| {
            refused("partition spec and sort order use columns of the schema", &format!("field {id}"))
        })?;
    }
    Ok(())
}
