//! Listings.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::TableStore;
use crate::error::StoreError;
use crate::path::TablePath;

/// What a listing or a look at a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// The file, below the table's location.
    pub path: TablePath,
    /// Size in bytes.
    pub size_bytes: u64,
    /// When it was written, in ms since 1970, by the clock of the store.
    pub modified_ms: i64,
}

impl TableStore {
    /// Lists the files of a folder and of the folders below it.
    pub fn list(
        &self,
        folder: Option<&TablePath>,
        start_after: Option<&TablePath>,
    ) -> BoxStream<'static, Result<FileInfo, StoreError>> {
        let _ = (folder, start_after);
        futures_util::stream::empty().boxed()
    }
}
