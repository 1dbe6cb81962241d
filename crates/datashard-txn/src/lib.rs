//! Commits to an Iceberg table that lies in a folder or a bucket, with no catalog, no lock service and no server.
//!
//! A table is a chain of files `metadata/v{N}.metadata.json`, and to create the next one, if nobody else has, is to commit. That one
//! conditional write is not enough by itself: an answer may be lost, a name that was deleted may be created again, a file that nobody
//! refers to yet may be collected. The chain therefore carries a small *commit state* that closes these holes without clocks or locks.
//!
//! # The protocol on one page
//! ```text
//!            the newest version known            view     R2
//!                       |
//!     committed already, or certainly not?       protocol::resolve, look_back     R5 R6 R9
//!                       |
//!     what does version N+1 hold?                next = protocol::advance + Operation::produce     R3 R4 R6
//!                       |
//!     write data, manifests, manifest list ; is there a version N+1 meanwhile?       at the same time
//!                       |
//!     create v{N+1}.metadata.json                the commit point
//!        |              |              |
//!     created      not created     no clear answer
//!        |              '------.-------'
//!     below the retire         |
//!     boundary?   R2      read the chain and begin again: it decides, not the answer     R1
//!        |
//!     committed; then, with nobody waiting: the version hint, leavings of lost attempts     R10
//! ```
//!
//! | | rule | upheld in | shown by |
//! | --- | --- | --- | --- |
//! | R1 | a version continues the one before it; answers are advice | [`protocol::continues`], the commit loop | model, simulation (`answers-are-truth`) |
//! | R2 | versions below the retire boundary do not count | [`protocol::counts`], [`protocol::must_check_boundary`] | model, simulation (`no-check-after-create`, `no-check-after-read`) |
//! | R3 | operations of a session enter in order, without gaps | [`protocol::advance`] | model (`any-number`, `no-session-map`) |
//! | R4 | floors never fall; what is below them is dead | [`protocol::advance`] | model (`drop-untouched`, `ignore-intent-floor`, `ignore-file-floor`) |
//! | R5 | an operation is sent only when known not to be committed | [`protocol::resolve`], [`protocol::look_back`] | model, simulation (`no-history`) |
//! | R6 | a key of the caller's is applied once, for ever | [`protocol::advance`], [`protocol::resolve`] | model, simulation |
//! | R7, R8 | retiring and sweeping in order | the layer above; here their boundary and floor are obeyed | model |
//! | R9 | lost commit state begins a new generation; damaged state stops everything | [`protocol::CommitState`], [`protocol::resolve`] | tests of `protocol` |
//! | R10 | "not committed" is said, and files are deleted, only when that is certain | the commit loop's account of what was sent | simulation |
//!
//! The functions of [`protocol`] and [`next`] are pure: an exhaustive model and a simulation of the whole crate call the very code that runs.
//!
//! # What a commit costs
//! A small append on a handle that knows the newest version costs four PUTs (data, manifest, manifest list, metadata), one GET (is there
//! a newer version?) and one HEAD (is the table still there, and the same?), in two rounds one after the other; no listing. The hint is written after the answer, on buckets at most once a second.
//! An attempt that loses its slot costs two PUTs (manifest list, metadata) and three GETs more (the version that was faster, its manifest
//! list, and whether there is yet a newer one): data and manifests are used again, since they leave their sequence numbers open. Whoever
//! lost before pauses, and then looks for the newest version, which takes a HEAD more. Every eighth append or so merges manifests, one PUT
//! more; what the handle wrote itself it does not read for that.
//!
//! # Outcomes
//! | answer | the operation is in the table |
//! | --- | --- |
//! | [`Committed`] | once |
//! | [`CommitError::CommitStateUnknown`] | perhaps; [`Committer::resolve`] tells, from any process, with its token |
//! | any other error | not, and never will be |
//!
//! # Examples
//! ```
//! use datashard_io::{StoreOptions, TablePath, TableStore};
//! use datashard_spec::id::{PartitionSpecId, SchemaId};
//! use datashard_spec::manifest::{DataFile, FileFormat};
//! use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
//! use datashard_txn::action::{Append, CreateTable};
//! use datashard_txn::protocol::AppKey;
//! use datashard_txn::{CommitOptions, Committer, epoch};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = TableStore::open("memory://lake/events", StoreOptions::new()).await?;
//! let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)])?;
//! let (table, made) = Committer::create(store.clone(), CreateTable::new(schema), CommitOptions::default()).await?;
//! assert_eq!(made.version.0, 1);
//!
//! // Files are named after the version that their writer knew, so that a collector can tell them from leavings.
//! let path = TablePath::parse(&format!("data/{}00000-1.parquet", epoch::prefix(made.version)))?;
//! let file = DataFile::new(store.location().file(&path), FileFormat::Parquet, 3, 4096);
//! # store.put(&path, vec![0; 4096].into()).await?;
//! let append = Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file);
//! let appended = table.commit(append.clone(), Some(AppKey::new("loader", 1))).await?;
//! assert_eq!(appended.version.0, 2);
//!
//! // Sent once more, by whomever: it is applied already.
//! let again = table.commit(append, Some(AppKey::new("loader", 1))).await?;
//! assert!(again.duplicate);
//! assert_eq!(again.snapshot_id, appended.snapshot_id);
//!
//! let base = table.refresh().await?;
//! let snapshot = base.metadata.current_snapshot()?.ok_or("no snapshot")?;
//! assert_eq!(snapshot.summary.total_records(), Some(3));
//! # Ok(()) }
//! ```

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "overflow fails the test"))]

pub mod action;
mod afterwards;
mod attempt;
mod background;
mod base;
mod change;
mod commit;
mod committed;
mod conflict;
mod core;
pub mod epoch;
mod error;
mod group;
mod handle;
mod history;
mod identity;
mod inputs;
mod load;
mod loaded;
mod lookup;
pub mod maintain;
pub mod merge;
mod merging;
mod next;
mod operation;
mod options;
mod own_writes;
mod pace;
mod produced;
pub mod protocol;
mod read;
mod refusal;
mod rules;
pub mod segments;
mod session;
mod token;
mod view;
mod work;

pub use background::{Background, TokioBackground};
pub use base::Base;
pub use change::checks::IsolationLevel;
pub use committed::{Committed, Resolution};
pub use conflict::{Conflict, ConflictKind};
pub use error::CommitError;
pub use handle::Committer;
pub use inputs::Inputs;
pub use loaded::Loaded;
pub use lookup::SUMMARY_APP_KEY;
pub use next::{Next, NoNext, next};
pub use operation::Operation;
pub use options::CommitOptions;
pub use pace::Pace;
pub use produced::{Content, Inherited, NewManifest, Produced};
pub use read::{Finding, Read, Remembered};
pub use refusal::Refusal;
pub use rules::{Mutation, Rules};
pub use token::{CommitToken, TokenError};
