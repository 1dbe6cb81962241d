//! Which delete files apply, and how they are loaded.

#[cfg(feature = "parquet")]
mod load;
mod select;
