//! Plain writes, of files whose names nobody else uses.

use bytes::Bytes;
use object_store::{PutOptions, PutPayload};

use super::TableStore;
use super::attempt::Request;
use super::create::may_help;
use crate::error::StoreError;
use crate::path::TablePath;
use crate::request::RequestKind;

impl TableStore {
    /// Writes a file, over whatever has its name.
    ///
    /// For files whose names are unique: the request is repeated until it is answered, since the same bytes may be written twice.
    ///
    /// # Errors
    /// `PermissionDenied`, `NotFound` for the bucket, `Unavailable` after the deadline. After the latter the file may exist.
    ///
    /// # Cancel safety
    /// A dropped call may leave the file, whole, or nothing.
    pub async fn put(&self, path: &TablePath, bytes: Bytes) -> Result<(), StoreError> {
        let key = self.key(path)?;
        let request = Request {
            kind: RequestKind::Put,
            path: path.as_str(),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        self.repeat_while(request, may_help, || {
            let (key, bytes) = (key.clone(), bytes.clone());
            async move {
                self.inner
                    .store
                    .put_opts(&key, PutPayload::from_bytes(bytes), PutOptions::default())
                    .await
                    .map(|_| ())
            }
        })
        .await
    }
}
