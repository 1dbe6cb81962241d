//! [`CreateTable`]: makes the first version of a table.

use std::collections::BTreeMap;

use datashard_spec::Uuid;
use datashard_spec::id::PartitionSpecId;
use datashard_spec::metadata::{FormatVersion, TableMetadata};
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::datashard;
use datashard_spec::schema::Schema;
use datashard_spec::sort_order::SortOrder;

use super::manifests::of_spec_error;
use super::metadata_form::{check_not_commit_state, check_not_compressed};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, Produced};
use crate::refusal::Refusal;

/// How many snapshots of each branch the metadata of a new table lists; older ones go into history segments.
const KEEP_SNAPSHOTS: u32 = 100;

const NAME: &str = "create table";

/// Makes a table where there is none: unpartitioned, unsorted, of format version 2 unless said otherwise.
///
/// # Examples
/// ```
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
/// use datashard_txn::action::CreateTable;
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// let table = CreateTable::new(schema).with_property("comment", "orders of the shop");
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CreateTable {
    pub(super) schema: Schema,
    pub(super) partition_spec: PartitionSpec,
    pub(super) sort_order: SortOrder,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) format_version: Option<FormatVersion>,
    uuid: Option<Uuid>,
}

impl CreateTable {
    /// A table of this schema. Field ids are given out anew, from 1.
    pub fn new(schema: Schema) -> Self {
        Self {
            schema,
            partition_spec: PartitionSpec::unpartitioned(PartitionSpecId(0)),
            sort_order: SortOrder::unsorted(),
            properties: BTreeMap::new(),
            format_version: None,
            uuid: None,
        }
    }

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

    /// With this property. `format-version` sets the format version; it and other reserved keys are not stored.
    pub fn with_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }

    /// With these properties, besides those set before.
    pub fn with_properties(mut self, properties: impl IntoIterator<Item = (String, String)>) -> Self {
        self.properties.extend(properties);
        self
    }

    /// With this format version, whatever the properties say.
    pub fn with_format_version(mut self, format_version: FormatVersion) -> Self {
        self.format_version = Some(format_version);
        self
    }

    /// With this identity, instead of one that is drawn.
    pub fn with_uuid(mut self, uuid: Uuid) -> Self {
        self.uuid = Some(uuid);
        self
    }

    pub(super) fn check_properties(&self, operation: &'static str) -> Result<(), Refusal> {
        check_not_commit_state(self.properties.keys(), operation)?;
        check_not_compressed(&self.properties, operation)
    }

    /// The first version.
    pub(super) fn first(&self, inputs: &Inputs<'_>, operation: &'static str) -> Result<Produced, Refusal> {
        let uuid = self.uuid.unwrap_or(inputs.operation_id);
        let location = inputs.location.to_string();
        let mut properties = self.properties.clone();
        // Unless somebody asks for another kind of history, it is kept for ever and apart from the metadata.
        if !properties.contains_key(datashard::SNAPSHOT_RETENTION_COUNT.key) {
            let keep = || KEEP_SNAPSHOTS.to_string();
            properties.entry(datashard::HISTORY_KEEP_SNAPSHOTS.key.to_owned()).or_insert_with(keep);
        }
        let mut table = TableMetadata::builder(self.schema.clone(), location, uuid, inputs.now_ms)
            .with_partition_spec(self.partition_spec.clone())
            .with_sort_order(self.sort_order.clone())
            .with_properties(properties);
        if let Some(version) = self.format_version {
            table = table.with_format_version(version);
        }
        let metadata = table.build().map_err(|e| of_spec_error(&e, operation))?;
        Ok(Produced::new(Content::New(Box::new(metadata))))
    }

    pub(super) fn bytes(&self, operation: &'static str) -> Vec<u8> {
        let mut bytes = operation.as_bytes().to_vec();
        bytes.push(0);
        bytes.extend(self.schema.to_json().into_bytes());
        bytes.extend(self.partition_spec.fields_to_json().into_bytes());
        for (key, value) in &self.properties {
            bytes.push(0);
            bytes.extend(key.as_bytes());
            bytes.push(0);
            bytes.extend(value.as_bytes());
        }
        bytes
    }
}

impl Operation for CreateTable {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.bytes(NAME)
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        if base.is_some() {
            return Err(Refusal::TableExists);
        }
        self.check_properties(NAME)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.validate(base)?;
        self.first(inputs, NAME)
    }
}

#[cfg(test)]
mod tests;
