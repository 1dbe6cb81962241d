//! The commit protocol's own code in simulated worlds: writers, readers and clean-ups, crashes, pauses and faults, all decided by a seed.
//!
//! A failure prints its seed and how to see it again: `cargo xtask sim --seeds 1 --from SEED`. With the variable `DATASHARD_SIM_LOG` set, every
//! request of the world is printed, too.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells what it did"
)]

mod auditor;
mod bystanders;
mod chain;
mod chance;
mod director;
mod ledger;
mod mixed;
#[cfg(feature = "mutations")]
mod mutations;
mod plan;
mod rows_answers;
mod rows_cancel;
mod rows_other_tables;
mod rows_races;
mod rows_stalled;
mod rows_trouble;
mod scene;
mod seeds;
mod site;
mod world;
mod writer;
