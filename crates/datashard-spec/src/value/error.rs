//! Errors of typed values.

use crate::error::ErrorKind;

/// A typed value that cannot be made, converted, or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Bytes that are no value of the type.
    #[error("{length} bytes are not a binary {expected}: {reason}")]
    Binary {
        /// The type wanted.
        expected: String,
        /// How many bytes there are.
        length: usize,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// Text that is no value of the type.
    #[error("{found:?} is not a {expected}")]
    Text {
        /// The type wanted.
        expected: String,
        /// What is there, shortened.
        found: String,
    },
    /// A value of another type than the one asked for.
    #[error("a value of type {expected} is needed, found {found}")]
    Mismatch {
        /// The type wanted.
        expected: String,
        /// The value, shortened.
        found: String,
    },
    /// A value outside the range of its type.
    #[error("{found} is outside the range of {expected}")]
    OutOfRange {
        /// The type.
        expected: String,
        /// The value.
        found: String,
    },
    /// A type that has no such form.
    #[error("{what} has no {form} form")]
    NotRepresentable {
        /// The type.
        what: String,
        /// "binary" or "JSON".
        form: &'static str,
    },
}

impl ValueError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Binary { .. } | Self::Text { .. } => ErrorKind::InvalidData,
            Self::Mismatch { .. } | Self::OutOfRange { .. } => ErrorKind::InvalidInput,
            Self::NotRepresentable { .. } => ErrorKind::Unsupported,
        }
    }
}
