//! Tables from end to end, as a program that uses this crate sees them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails may panic"
)]

mod append;
mod fixtures;
mod scan;
mod support;
