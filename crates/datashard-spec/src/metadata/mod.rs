//! Table metadata: everything a table is, short of its manifests.
//!
//! [`TableMetadata`] cannot be built wrong: it comes from a document ([`TableMetadata::from_json`]), from a
//! [`TableBuilder`], or from another one by [`TableMetadata::apply`], and all three end in the same checks. Files:
//! `read` and `wire_v1` to `wire_v3` take a document apart, `write` puts it together, `check` holds the rules that every
//! metadata obeys, `update` those of changes, `history` and `retention` answer questions about snapshots.

mod check;
mod encryption_key;
pub(crate) mod error;
mod file_name;
mod format_version;
mod gzip;
mod history;
mod log;
mod new_table;
mod read;
mod requirement;
pub mod retention;
mod snapshot_list;
mod statistics;
mod update;
mod wire_v1;
mod wire_v2;
mod wire_v3;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

pub use encryption_key::EncryptedKey;
pub use error::MetadataError;
pub use file_name::MetadataFileName;
pub use format_version::FormatVersion;
pub use history::Ancestors;
pub use log::{MetadataLogEntry, SnapshotLogEntry};
pub use new_table::TableBuilder;
pub use read::DEFAULT_MAX_BYTES;
pub use requirement::TableRequirement;
pub use statistics::{BlobMetadata, PartitionStatisticsFile, StatisticsFile};
pub use update::{ApplyContext, LAST_ADDED, TableUpdate};

use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SchemaId, SequenceNumber, SnapshotId, SortOrderId};
use crate::json::UnknownKeys;
use crate::partition::{PartitionSpec, PartitionSpecUpdate};
use crate::schema::Schema;
use crate::schema::evolution::UpdateBase;
use crate::snapshot::Snapshot;
use crate::snapshot_ref::{MAIN_BRANCH, SnapshotRef};
use crate::sort_order::SortOrder;
use snapshot_list::SnapshotList;

/// Everything a table is at one version, short of its manifests: schemas, specs, snapshots, refs, logs, properties.
///
/// Old snapshots stay raw JSON until asked for, so those accessors that touch them can fail; see
/// [`check_all`](Self::check_all). A snapshot that was read is written back byte for byte, but for known keys that are
/// null.
///
/// # Spec
/// "Table Metadata".
///
/// # Examples
/// ```
/// use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
/// let uuid = uuid::Uuid::from_u128(1);
/// let table = TableMetadata::builder(schema, "s3://bucket/table", uuid, 1_700_000_000_000).build()?;
/// let renamed = TableUpdate::SetProperties { updates: [("comment".into(), "hers".into())].into() };
/// let next = table.apply(&[renamed], &ApplyContext::new(1_700_000_001_000))?;
/// let read = TableMetadata::from_json(next.to_json().as_bytes())?;
/// assert_eq!(read, next);
/// assert_eq!(read.properties()["comment"], "hers");
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TableMetadata {
    format_version: FormatVersion,
    table_uuid: Option<Uuid>,
    location: String,
    last_sequence_number: SequenceNumber,
    last_updated_ms: i64,
    last_column_id: FieldId,
    schemas: Vec<Arc<Schema>>,
    current_schema_id: SchemaId,
    partition_specs: Vec<Arc<PartitionSpec>>,
    default_spec_id: PartitionSpecId,
    last_partition_id: FieldId,
    sort_orders: Vec<Arc<SortOrder>>,
    default_sort_order_id: SortOrderId,
    properties: BTreeMap<String, String>,
    current_snapshot_id: Option<SnapshotId>,
    snapshots: SnapshotList,
    refs: BTreeMap<String, SnapshotRef>,
    snapshot_log: Vec<SnapshotLogEntry>,
    metadata_log: Vec<MetadataLogEntry>,
    statistics: Vec<StatisticsFile>,
    partition_statistics: Vec<PartitionStatisticsFile>,
    next_row_id: i64,
    encryption_keys: Vec<EncryptedKey>,
    unknown_keys: UnknownKeys,
}

impl TableMetadata {
    /// Version of the table format.
    pub fn format_version(&self) -> FormatVersion {
        self.format_version
    }

    /// Identity of the table; may be missing in v1.
    pub fn table_uuid(&self) -> Option<Uuid> {
        self.table_uuid
    }

    /// Base location of the table, as it stands in the document.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The highest sequence number given out; 0 in v1.
    pub fn last_sequence_number(&self) -> SequenceNumber {
        self.last_sequence_number
    }

    /// When this version was made, in milliseconds since 1970-01-01 UTC.
    pub fn last_updated_ms(&self) -> i64 {
        self.last_updated_ms
    }

    /// The highest field id given out.
    pub fn last_column_id(&self) -> FieldId {
        self.last_column_id
    }

