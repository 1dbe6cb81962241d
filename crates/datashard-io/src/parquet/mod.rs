//! Parquet data files.

pub(crate) mod checksum;
pub(crate) mod options;
mod row_group;
mod schema;
mod sound;
mod stored;
pub(crate) mod write;
