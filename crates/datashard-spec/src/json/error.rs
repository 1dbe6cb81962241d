//! Errors of JSON documents, with the path of the offending key.

use crate::error::ErrorKind;

/// A JSON document that is not what the format asks for.
///
/// `at` is the path from the root of the document: `$.snapshots[3].summary.operation`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is not JSON.
    #[error("{at}: not valid JSON: {reason}")]
    Syntax {
        /// Path of the value.
        at: String,
        /// What the parser says, with line and column.
        reason: String,
    },
    /// A required key is missing.
    #[error("{at}: required key {key:?} is missing")]
    Missing {
        /// Path of the object.
        at: String,
        /// The key.
        key: String,
    },
    /// A key occurs twice in one object.
    #[error("{at}: key {key:?} occurs twice")]
    Duplicate {
        /// Path of the object.
        at: String,
        /// The key.
        key: String,
    },
    /// A value of the wrong JSON type or outside its range.
    #[error("{at}: expected {expected}, found {found}")]
    Unexpected {
        /// Path of the value.
        at: String,
        /// What the format asks for.
        expected: String,
        /// What is there, shortened.
        found: String,
    },
    /// Nested deeper than any real document.
    #[error("{at}: nested deeper than {limit} levels")]
    TooDeep {
        /// Path of the value.
        at: String,
        /// The limit, in levels.
        limit: usize,
    },
}

impl JsonError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Syntax { .. }
            | Self::Missing { .. }
            | Self::Duplicate { .. }
            | Self::Unexpected { .. }
            | Self::TooDeep { .. } => ErrorKind::InvalidData,
        }
    }
}
