//! Puffin files and deletion vectors.

pub use crate::puffin_error::PuffinError;
