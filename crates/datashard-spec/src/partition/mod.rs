//! Partition specs: how rows are grouped into files.
//!
//! A spec is data: reading one checks nothing but its JSON, so that specs of newer writers and specs whose columns were
//! dropped stay readable. [`PartitionSpec::check`] and the builders see to it that those written with are sound.

mod builder;
mod check;
pub(crate) mod error;
mod evolution;
pub(crate) mod json;
mod path;
#[cfg(test)]
mod tests;
mod types;

pub use builder::PartitionSpecBuilder;
pub(crate) use check::check_source;
pub use error::PartitionError;
pub use evolution::{EvolvedPartitionSpec, PartitionSpecUpdate};
pub use types::{partition_statistics_schema, unified_partition_type};

use crate::id::{FieldId, PartitionSpecId};
use crate::json::UnknownKeys;
use crate::transform::Transform;

/// The first id of a partition field.
pub(crate) const FIRST_FIELD_ID: FieldId = FieldId(1000);

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

    /// Whether both group rows alike: the same source columns, transforms and names in the same order. Ids are not looked
    /// at.
    ///
    /// # Spec
    /// "Partition Evolution": an equivalent spec takes the id of the one that is there.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.fields.len() == other.fields.len()
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|(a, b)| a.source_ids == b.source_ids && a.transform == b.transform && a.name == b.name)
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&PartitionField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field with this id.
    pub fn field_by_id(&self, id: FieldId) -> Option<&PartitionField> {
        self.fields.iter().find(|field| field.field_id == id)
    }

    /// The highest field id in use; 999, the one before the first, without fields.
    pub fn highest_field_id(&self) -> FieldId {
        self.fields.iter().map(|field| field.field_id).max().unwrap_or(FieldId(999))
    }
}
