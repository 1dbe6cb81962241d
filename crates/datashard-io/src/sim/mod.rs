//! A world that a number decides on: the same code that runs on buckets runs here, with time, faults and crashes to order.
//!
//! A [`Simulation`] runs futures on one thread, one step at a time, in an order drawn from its seed, and its clock jumps over
//! every wait. A [`SimStore`] is a bucket in it, which takes its time as S3 or GCS do ([`Profile`]) and goes wrong when told to
//! ([`Fault`], [`RandomFaults`], [`Partition`], [`Quirks`]). A [`Process`] is what can crash, stand still and have a wrong clock.
//! The module `disk` has a file system that loses its power.
//!
//! # How to write a simulation
//! 1. Make a [`Simulation`] for each of many seeds, a store, and one process for each writer; give each writer a table of its own,
//!    [`store.table(process.context())`](SimStore::table): its clock, randomness and ids then belong to the process.
//! 2. Add faults, or let them strike at random.
//! 3. [`spawn`](Process::spawn) the writers, and [`run`](Simulation::run) a future that waits for them, or that kills and pauses them
//!    meanwhile. That nobody can go on is an error with the names of those who wait, and so is a run without end.
//! 4. Check what the store holds without requests ([`SimStore::object`], [`SimStore::keys`]), and what was asked of it and when it
//!    was acted on ([`SimStore::requests`]).
//!
//! Code that is to run here takes time, waiting, randomness and ids from its [`Context`](crate::context::Context) alone, starts no
//! threads, and keeps no order that differs from run to run, such as that of a `HashMap`. Then a failure comes back with its seed.
//!
//! # Examples
//! Writers try to create one file while every third request goes wrong in some way. Whatever they are told, what the file holds
//! decides who made it, since no two of them send the same bytes:
//! ```
//! use bytes::Bytes;
//! use datashard_io::sim::{Profile, RandomFaults, SimStore, Simulation};
//! use datashard_io::{Created, TablePath};
//!
//! for seed in 0..20 {
//!     let simulation = Simulation::new(seed);
//!     let store = SimStore::new(&simulation, Profile::s3());
//!     store.set_random_faults(RandomFaults::usual(0.3));
//!     let path = TablePath::parse("metadata/v1.metadata.json")?;
//!
//!     let writers: Vec<_> = ["anna", "bert", "carl"]
//!         .map(|name| {
//!             let process = simulation.process(name);
//!             let (table, path) = (store.table(process.context()), path.clone());
//!             process.spawn(async move {
//!                 loop {
//!                     match table.create(&path, Bytes::from(name)).await {
//!                         Ok(Created::Yes) => return true,
//!                         // Somebody's file is there: one's own, if an earlier answer was lost.
//!                         Ok(Created::No) => {
//!                             if let Ok(found) = table.read(&path, 100).await {
//!                                 return found == name;
//!                             }
//!                         }
//!                         // Nothing is known, or certainly nothing was done: the same bytes once more.
//!                         Ok(Created::Unclear(_)) | Err(_) => {}
//!                     }
//!                 }
//!             })
//!         })
//!         .into();
//!
//!     let mut winners = 0;
//!     for writer in writers {
//!         winners += usize::from(simulation.run(writer)??);
//!     }
//!     assert_eq!(winners, 1, "seed {seed}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod bucket;
mod clock;
#[cfg(all(feature = "local", unix))]
pub mod disk;
mod executor;
mod fault;
mod flight;
mod hash;
mod multipart;
mod objects;
mod process;
mod profile;
mod random_faults;
mod request_log;
mod schedule;
mod server;
mod slots;
mod store;
mod task;

pub use answer::Answer;
pub use executor::{Simulation, SimulationError, yield_now};
pub use fault::{Delivery, Effect, Fault, Loss, Occasion};
pub use objects::Quirks;
pub use process::{Process, ProcessId};
pub use profile::Profile;
pub use random_faults::RandomFaults;
pub use request_log::{Answered, LoggedRequest};
pub use server::Partition;
pub use store::SimStore;
pub use task::{JoinHandle, Killed};
