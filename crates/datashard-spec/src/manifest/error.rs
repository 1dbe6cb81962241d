//! Errors of this module.

use crate::error::ErrorKind;

/// A manifest or manifest list that breaks a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {}

impl ManifestError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match *self {}
    }
}
