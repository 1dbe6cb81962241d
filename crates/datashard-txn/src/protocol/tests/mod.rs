//! Tests of the protocol's functions: tables of cases for each, and random histories against the truth.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a handful of versions and sessions; a test that overflows fails"
)]

mod advance;
mod chain;
mod histories;
mod resolve;
mod wire;

use datashard_spec::id::MetadataVersion;

use super::{
    Advanced, CommitId, CommitState, Generation, Ineligible, Limits, Member, OperationTag, SessionId, Step,
};

const GENERATION: Generation = Generation(7);

fn v(version: u64) -> MetadataVersion {
    MetadataVersion(version)
}

fn session(number: u64) -> SessionId {
    SessionId(number)
}

/// A commit with its own id, on a table with or without a state.
fn step(commit: u128) -> Step {
    Step { commit: CommitId(commit), generation: GENERATION, file_floor: v(0) }
}

/// [`advance`](super::advance) with a commit id that follows from the version.
fn advance(
    base: Option<&CommitState>,
    version: u64,
    members: &[Member],
    limits: Limits,
) -> Result<Advanced, (usize, Ineligible)> {
    super::advance(base, v(version), members, step(u128::from(version) + 1), limits)
}
