//! [`Upload`]: writes a large file as its bytes come, with a bounded share of them in memory.
//!
//! A file that fits in one part is one PUT. Of a larger one, parts go out side by side while the caller makes the next; nothing
//! is visible under the name until [`Upload::finish`].

use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use object_store::PutPayload;
use object_store::path::Path;

use super::TableStore;
use super::multipart::{MAX_FILE_BYTES, Multipart, PartDone, part_bytes};
use crate::error::{Acted, StoreError};
use crate::path::TablePath;
use crate::request::RequestKind;

/// Parts under way at the same time.
const PARTS_AT_ONCE: usize = 4;
/// Shorter pieces are copied together, so that many small ones cost no more memory than their bytes.
const SMALL_BYTES: usize = 64 * 1024;

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// The file.
    pub path: TablePath,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// A file on its way into the store; made by [`TableStore::upload`].
///
/// Holds at most five parts in memory: 40 MB for files up to 8 GB, more beyond, where parts grow.
///
/// Dropping it leaves no file of that name. What a bucket keeps then is an unfinished upload, which no listing shows and which costs
/// storage until it is removed: call [`abort`](Self::abort), and set a rule on the bucket that removes unfinished uploads for
/// the cases in which the process dies.
#[must_use = "there is no file before `finish`"]
pub struct Upload {
    store: TableStore,
    path: TablePath,
    key: Path,
    multipart: Option<Multipart>,
    /// Whole pieces of the next part, and the small ones that follow them.
    pieces: VecDeque<Bytes>,
    small: BytesMut,
    buffered_bytes: u64,
    size_bytes: u64,
    under_way: FuturesUnordered<BoxFuture<'static, Result<PartDone, StoreError>>>,
    /// Set while a call is at work, and for good once one has failed or was dropped.
    broken: bool,
}

impl TableStore {
    /// Begins to write a file whose name nobody else uses. Sends nothing yet.
    ///
    /// # Errors
    /// `InvalidInput` if the store's client does not take the path.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use datashard_io::context::Context;
    /// # use datashard_io::{Location, TablePath, TableStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let memory = Arc::new(object_store::memory::InMemory::new());
    /// # let location = Location::parse("memory://lake/events")?;
    /// # let store = TableStore::from_object_store(memory, "events", location, Context::system())?;
    /// let path = TablePath::parse("data/00000-1.parquet")?;
    /// let mut upload = store.upload(&path)?;
    /// for row_group in 0..3_u8 {
    ///     upload.write(vec![row_group; 1_000].into()).await?;
    /// }
    /// assert_eq!(upload.finish().await?.size_bytes, 3_000);
    /// assert_eq!(store.counts().put, 1); // it fits in one request
    /// # Ok(()) }
    /// ```
    pub fn upload(&self, path: &TablePath) -> Result<Upload, StoreError> {
        Ok(Upload {
            store: self.clone(),
            path: path.clone(),
            key: self.key(path)?,
            multipart: None,
            pieces: VecDeque::new(),
            small: BytesMut::new(),
            buffered_bytes: 0,
            size_bytes: 0,
            under_way: FuturesUnordered::new(),
            broken: false,
        })
    }
}

impl Upload {
    /// The file.
    pub fn path(&self) -> &TablePath {
        &self.path
    }

