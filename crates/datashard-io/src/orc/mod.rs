//! ORC data files, read only.
//!
//! ```text
//! tail: types, stripes, statistics ─ stripes and row groups kept ─ bytes of their streams ─ blocks ─ runs ─ Arrow arrays
//! ```
//!
//! The messages of the format come from `orc_rust::proto`. Streams are decoded here rather than by `orc_rust`'s reader, which
//! allocates whatever a stream of lengths claims, turns timestamps out of range into null, and reads top-level columns whole.
//! Here every length is held against what is left of the file and against the memory limit where it is used, and a stream is
//! unpacked block by block, so that memory is what the compressed streams of a stripe need and one batch.

mod codec;
mod column;
mod fault;
mod prune;
pub(crate) mod read;
mod rle;
mod statistics;
mod stream;
mod stripe;
mod tail;
mod types;

#[cfg(test)]
mod tests;
