//! Puffin files and deletion vectors.
//!
//! A Puffin file holds blobs, and a footer at its end that says where they are. Two kinds matter to Iceberg: statistics
//! (sketches, opaque here) and deletion vectors, one [`DeletionVector`] per data file. A scan needs no footer: the manifest
//! entry of a deletion vector gives offset and length of its blob, and [`DeletionVector::deserialize`] reads these bytes.
//!
//! Several deletion vectors may share one file. A file may be deleted only when no live manifest entry names *any* of its
//! blobs; [`Footer::blobs_in_use`] answers that, and an entry that goes away takes its blob with it, never the file.

mod codec;
mod container;
mod cursor;
mod deletion_vector;
mod footer;
mod portable;
mod writer;

#[cfg(test)]
mod tests;

pub use crate::puffin_error::PuffinError;
pub use codec::Codec;
pub use container::{FooterTail, PuffinReader, check_head};
pub use deletion_vector::{DeletionVector, Positions};
pub use footer::{BlobMetadata, BlobRange, Footer, Properties};
pub use writer::{PuffinFile, PuffinWriter};
