//! Files of rows as byte ranges in and bytes out, whatever their format.

mod checksum;
mod digest;
pub(crate) mod guard;
mod input;
mod output;

pub(crate) use checksum::record_sha256;
pub use input::InputFile;
pub(crate) use output::HeldBytes;
pub use output::{OutputFile, Written};
