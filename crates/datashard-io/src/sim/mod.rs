//! A store, a disk and a clock that a seed decides on, to run the real code on.

mod clock;
#[cfg(all(feature = "local", unix))]
pub mod disk;
mod executor;
mod fault;
mod flight;
mod objects;
mod process;
mod profile;
mod request_log;
mod schedule;
mod server;
mod store;
mod task;

pub use executor::{Simulation, SimulationError, yield_now};
pub use fault::{Answer, Delivery, Effect, Fault, Loss, Occasion, RandomFaults};
pub use objects::Quirks;
pub use process::{Process, ProcessId};
pub use profile::Profile;
pub use request_log::{Answered, LoggedRequest};
pub use server::Partition;
pub use store::SimStore;
pub use task::{JoinHandle, Killed};
