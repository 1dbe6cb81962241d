//! Worlds in which writers do everything that a table knows: rows are added, rewritten, deleted and published, schemas and specs change, branches
//! come and go, history moves into segments, snapshots expire and files are swept.
//!
//! Data files exist, and what rows they hold is known here. Whatever snapshot comes to be is held against a serial model: its content has
//! to be what its operation makes of its parent's content, and what the operation had read has to be there still, as far as its isolation
//! level says so. Nothing that a snapshot of the table needs may ever be missing.

pub(crate) mod act;
pub(crate) mod audit;
pub(crate) mod changes;
pub(crate) mod hand;
pub(crate) mod historian;
pub(crate) mod housekeeping;
pub(crate) mod rows;
