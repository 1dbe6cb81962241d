//! Bytes and where they live: one table's files in a folder, a bucket, or memory, behind one small contract.

#[cfg(feature = "cloud")]
mod cloud;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod context;
pub mod error;
mod evidence;
pub mod head;
#[cfg(feature = "local")]
pub mod local;
pub mod location;
pub mod path;
pub mod request;
#[cfg(feature = "sim")]
pub mod sim;
pub mod store;

pub use error::StoreError;
pub use head::Head;
pub use location::Location;
pub use path::TablePath;
pub use store::{Capabilities, Created, Durability, StoreOptions, TableStore};
