//! Files of rows as byte ranges in and bytes out, whatever their format.

pub(crate) mod guard;
mod input;
mod output;

pub use input::InputFile;
pub use output::{OutputFile, Written};
