//! Several files at once, and files in two steps, so that a commit waits for as few flushes as it can.
//!
//! A commit writes data, manifest, manifest list and table metadata. Only the name of the last has to wait for the others: in a folder
//! the metadata can be written and flushed beside them ([`TableStore::stage`]), and is then only named ([`Staged::create`]).

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::attempt::Request;
use super::create::{answer, created, may_help, send_create};
use super::{Created, TableStore};
use crate::error::StoreError;
use crate::path::TablePath;
use crate::request::RequestKind;

/// Requests of one call that are under way at a time.
const AT_A_TIME: usize = 8;

/// A file that is written, and flushed where that is asked for, but has no name yet. On a bucket it is still in memory.
///
/// Dropped without [`create`](Self::create), it leaves nothing.
#[derive(Debug)]
#[must_use = "a staged file is nowhere until it is created"]
pub struct Staged {
    store: TableStore,
    path: TablePath,
    bytes: Bytes,
    /// What lies in the folder, until the first attempt to name it.
    #[cfg(feature = "local")]
    prepared: Option<crate::local::Prepared>,
}

impl TableStore {
    /// Prepares a file that is to be created: in a folder it is written under a temporary name and flushed.
    ///
    /// Call it after reading the version that the file continues, since the name of that version is made durable here, too. No request is
    /// counted before [`Staged::create`].
    ///
    /// # Errors
    /// As [`create`](Self::create); nothing was created.
    ///
    /// # Cancel safety
    /// Nothing is left behind, except that a temporary file may be for a moment.
    ///
    /// # Examples
    /// ```
    /// # use datashard_io::{StoreOptions, TablePath, TableStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?; let url = dir.path().join("t").display().to_string();
    /// let store = TableStore::open(&url, StoreOptions::new()).await?;
    /// let version = TablePath::parse("metadata/v1.metadata.json")?;
    /// let data = vec![(TablePath::parse("data/a.parquet")?, "rows".into()), (TablePath::parse("metadata/m.avro")?, "files".into())];
    /// let (written, staged) = futures_util::join!(store.put_all(data), store.stage(&version, "{}".into()));
    /// written?;
    /// assert!(staged?.create().await?.is_yes());
    /// # Ok(()) }
    /// ```
    pub async fn stage(&self, path: &TablePath, bytes: Bytes) -> Result<Staged, StoreError> {
        #[cfg(feature = "local")]
        let prepared = match &self.inner.local {
            None => None,
            Some(folder) => {
                let staged = folder.stage(path.as_str(), bytes.clone()).await;
                Some(staged.map_err(|failure| self.failure(failure, RequestKind::Put, path.as_str()))?)
            }
        };
        Ok(Staged {
            store: self.clone(),
            path: path.clone(),
            bytes,
            #[cfg(feature = "local")]
            prepared,
        })
    }

    /// Writes several files, over whatever has their names, at the same time. In a folder each folder is flushed once.
    ///
    /// # Errors
    /// Those of the first file that failed, as of [`put`](Self::put). Others may be there or not.
    ///
    /// # Cancel safety
    /// Each file may be there, whole, or not.
    pub async fn put_all(&self, files: Vec<(TablePath, Bytes)>) -> Result<(), StoreError> {
        #[cfg(feature = "local")]
        if let Some(folder) = &self.inner.local {
            let folders: BTreeSet<String> = files.iter().map(|(path, _)| path.folder().to_owned()).collect();
            let one = |(path, bytes): (TablePath, Bytes)| async move {
                self.repeat_while(put_request(&path, &bytes), may_help, || {
                    let bytes = bytes.clone();
                    let path = &path;
                    async move {
                        let put = folder.put_unflushed(path.as_str(), bytes).await;
                        put.map_err(|failure| failure.into_object_store(path.as_str()))
                    }
                })
                .await
            };
            // All of them are waited for: what the first error leaves under way would be there or not, unseen.
            let written: Vec<Result<(), StoreError>> =
                stream::iter(files).map(one).buffer_unordered(AT_A_TIME).collect().await;
            written.into_iter().collect::<Result<(), StoreError>>()?;
            let flushed = join_all(folders.iter().map(async |name| {
                let flushed = folder.flush_folder_of(name).await;
                flushed.map_err(|failure| self.failure(failure, RequestKind::Put, name))
            }));
            return flushed.await.into_iter().collect();
        }
        let one = |(path, bytes): (TablePath, Bytes)| async move { self.put(&path, bytes).await };
        stream::iter(files).map(one).buffer_unordered(AT_A_TIME).try_collect().await
    }

