//! Manifests and manifest lists as values.
//!
//! A snapshot names a manifest list; its rows ([`ManifestFile`]) name manifests; their rows ([`ManifestEntry`]) name
//! data files and delete files ([`DataFile`]). The codec is in `avro`.

pub mod applies;
mod data_file;
mod entry;
pub(crate) mod error;
mod extra;
pub mod field_id;
mod header;
mod inherit;
mod list;
mod metric_map;
pub(crate) mod metrics;
mod summary;

pub use data_file::{DataFile, FileContent, FileFormat};
pub use entry::{ManifestEntry, ManifestStatus};
pub use error::ManifestError;
pub use extra::{AvroValue, ExtraField, ExtraLocation, Extras};
pub use header::ManifestHeader;
pub use inherit::{Inheritance, assign_first_row_ids};
pub use list::{FieldSummary, ManifestContent, ManifestFile};
pub use metric_map::{BoundMap, MetricMap};
pub use summary::{ManifestCounts, PartitionSummary};
