//! Row-level deletes: what they hit when data files are read, and how they are written.

/// The deletes that apply to one data file, loaded.
#[derive(Debug, Default)]
pub struct Deletes {}
