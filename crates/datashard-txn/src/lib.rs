//! Optimistic commits: what changed meanwhile, does it conflict, try again.

mod base;
pub mod epoch;
mod error;
mod next;
mod operation;
pub mod protocol;
mod rules;
mod token;

pub use base::{Base, Loaded};
pub use error::CommitError;
pub use next::{Next, NoNext, next};
pub use operation::{Content, Inputs, NewManifest, Operation, Produced, Refusal};
pub use rules::{Mutation, Rules};
pub use token::{CommitToken, TokenError};
