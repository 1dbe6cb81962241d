//! Integration tests: whole calls against stores in memory, simulated stores, simulated disks and folders.

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
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod crash;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod crash_race;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_abilities;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_child;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_fault_support;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_faults;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_flush;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_history;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_model;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_order;
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod disk_support;
#[cfg(all(unix, feature = "local", feature = "sim"))]
#[allow(dead_code, reason = "the tests of commits use all of it")]
mod disk_watched;
#[cfg(all(feature = "sim", feature = "conformance"))]
mod faults_conformance;
#[cfg(feature = "sim")]
mod faults_create;
#[cfg(feature = "sim")]
mod faults_list;
#[cfg(feature = "sim")]
mod faults_machine;
#[cfg(feature = "sim")]
mod faults_race;
#[cfg(feature = "sim")]
mod faults_read;
#[cfg(feature = "sim")]
mod faults_refused;
#[cfg(feature = "sim")]
mod faults_storm;
#[cfg(feature = "sim")]
mod faults_support;
#[cfg(all(unix, feature = "local"))]
mod folder_rows;
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
#[cfg(all(unix, feature = "local", feature = "sim"))]
mod power_loss;
