//! Apache Iceberg tables with ACID commits in a plain folder or bucket: make one, append, read it back, travel in time, clean up.
//!
//! | to | look at |
//! |---|---|
//! | make or open a table | [`Table`], [`TableOptions`] |
//! | add rows or files | [`Append`], which gives an [`Appended`] |
//! | read rows | [`Scan`]; what it would read, as a [`ScanPlan`] of [`ScanTask`]s |
//! | know what went wrong | [`Error`] |
//! | go a layer down | [`spec`], [`io`], [`txn`] |
//!
//! # Examples
//! ```
//! use datashard::spec::schema::{NestedField, PrimitiveType, Schema};
//! use datashard::{Table, TableOptions};
//! # use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Visit { id: i64, country: String }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let location = format!("file://{}/visits", dir.path().display());
//! let schema = Schema::new(vec![
//!     NestedField::required(1, "id", PrimitiveType::Long),
//!     NestedField::required(2, "country", PrimitiveType::String),
//! ])?;
//! let table = Table::open_or_create(&location, TableOptions::new(schema)).await?;
//! let first = table.append().records([Visit { id: 1, country: "is".into() }]).await?;
//! table.append().records([Visit { id: 2, country: "fo".into() }]).await?;
//!
//! let found: Vec<Visit> = table.scan().filter_text("id > 1")?.rows().await?;
//! assert_eq!(found, [Visit { id: 2, country: "fo".into() }]);
//! let before = first.snapshot_id.ok_or("no snapshot")?;
//! assert_eq!(table.scan().snapshot(before).count().await?, 1);
//! # Ok(()) }
//! ```

mod append;
mod create;
mod error;
mod history;
mod maintain;
mod scan;
mod table;

pub use append::{Append, Appended};
pub use create::TableOptions;
pub use datashard_io as io;
pub use datashard_spec as spec;
pub use datashard_txn as txn;
pub use error::Error;
pub use scan::{Scan, ScanPlan, ScanTask};
pub use table::Table;
