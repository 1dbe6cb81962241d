//! What can go wrong with Iceberg values and bytes, and how a caller should treat it.
//!
//! Every module has an error enum of its own that says what failed, where, and what was found; [`SpecError`] is their
//! sum. [`ErrorKind`] is the classification shared by all crates of datashard: match on it, not on message text.

use crate::avro_error::AvroError;
use crate::expr::error::ExprError;
use crate::json::JsonError;
use crate::manifest::error::ManifestError;
use crate::metadata::error::MetadataError;
use crate::partition::error::PartitionError;
use crate::puffin_error::PuffinError;
use crate::schema::error::SchemaError;
use crate::value::error::ValueError;

/// How a caller treats an error, the same for all crates of datashard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something named by the caller does not exist.
    NotFound,
    /// Something that was to be created is there already.
    AlreadyExists,
    /// Others changed what this call was built on: reload and decide anew.
    Conflict,
    /// Whether the call took effect is not known. Never guess; resolve it.
    OutcomeUnknown,
    /// The other side did not answer or refused for now: the same call may succeed later.
    Unavailable,
    /// The caller's credentials do not allow it.
    PermissionDenied,
    /// The caller's input breaks a rule.
    InvalidInput,
    /// Bytes read from storage break a rule of the format.
    InvalidData,
    /// Legal, but not supported by this build.
    Unsupported,
    /// A bug in datashard.
    Internal,
}

/// Any error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A JSON document that is not what the format asks for.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A typed value that cannot be made, converted, or decoded.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A type or schema that breaks a rule, or a change to one that is not allowed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A partition spec or sort order that breaks a rule.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// Table metadata that breaks a rule, or an update that may not be applied.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A manifest or manifest list whose content breaks a rule.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An Avro container that cannot be decoded or encoded.
    #[error(transparent)]
    Avro(#[from] AvroError),
    /// A Puffin file or deletion vector that cannot be decoded or encoded.
    #[error(transparent)]
    Puffin(#[from] PuffinError),
    /// A predicate that cannot be parsed or bound.
    #[error(transparent)]
    Expr(#[from] ExprError),
}

impl SpecError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Json(e) => e.kind(),
            Self::Value(e) => e.kind(),
            Self::Schema(e) => e.kind(),
            Self::Partition(e) => e.kind(),
            Self::Metadata(e) => e.kind(),
            Self::Manifest(e) => e.kind(),
            Self::Avro(e) => e.kind(),
            Self::Puffin(e) => e.kind(),
            Self::Expr(e) => e.kind(),
        }
    }

    /// Whether the same call, unchanged, may succeed.
    ///
    /// Nothing in this crate does I/O, so it is always `false` here; the method exists so that all layers answer the
    /// same question.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Unavailable => true,
            ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::Conflict
            | ErrorKind::OutcomeUnknown
            | ErrorKind::PermissionDenied
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::Unsupported
            | ErrorKind::Internal => false,
        }
    }
}

/// Cuts text that came from outside to a length fit for an error message. Single quotes stay: literals of predicates have them.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let mut cut = String::new();
    for c in text.chars().take(MAX_CHARS) {
        if c == '\'' { cut.push(c) } else { cut.extend(c.escape_debug()) }
    }
    if text.chars().nth(MAX_CHARS).is_some() {
        cut.push_str("...");
    }
    cut
}
