//! Handles on one table, in memory and in a folder: what a caller sees.

#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test fails by panicking")]

mod race;
