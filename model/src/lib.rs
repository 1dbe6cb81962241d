//! An exhaustive model of the commit protocol, at the grain of one request to the store.
//!
//! Every decision of the protocol is made by the library's own functions ([`datashard_txn::protocol`]); what is written here only moves
//! requests, faults and ghosts. A checker goes through every order in which the requests of writers, readers, a collector and writers of
//! another make can take effect, and looks at each state:
//!
//! - [`Commits`]: versions, sessions, intents, the retire boundary (R1 to R7, R9);
//! - [`Files`]: data files between being written and being referenced, and who may delete them (R4, R8).
//!
//! No clock exists in it. A [`Mutation`](datashard_txn::Mutation) drops one rule, and the checker has to find a run that goes wrong.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::expect_used,
    reason = "numbers and indices are those of a handful of writers and versions; a panic is a mistake of the model and ends the run"
)]

pub mod commits;
mod explore;
pub mod files;
mod setting;
pub mod suite;
mod walk;

pub use commits::Commits;
pub use explore::{Explored, explore};
pub use files::{Files, Unruly};
pub use setting::{Setting, SettingError};
pub use walk::{Walkable, Walked, walk};
