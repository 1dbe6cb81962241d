//! Worlds in which every operation is mixed with every other: each is planned on what some version holds, sent whenever, and held against a
//! serial model of rows, refs and settings when the world has ended.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `rows` | rows, and the files that hold them |
//! | `shelf` | what snapshots hold, read from the bucket without requests |
//! | `change` | operations that change rows, and what they come to |
//! | `deed` | all operations, as the ledger keeps them |
//! | `planner` | what a writer does next; `writes`, `settings`: how it is planned; `any`: whatever it is, as one type |
//! | `keepers` | retiring, sweeping, and a reader that takes its time |
//! | `annals` | every version that ever was |
//! | `replay` | the annals held against the ledger; `links`: which operation made which version; `step`: what it was to make of it |
//! | `travel` | old snapshots, asked for by id and by time |

mod annals;
mod any;
mod change;
mod deed;
mod keepers;
mod links;
mod planner;
mod replay;
mod rows;
mod settings;
mod shelf;
mod step;
mod travel;
mod writes;

pub(crate) use annals::Annals;
pub(crate) use deed::Deed;
pub(crate) use keepers::unreadable;
pub(crate) use links::leaves_mark;
pub(crate) use planner::{append, plan};
pub(crate) use replay::audit;
pub(crate) use rows::create_table;
pub(crate) use shelf::Shelf;
pub(crate) use travel::travel;
