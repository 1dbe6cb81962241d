//! Integration tests: commits on stores in memory, simulated buckets, simulated disks and folders, by handles and by processes.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod catalogue;
mod clean_up;
mod contention;
mod counts;
#[path = "../../../datashard-io/tests/it/disk_child.rs"]
mod disk_child;
#[allow(dead_code, reason = "the tests of storage use all of it")]
#[path = "../../../datashard-io/tests/it/disk_support.rs"]
mod disk_support;
#[path = "../../../datashard-io/tests/it/disk_watched.rs"]
mod disk_watched;
mod kill;
mod kill_points;
mod kill_support;
mod kill_upkeep;
mod memory;
mod named_again;
mod opening;
mod power_loss;
mod power_loss_support;
mod race;
mod roots;
#[path = "../support/mod.rs"]
mod support;
mod time_travel;
