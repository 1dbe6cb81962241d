//! Row-level deletes: what they hit when data files are read, and how they are written.

mod select;
mod write_equality;
mod write_position;
mod write_vectors;

use datashard_spec::manifest::FileContent;

use crate::data_error::DataError;
use crate::write::WriteOptions;

pub use write_equality::EqualityDeleteWriter;
pub use write_position::PositionDeleteWriter;
pub use write_vectors::{NewDeletionVector, write_deletion_vectors};

/// The deletes that apply to one data file, loaded.
#[derive(Debug, Default)]
pub struct Deletes {}

/// Whether options are for files of this content.
fn check_content(options: &WriteOptions, content: FileContent) -> Result<(), DataError> {
    if options.content == content {
        return Ok(());
    }
    let reason = format!("they are for files of another content: make them with `FileContent::{content:?}`");
    Err(DataError::InvalidInput { what: "write options", reason })
}