    /// All schemas, in the order of the document.
    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }

    /// The schema with this id.
    pub fn schema(&self, id: SchemaId) -> Option<&Arc<Schema>> {
        self.schemas.iter().find(|schema| schema.id() == id)
    }

    /// Id of the current schema.
    pub fn current_schema_id(&self) -> SchemaId {
        self.current_schema_id
    }

    /// The current schema.
    #[expect(clippy::expect_used, reason = "every way to make a metadata ends in `check`, which looks it up")]
    pub fn current_schema(&self) -> &Arc<Schema> {
        self.schema(self.current_schema_id).expect("the current schema is among the schemas")
    }

    /// All partition specs, in the order of the document.
    pub fn partition_specs(&self) -> &[Arc<PartitionSpec>] {
        &self.partition_specs
    }

    /// The partition spec with this id.
    pub fn partition_spec(&self, id: PartitionSpecId) -> Option<&Arc<PartitionSpec>> {
        self.partition_specs.iter().find(|spec| spec.id == id)
    }

    /// Id of the partition spec that writers use.
    pub fn default_spec_id(&self) -> PartitionSpecId {
        self.default_spec_id
    }

    /// The partition spec that writers use.
    #[expect(clippy::expect_used, reason = "every way to make a metadata ends in `check`, which looks it up")]
    pub fn default_partition_spec(&self) -> &Arc<PartitionSpec> {
        self.partition_spec(self.default_spec_id).expect("the default spec is among the specs")
    }

    /// The highest partition field id given out; 999 if there was none.
    pub fn last_partition_id(&self) -> FieldId {
        self.last_partition_id
    }

    /// All sort orders, in the order of the document.
    pub fn sort_orders(&self) -> &[Arc<SortOrder>] {
        &self.sort_orders
    }

    /// The sort order with this id.
    pub fn sort_order(&self, id: SortOrderId) -> Option<&Arc<SortOrder>> {
        self.sort_orders.iter().find(|order| order.id == id)
    }

    /// Id of the sort order that writers should use.
    pub fn default_sort_order_id(&self) -> SortOrderId {
        self.default_sort_order_id
    }

    /// The sort order that writers should use.
    #[expect(clippy::expect_used, reason = "every way to make a metadata ends in `check`, which looks it up")]
    pub fn default_sort_order(&self) -> &Arc<SortOrder> {
        self.sort_order(self.default_sort_order_id).expect("the default order is among the orders")
    }

    /// Table properties.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        &self.properties
    }

    /// How many snapshots there are.
    pub fn snapshot_count(&self) -> usize {
        self.snapshots.len()
    }

    /// Ids of all snapshots, in the order of the document. Costs no parsing.
    pub fn snapshot_ids(&self) -> impl DoubleEndedIterator<Item = SnapshotId> + '_ {
        self.snapshots.ids()
    }

    /// Whether there is a snapshot with this id. Costs no parsing.
    pub fn has_snapshot(&self, id: SnapshotId) -> bool {
        self.snapshots.contains(id)
    }

    /// All snapshots, in the order of the document; each is parsed when it is first reached.
    ///
    /// Items are `InvalidData`, with the path, where a snapshot is malformed.
    pub fn snapshots(&self) -> impl Iterator<Item = Result<&Snapshot, SpecError>> {
        self.snapshots.iter().map(|snapshot| snapshot.map_err(SpecError::from))
    }

    /// The snapshot with this id, parsed when it is first asked for.
    ///
    /// # Errors
    /// `InvalidData`, with the path, if it is malformed.
    pub fn snapshot(&self, id: SnapshotId) -> Result<Option<&Snapshot>, SpecError> {
        Ok(self.snapshots.by_id(id)?)
    }

    /// The JSON of the snapshot with this id, unchanged if it was read: for keeping it elsewhere when it leaves the table.
    /// Costs no parsing.
    pub fn snapshot_json(&self, id: SnapshotId) -> Option<Cow<'_, str>> {
        self.snapshots.json(id, self.format_version)
    }

    /// Id of the head of `main`.
    pub fn current_snapshot_id(&self) -> Option<SnapshotId> {
        self.current_snapshot_id
    }

    /// The head of `main`; `None` for a table without one.
    ///
    /// # Errors
    /// `InvalidData`, with the path, if it is malformed.
    pub fn current_snapshot(&self) -> Result<Option<&Snapshot>, SpecError> {
        match self.current_snapshot_id {
            Some(id) => self.snapshot(id),
            None => Ok(None),
        }
    }

    /// Branches and tags by name. `main` is there exactly if there is a current snapshot.
    pub fn refs(&self) -> &BTreeMap<String, SnapshotRef> {
        &self.refs
    }

    /// When which snapshot became the current one, oldest first.
    pub fn snapshot_log(&self) -> &[SnapshotLogEntry] {
        &self.snapshot_log
    }

    /// The metadata files before this one, oldest first.
    pub fn metadata_log(&self) -> &[MetadataLogEntry] {
        &self.metadata_log
    }

    /// Statistics files.
    pub fn statistics(&self) -> &[StatisticsFile] {
        &self.statistics
    }

    /// Partition statistics files.
    pub fn partition_statistics(&self) -> &[PartitionStatisticsFile] {
        &self.partition_statistics
    }

    /// The next row id to give out (v3); 0 in older versions.
    pub fn next_row_id(&self) -> i64 {
        self.next_row_id
    }

    /// Keys that encrypt metadata (v3).
    pub fn encryption_keys(&self) -> &[EncryptedKey] {
        &self.encryption_keys
    }

    /// Keys of the document that this version does not know.
    pub fn unknown_keys(&self) -> &UnknownKeys {
        &self.unknown_keys
    }

    /// What a [`SchemaUpdate`](crate::schema::evolution::SchemaUpdate) of this table is applied to.
    pub fn schema_update_base(&self) -> UpdateBase<'_> {
        UpdateBase::new(self.current_schema(), self.last_column_id, self.format_version)
            .with_partition_specs(&self.partition_specs)
    }

    /// Starts a change of this table's default partition spec.
    pub fn partition_spec_update(&self) -> PartitionSpecUpdate<'_> {
        PartitionSpecUpdate::new(
            self.current_schema(),
            &self.partition_specs,
            self.default_spec_id,
            self.last_partition_id,
            self.format_version,
        )
    }

    /// The id that `main` has.
    fn main_id(&self) -> Option<SnapshotId> {
        self.refs.get(MAIN_BRANCH).map(|main| main.snapshot_id)
    }
}

#[cfg(test)]
mod tests;