    /// Bytes written so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Bytes of memory held: the part that is being filled, and those under way.
    #[cfg(feature = "arrow")]
    pub(crate) fn memory_bytes(&self) -> usize {
        let under_way = u64::try_from(self.under_way.len()).unwrap_or(u64::MAX);
        let bytes = self.part_bytes().saturating_mul(under_way).saturating_add(self.buffered_bytes);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Adds bytes at the end. Waits while as many parts are under way as may be.
    ///
    /// # Errors
    /// `InvalidInput` if the file grows beyond 5 TiB; else as for [`TableStore::put`], of any part sent so far. After an error the upload
    /// can only be aborted.
    ///
    /// # Cancel safety
    /// A dropped call has taken some of the bytes or none; the upload can then only be aborted.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.begin()?;
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let room = self.part_bytes().saturating_sub(self.buffered_bytes);
            let take = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            self.add(bytes.split_to(take))?;
            // A part goes out when there is more to come: the last one may be of any size, and a file of exactly one part is one PUT.
            if self.buffered_bytes >= self.part_bytes() && !bytes.is_empty() {
                self.send_part().await?;
            }
        }
        self.advance().await?;
        self.broken = false;
        Ok(())
    }

    /// Makes the file visible, whole, under its name.
    ///
    /// An unclear answer is settled by the size of the file that is there.
    ///
    /// # Errors
    /// As [`write`](Self::write). If [`StoreError::definitely_not_done`] is false, the file may be there or come to be.
    ///
    /// # Cancel safety
    /// A dropped call may leave the file, whole, or none, as dropping the upload does.
    pub async fn finish(mut self) -> Result<Uploaded, StoreError> {
        self.begin()?;
        if self.multipart.is_none() {
            let bytes = self.take_buffered().into();
            self.store.put(&self.path, bytes).await?;
        } else if let Err(error) = self.complete().await {
            if error.definitely_not_done() {
                self.give_up().await;
            }
            return Err(error);
        }
        Ok(Uploaded { path: self.path.clone(), size_bytes: self.size_bytes })
    }

    /// Gives the upload up and removes what the store holds of it.
    ///
    /// # Errors
    /// `PermissionDenied`; `Unavailable` after the deadline. What is left then is as if the upload had been dropped.
    ///
    /// # Cancel safety
    /// As dropping the upload.
    pub async fn abort(mut self) -> Result<(), StoreError> {
        // A part that arrives after the abort would be kept.
        self.under_way.clear();
        match &mut self.multipart {
            Some(multipart) => multipart.abort(&self.store, &self.path, &self.key).await,
            None => Ok(()),
        }
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        if self.broken {
            return Err(StoreError::Refused {
                request: RequestKind::Put,
                location: self.store.location().to_string(),
                path: self.path.to_string(),
                status: "upload".to_owned(),
                detail: "an earlier part of this upload failed or was given up".to_owned(),
                acted: Acted::No,
            });
        }
        self.broken = true;
        Ok(())
    }

    /// Size of the part that is being filled.
    fn part_bytes(&self) -> u64 {
        part_bytes(self.multipart.as_ref().map_or(0, Multipart::parts))
    }

    fn add(&mut self, piece: Bytes) -> Result<(), StoreError> {
        let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let size_bytes = self.size_bytes.saturating_add(bytes);
        if size_bytes > MAX_FILE_BYTES {
            return Err(StoreError::TooLarge {
                location: self.store.location().to_string(),
                path: self.path.clone(),
                size_bytes,
                limit_bytes: MAX_FILE_BYTES,
            });
        }
        self.size_bytes = size_bytes;
        self.buffered_bytes = self.buffered_bytes.saturating_add(bytes);
        if piece.len() < SMALL_BYTES {
            self.small.extend_from_slice(&piece);
        } else {
            self.gather();
            self.pieces.push_back(piece);
        }
        Ok(())
    }

    fn gather(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }

    fn take_buffered(&mut self) -> PutPayload {
        self.gather();
        self.buffered_bytes = 0;
        self.pieces.drain(..).collect()
    }

    /// Sends what is buffered as the next part, once there is room for it.
    async fn send_part(&mut self) -> Result<(), StoreError> {
        if self.multipart.is_none() {
            self.multipart = Some(Multipart::start(&self.store, &self.path, &self.key).await?);
        }
        while self.under_way.len() >= parts_at_once(self.buffered_bytes) {
            match self.under_way.next().await {
                Some(part) => self.note(part?),
                None => break,
            }
        }
        let payload = self.take_buffered();
        let Self { multipart: Some(multipart), store, path, key, .. } = self else { return Ok(()) };
        self.under_way.push(multipart.put(store, path, key, payload)?);
        Ok(())
    }

    /// Lets the parts under way get on, without waiting for them.
    async fn advance(&mut self) -> Result<(), StoreError> {
        while !self.under_way.is_empty() {
            match futures_util::poll!(self.under_way.next()) {
                std::task::Poll::Ready(Some(part)) => self.note(part?),
                std::task::Poll::Ready(None) | std::task::Poll::Pending => break,
            }
        }
        Ok(())
    }

    fn note(&mut self, part: PartDone) {
        if let Some(multipart) = &mut self.multipart {
            multipart.done(part);
        }
    }

    async fn complete(&mut self) -> Result<(), StoreError> {
        if self.buffered_bytes > 0 {
            self.send_part().await?;
        }
        while let Some(part) = self.under_way.next().await {
            self.note(part?);
        }
        match &mut self.multipart {
            Some(multipart) => multipart.complete(&self.store, &self.path, &self.key, self.size_bytes).await,
            None => Ok(()),
        }
    }

    /// Removes the parts after a failure; if that fails too, they are left as if the upload had been dropped.
    async fn give_up(&mut self) {
        self.under_way.clear();
        if let Some(multipart) = &mut self.multipart
            && let Err(error) = multipart.abort(&self.store, &self.path, &self.key).await
        {
            tracing::warn!(path = %self.path, %error, "parts of a failed upload are left");
        }
    }
}

/// Large parts go out fewer at a time, so that memory does not grow as they do.
fn parts_at_once(bytes: u64) -> usize {
    const BYTES_AT_ONCE: u64 = 64 * 1024 * 1024;
    let fit = BYTES_AT_ONCE.checked_div(bytes).unwrap_or(u64::MAX);
    usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, PARTS_AT_ONCE)
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("path", &self.path)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}
