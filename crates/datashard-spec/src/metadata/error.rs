//! Errors of this module.

use crate::error::ErrorKind;

/// A table metadata that breaks a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {}

impl MetadataError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match *self {}
    }
}
