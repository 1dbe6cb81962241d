//! The commit protocol as functions over values: no I/O, no clock, no randomness. The exhaustive model calls these very functions.
//!
//! | question | function | rules |
//! | --- | --- | --- |
//! | What does the next version say of sessions, keys and floors? | [`advance`] | R3, R4, R6, R9 |
//! | Is my operation committed as of this version? | [`resolve`], [`look_back`] | R5, R6, R9 |
//! | Does this version continue that one? | [`continues`] | R1 |
//! | Does a version count? Must the boundary be read first? | [`counts`], [`must_check_boundary`] | R2 |

mod advance;
mod boundary;
mod chain;
mod resolve;
mod session;
mod state;
mod wire;

pub use advance::{Advanced, Fate, Ineligible, Member, Step, advance};
pub use boundary::{SAFE_SPAN, counts, must_check_boundary};
pub use chain::{Broken, continues};
pub use resolve::{Found, LookBack, Pending, Standing, look_back, resolve};
pub use session::{AppKey, ChainHash, OperationTag, SessionEntry, SessionId};
pub use state::{CommitId, CommitState, Generation, Limits};
pub use wire::{COMMIT_STATE, StateError};

#[cfg(test)]
mod tests;
