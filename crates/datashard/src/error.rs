//! [`Error`]: what can go wrong with a table, by what a caller would do about it. Errors of the layers below keep their types.

use datashard_io::{DataError, StoreError};
use datashard_spec::{ErrorKind, SpecError};
use datashard_txn::CommitError;

/// Why a call on a table failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The table could not be opened, made, or committed to.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Rows could not be read, written, or brought into the table's schema.
    #[error(transparent)]
    Data(Box<DataError>),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StoreError),
    /// A file of the table cannot be understood.
    #[error("`{file}` is damaged")]
    Corrupt {
        /// The file, or the part of the metadata.
        file: String,
        /// What is wrong with it.
        source: Box<SpecError>,
    },
    /// A file that the metadata names lies where this table's files may not be.
    #[error(
        "`{file}` does not lie in the table, neither where it is ({location}) nor where it was written ({recorded})"
    )]
    Outside {
        /// The file as the metadata names it.
        file: String,
        /// Where the table was opened.
        location: String,
        /// Where its metadata says that it is.
        recorded: String,
    },
    /// A filter that cannot be parsed, or does not fit the schema.
    #[error("the filter cannot be used")]
    Filter {
        /// Why.
        source: Box<SpecError>,
    },
    /// A schema that breaks a rule of the format.
    #[error("the schema cannot be used")]
    Schema {
        /// Why.
        source: Box<SpecError>,
    },
    /// A selected column is not in the schema that is read.
    #[error("there is no column `{column}` in the schema that is read; it has {known}")]
    NoColumn {
        /// The name as it was asked for.
        column: String,
        /// The columns that there are.
        known: String,
    },
    /// There is no such snapshot.
    #[error("there is no {what}: it has expired, or was never committed")]
    NoSnapshot {
        /// What was asked for.
        what: String,
    },
}

impl Error {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Commit(error) => error.kind(),
            Self::Data(error) => error.kind(),
            Self::Storage(error) => error.kind(),
            Self::Corrupt { .. } | Self::Outside { .. } => ErrorKind::InvalidData,
            Self::Filter { source } | Self::Schema { source } => source.kind(),
            Self::NoColumn { .. } => ErrorKind::InvalidInput,
            Self::NoSnapshot { .. } => ErrorKind::NotFound,
        }
    }

    /// Whether the same call, unchanged, may succeed.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }

    pub(crate) fn corrupt(file: impl Into<String>, source: impl Into<SpecError>) -> Self {
        Self::Corrupt { file: file.into(), source: Box::new(source.into()) }
    }
}

impl From<DataError> for Error {
    fn from(error: DataError) -> Self {
        Self::Data(Box::new(error))
    }
}
