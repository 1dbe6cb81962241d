//! Requirements: what a commit assumed about its base, to be checked again on the table as it is by then.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::{MetadataError, TableMetadata, TableUpdate};
use crate::id::{FieldId, PartitionSpecId, SchemaId, SnapshotId, SortOrderId};

/// What must hold for updates to be applied. Names are those of the REST catalog specification.
///
/// # Examples
/// ```
/// use datashard_spec::ErrorKind;
/// use datashard_spec::metadata::TableRequirement;
///
/// assert!(TableRequirement::AssertCreate.check(None).is_ok());
/// let exists = TableRequirement::AssertTableUuid { uuid: uuid::Uuid::nil() };
/// assert_eq!(exists.check(None).unwrap_err().kind(), ErrorKind::NotFound);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableRequirement {
    /// The table does not exist.
    AssertCreate,
    /// It is the same table.
    AssertTableUuid {
        /// Its identity.
        uuid: Uuid,
    },
    /// A branch or tag was not moved, made or removed.
    AssertRefSnapshotId {
        /// Its name.
        name: String,
        /// Its snapshot; `None` if it must not exist.
        snapshot_id: Option<SnapshotId>,
    },
    /// No column was added.
    AssertLastAssignedFieldId {
        /// The highest field id.
        last_column_id: FieldId,
    },
    /// The schema was not changed.
    AssertCurrentSchemaId {
        /// The current schema.
        schema_id: SchemaId,
    },
    /// No partition field was added.
    AssertLastAssignedPartitionId {
        /// The highest partition field id.
        last_partition_id: FieldId,
    },
    /// The partition spec was not changed.
    AssertDefaultSpecId {
        /// The default spec.
        spec_id: PartitionSpecId,
    },
    /// The sort order was not changed.
    AssertDefaultSortOrderId {
        /// The default order.
        sort_order_id: SortOrderId,
    },
}

impl TableRequirement {
    /// Checks it against the table as it is; `None` if the table does not exist.
    ///
    /// # Errors
    /// `Conflict` if it is not met; `AlreadyExists` if the table should not exist, `NotFound` if it should.
    pub fn check(&self, table: Option<&TableMetadata>) -> Result<(), MetadataError> {
        let Some(table) = table else {
            return if *self == Self::AssertCreate { Ok(()) } else { Err(MetadataError::TableMissing) };
        };
        match self {
            Self::AssertCreate => Err(MetadataError::TableExists),
            Self::AssertTableUuid { uuid } => compare("table-uuid", Some(uuid), table.table_uuid().as_ref()),
            Self::AssertRefSnapshotId { name, snapshot_id } => {
                let found = table.refs().get(name).map(|reference| reference.snapshot_id);
                compare(&format!("ref {:?}", crate::error::excerpt(name)), *snapshot_id, found)
            }
            Self::AssertLastAssignedFieldId { last_column_id } => {
                compare("last-column-id", Some(*last_column_id), Some(table.last_column_id()))
            }
            Self::AssertCurrentSchemaId { schema_id } => {
                compare("current-schema-id", Some(*schema_id), Some(table.current_schema_id()))
            }
            Self::AssertLastAssignedPartitionId { last_partition_id } => {
                compare("last-partition-id", Some(*last_partition_id), Some(table.last_partition_id()))
            }
            Self::AssertDefaultSpecId { spec_id } => {
                compare("default-spec-id", Some(*spec_id), Some(table.default_spec_id()))
            }
            Self::AssertDefaultSortOrderId { sort_order_id } => {
                compare("default-sort-order-id", Some(*sort_order_id), Some(table.default_sort_order_id()))
            }
        }
    }

    /// What updates built on `base` require of the table they are applied to; `None` if they create it.
    ///
    /// Changes of properties, location, statistics and format version merge with whatever others did and require only
    /// that it is the same table.
    pub fn for_updates(base: Option<&TableMetadata>, updates: &[TableUpdate]) -> Vec<Self> {
        let Some(base) = base else { return vec![Self::AssertCreate] };
        let mut requirements: Vec<Self> = Vec::new();
        let mut seen: HashSet<Self> = HashSet::new();
        if let Some(uuid) = base.table_uuid() {
            requirements.push(Self::AssertTableUuid { uuid });
        }
        for update in updates {
            for requirement in Self::of_update(base, update) {
                if seen.insert(requirement.clone()) {
                    requirements.push(requirement);
                }
            }
        }
        requirements
    }

    fn of_update(base: &TableMetadata, update: &TableUpdate) -> Vec<Self> {
        let ref_unmoved = |name: &String| Self::AssertRefSnapshotId {
            name: name.clone(),
            snapshot_id: base.refs().get(name).map(|reference| reference.snapshot_id),
        };
        // What a ref still reads may not be dropped, so no branch may have moved.
        let branches_unmoved = || {
            let branches = base.refs().iter().filter(|(_, reference)| reference.is_branch());
            branches.map(|(name, _)| name).collect::<BTreeSet<_>>().into_iter().map(ref_unmoved)
        };
        let current_schema = || Self::AssertCurrentSchemaId { schema_id: base.current_schema_id() };
        let default_spec = || Self::AssertDefaultSpecId { spec_id: base.default_spec_id() };
        match update {
            TableUpdate::AddSchema { .. } => {
                vec![Self::AssertLastAssignedFieldId { last_column_id: base.last_column_id() }]
            }
            TableUpdate::SetCurrentSchema { .. } => vec![current_schema()],
            TableUpdate::AddPartitionSpec { .. } => {
                vec![Self::AssertLastAssignedPartitionId { last_partition_id: base.last_partition_id() }]
            }
            TableUpdate::SetDefaultPartitionSpec { .. } => vec![default_spec()],
            TableUpdate::SetDefaultSortOrder { .. } => {
                vec![Self::AssertDefaultSortOrderId { sort_order_id: base.default_sort_order_id() }]
            }
            TableUpdate::SetSnapshotRef { name, .. } => vec![ref_unmoved(name)],
            TableUpdate::RemoveSchemas { .. } => {
                std::iter::once(current_schema()).chain(branches_unmoved()).collect()
            }
            TableUpdate::RemovePartitionSpecs { .. } => {
                std::iter::once(default_spec()).chain(branches_unmoved()).collect()
            }
            TableUpdate::AssignUuid { .. }
            | TableUpdate::UpgradeFormatVersion { .. }
            | TableUpdate::AddSortOrder { .. }
            | TableUpdate::AddSnapshot { .. }
            | TableUpdate::RemoveSnapshots { .. }
            | TableUpdate::RemoveSnapshotRef { .. }
            | TableUpdate::SetLocation { .. }
            | TableUpdate::SetProperties { .. }
            | TableUpdate::RemoveProperties { .. }
            | TableUpdate::SetStatistics { .. }
            | TableUpdate::RemoveStatistics { .. }
            | TableUpdate::SetPartitionStatistics { .. }
            | TableUpdate::RemovePartitionStatistics { .. }
            | TableUpdate::AddEncryptionKey { .. }
            | TableUpdate::RemoveEncryptionKey { .. } => Vec::new(),
        }
    }
}

fn compare<T: PartialEq + ToString>(
    what: &str,
    expected: Option<T>,
    found: Option<T>,
) -> Result<(), MetadataError> {
    if expected == found {
        return Ok(());
    }
    let show = |value: Option<T>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    Err(MetadataError::RequirementNotMet {
        what: what.to_owned(),
        expected: show(expected),
        found: show(found),
    })
}
