//! Manifests and manifest lists as values: files, entries, partition summaries, and what is inherited.
//!
//! ```text
//! manifest list   ManifestFile  ManifestFile  ...        one row per manifest: counts, partition summaries
//!                      |
//! manifest        ManifestEntry  ManifestEntry  ...      one entry per file: added, existing or deleted
//!                      |
//!                  DataFile                              path, partition, counts and bounds of columns
//! ```
//!
//! Their Avro bytes are read and written by the module `avro`.

mod applies;
mod column_map;
mod data_file;
mod entry;
pub(crate) mod error;
mod inherit;
mod list;
mod summary;

pub use applies::{LiveFile, delete_applies, equality_delete_applies, position_delete_applies};
pub use column_map::{ColumnBounds, ColumnCounts};
pub use data_file::{DataContent, DataFile, FileFormat};
pub use entry::{ManifestEntry, ManifestStatus, UnknownFields};
pub use error::ManifestError;
pub use inherit::{Explicit, Inheritance, Inherited, assign_first_row_ids};
pub use list::{FieldSummary, ManifestContent, ManifestFile};
pub use summary::ManifestSummary;
