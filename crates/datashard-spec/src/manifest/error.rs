//! Errors of what manifests and manifest lists hold. Errors of their Avro bytes are [`AvroError`](crate::AvroError)s.

use crate::error::ErrorKind;
use crate::id::FieldId;

/// A manifest or manifest list that breaks a rule of the format, or may not be written as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A required field without a value.
    #[error("{what} {position}: field {field} ({name}) is required and missing")]
    Missing {
        /// "entry" of a manifest or "row" of a manifest list.
        what: &'static str,
        /// Its position in the file, from 0.
        position: u64,
        /// The field.
        field: FieldId,
        /// Its name.
        name: &'static str,
    },
    /// A value that the format does not allow.
    #[error("{what} {position}: field {field} ({name}) is {found}, expected {expected}")]
    Illegal {
        /// "entry" of a manifest or "row" of a manifest list.
        what: &'static str,
        /// Its position in the file, from 0.
        position: u64,
        /// The field.
        field: FieldId,
        /// Its name.
        name: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A header of the file without a needed key, or with a value that cannot be used.
    #[error("file metadata {key:?}: {reason}")]
    Header {
        /// The key.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An entry that may not go into this manifest.
    #[error("entry for {path:?} cannot be written: {reason}")]
    Refused {
        /// The file of the entry.
        path: String,
        /// The rule.
        reason: &'static str,
    },
    /// More rows, files or bytes than the format can count.
    #[error("{what} does not fit into 64 bits")]
    Overflow {
        /// What was counted.
        what: &'static str,
    },
}

impl ManifestError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. } | Self::Illegal { .. } | Self::Header { .. } | Self::Overflow { .. } => {
                ErrorKind::InvalidData
            }
            Self::Refused { .. } => ErrorKind::InvalidInput,
        }
    }
}
