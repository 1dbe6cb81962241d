//! A disk that a seed decides on, for tests.

#[cfg(all(feature = "local", unix))]
pub mod disk;
