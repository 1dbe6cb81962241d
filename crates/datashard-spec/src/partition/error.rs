//! Errors of this module.

use crate::error::ErrorKind;

/// A partition spec or sort order that breaks a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionError {}

impl PartitionError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match *self {}
    }
}
