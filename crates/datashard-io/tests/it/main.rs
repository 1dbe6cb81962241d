//! Integration tests: whole calls against stores in memory, simulated stores and folders.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod head_find;
#[cfg(feature = "local")]
mod head_folder;
mod head_hint;
mod head_layout;
#[cfg(all(feature = "sim", feature = "local", unix))]
mod head_power_loss;
mod head_retired;
#[cfg(feature = "sim")]
mod head_sim;
mod head_support;
