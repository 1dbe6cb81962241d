//! What can go wrong between rows and the files that hold them: which file, where in it, what was found.

use datashard_spec::SpecError;
use datashard_spec::error::ErrorKind;
use datashard_spec::id::FieldId;

use crate::error::{Cause, StoreError};

/// A failure to read or write a data or delete file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The bytes could not be fetched or stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value, a schema or a deletion vector broke a rule of the format.
    #[error("{place}")]
    Spec {
        /// File or field.
        place: String,
        /// What the format says.
        source: Box<SpecError>,
    },
    /// A file whose bytes are not what its format or its manifest promise.
    #[error("`{file}`, {place}: {reason}")]
    Corrupt {
        /// The file, as the manifest names it.
        file: String,
        /// Where in it: "footer", "row group 3, column 7 (a.b)", "block at byte 4096".
        place: String,
        /// What was found and what was expected.
        reason: String,
        /// The decoder's own words, if it had any.
        source: Option<Cause>,
    },
    /// A decoder gave up in a way that only hostile or damaged bytes bring about; it was stopped, and nothing of its work is kept.
    #[error("`{file}`, {place}: the decoder failed on damaged bytes ({message})")]
    Panicked {
        /// The file, as the manifest names it.
        file: String,
        /// Where in it.
        place: String,
        /// What the decoder said.
        message: String,
    },
    /// Bytes do not have the checksum or the length that was recorded when they were written.
    #[error(
        "`{file}`, {place}: the {what} is {found}, but {expected} was recorded; the file was damaged or replaced"
    )]
    Mismatch {
        /// The file, as the manifest names it.
        file: String,
        /// Where in it.
        place: String,
        /// "CRC32C", "SHA-256", "length in bytes".
        what: &'static str,
        /// What was recorded.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A part of a file that would need more memory than is allowed.
    #[error("`{file}`, {place}: needs {bytes} bytes of memory, and {limit_bytes} are allowed")]
    TooLarge {
        /// The file, as the manifest names it.
        file: String,
        /// Where in it.
        place: String,
        /// Bytes that it claims.
        bytes: u64,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// A required column that the file lacks and that has no default.
    #[error("`{file}`: column `{column}` (id {id}) is required, not in the file, and has no initial default")]
    MissingColumn {
        /// The file, as the manifest names it.
        file: String,
        /// Full name of the column.
        column: String,
        /// Its field id.
        id: FieldId,
    },
    /// A column whose type in the file, or in a batch handed in, cannot become the type of the table.
    #[error("{place}: column `{column}` is {found}, which cannot be read as {wanted}{}", hint(advice))]
    WrongType {
        /// File or "record batch".
        place: String,
        /// Full name of the column.
        column: String,
        /// The type found.
        found: String,
        /// The type wanted.
        wanted: String,
        /// What to do about it; may be empty.
        advice: String,
    },
    /// A value that its column cannot hold.
    #[error("{place}, row {row}: column `{column}`: {reason}")]
    BadValue {
        /// File, "record batch" or "record".
        place: String,
        /// Row, counted from 0.
        row: u64,
        /// Full name of the column.
        column: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A batch or a record whose columns are not those of the table.
    #[error("{place}: {reason}")]
    WrongColumns {
        /// "record batch", or "record" with its number.
        place: String,
        /// What is missing or too much.
        reason: String,
    },
    /// An argument or a setting that contradicts another.
    #[error("{what}: {reason}")]
    InvalidInput {
        /// The argument or the setting.
        what: &'static str,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Legal, but not supported.
    #[error("{place}: {what} is not supported: {advice}")]
    Unsupported {
        /// File, column or setting.
        place: String,
        /// What is not supported.
        what: String,
        /// What to do instead.
        advice: String,
    },
    /// A rule of this library was broken by the library itself.
    #[error("a mistake in the library: {what}")]
    Internal {
        /// What should have held.
        what: String,
        /// The library's own words, if it had any.
        source: Option<Cause>,
    },
}

fn hint(advice: &str) -> String {
    if advice.is_empty() { String::new() } else { format!("; {advice}") }
}

impl DataError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Spec { source, .. } => source.kind(),
            Self::Corrupt { .. }
            | Self::Panicked { .. }
            | Self::Mismatch { .. }
            | Self::MissingColumn { .. } => ErrorKind::InvalidData,
            Self::TooLarge { .. }
            | Self::WrongType { .. }
            | Self::BadValue { .. }
            | Self::WrongColumns { .. }
            | Self::InvalidInput { .. } => ErrorKind::InvalidInput,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// Whether the same call, unchanged, may succeed.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }

    /// Damage in a file, without a cause below.
    pub(crate) fn corrupt(
        file: impl Into<String>,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Corrupt { file: file.into(), place: place.into(), reason: reason.into(), source: None }
    }

    /// Damage in a file, as a decoder tells it.
    pub(crate) fn undecodable(
        file: impl Into<String>,
        place: impl Into<String>,
        source: impl Into<Cause>,
    ) -> Self {
        let source = source.into();
        let reason = format!("cannot be decoded: {source}");
        Self::Corrupt { file: file.into(), place: place.into(), reason, source: Some(source) }
    }

    /// A mistake of ours.
    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::Internal { what: what.into(), source: None }
    }
}
