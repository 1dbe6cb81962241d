//! Deletions: of one file, and of many by as few requests as the store allows.
//!
//! That a file is gone already is no error anywhere: S3 does not tell, GCS and folders do. What could not be deleted is reported and
//! left to the next clean-up; nothing depends on a deletion having happened.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use object_store::ObjectStoreExt;

use super::TableStore;
use super::attempt::Request;
use super::bulk::Chunk;
use crate::error::StoreError;
use crate::location::Scheme;
use crate::path::TablePath;
use crate::request::RequestKind;

/// Requests of [`TableStore::delete_all`] under way at the same time.
const REQUESTS_AT_ONCE: usize = 4;
/// Failures that are kept one by one; more are only counted.
const FAILURES_KEPT: usize = 1_000;

/// What came of deleting many files.
#[derive(Debug, Default)]
#[must_use = "some files may be left"]
#[non_exhaustive]
pub struct DeleteReport {
    /// Files that are gone now, whoever deleted them.
    pub deleted_count: u64,
    /// Files that are there still, or may be.
    pub failed_count: u64,
    /// The first 1,000 of them, with the reason.
    pub failed: Vec<(TablePath, StoreError)>,
    /// Whether names were not even tried, because the store refuses for good: no permission, no bucket.
    pub gave_up: bool,
}

impl DeleteReport {
    /// Whether every file is gone.
    pub fn is_complete(&self) -> bool {
        self.failed_count == 0 && !self.gave_up
    }

    fn add(&mut self, chunk: Chunk) {
        self.deleted_count = self.deleted_count.saturating_add(chunk.deleted_count);
        self.gave_up |= chunk.hopeless;
        for (path, error) in chunk.failed {
            self.failed_count = self.failed_count.saturating_add(1);
            if self.failed.len() < FAILURES_KEPT {
                self.failed.push((path, error));
            }
        }
    }
}

impl TableStore {
    /// Deletes a file. That it is gone already is no error: some stores do not tell.
    ///
    /// # Errors
    /// `PermissionDenied`; `NotFound` for the bucket; `Unavailable` after the deadline.
    ///
    /// # Cancel safety
    /// The file may be deleted or not.
    pub async fn delete(&self, path: &TablePath) -> Result<(), StoreError> {
        let key = &self.key(path)?;
        let request = Request::of(RequestKind::Delete, path.as_str());
        let outcome = self.repeat(request, || async move { self.inner.store.delete(key).await }).await;
        match outcome {
            Err(StoreError::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Deletes many files, in no order: one request for 1,000 of them on S3, for 256 on Azure, one each on GCS.
    ///
    /// The names are taken from `paths` as they are needed, so there may be millions of them. A file that cannot be deleted does not
    /// keep the others; only if the store refuses a whole request for good, no others are sent.
    ///
    /// # Cancel safety
    /// Some files may be deleted and others not.
    pub async fn delete_all<I>(&self, paths: I) -> DeleteReport
    where
        I: IntoIterator<Item = TablePath>,
        I::IntoIter: Send,
    {
        let mut paths = paths.into_iter();
        let most = match self.inner.location.scheme() {
            Scheme::Azure => 256,
            Scheme::File | Scheme::Memory | Scheme::S3 | Scheme::Gcs => 1_000,
        };
        let hopeless = AtomicBool::new(false);
        let chunks = std::iter::from_fn(|| {
            if hopeless.load(Ordering::Relaxed) {
                return None;
            }
            let chunk: Vec<TablePath> = paths.by_ref().take(most).collect();
            (!chunk.is_empty()).then_some(chunk)
        });
        let mut chunks = futures_util::stream::iter(chunks)
            .map(|chunk| self.delete_chunk(chunk))
            .buffer_unordered(REQUESTS_AT_ONCE);
        let mut report = DeleteReport::default();
        while let Some(chunk) = chunks.next().await {
            hopeless.fetch_or(chunk.hopeless, Ordering::Relaxed);
            report.add(chunk);
        }
        if let Some((path, error)) = report.failed.first() {
            tracing::warn!(count = report.failed_count, first = %path, %error, "files not deleted");
        }
        report
    }
}
