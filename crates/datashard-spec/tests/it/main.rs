//! The crate against tables that other implementations wrote (`testdata/`), whole and damaged.
#![allow(clippy::as_conversions, clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

mod expected;
mod filters;
mod fixture;
mod metadata;
