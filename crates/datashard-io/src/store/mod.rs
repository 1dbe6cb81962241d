//! [`TableStore`]: the files of one table, wherever they lie.
//!
//! It holds an [`object_store::ObjectStore`] and adds what commits need of it: one conditional write with an honest answer,
//! retries of its own that hide nothing, counted requests, and errors that say what to do.
//!
//! | call | requests | repeated |
//! |---|---|---|
//! | [`create`](TableStore::create) | 1 PUT | only while it certainly was not acted on |
//! | [`put`](TableStore::put) | 1 PUT | until answered; names are unique |
//! | [`upload`](TableStore::upload) | 1 PUT, or 1 for each part and 2 more | each part |
//! | [`read`](TableStore::read), [`read_tail`](TableStore::read_tail) | 1 GET | until answered; once if the length is wrong |
//! | [`read_range`](TableStore::read_range), [`read_ranges`](TableStore::read_ranges) | 1 GET for each group of near ranges, and for each 16 MiB | each |
//! | [`info`](TableStore::info), [`exists`](TableStore::exists) | 1 HEAD | until answered |
//! | [`list`](TableStore::list) | 1 LIST for each 1,000 names | from the last name seen |
//! | [`delete`](TableStore::delete), [`delete_all`](TableStore::delete_all) | 1 DELETE, for up to 1,000 files on S3 | until answered |
//! | [`store_time_ms`](TableStore::store_time_ms) | 1 PUT, 1 HEAD, 1 DELETE | each |
//!
//! # Examples
//! ```
//! use datashard_io::store::Created;
//! use datashard_io::{StoreError, StoreOptions, TablePath, TableStore};
//! use futures_util::TryStreamExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let store = TableStore::open("memory://lake/events", StoreOptions::new()).await?;
//! let data = TablePath::parse("data/00000-1.parquet")?;
//! let version = TablePath::parse("metadata/v1.metadata.json")?;
//!
//! // Children first, under names that nobody else uses; then the one write that can be lost to somebody else.
//! store.put(&data, "PAR1 rows PAR1".into()).await?;
//! match store.create(&version, "{}".into()).await? {
//!     Created::Yes => {}
//!     // Read the file to find out whose it is.
//!     Created::No | Created::Unclear(_) => unreachable!("nobody else is here"),
//! }
//! assert!(matches!(store.create(&version, "{ }".into()).await?, Created::No));
//!
//! assert_eq!(store.read(&version, 1_000).await?, "{}");
//! assert_eq!(store.read_range(&data, 5..9).await?, "rows");
//! let tail = store.read_tail(&data, 4).await?;
//! assert_eq!((&*tail.bytes, tail.size_bytes), (&b"PAR1"[..], 14));
//!
//! let missing = TablePath::parse("metadata/v2.metadata.json")?;
//! assert!(matches!(store.read(&missing, 1_000).await, Err(StoreError::NotFound { .. })));
//!
//! let names: Vec<_> = store.list(None, None).map_ok(|file| file.path).try_collect().await?;
//! assert_eq!(names, [data.clone(), version]);
//! assert!(store.delete_all([data]).await.is_complete());
//! # Ok(()) }
//! ```

mod attempt;
mod body;
mod bulk;
mod capability;
mod classify;
mod clock;
mod coalesce;
pub mod create;
mod delete;
mod durability;
mod durable;
mod environment;
mod list;
mod list_order;
mod multipart;
mod open;
pub mod options;
mod read;
mod replace;
mod retry;
mod upload;
mod write;

use std::fmt;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::multipart::MultipartStore;

pub use self::capability::Capabilities;
pub(crate) use self::capability::{Conditions, Probe};
pub use self::create::Created;
pub use self::delete::DeleteReport;
pub use self::durability::Durability;
pub use self::durable::Staged;
pub use self::list::FileInfo;
pub use self::options::StoreOptions;
pub use self::read::Tail;
pub(crate) use self::replace::{Replaceable, Replaced, Tag, Tagged};
pub use self::retry::RetryPolicy;
pub use self::upload::{Upload, Uploaded};
use crate::context::Context;
use crate::error::StoreError;
use crate::location::Location;
use crate::path::TablePath;
use crate::request::{Counters, RequestCounts};

/// The files of one table. Cheap to clone; clones share counters and what was learned about the store.
#[derive(Clone)]
pub struct TableStore {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    location: Location,
    /// The table's location in `store`; empty for folders, whose store is the folder itself.
    prefix: object_store::path::Path,
    store: Arc<dyn ObjectStore>,
    /// The same store where it numbers the parts of large uploads, so that they may be sent again.
    multipart: Option<Arc<dyn MultipartStore>>,
    retry: RetryPolicy,
    context: Context,
    counters: Arc<Counters>,
    /// Whether the client below counts its requests itself.
    counted_below: bool,
    conditions: Conditions,
    /// When the hint was written last; shared by clones.
    head: Arc<crate::head::HeadState>,
    /// The folder behind `store`, where it is one: it can do more than a bucket.
    #[cfg(feature = "local")]
    local: Option<crate::local::LocalFolder>,
}

