//! [`CommitError`]: how a commit can end other than well, and what may be done then.

use std::error::Error;
use std::sync::Arc;

use datashard_io::{StoreError, TablePath};
use datashard_spec::ErrorKind;

use crate::conflict::Conflict;
use crate::protocol::StateError;
use crate::refusal::Refusal;
use crate::token::CommitToken;

type Cause = Box<dyn Error + Send + Sync>;

/// Why a commit did not end with an answer of success.
///
/// All but [`CommitStateUnknown`](Self::CommitStateUnknown) are definite: the operation is not in the table and never will be.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Something that was committed meanwhile stands against the operation. On what is there now it may be planned anew.
    #[error("conflict: {0}")]
    Conflict(Box<Conflict>),
    /// The operation cannot be applied to this table.
    #[error("rejected: {reason}")]
    Rejected {
        /// Why.
        reason: String,
    },
    /// There is a table already.
    #[error("there is a table at {location} already")]
    TableExists {
        /// Where.
        location: String,
    },
    /// There is no table.
    #[error("there is no table at {location}")]
    NoTable {
        /// Where.
        location: String,
    },
    /// Whether the operation was committed is not known yet. Nothing that it wrote may be deleted, and it must not be sent anew as another
    /// operation; [`resolve`](crate::Committer::resolve) finds out, from any process.
    #[error("it is not known whether the commit took place: {reason}; ask again with its token")]
    CommitStateUnknown {
        /// What to ask with.
        token: Box<CommitToken>,
        /// What happened.
        reason: String,
        /// The last error of the store, if there was one.
        #[source]
        source: Option<Arc<StoreError>>,
    },
    /// A file of the table is damaged, or the chain of versions is.
    #[error("`{path}` is damaged: {reason}")]
    Corrupt {
        /// The file.
        path: TablePath,
        /// What is wrong.
        reason: String,
    },
    /// To decide, more would have to be held in memory than the handle allows.
    #[error(
        "{operation}: {needed_bytes} bytes and more are needed, and {limit_bytes} are allowed; allow more, or do it in smaller steps"
    )]
    OutOfMemory {
        /// The operation.
        operation: &'static str,
        /// The bytes that were needed when it was given up.
        needed_bytes: u64,
        /// The bytes that are allowed.
        limit_bytes: u64,
    },
    /// The table, or what is asked for, needs something that this version does not have.
    #[error("not supported: {what}")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// The store failed before anything could have been committed.
    #[error(transparent)]
    Storage(Arc<StoreError>),
}

impl CommitError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Rejected { .. } | Self::OutOfMemory { .. } => ErrorKind::InvalidInput,
            Self::TableExists { .. } => ErrorKind::AlreadyExists,
            Self::NoTable { .. } => ErrorKind::NotFound,
            Self::CommitStateUnknown { .. } => ErrorKind::OutcomeUnknown,
            Self::Corrupt { .. } => ErrorKind::InvalidData,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Storage(error) => error.kind(),
        }
    }

    /// Whether the operation is certainly not in the table, now and later.
    pub fn is_definite(&self) -> bool {
        !matches!(self, Self::CommitStateUnknown { .. })
    }

    pub(crate) fn corrupt(path: &TablePath, source: impl Into<Cause>) -> Self {
        Self::Corrupt { path: path.clone(), reason: source.into().to_string() }
    }

    pub(crate) fn rejected(reason: impl Into<String>) -> Self {
        Self::Rejected { reason: reason.into() }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    pub(crate) fn of_state(path: &TablePath, error: StateError) -> Self {
        match error {
            StateError::Damaged { .. } => Self::corrupt(path, error),
            StateError::Protocol { .. } => Self::unsupported(error.to_string()),
        }
    }

    pub(crate) fn of_refusal(refusal: Refusal, location: String) -> Self {
        match refusal {
            Refusal::Conflict(conflict) => Self::Conflict(conflict),
            Refusal::Rejected { operation, reason } => Self::rejected(format!("{operation}: {reason}")),
            Refusal::TableExists => Self::TableExists { location },
            Refusal::NoTable => Self::NoTable { location },
            Refusal::Corrupt { path, reason } => match TablePath::parse(&path) {
                Ok(path) => Self::Corrupt { path, reason },
                Err(error) => Self::rejected(format!("`{path}`: {error}; {reason}")),
            },
            Refusal::Unsupported { operation, reason } => Self::unsupported(format!("{operation}: {reason}")),
        }
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Storage(Arc::new(error))
    }
}

impl From<datashard_io::path::PathError> for CommitError {
    fn from(error: datashard_io::path::PathError) -> Self {
        StoreError::from(error).into()
    }
}
