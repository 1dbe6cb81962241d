//! Errors of typed values.

use super::Value;
use crate::error::{ErrorKind, excerpt};

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
    /// A value that a transform does not take.
    #[error("transform {transform} does not take {found}")]
    NotTransformable {
        /// The transform.
        transform: String,
        /// The value, shortened.
        found: String,
    },
    /// A type that has no such form.
    #[error("{what} has no {form} form")]
    NotRepresentable {
        /// The type.
        what: String,
        /// "binary", "JSON" or "text".
        form: &'static str,
    },
}

impl ValueError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Binary { .. } | Self::Text { .. } => ErrorKind::InvalidData,
            Self::Mismatch { .. } | Self::OutOfRange { .. } | Self::NotTransformable { .. } => {
                ErrorKind::InvalidInput
            }
            Self::NotRepresentable { .. } => ErrorKind::Unsupported,
        }
    }
}

/// Text that is no value of the type.
pub(crate) fn text(expected: impl Into<String>, found: &str) -> ValueError {
    ValueError::Text { expected: expected.into(), found: excerpt(found) }
}

/// A value outside the range of its type.
pub(crate) fn out_of_range(expected: impl Into<String>, found: impl std::fmt::Display) -> ValueError {
    ValueError::OutOfRange { expected: expected.into(), found: shorten(found) }
}

/// A value of another type.
pub(crate) fn mismatch(expected: impl Into<String>, found: &Value) -> ValueError {
    ValueError::Mismatch { expected: expected.into(), found: shorten(found) }
}

/// A value that a transform does not take.
pub(crate) fn not_transformable(transform: impl std::fmt::Display, found: &Value) -> ValueError {
    ValueError::NotTransformable { transform: shorten(transform), found: shorten(found) }
}

/// The display form, cut to a length fit for a message. That of values needs no more escaping.
fn shorten(found: impl std::fmt::Display) -> String {
    const MAX_CHARS: usize = 80;
    let mut text = found.to_string();
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}
