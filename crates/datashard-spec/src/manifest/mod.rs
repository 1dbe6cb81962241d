//! Manifests and manifest lists as values.

pub(crate) mod error;

pub use error::ManifestError;
