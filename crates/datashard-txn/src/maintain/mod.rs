//! Clean-up that cannot delete what is needed: retiring old versions (R7) and sweeping files that nothing refers to (R8).
//!
//! Both are safe at any moment, beside any number of writers, readers and other clean-ups, and wherever they are stopped; run again, they
//! go on. They rest on two numbers that only rise and that every writer obeys: versions below the *retire boundary* do not count, and files
//! of epochs below the *file floor* can never be added any more. So what has no reference now will never have one, and no clock decides.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `boundary` | up to where versions may be retired: a function of what is there |
//! | `retire` | raises the boundary, then deletes below it |
//! | `floor` | up to where the file floor may rise, and the commit that raises it |
//! | `candidate` | whether a file may go if nothing refers to it: a function of its name and age |
//! | `roots` | what snapshots refer to |
//! | `sweep` | all of it in order: floor, references, listing, deletions |
//!
//! Clocks decide only about comfort: how long readers of expired snapshots, and writers of long jobs, are waited for. Ages are differences
//! of the store's own times.

mod boundary;
mod candidate;
mod floor;
mod report;
mod retire;
mod roots;
mod sweep;

pub use report::{CleanUp, FileCount};
pub use retire::RetireOptions;
pub use sweep::SweepOptions;
