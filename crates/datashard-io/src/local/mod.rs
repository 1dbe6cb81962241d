//! Tables in a folder: files that are whole or absent under their names, and as durable as was asked for.

mod buffers;
mod etag;
mod exclusive;
pub(crate) mod failure;
pub mod file_system;
mod files;
mod flush;
mod folder;
mod list;
mod object_store;
mod pace;
mod prepared;
mod read;
#[cfg(unix)]
mod resolve;
mod sweep;
#[cfg(unix)]
mod system;
mod temporary;
mod update;
mod upload;

pub(crate) use self::files::Prepared;
pub use self::folder::{BlockingCalls, LocalFolder, LocalOptions};
#[cfg(unix)]
pub use self::system::SystemFolder;
