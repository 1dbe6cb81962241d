//! The crate against tables that other implementations wrote (`testdata/`), whole and damaged.
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod damage;
mod expected;
mod filters;
mod fixture;
mod hostile;
mod manifests;
mod metadata;
mod planning;
mod round_trip;
