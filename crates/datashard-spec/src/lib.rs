//! The Apache Iceberg table format (v1 to v3) as values and bytes: no I/O, no async runtime, no Arrow.

pub mod error;
pub mod expr;
pub mod id;
mod json;
pub mod manifest;
pub mod metadata;
pub mod name_mapping;
pub mod partition;
pub mod property;
pub mod schema;
pub mod snapshot;
pub mod snapshot_ref;
pub mod sort_order;
pub mod transform;
pub mod value;

#[cfg(feature = "avro")]
pub mod avro;
mod avro_error;
#[cfg(feature = "puffin")]
pub mod puffin;
mod puffin_error;

pub use avro_error::{AvroError, AvroFault};
pub use error::{ErrorKind, SpecError};
pub use json::{JsonError, UnknownKeys};
pub use puffin_error::PuffinError;

/// The example of the workspace's README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
