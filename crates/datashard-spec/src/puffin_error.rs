//! Errors of the `puffin` module. They exist whether or not the feature is on, so that [`SpecError`](crate::SpecError)
//! is the same type in every build.

use crate::error::ErrorKind;

/// A Puffin file or deletion vector that cannot be decoded or encoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PuffinError {}

impl PuffinError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match *self {}
    }
}
