//! Inputs shared by the benchmarks. Always the same, so that runs can be compared.
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "made-up data of known size, never published"
)]

#[path = "inputs/manifest.rs"]
pub mod manifest;
