//! The store's own time, for rules about the age of files.
//!
//! Files carry the store's time of their writing. This machine's clock may be wrong by hours, so ages are told by comparing two times of
//! the store.

use bytes::Bytes;

use super::TableStore;
use crate::error::StoreError;
use crate::path::TablePath;

impl TableStore {
    /// The time now by the clock that [`FileInfo::modified_ms`](super::FileInfo::modified_ms) comes from, in ms since 1970.
    ///
    /// It writes a small file of a name of its own below `metadata/_datashard/`, looks at it, and deletes it: a PUT, a HEAD and a
    /// DELETE. The time is that of the writing; stores cut it to a second (S3) or less.
    ///
    /// # Errors
    /// As [`put`](Self::put) and [`info`](Self::info). That the file cannot be deleted again is no error.
    ///
    /// # Cancel safety
    /// The file may be left; it is harmless.
    pub async fn store_time_ms(&self) -> Result<i64, StoreError> {
        let id = self.context().ids.uuid();
        let path = TablePath::parse(&format!("metadata/_datashard/clock-{id}"))?;
        self.put(&path, Bytes::from_static(b"clock")).await?;
        let info = self.info(&path).await;
        if let Err(error) = self.delete(&path).await {
            tracing::warn!(%path, %error, "file not deleted");
        }
        Ok(info?.modified_ms)
    }
}
