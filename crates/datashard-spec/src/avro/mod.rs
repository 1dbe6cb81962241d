//! Avro object containers over byte slices, as manifests and manifest lists need them.

pub use crate::avro_error::AvroError;
