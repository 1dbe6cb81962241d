//! Reading a table: a [`Scan`] says what, a [`ScanPlan`] which files, and their rows come as batches.
//!
//! A scan is of one snapshot: what is committed meanwhile changes nothing in it. Rows come in the order of the files in the plan, within a
//! file by position, whatever the concurrency.

mod builder;
mod files;
mod plan;
mod read;

pub use builder::Scan;
pub use plan::{ScanPlan, ScanTask};
