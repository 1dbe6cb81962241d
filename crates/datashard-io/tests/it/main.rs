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
