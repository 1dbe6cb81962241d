//! Inputs shared by the benchmarks.

pub mod manifest;
pub mod rows;
