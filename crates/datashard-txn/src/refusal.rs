//! [`Refusal`]: why an operation is not applied.

use crate::conflict::Conflict;

/// Why an operation is not applied. It is definite as far as the base goes; whether an earlier attempt may have been committed is for the
/// commit loop to find out first.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Something that was committed meanwhile stands against it.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// It is wrong by itself, or the table is not one that it can be applied to.
    #[error("{operation}: {reason}")]
    Rejected {
        /// The operation.
        operation: &'static str,
        /// Why.
        reason: String,
    },
    /// There is a table already.
    #[error("there is a table already")]
    TableExists,
    /// There is no table.
    #[error("there is no table")]
    NoTable,
    /// A file of the table is damaged.
    #[error("`{path}` is damaged: {reason}")]
    Corrupt {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// This version cannot do it.
    #[error("{operation}: not supported: {reason}")]
    Unsupported {
        /// The operation.
        operation: &'static str,
        /// What it is.
        reason: String,
    },
}

impl From<Conflict> for Refusal {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}
