//! Deletions.

use object_store::ObjectStoreExt;

use super::TableStore;
use super::attempt::Request;
use crate::error::StoreError;
use crate::path::TablePath;
use crate::request::RequestKind;

impl TableStore {
    /// Deletes a file. That it is gone already is no error: some stores do not tell.
    ///
    /// # Errors
    /// `PermissionDenied`, `Unavailable` after the deadline.
    ///
    /// # Cancel safety
    /// The file may be deleted or not.
    pub async fn delete(&self, path: &TablePath) -> Result<(), StoreError> {
        let key = self.key(path)?;
        let request = Request { kind: RequestKind::Delete, path: path.as_str(), bytes: 0 };
        let outcome = self
            .repeat(request, || {
                let key = key.clone();
                async move { self.inner.store.delete(&key).await }
            })
            .await;
        match outcome {
            Err(StoreError::NotFound { .. }) => Ok(()),
            other => other,
        }
    }
}
