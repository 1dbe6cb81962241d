//! Errors of this module.

use crate::error::ErrorKind;
use crate::id::FieldId;

/// A manifest or manifest list that breaks a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// An entry without a value that its status does not let it inherit.
    #[error(
        "entry of {path:?}: field {field} is null in an entry with status {status}, which may not inherit it"
    )]
    NothingToInherit {
        /// Path of the data or delete file.
        path: String,
        /// The field.
        field: FieldId,
        /// Status of the entry.
        status: &'static str,
    },
    /// A value to be written that the rules of its entry refuse.
    #[error("entry of {path:?}: field {field}: {reason}")]
    Entry {
        /// Path of the data or delete file.
        path: String,
        /// The field.
        field: FieldId,
        /// The rule.
        reason: &'static str,
    },
    /// A row of a manifest list to be written that breaks a rule.
    #[error("manifest {path:?}: field {field}: {reason}")]
    List {
        /// Path of the manifest.
        path: String,
        /// The field.
        field: FieldId,
        /// The rule.
        reason: &'static str,
    },
    /// Key-value metadata of a manifest that is missing or makes no sense.
    #[error("manifest header: key {key:?}: {reason}")]
    Header {
        /// The key.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A partition tuple that does not fit its partition type.
    #[error("partition value {position}: expected {expected}, found {found}")]
    Partition {
        /// Position in the tuple, from 0.
        position: usize,
        /// The type.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Row ids or counts that pass the end of their range.
    #[error("{what} passes the largest 64-bit number")]
    Overflow {
        /// What was counted.
        what: &'static str,
    },
}

impl ManifestError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NothingToInherit { .. } | Self::Header { .. } | Self::Overflow { .. } => {
                ErrorKind::InvalidData
            }
            Self::Entry { .. } | Self::List { .. } | Self::Partition { .. } => ErrorKind::InvalidInput,
        }
    }
}
