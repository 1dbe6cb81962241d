//! Data files: tables of other writers read whole, round trips through every format, damage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::result_large_err,
    reason = "tests"
)]

mod chance;
mod damage;
mod evolution;
mod fixture;
mod fixture_json;
mod fixture_scan;
mod fixture_values;
mod fixture_variant;
mod fixtures;
#[cfg(target_os = "linux")]
mod memory;
mod metrics;
mod records;
mod requests;
mod round_trip;
mod sheet;
mod write;
