//! Projection by field id: from a file's own columns to the columns that were asked for.
//!
//! A file is resolved once, when it is opened ([`Resolution`]): which of its columns are wanted, and what stands in for those that it lacks.
//! Batches then go through a [`Projector`], made for the columns that the decoder really gives. Both do the same walk over the read schema
//! and the file's columns, so they cannot disagree:
//!
//! ```text
//! file schema ───── tree of columns with ids ─ bind ─ leaves to decode
//! decoded schema ── tree of columns with ids ─ bind ─ plan ─ batches in the read schema
//! ```
//!
//! Ids come from the fields' metadata. Only where a file has none at all, at any level, they come from the table's name mapping; without a
//! mapping such a file is refused, because its columns could only be guessed: by position or by name, and both are wrong after the first
//! column that was dropped, moved or renamed. An id below 0, which some writers use for "none", counts as none.
//!
//! # Spec
//! "Column Projection".

mod bind;
mod column;
mod missing;
mod plan;
mod projector;
mod resolve;

pub(crate) use projector::Projector;
pub(crate) use resolve::Resolution;

#[cfg(test)]
mod tests;
