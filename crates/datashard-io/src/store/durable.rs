//! Writes of several files that become durable together, and files written ahead of their names.
//!
//! A commit writes data, manifests and metadata, and only the name of the last makes it happen. In a folder everything before that
//! name can be written and flushed at the same time; on a bucket there is nothing to prepare.

use std::fmt;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::TableStore;
#[cfg(feature = "local")]
use super::attempt::Request;
use super::create::Created;
#[cfg(feature = "local")]
use super::create::may_help;
use crate::error::StoreError;
use crate::path::TablePath;
#[cfg(feature = "local")]
use crate::request::RequestKind;

/// Requests sent to a bucket at the same time.
const PARALLEL: usize = 16;

/// A file that is ready to be created: in a folder it is written and, if that was asked for, flushed, but nobody sees it.
///
/// Dropped, it leaves nothing.
#[must_use = "nothing is created before `create`"]
pub struct Staged {
    store: TableStore,
    path: TablePath,
    bytes: Bytes,
    #[cfg(feature = "local")]
    prepared: Option<crate::local::Prepared>,
}

impl Staged {
    /// The name that the file will have.
    pub fn path(&self) -> &TablePath {
        &self.path
    }

    /// Creates the file if nothing has its name, as [`TableStore::create`] does.
    ///
    /// # Errors
    /// As [`TableStore::create`].
    ///
    /// # Cancel safety
    /// A dropped call may still create the file; treat it as `Unclear`.
    pub async fn create(self) -> Result<Created, StoreError> {
        #[cfg(feature = "local")]
        if let (Some(prepared), Some(folder)) = (self.prepared, &self.store.inner.local) {
            let key = self.store.key(&self.path)?;
            let request = put(&self.path, &self.bytes);
            let named = async {
                match folder.create_prepared(&key, prepared).await {
                    Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::No),
                    other => other.map(|()| Created::Yes),
                }
            };
            match self.store.once(request, named).await {
                Ok(created) => return Ok(created),
                Err(error) if !error.definitely_not_done() => return Ok(Created::Unclear(Box::new(error))),
                // Too many open files, say, or swept away by another process: written anew.
                Err(error) if may_help(&error) || matches!(error, StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.store.create(&self.path, self.bytes).await
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").field("path", &self.path).finish_non_exhaustive()
    }
}

impl TableStore {
    /// Gets a file ready to be [created](Staged::create).
    ///
    /// In a folder the bytes are written to a temporary file and flushed, so several files can be made ready at the same time and
    /// the create itself costs a rename and a flush of the name. The name of the version that the bytes continue is flushed here, too, so
    /// stage a version only after reading the one before. On a bucket nothing is sent yet.
    ///
    /// # Errors
    /// As [`create`](Self::create); certainly nothing was created.
    ///
    /// # Cancel safety
    /// Nothing is created.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use datashard_io::{StoreOptions, TablePath, TableStore};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let root = dir.path().join("events");
    /// let store = TableStore::open(root.to_str().ok_or("not UTF-8")?, StoreOptions::new()).await?;
    /// let staged = store.stage(&TablePath::parse("metadata/v1.metadata.json")?, "{}".into()).await?;
    /// let data = TablePath::parse("data/f.parquet")?;
    /// store.put_all(vec![(data, "rows".into())]).await?;
    /// assert!(staged.create().await?.is_yes());
    /// # Ok(()) }
    /// ```
    pub async fn stage(&self, path: &TablePath, bytes: Bytes) -> Result<Staged, StoreError> {
        #[cfg(feature = "local")]
        let prepared = match &self.inner.local {
            Some(folder) => {
                let key = self.key(path)?;
                let prepared = folder.prepare(&key, bytes.clone()).await;
                let call = self.call(put(path, &bytes));
                Some(prepared.map_err(|error| super::classify::classify(error, call))?)
            }
            None => None,
        };
        Ok(Staged {
            store: self.clone(),
            path: path.clone(),
            bytes,
            #[cfg(feature = "local")]
            prepared,
        })
    }

    /// Writes files, over whatever has their names: in a folder flushed together, each folder once; on a bucket by requests sent at
    /// the same time.
    ///
    /// For files whose names are unique, as [`put`](Self::put).
    ///
    /// # Errors
    /// As [`put`](Self::put), of the first that failed; others may have been written.
    ///
    /// # Cancel safety
    /// Each file may be there, whole, or not.
    pub async fn put_all(&self, files: Vec<(TablePath, Bytes)>) -> Result<(), StoreError> {
        #[cfg(feature = "local")]
        if let Some(folder) = &self.inner.local {
            return self.put_all_local(folder, files).await;
        }
        stream::iter(files)
            .map(Ok)
            .try_for_each_concurrent(PARALLEL, |(path, bytes)| async move { self.put(&path, bytes).await })
            .await
    }

    #[cfg(feature = "local")]
    async fn put_all_local(
        &self,
        folder: &crate::local::LocalFolder,
        files: Vec<(TablePath, Bytes)>,
    ) -> Result<(), StoreError> {
        let Some((first, bytes)) = files.first().cloned() else { return Ok(()) };
        let mut all = Vec::with_capacity(files.len());
        for (path, bytes) in &files {
            all.push((self.key(path)?, bytes.clone()));
        }
        for (path, bytes) in files.iter().skip(1) {
            self.count(put(path, bytes));
        }
        self.once(put(&first, &bytes), folder.put_all(all)).await
    }

    /// Makes the name of a file durable that was found by reading, whoever gave it that name.
    ///
    /// A file of a folder is seen before its name is durable. So whoever settles an unclear create by reading the file, or must not act
    /// on a version that a power loss could take back, calls this first. On buckets what is seen is durable, and nothing is sent.
    ///
    /// # Errors
    /// `Unavailable` if the flush failed; it may be repeated, since it is of names only.
    ///
    /// # Cancel safety
    /// The flush goes on.
    pub async fn make_name_durable(&self, path: &TablePath) -> Result<(), StoreError> {
        #[cfg(feature = "local")]
        if let Some(folder) = &self.inner.local {
            let request = Request { kind: RequestKind::Put, path: path.as_str(), bytes: 0 };
            let flushed = folder.flush_name(&self.key(path)?).await;
            return flushed.map_err(|error| super::classify::classify(error, self.call(request)));
        }
        let _ = path;
        Ok(())
    }

    /// Waits until everything that was acknowledged is durable.
    ///
    /// With durability `full`, and on buckets, there is nothing to do. With `none` nobody keeps account of what is not durable: every
    /// file of the folder is flushed.
    ///
    /// # Errors
    /// `FlushFailed`: files that were acknowledged may be lost. The folder then refuses writes until it is opened again.
    ///
    /// # Cancel safety
    /// The flush goes on.
    pub async fn flush(&self) -> Result<(), StoreError> {
        #[cfg(feature = "local")]
        if let Some(folder) = &self.inner.local {
            let request = Request { kind: RequestKind::Put, path: "", bytes: 0 };
            let flushed = folder.flush().await;
            return flushed.map_err(|error| super::classify::classify(error, self.call(request)));
        }
        Ok(())
    }
}

#[cfg(feature = "local")]
fn put<'a>(path: &'a TablePath, bytes: &Bytes) -> Request<'a> {
    Request {
        kind: RequestKind::Put,
        path: path.as_str(),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    }
}
