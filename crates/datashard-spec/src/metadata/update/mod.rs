//! Changes of table metadata as values, and the pure function that applies them.
//!
//! Each update is checked against the metadata as the updates before it left it; at the end come the log entries and the
//! rules that every metadata obeys. So a whole transaction is one list, and it takes effect whole or not at all.

mod definitions;
mod history;
mod properties;
mod statistics;

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::log::MetadataLogEntry;
use super::{
    EncryptedKey, FormatVersion, MetadataError, PartitionStatisticsFile, StatisticsFile, TableMetadata,
};
use crate::SpecError;
use crate::id::{PartitionSpecId, SchemaId, SnapshotId, SortOrderId};
use crate::partition::PartitionSpec;
use crate::schema::Schema;
use crate::snapshot::Snapshot;
use crate::snapshot_ref::SnapshotRef;
use crate::sort_order::SortOrder;

/// In place of the id of a schema, spec or order: the one that an update before in the same list added.
pub const LAST_ADDED: i32 = -1;

/// A change of table metadata. Names are those of the REST catalog specification.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TableUpdate {
    /// Gives a table its identity. One that it has cannot be changed.
    AssignUuid {
        /// The identity.
        uuid: Uuid,
    },
    /// Raises the format version. Old snapshots stay as they are; there is no way back. Keys of the new version that some
    /// writer left in the document are taken over.
    UpgradeFormatVersion {
        /// The version to raise it to.
        format_version: FormatVersion,
    },
    /// Adds a schema. Its id is given out here; an equal schema that is there is used instead.
    AddSchema {
        /// The schema, with field ids.
        schema: Schema,
    },
    /// Makes a schema the current one.
    SetCurrentSchema {
        /// Its id, or [`LAST_ADDED`].
        schema_id: SchemaId,
    },
    /// Adds a partition spec. Its id is given out here; an equal spec that is there is used instead.
    AddPartitionSpec {
        /// The spec, with partition field ids.
        spec: PartitionSpec,
    },
    /// Makes a partition spec the one that writers use.
    SetDefaultPartitionSpec {
        /// Its id, or [`LAST_ADDED`].
        spec_id: PartitionSpecId,
    },
    /// Adds a sort order. Its id is given out here; an equal order that is there is used instead.
    AddSortOrder {
        /// The order.
        order: SortOrder,
    },
    /// Makes a sort order the one that writers should use.
    SetDefaultSortOrder {
        /// Its id, or [`LAST_ADDED`].
        sort_order_id: SortOrderId,
    },
    /// Adds a snapshot. No ref names it yet.
    AddSnapshot {
        /// The snapshot.
        snapshot: Snapshot,
    },
    /// Makes or moves a branch or tag; `main` moves the table. Retention settings are those given:
    /// [`SnapshotRef::moved_to`] keeps the ones a branch has.
    SetSnapshotRef {
        /// Its name.
        name: String,
        /// What it is to be.
        reference: SnapshotRef,
    },
    /// Removes snapshots with their statistics and the refs that name them. Ids that are not there are passed over.
    RemoveSnapshots {
        /// Their ids.
        snapshot_ids: Vec<SnapshotId>,
    },
    /// Removes a branch or tag if it is there. Without `main` the table is empty, and its log starts anew.
    RemoveSnapshotRef {
        /// Its name.
        name: String,
    },
    /// Changes the base location.
    SetLocation {
        /// The new location.
        location: String,
    },
    /// Sets properties, one by one.
    SetProperties {
        /// Key and value.
        updates: BTreeMap<String, String>,
    },
    /// Removes properties that are there.
    RemoveProperties {
        /// Their keys.
        removals: Vec<String>,
    },
    /// Sets the statistics file of a snapshot.
    SetStatistics {
        /// The file.
        statistics: StatisticsFile,
    },
    /// Removes the statistics file of a snapshot.
    RemoveStatistics {
        /// The snapshot.
        snapshot_id: SnapshotId,
    },
    /// Sets the partition statistics file of a snapshot.
    SetPartitionStatistics {
        /// The file.
        partition_statistics: PartitionStatisticsFile,
    },
    /// Removes the partition statistics file of a snapshot.
    RemovePartitionStatistics {
        /// The snapshot.
        snapshot_id: SnapshotId,
    },
    /// Removes partition specs, which no manifest may use any more. Ids that are not there are passed over.
    RemovePartitionSpecs {
        /// Their ids.
        spec_ids: Vec<PartitionSpecId>,
    },
    /// Removes schemas, which no snapshot may use any more. Ids that are not there are passed over.
    RemoveSchemas {
        /// Their ids.
        schema_ids: Vec<SchemaId>,
    },
    /// Adds an encryption key (v3).
    AddEncryptionKey {
        /// The key.
        key: EncryptedKey,
    },
    /// Removes an encryption key if it is there.
    RemoveEncryptionKey {
        /// Its name.
        key_id: String,
    },
}

/// What applying updates needs besides them: this crate has no clock and knows no files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplyContext {
    /// The time, in milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
    /// Location of the file that holds the base, for the metadata log; `None` if it was never written.
    pub previous_metadata_file: Option<String>,
}

