//! Errors of types, schemas and changes to them.

use crate::error::ErrorKind;
use crate::id::FieldId;

/// A type or schema that breaks a rule, or a change to one that is not allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Two fields with one id.
    #[error("field id {id} is used by both {first:?} and {second:?}")]
    DuplicateId {
        /// The id.
        id: FieldId,
        /// Full name of the field that has it.
        first: String,
        /// Full name of the other one.
        second: String,
    },
    /// Two fields of one struct with one name.
    #[error("two fields are named {name:?}")]
    DuplicateName {
        /// The full name.
        name: String,
    },
    /// Parameters that the type does not allow.
    #[error("field {field:?}: {found} is not a legal type: {reason}")]
    InvalidType {
        /// Full name of the field.
        field: String,
        /// The type.
        found: String,
        /// The rule.
        reason: &'static str,
    },
    /// A field that may not be an identifier field.
    #[error("field {id} ({name:?}) cannot be an identifier field: {reason}")]
    IdentifierField {
        /// The field.
        id: FieldId,
        /// Its full name; empty if there is no such field.
        name: String,
        /// The rule.
        reason: &'static str,
    },
    /// Types nested deeper than any real schema.
    #[error("the schema nests deeper than {limit} levels")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
}

impl SchemaError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DuplicateId { .. }
            | Self::DuplicateName { .. }
            | Self::InvalidType { .. }
            | Self::IdentifierField { .. }
            | Self::TooDeep { .. } => ErrorKind::InvalidInput,
        }
    }
}
