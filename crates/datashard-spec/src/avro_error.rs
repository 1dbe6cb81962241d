//! Errors of the `avro` module. They exist whether or not the feature is on, so that [`SpecError`](crate::SpecError)
//! is the same type in every build.

use crate::error::ErrorKind;

/// An Avro container that cannot be decoded or encoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AvroError {}

impl AvroError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match *self {}
    }
}
