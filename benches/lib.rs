//! Inputs shared by the benchmarks.

pub mod manifest;
