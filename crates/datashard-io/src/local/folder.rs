//! [`LocalFolder`]: a table's folder as an [`object_store::ObjectStore`], and where its blocking calls run.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::failure::{Failure, Reason};
use super::file_system::FileSystem;
use super::files::Files;
use crate::context::Context;
use crate::error::{Acted, StoreError};
use crate::store::Durability;

/// Writes of more bytes go to another thread whatever the file system.
const MOST_INLINE_BYTES: usize = 64 * 1024;

/// Settings of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LocalOptions {
    /// What survives a power loss.
    pub durability: Durability,
    /// Writes also where no method creates a file whole and only if absent. Two writers would then overwrite each other.
    pub unsafe_single_writer: bool,
    /// Where the blocking calls run.
    pub calls: BlockingCalls,
}

impl LocalOptions {
    /// The same with another durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The same with or without the promise that there is a single writer.
    #[must_use]
    pub fn with_unsafe_single_writer(mut self, allowed: bool) -> Self {
        self.unsafe_single_writer = allowed;
        self
    }

    /// The same with another place for blocking calls.
    #[must_use]
    pub fn with_calls(mut self, calls: BlockingCalls) -> Self {
        self.calls = calls;
        self
    }
}

/// Where blocking calls of a file system run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BlockingCalls {
    /// On threads of the tokio runtime kept for that; without a runtime, on the thread that asks. Small writes that flush nothing run
    /// on the thread that asks, too, as long as the file system takes less than half a millisecond for them.
    #[default]
    Pool,
    /// On the thread that asks: for simulations, which have but one.
    Inline,
}

/// A table's folder.
///
/// Files appear under their names whole or not at all, and no call leaves the folder through a symbolic link. The folder need not
/// exist; the first write makes it, if the one above it exists. Reading never writes anything.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use datashard_io::context::Context;
/// use datashard_io::local::{LocalFolder, LocalOptions};
/// use object_store::{ObjectStore, PutMode, path::Path};
///
/// let dir = tempfile::tempdir()?;
/// let folder = LocalFolder::open(&dir.path().join("events"), LocalOptions::default(), Context::system())?;
/// let path = Path::from("metadata/v1.metadata.json");
/// folder.put_opts(&path, "{}".into(), PutMode::Create.into()).await?;
/// let again = folder.put_opts(&path, "[]".into(), PutMode::Create.into()).await;
/// assert!(matches!(again, Err(object_store::Error::AlreadyExists { .. })));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct LocalFolder {
    pub(super) files: Arc<Files>,
}

impl LocalFolder {
    /// Opens a folder of this machine, or of a network mount. Nothing is written.
    ///
    /// # Errors
    /// `InvalidInput` if it is a symbolic link, naming the real path; `NotFound` if it is no folder; `PermissionDenied`;
    /// `Unsupported` on systems that are not Unix.
    #[cfg(unix)]
    pub fn open(root: &Path, options: LocalOptions, context: Context) -> Result<Self, StoreError> {
        use crate::location::Location;
        use crate::request::RequestKind;

        let folder = super::system::SystemFolder::open(root).map_err(|error| {
            let place = root.display().to_string();
            if super::failure::is_link_error(&error) {
                let real = std::fs::canonicalize(root).map(|real| real.display().to_string());
                return StoreError::SymbolicLink {
                    location: place,
                    path: ".".to_owned(),
                    advice: match real {
                        Ok(real) => format!("open {real} instead, and keep to one name for the table"),
                        Err(_) => "and it leads nowhere".to_owned(),
                    },
                };
            }
            if error.kind() == std::io::ErrorKind::NotADirectory {
                return StoreError::NoContainer { location: place, what: "folder" };
            }
            match Location::parse(&place) {
                Ok(location) => Failure::before(error).to_store_error(&location, RequestKind::List, &place),
                Err(error) => StoreError::Location(error),
            }
        })?;
        Ok(Self::on(Arc::new(folder), options, context))
    }

    /// Folders need system calls that this system does not have.
    ///
    /// # Errors
    /// `Unsupported`.
    #[cfg(not(unix))]
    pub fn open(root: &Path, _: LocalOptions, _: Context) -> Result<Self, StoreError> {
        Err(StoreError::Unsupported {
            what: "a table in a folder",
            place: root.display().to_string(),
            reason: "safe writes need system calls that only Unix systems have; use a bucket".to_owned(),
        })
    }

    /// A folder on any file system.
    pub fn on(fs: Arc<dyn FileSystem>, options: LocalOptions, context: Context) -> Self {
        Self { files: Arc::new(Files::new(fs, options, context)) }
    }

    /// The settings.
    pub fn options(&self) -> &LocalOptions {
        &self.files.options
    }

    /// Runs the steps that write `bytes`: on the thread that asks if they are few and nothing is flushed, since then the way to another
    /// thread and back costs more than they do; elsewhere where a file system turned out to be slow.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        steps: impl FnOnce(&Files) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let files = &self.files;
        if files.options.durability != Durability::None || bytes > MOST_INLINE_BYTES || !files.pace.is_fast()
        {
            return self.run(steps).await;
        }
        let clock = &files.context.clock;
        let begun = clock.elapsed();
        let done = steps(files);
        files.pace.took(clock.elapsed().saturating_sub(begun));
        done
    }

    /// Whether blocking calls run on threads beside the caller's.
    #[cfg(feature = "arrow")]
    pub(crate) fn has_threads(&self) -> bool {
        self.files.options.calls == BlockingCalls::Pool
    }

    /// Runs blocking steps where they may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        steps: impl FnOnce(&Files) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        run(&self.files, steps).await
    }
}

/// Runs blocking steps where they may block. They are not interrupted when the future is dropped.
pub(super) async fn run<T: Send + 'static>(
    files: &Arc<Files>,
    steps: impl FnOnce(&Files) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    if files.options.calls == BlockingCalls::Inline {
        return steps(files);
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return steps(files) };
    let files = Arc::clone(files);
    match runtime.spawn_blocking(move || steps(&files)).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down. The steps never began, but that is not promised anywhere.
        Err(error) => {
            Err(Failure { acted: Acted::Maybe, reason: Reason::System(std::io::Error::other(error)) })
        }
    }
}

impl fmt::Debug for LocalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalFolder").field("files", &self.files).finish()
    }
}

impl fmt::Display for LocalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("folder")
    }
}

#[cfg(test)]
mod tests;
