//! Errors of partition specs and sort orders.

use crate::error::ErrorKind;
use crate::id::{FieldId, PartitionSpecId, SortOrderId};

/// A partition spec or sort order that breaks a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionError {
    /// A column named by the caller is not in the schema.
    #[error("the schema has no column {name:?}")]
    ColumnNotFound {
        /// The name.
        name: String,
    },
    /// A partition field named by the caller is not in the spec.
    #[error("the partition spec has no field {name:?}")]
    FieldNotFound {
        /// Its name, or transform and column.
        name: String,
    },
    /// A spec named by id that the table does not have.
    #[error("the table has no partition spec {id}")]
    SpecNotFound {
        /// The id.
        id: PartitionSpecId,
    },
    /// A partition field without a name.
    #[error("partition field {id} has an empty name")]
    EmptyName {
        /// The field.
        id: FieldId,
    },
    /// Two partition fields of one spec with one name.
    #[error("two partition fields are named {name:?}")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// Two partition fields of one spec with one id.
    #[error("partition field id {id} is used by both {first:?} and {second:?}")]
    DuplicateFieldId {
        /// The id.
        id: FieldId,
        /// The field that has it.
        first: String,
        /// The other one.
        second: String,
    },
    /// A partition field named like a column that is not its source.
    #[error("partition field {name:?} has the name of column {column}, and is not its identity")]
    NameOfColumn {
        /// The name.
        name: String,
        /// The column.
        column: FieldId,
    },
    /// A source column that the schema does not have.
    #[error("{field}: source column {source_id} is not in the schema")]
    SourceNotFound {
        /// The partition or sort field.
        field: String,
        /// The column.
        source_id: FieldId,
    },
    /// A source column that may not be one.
    #[error("{field}: column {column:?} cannot be a source: {reason}")]
    SourceNotAllowed {
        /// The partition or sort field.
        field: String,
        /// Full name of the column.
        column: String,
        /// The rule.
        reason: &'static str,
    },
    /// A transform that does not take the type of its source column.
    #[error("{field}: {transform} cannot be applied to column {column:?} of type {found}")]
    TransformNotAllowed {
        /// The partition or sort field.
        field: String,
        /// The transform.
        transform: String,
        /// Full name of the column.
        column: String,
        /// The column's type.
        found: String,
    },
    /// A number of buckets or a width outside its range.
    #[error("{transform} needs a parameter from 1 to {}", i32::MAX)]
    TransformParameter {
        /// The transform.
        transform: String,
    },
    /// Two fields that partition one column in ways that say the same.
    #[error("partition field {field:?} is redundant beside {other:?}: same column, same kind of transform")]
    Redundant {
        /// The field.
        field: String,
        /// The one that is there.
        other: String,
    },
    /// A transform that this version does not know, or with several source columns.
    #[error(
        "{field}: transform {transform} is readable only: specs and orders with it cannot be written with or changed"
    )]
    NotWritable {
        /// The partition or sort field.
        field: String,
        /// The transform.
        transform: String,
    },
    /// Two changes of one update that exclude each other.
    #[error("partition field {field:?}: {reason}")]
    ConflictingChanges {
        /// The field.
        field: String,
        /// Which changes.
        reason: &'static str,
    },
    /// A v1 spec whose field ids are not 1000, 1001 and so on.
    #[error("partition field {field:?} has id {found}; v1 needs sequential ids, here {expected}")]
    NotSequential {
        /// The field.
        field: String,
        /// Its id.
        found: FieldId,
        /// The id by its position.
        expected: FieldId,
    },
    /// One field id that means different things in two specs.
    #[error("partition field id {id} means both {first} and {second}")]
    ConflictingFields {
        /// The id.
        id: FieldId,
        /// The field in one spec.
        first: String,
        /// The field in another.
        second: String,
    },
    /// No id is left for a new spec or partition field.
    #[error("no {what} id is left")]
    IdsExhausted {
        /// "partition spec" or "partition field".
        what: &'static str,
    },
    /// Sort order 0 with fields, or another one without.
    #[error("sort order {id} has {fields} fields; 0 is the unsorted order and the only one without fields")]
    SortOrderIdMismatch {
        /// The id.
        id: SortOrderId,
        /// How many fields it has.
        fields: usize,
    },
}

impl PartitionError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ColumnNotFound { .. } | Self::FieldNotFound { .. } | Self::SpecNotFound { .. } => {
                ErrorKind::NotFound
            }
            Self::EmptyName { .. }
            | Self::DuplicateName { .. }
            | Self::DuplicateFieldId { .. }
            | Self::NameOfColumn { .. }
            | Self::SourceNotFound { .. }
            | Self::SourceNotAllowed { .. }
            | Self::TransformNotAllowed { .. }
            | Self::TransformParameter { .. }
            | Self::Redundant { .. }
            | Self::ConflictingChanges { .. }
            | Self::NotSequential { .. }
            | Self::IdsExhausted { .. }
            | Self::SortOrderIdMismatch { .. } => ErrorKind::InvalidInput,
            Self::ConflictingFields { .. } => ErrorKind::InvalidData,
            Self::NotWritable { .. } => ErrorKind::Unsupported,
        }
    }
}
