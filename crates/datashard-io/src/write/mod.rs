//! Writing data and delete files of any format from Arrow record batches in a table's schema.
//!
//! ```text
//! batches ─ conform to the schema ─ partition tuples ─┬─ fan-out: a file open per partition, bounded ─┬─ sort ─ roll by size ─ FormatWriter
//!                                                     └─ clustered: one file open at a time ──────────┘
//! ```
//!
//! Nothing here publishes anything: a [`WriteResult`] is for a commit to name.

mod clustered;
pub(crate) mod column;
mod fanout;
pub(crate) mod files;
pub(crate) mod format;
pub(crate) mod format_writer;
mod location;
pub(crate) mod options;
pub(crate) mod partition;
mod partition_writer;
pub(crate) mod partitioned;
pub(crate) mod rolling;
mod sort;
mod table_writer;
#[cfg(test)]
pub(crate) mod testing;
mod transform;

pub use location::{FileLocation, FileLocations};
pub use options::WriteOptions;
pub use table_writer::{TableWriter, WriteResult};