    /// Makes everything durable that was acknowledged before. Only folders that flush in groups have anything to do.
    ///
    /// # Errors
    /// `Unavailable` if a flush failed: what was acknowledged since the last one may be lost, and the folder takes no more writes.
    ///
    /// # Cancel safety
    /// The flush goes on.
    pub async fn flush(&self) -> Result<(), StoreError> {
        #[cfg(feature = "local")]
        if let Some(folder) = &self.inner.local {
            return folder.flush().await.map_err(|failure| self.failure(failure, RequestKind::Put, ""));
        }
        Ok(())
    }

    /// Removes temporary files that processes left behind when they were killed: those an hour old by the folder's own clock. Tells how
    /// many there were. The first create of each process does it in the folder that it creates in; this walks all of the table.
    ///
    /// On buckets there is nothing to do: what was begun and not ended is not visible there.
    ///
    /// # Errors
    /// `PermissionDenied`, `Unavailable`; some may have been removed.
    ///
    /// # Cancel safety
    /// The walk goes on.
    pub async fn sweep_temporaries(&self) -> Result<u64, StoreError> {
        #[cfg(feature = "local")]
        if let Some(folder) = &self.inner.local {
            return folder.sweep().await.map_err(|failure| self.failure(failure, RequestKind::Delete, ""));
        }
        Ok(0)
    }

    #[cfg(feature = "local")]
    fn failure(&self, failure: crate::local::failure::Failure, kind: RequestKind, path: &str) -> StoreError {
        failure.to_store_error(&self.inner.location, kind, path)
    }
}

impl Staged {
    /// The name that the file is to have.
    pub fn path(&self) -> &TablePath {
        &self.path
    }

    /// Creates the file if nothing has its name: [`TableStore::create`] for what was staged. May be called again after an answer that
    /// was unclear; it then sends the same bytes once more.
    ///
    /// # Errors
    /// As [`TableStore::create`].
    ///
    /// # Cancel safety
    /// A dropped call may still create the file; treat it as `Unclear`.
    pub async fn create(&mut self) -> Result<Created, StoreError> {
        #[cfg(feature = "local")]
        if let (Some(folder), Some(prepared)) = (&self.store.inner.local, self.prepared.take()) {
            let request = put_request(&self.path, &self.bytes);
            let (path, store) = (self.path.as_str(), &*self.store.inner.store);
            let key = self.store.key(&self.path)?;
            // Only the first attempt finds the staged file; a later one writes it anew.
            let mut prepared = Some(prepared);
            let may_repeat = |e: &StoreError| may_help(e) && e.definitely_not_done();
            let outcome = self.store.repeat_while(request, may_repeat, || {
                let (first, key, bytes) = (prepared.take(), key.clone(), self.bytes.clone());
                async move {
                    match first {
                        Some(prepared) => created(
                            folder
                                .create_staged(prepared)
                                .await
                                .map_err(|failure| failure.into_object_store(path)),
                        ),
                        None => send_create(store, &key, bytes).await,
                    }
                }
            });
            return answer(outcome.await);
        }
        self.store.create(&self.path, self.bytes.clone()).await
    }
}

fn put_request<'a>(path: &'a TablePath, bytes: &Bytes) -> Request<'a> {
    Request {
        kind: RequestKind::Put,
        path: path.as_str(),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    }
}