impl ApplyContext {
    /// At this time, in milliseconds since 1970-01-01 UTC, on a base that was never written.
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms, previous_metadata_file: None }
    }

    /// On a base that is held by this file.
    #[must_use]
    pub fn with_previous_metadata_file(mut self, location: impl Into<String>) -> Self {
        self.previous_metadata_file = Some(location.into());
        self
    }
}

impl TableMetadata {
    /// The metadata after these updates, in order; all of them or none.
    ///
    /// `last-updated-ms` is the time given, but never earlier than before.
    ///
    /// # Errors
    /// `Conflict` if a snapshot was numbered on an older base: reload, number it anew, and apply again. `NotFound` and
    /// `AlreadyExists` if what an update names is not, or already, there; `InvalidInput` if it breaks another rule;
    /// `InvalidData` if the result as a whole does, or a snapshot that matters is malformed.
    pub fn apply(&self, updates: &[TableUpdate], context: &ApplyContext) -> Result<Self, SpecError> {
        let mut draft = Draft::new(self, context);
        for update in updates {
            draft.apply(update)?;
        }
        draft.finish(self, context)
    }
}

/// Metadata under change.
struct Draft {
    metadata: TableMetadata,
    last_added_schema: Option<SchemaId>,
    last_added_spec: Option<PartitionSpecId>,
    last_added_order: Option<SortOrderId>,
    /// Schema, default spec or default order were set: they must fit each other in the end.
    definitions_set: bool,
    added_snapshots: HashSet<SnapshotId>,
    /// Those of the added snapshots that `main` stood at in between.
    passed_through: HashSet<SnapshotId>,
    snapshots_removed: bool,
}

impl Draft {
    fn new(base: &TableMetadata, context: &ApplyContext) -> Self {
        let mut metadata = base.clone();
        // A clock that went back does not take the table with it.
        metadata.last_updated_ms = base.last_updated_ms.max(context.now_ms);
        Self {
            metadata,
            last_added_schema: None,
            last_added_spec: None,
            last_added_order: None,
            definitions_set: false,
            added_snapshots: HashSet::new(),
            passed_through: HashSet::new(),
            snapshots_removed: false,
        }
    }

    fn apply(&mut self, update: &TableUpdate) -> Result<(), SpecError> {
        match update {
            TableUpdate::AssignUuid { uuid } => self.assign_uuid(*uuid)?,
            TableUpdate::UpgradeFormatVersion { format_version } => self.upgrade(*format_version)?,
            TableUpdate::AddSchema { schema } => self.add_schema(schema)?,
            TableUpdate::SetCurrentSchema { schema_id } => self.set_current_schema(*schema_id)?,
            TableUpdate::AddPartitionSpec { spec } => self.add_partition_spec(spec)?,
            TableUpdate::SetDefaultPartitionSpec { spec_id } => self.set_default_spec(*spec_id)?,
            TableUpdate::AddSortOrder { order } => self.add_sort_order(order)?,
            TableUpdate::SetDefaultSortOrder { sort_order_id } => self.set_default_order(*sort_order_id)?,
            TableUpdate::RemoveSchemas { schema_ids } => self.remove_schemas(schema_ids)?,
            TableUpdate::RemovePartitionSpecs { spec_ids } => self.remove_partition_specs(spec_ids)?,
            TableUpdate::AddSnapshot { snapshot } => self.add_snapshot(snapshot)?,
            TableUpdate::SetSnapshotRef { name, reference } => self.set_ref(name, reference)?,
            TableUpdate::RemoveSnapshots { snapshot_ids } => self.remove_snapshots(snapshot_ids),
            TableUpdate::RemoveSnapshotRef { name } => self.remove_ref(name),
            TableUpdate::SetLocation { location } => self.set_location(location)?,
            TableUpdate::SetProperties { updates } => self.set_properties(updates)?,
            TableUpdate::RemoveProperties { removals } => self.remove_properties(removals),
            TableUpdate::SetStatistics { statistics } => self.set_statistics(statistics)?,
            TableUpdate::RemoveStatistics { snapshot_id } => self.remove_statistics(*snapshot_id),
            TableUpdate::SetPartitionStatistics { partition_statistics } => {
                self.set_partition_statistics(partition_statistics)?;
            }
            TableUpdate::RemovePartitionStatistics { snapshot_id } => {
                self.remove_partition_statistics(*snapshot_id);
            }
            TableUpdate::AddEncryptionKey { key } => self.add_encryption_key(key)?,
            TableUpdate::RemoveEncryptionKey { key_id } => self.remove_encryption_key(key_id),
        }
        Ok(())
    }

    fn finish(mut self, base: &TableMetadata, context: &ApplyContext) -> Result<TableMetadata, SpecError> {
        if self.definitions_set {
            self.metadata.check_sources()?;
        }
        self.settle_snapshot_log();
        let metadata = &mut self.metadata;
        if let Some(file) = &context.previous_metadata_file {
            metadata.metadata_log.push(MetadataLogEntry::new(file.clone(), base.last_updated_ms));
        }
        let excess = metadata.metadata_log.len().saturating_sub(metadata.previous_versions_max());
        metadata.metadata_log.drain(..excess);
        metadata.check()?;
        Ok(self.metadata)
    }
}

fn refused(update: &'static str, reason: &'static str, found: impl ToString) -> MetadataError {
    MetadataError::Refused { update, reason, found: crate::error::excerpt(&found.to_string()) }
}

#[cfg(test)]
mod tests;
