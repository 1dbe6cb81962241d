//! Uploads in parts to a simulated bucket, by number as the clients of buckets have them, and in order.

use async_trait::async_trait;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{MultipartId, MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use super::bucket::{mixed_up, written};
use super::objects::{Operation, Reply};
use super::store::SimStore;

#[async_trait]
impl MultipartStore for SimStore {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        match self.ask(Operation::StartUpload { key: path.clone() }).await? {
            Reply::Upload(upload) => Ok(upload.to_string()),
            _ => Err(mixed_up()),
        }
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        part_idx: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        let (key, upload) = (path.clone(), number(id));
        self.ask(Operation::Part { key, upload, index: part_idx, bytes: data.into() }).await?;
        Ok(PartId { content_id: part_idx.to_string() })
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        let parts = parts.iter().filter_map(|part| part.content_id.parse().ok()).collect();
        written(self.ask(Operation::Complete { key: path.clone(), upload: number(id), parts }).await?)
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.ask(Operation::Abort { key: path.clone(), upload: number(id) }).await.map(|_| ())
    }
}

/// The number of an upload; one that no upload has if the text is none.
fn number(id: &MultipartId) -> u64 {
    id.parse().unwrap_or(u64::MAX)
}

/// An upload whose parts have the order in which they are handed over.
#[derive(Debug)]
pub(super) struct SimUpload {
    store: SimStore,
    key: Path,
    upload: u64,
    parts: usize,
}

impl SimUpload {
    pub(super) fn new(store: &SimStore, key: Path, upload: u64) -> Self {
        Self { store: store.clone(), key, upload, parts: 0 }
    }
}

#[async_trait]
impl MultipartUpload for SimUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let index = self.parts;
        self.parts = self.parts.saturating_add(1);
        let (store, key, upload) = (self.store.clone(), self.key.clone(), self.upload);
        Box::pin(async move {
            store.ask(Operation::Part { key, upload, index, bytes: data.into() }).await.map(|_| ())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (key, upload, parts) = (self.key.clone(), self.upload, (0..self.parts).collect());
        written(self.store.ask(Operation::Complete { key, upload, parts }).await?)
    }

    async fn abort(&mut self) -> Result<()> {
        let (key, upload) = (self.key.clone(), self.upload);
        self.store.ask(Operation::Abort { key, upload }).await.map(|_| ())
    }
}