impl TableStore {
    /// A table in a store of the caller's. `prefix` is the table's path in it; `location` is what metadata calls the place.
    ///
    /// The store should not retry by itself: what its retries hide cannot be told here, and `Created::No` then means even less.
    ///
    /// # Errors
    /// `InvalidInput` if the prefix is no path.
    pub fn from_object_store(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        location: Location,
        context: Context,
    ) -> Result<Self, StoreError> {
        let parts = Parts {
            store,
            prefix: prefix.to_owned(),
            location,
            context,
            counters: Arc::default(),
            counted_below: false,
            #[cfg(feature = "local")]
            local: None,
        };
        Self::from_parts(parts, RetryPolicy::default())
    }

    /// A table in a folder.
    #[cfg(feature = "local")]
    pub(crate) fn from_folder(
        folder: crate::local::LocalFolder,
        location: Location,
        context: Context,
        retry: RetryPolicy,
    ) -> Result<Self, StoreError> {
        let parts = Parts {
            store: Arc::new(folder.clone()),
            prefix: String::new(),
            location,
            context,
            counters: Arc::default(),
            counted_below: false,
            local: Some(folder),
        };
        let store = Self::from_parts(parts, retry)?;
        // The folder tries out for itself what its file system does.
        Ok(store.with_conditions(Conditions { probe: Probe::known(), ..Conditions::default() }))
    }

    /// A table in a folder of a file system of the caller's, whose calls run on the thread that asks.
    ///
    /// # Errors
    /// As [`from_object_store`](Self::from_object_store).
    #[cfg(all(feature = "local", any(test, feature = "sim")))]
    pub fn on_file_system(
        fs: Arc<dyn crate::local::file_system::FileSystem>,
        location: Location,
        durability: Durability,
        context: Context,
    ) -> Result<Self, StoreError> {
        use crate::local::{BlockingCalls, LocalFolder, LocalOptions};
        let options = LocalOptions::default().with_durability(durability).with_calls(BlockingCalls::Inline);
        let folder = LocalFolder::on(fs, options, context.clone());
        Self::from_folder(folder, location, context, RetryPolicy::default())
    }

    pub(crate) fn from_parts(parts: Parts, retry: RetryPolicy) -> Result<Self, StoreError> {
        let Parts {
            store,
            prefix,
            location,
            context,
            counters,
            counted_below,
            #[cfg(feature = "local")]
            local,
        } = parts;
        let prefix = if prefix.is_empty() {
            object_store::path::Path::default()
        } else {
            key(&TablePath::parse(&prefix)?)?
        };
        Ok(Self {
            inner: Arc::new(Inner {
                location,
                prefix,
                store,
                multipart: None,
                retry,
                context,
                counters,
                counted_below,
                conditions: Conditions::default(),
                head: Arc::default(),
                #[cfg(feature = "local")]
                local,
            }),
        })
    }

    /// The same files under another retry policy; counters are shared.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        Self { inner: Arc::new(Inner { retry, ..(*self.inner).clone() }) }
    }

    /// The same files with something else known about the store's treatment of conditions.
    #[must_use]
    pub(crate) fn with_conditions(&self, conditions: Conditions) -> Self {
        Self { inner: Arc::new(Inner { conditions, ..(*self.inner).clone() }) }
    }

    /// The same files, with large uploads sent through `multipart`, which must be the same store.
    #[cfg(any(test, feature = "cloud", feature = "sim"))]
    pub(crate) fn with_multipart(&self, multipart: Arc<dyn MultipartStore>) -> Self {
        Self { inner: Arc::new(Inner { multipart: Some(multipart), ..(*self.inner).clone() }) }
    }

    /// Where the table lies.
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    /// Clock, randomness and ids that this store uses.
    pub fn context(&self) -> &Context {
        &self.inner.context
    }

    /// Requests sent and bytes moved since the store was opened.
    pub fn counts(&self) -> RequestCounts {
        self.inner.counters.snapshot()
    }

    /// Whether its calls run on threads of their own beside the caller's: so it is in folders, but for simulated ones.
    #[cfg(feature = "arrow")]
    pub(crate) fn has_threads(&self) -> bool {
        #[cfg(feature = "local")]
        if let Some(folder) = &self.inner.local {
            return folder.has_threads();
        }
        false
    }

    /// The key of a file in the store below.
    fn key(&self, path: &TablePath) -> Result<object_store::path::Path, StoreError> {
        if self.inner.prefix.as_ref().is_empty() {
            return key(path);
        }
        key(&TablePath::parse(&format!("{}/{path}", self.inner.prefix))?)
    }
}

/// What a store is put together from.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: String,
    pub(crate) location: Location,
    pub(crate) context: Context,
    pub(crate) counters: Arc<Counters>,
    pub(crate) counted_below: bool,
    #[cfg(feature = "local")]
    pub(crate) local: Option<crate::local::LocalFolder>,
}

fn key(path: &TablePath) -> Result<object_store::path::Path, StoreError> {
    object_store::path::Path::parse(path.as_str()).map_err(|_| {
        StoreError::Path(crate::path::PathError {
            path: crate::path::excerpt(path.as_str()),
            reason: "has a segment that the store's client does not take",
        })
    })
}

impl fmt::Debug for TableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableStore").field("location", &self.inner.location).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
