//! Bytes and where they live: one table's files in a folder, a bucket, or memory, behind one small contract.
//!
//! A table without a catalog stands on a single question: *was this file created by me, or was it there?* Stores answer it wrongly in
//! known ways, and client libraries add some of their own. Here it has three answers, [`Created::Yes`], [`Created::No`] and
//! [`Created::Unclear`], and each says what is known and no more.
//!
//! | to | look at |
//! |---|---|
//! | open a table's files by URL, read and write them | [`TableStore`], whose module [`store`] lists what each call costs |
//! | find the newest version of a table, or tell others of it | [`head`] |
//! | name a place, and files below it | [`location`], [`path`] |
//! | know what went wrong and what to do | [`error`] |
//! | count requests | [`request`] |
//! | pass in time, randomness and ids | [`context`] |
//! | keep tables in folders | `local` (feature `local`) |
//! | prove a store of your own | `conformance` (feature) |
//! | test what uses a store, with faults, by a seed | `sim` (feature) |
//!
//! # Features
//! `local` (default): folders, on Unix. `s3`, `gcs`, `azure`: buckets; only these compile an HTTP client and TLS. `conformance`, `sim`: for
//! tests.
//!
//! # Examples
//! ```
//! use datashard_io::{Created, StoreOptions, TablePath, TableStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let url = format!("file://{}/events", dir.path().display());
//! let store = TableStore::open(&url, StoreOptions::from_env()).await?;
//! let first = TablePath::parse("metadata/v1.metadata.json")?;
//! match store.create(&first, "{}".into()).await? {
//!     Created::Yes => println!("a new table"),
//!     Created::No => println!("somebody was faster; read the file to see who"),
//!     Created::Unclear(why) => println!("read the file to find out: {why}"),
//! }
//! let head = store.find_head().await?.ok_or("no table")?;
//! assert_eq!(head.version.0, 1);
//! # Ok(()) }
//! ```

#[cfg(feature = "arrow")]
#[cfg_attr(
    not(all(feature = "parquet", feature = "avro-data", feature = "orc")),
    allow(dead_code, unused_imports, reason = "what formats share is needed by some of them only")
)]
pub mod arrow;
#[cfg(feature = "avro-data")]
pub mod avro;
#[cfg(feature = "cloud")]
mod cloud;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod context;
#[cfg(feature = "arrow")]
mod data_error;
#[cfg(feature = "arrow")]
#[cfg_attr(
    not(all(feature = "parquet", feature = "avro-data", feature = "orc")),
    allow(dead_code, unused_imports, reason = "what formats share is needed by some of them only")
)]
pub mod delete;
pub mod error;
mod evidence;
#[cfg(feature = "arrow")]
#[cfg_attr(
    not(all(feature = "parquet", feature = "avro-data", feature = "orc")),
    allow(dead_code, unused_imports, reason = "what formats share is needed by some of them only")
)]
pub mod file;
pub mod head;
#[cfg(feature = "local")]
pub mod local;
pub mod location;
#[cfg(feature = "arrow")]
#[cfg_attr(
    not(all(feature = "parquet", feature = "avro-data", feature = "orc")),
    allow(dead_code, unused_imports, reason = "what formats share is needed by some of them only")
)]
mod metrics;
#[cfg(feature = "orc")]
pub mod orc;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod path;
#[cfg(feature = "arrow")]
#[cfg_attr(
    not(all(feature = "parquet", feature = "avro-data", feature = "orc")),
    allow(dead_code, unused_imports, reason = "what formats share is needed by some of them only")
)]
pub mod read;
pub mod request;
#[cfg(feature = "arrow")]
#[cfg_attr(
    not(all(feature = "parquet", feature = "avro-data", feature = "orc")),
    allow(dead_code, unused_imports, reason = "what formats share is needed by some of them only")
)]
pub mod row;
#[cfg(feature = "sim")]
pub mod sim;
pub mod store;
#[cfg(feature = "arrow")]
#[cfg_attr(
    not(all(feature = "parquet", feature = "avro-data", feature = "orc")),
    allow(dead_code, unused_imports, reason = "what formats share is needed by some of them only")
)]
pub mod write;

pub use bytes::Bytes;
#[cfg(feature = "arrow")]
pub use data_error::DataError;
pub use error::StoreError;
#[cfg(feature = "arrow")]
pub use file::{InputFile, OutputFile};
pub use head::Head;
pub use location::Location;
pub use object_store;
pub use path::TablePath;
pub use store::{Capabilities, Created, Durability, RetryPolicy, StoreOptions, TableStore};

/// The examples of the workspace's README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
