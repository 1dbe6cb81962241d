//! Errors of predicates.

use crate::error::ErrorKind;

/// A predicate that cannot be read or bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExprError {
    /// Text that is no predicate.
    #[error("predicate, column {column}: expected {expected}, found {found}")]
    Syntax {
        /// Where, in characters from 1.
        column: usize,
        /// What could stand there.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// Text that means something, but nothing that can be pruned with or evaluated.
    #[error("predicate, column {column}: {what} is not supported")]
    Unsupported {
        /// Where, in characters from 1.
        column: usize,
        /// What is meant.
        what: String,
    },
    /// A predicate nested deeper than any real one.
    #[error("the predicate nests deeper than {limit} levels")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// Text longer than any real predicate.
    #[error("the predicate is {length} bytes long, more than {limit}")]
    TooLong {
        /// The length, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A name that the schema does not have.
    #[error("there is no column {name:?} in the schema")]
    UnknownColumn {
        /// The full name.
        name: String,
    },
    /// A name that several columns have when upper and lower case are alike.
    #[error("several columns are named {name:?} but for upper and lower case")]
    AmbiguousColumn {
        /// The full name.
        name: String,
    },
    /// A test that the column or transform does not allow.
    #[error("{term} of type {found} cannot be tested with {test}: {reason}")]
    IllegalTest {
        /// The term.
        term: String,
        /// Its type.
        found: String,
        /// The test.
        test: String,
        /// The rule.
        reason: &'static str,
    },
    /// A literal that is no value of the column's type.
    #[error("{term} of type {expected} cannot be compared with {found}: {reason}")]
    Literal {
        /// The term.
        term: String,
        /// Its type.
        expected: String,
        /// The literal.
        found: String,
        /// The rule.
        reason: String,
    },
}

impl ExprError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::UnknownColumn { .. } => ErrorKind::NotFound,
            Self::AmbiguousColumn { .. } => ErrorKind::InvalidInput,
            Self::Syntax { .. }
            | Self::TooDeep { .. }
            | Self::TooLong { .. }
            | Self::IllegalTest { .. }
            | Self::Literal { .. } => ErrorKind::InvalidInput,
        }
    }
}
