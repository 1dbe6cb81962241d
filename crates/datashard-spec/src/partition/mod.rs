//! Partition specs.

pub(crate) mod error;

pub use error::PartitionError;

use crate::id::{FieldId, PartitionSpecId};
use crate::json::UnknownKeys;
use crate::transform::Transform;

/// How rows are grouped into files: an ordered list of transforms of columns.
///
/// # Spec
/// "Partitioning".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionSpec {
    /// Id of the spec in its table.
    pub id: PartitionSpecId,
    /// The fields, in the order of the partition tuple.
    pub fields: Vec<PartitionField>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// A field of a partition spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionField {
    /// Ids of the source columns: one, but for multi-argument transforms (v3), which are unknown to this version.
    pub source_ids: Vec<FieldId>,
    /// Id of the partition field, from 1000 on, unique over all specs of a table.
    pub field_id: FieldId,
    /// Name of the partition field, unique in its spec.
    pub name: String,
    /// How the value is made.
    pub transform: Transform,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

impl PartitionField {
    /// A field with one source column.
    pub fn new(source_id: FieldId, field_id: FieldId, name: impl Into<String>, transform: Transform) -> Self {
        Self {
            source_ids: vec![source_id],
            field_id,
            name: name.into(),
            transform,
            unknown_keys: UnknownKeys::default(),
        }
    }

    /// The source column, if there is exactly one.
    pub fn source_id(&self) -> Option<FieldId> {
        match self.source_ids.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

impl PartitionSpec {
    /// A spec of these fields. Nothing is checked here.
    pub fn new(id: PartitionSpecId, fields: Vec<PartitionField>) -> Self {
        Self { id, fields, unknown_keys: UnknownKeys::default() }
    }

    /// The spec without fields.
    pub fn unpartitioned(id: PartitionSpecId) -> Self {
        Self::new(id, Vec::new())
    }

    /// Whether all files fall into one partition: no fields, or only `void` ones.
    pub fn is_unpartitioned(&self) -> bool {
        self.fields.iter().all(|field| field.transform == Transform::Void)
    }
}
