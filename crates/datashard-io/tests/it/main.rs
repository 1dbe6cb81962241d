//! Integration tests: several layers together.
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[cfg(all(unix, feature = "local", feature = "sim"))]
mod crash;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod crash_race;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_child;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_faults;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_history;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_model;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_order;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_support;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_watched;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod power_loss;
