//! An upload in parts, as the store below knows it: started, parts in any order, completed or aborted.
//!
//! Two kinds are told apart. Buckets number their parts, so a part or the completion may be sent again
//! ([`object_store::multipart::MultipartStore`]). A store of the caller's gives an object that takes each part and the completion
//! once ([`object_store::MultipartUpload`]); there a failure is final, and repeating is the store's own business.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{MultipartId, MultipartUpload, ObjectStore, PutMultipartOptions, PutPayload};

use super::TableStore;
use super::attempt::{Request, Tries};
use crate::error::{Acted, StoreError};
use crate::path::TablePath;
use crate::request::RequestKind;

const MIB: u64 = 1024 * 1024;
/// Parts in one upload: what S3 and GCS allow.
const MAX_PARTS: usize = 10_000;
/// Bytes in one file: what S3 and GCS allow.
pub(super) const MAX_FILE_BYTES: u64 = 5 * MIB * MIB;

/// Size of part number `index`, the last excepted: 8 MiB, doubled after each 1,000 parts, so that 10,000 of them hold 5 TiB.
///
/// Stores ask for at least 5 MiB and at most 5 GiB. Cloudflare R2 wants all parts equal, which holds up to 8 GB.
pub(super) fn part_bytes(index: usize) -> u64 {
    let doublings = u32::try_from(index / 1_000).unwrap_or(u32::MAX).min(9);
    (8 * MIB) << doublings
}

/// An upload that has been started.
pub(super) enum Multipart {
    /// Parts have numbers; everything may be repeated.
    Numbered { id: MultipartId, store: Arc<dyn MultipartStore>, parts: Vec<Option<PartId>> },
    /// Parts are taken in the order they are handed over, once.
    Once { upload: Box<dyn MultipartUpload>, handed: usize },
}

/// The answer to a part.
pub(super) struct PartDone {
    index: usize,
    id: Option<PartId>,
}

impl Multipart {
    /// Starts an upload: one PUT.
    pub(super) async fn start(store: &TableStore, path: &TablePath, key: &Path) -> Result<Self, StoreError> {
        let request = Request::of(RequestKind::Put, path.as_str());
        if let Some(numbered) = &store.inner.multipart {
            // If the answer is lost, the store keeps an upload without parts, which the bucket's own rules remove.
            let id = store.repeat(request, || async move { numbered.create_multipart(key).await }).await?;
            return Ok(Self::Numbered { id, store: Arc::clone(numbered), parts: Vec::new() });
        }
        let below = &store.inner.store;
        let start = || async move { below.put_multipart_opts(key, PutMultipartOptions::default()).await };
        Ok(Self::Once { upload: store.repeat(request, start).await?, handed: 0 })
    }

    /// Parts handed over so far.
    pub(super) fn parts(&self) -> usize {
        match self {
            Self::Numbered { parts, .. } => parts.len(),
            Self::Once { handed, .. } => *handed,
        }
    }

    /// Hands over the next part: one PUT, sent when the future is polled.
    ///
    /// # Errors
    /// `InvalidInput` if there are as many parts as may be.
    pub(super) fn put(
        &mut self,
        store: &TableStore,
        path: &TablePath,
        key: &Path,
        payload: PutPayload,
    ) -> Result<BoxFuture<'static, Result<PartDone, StoreError>>, StoreError> {
        if self.parts() >= MAX_PARTS {
            // Not reached as long as parts are as large as `part_bytes` says.
            return Err(StoreError::TooLarge {
                location: store.location().to_string(),
                path: path.clone(),
                size_bytes: u64::MAX,
                limit_bytes: MAX_FILE_BYTES,
            });
        }
        let bytes = u64::try_from(payload.content_length()).unwrap_or(u64::MAX);
        let (store, path, key) = (store.clone(), path.clone(), key.clone());
        Ok(match self {
            Self::Numbered { id, store: numbered, parts } => {
                let index = parts.len();
                parts.push(None);
                let (id, numbered) = (id.clone(), Arc::clone(numbered));
                async move {
                    let request = Request { kind: RequestKind::Put, path: path.as_str(), bytes };
                    let (numbered, key, id) = (&numbered, &key, &id);
                    let id = store
                        .repeat(request, || {
                            let payload = payload.clone();
                            async move { numbered.put_part(key, id, index, payload).await }
                        })
                        .await?;
                    Ok(PartDone { index, id: Some(id) })
                }
                .boxed()
            }
            Self::Once { upload, handed } => {
                let index = *handed;
                *handed = handed.saturating_add(1);
                let part = upload.put_part(payload);
                async move {
                    let request = Request { kind: RequestKind::Put, path: path.as_str(), bytes };
                    store.once(request, part).await?;
                    Ok(PartDone { index, id: None })
                }
                .boxed()
            }
        })
    }

    /// Notes that a part is there.
    pub(super) fn done(&mut self, part: PartDone) {
        if let Self::Numbered { parts, .. } = self
            && let Some(slot) = parts.get_mut(part.index)
        {
            *slot = part.id;
        }
    }

    /// Makes the parts a file of `size_bytes`: one PUT. An unclear answer is settled by a look at the file, whose name
    /// nobody else uses.
    pub(super) async fn complete(
        &mut self,
        store: &TableStore,
        path: &TablePath,
        key: &Path,
        size_bytes: u64,
    ) -> Result<(), StoreError> {
        let request = Request::of(RequestKind::Put, path.as_str());
        let mut tries = Tries::new(store);
        loop {
            let (outcome, may_repeat) = match self {
                Self::Numbered { id, store: numbered, parts } => {
                    let parts = parts.iter().flatten().cloned().collect();
                    let outcome = store.once(request, numbered.complete_multipart(key, id, parts)).await;
                    (outcome.map(drop), true)
                }
                Self::Once { upload, .. } => (store.once(request, upload.complete()).await.map(drop), false),
            };
            let Err(error) = outcome else { return Ok(()) };
            // Of a completed upload the store no longer knows, so that "not found" may speak of an earlier attempt's success.
            let is_gone = matches!(error, StoreError::NotFound { .. } | StoreError::NoContainer { .. });
            if (is_gone || !error.definitely_not_done()) && is_there(store, path, size_bytes).await {
                return Ok(());
            }
            if is_gone {
                return Err(StoreError::Refused {
                    request: RequestKind::Put,
                    location: store.location().to_string(),
                    path: path.to_string(),
                    status: "404".to_owned(),
                    detail: "the store no longer knows this upload: it was aborted, or a rule of the bucket removed it"
                        .to_owned(),
                    acted: Acted::No,
                });
            }
            match tries.failed(store, &error, may_repeat && error.is_retryable()) {
                Some(pause) => store.inner.context.clock.sleep(pause).await,
                None => return Err(tries.total(store, error)),
            }
        }
    }

    /// Gives the upload up, with its parts: one DELETE.
    pub(super) async fn abort(
        &mut self,
        store: &TableStore,
        path: &TablePath,
        key: &Path,
    ) -> Result<(), StoreError> {
        let request = Request::of(RequestKind::Delete, path.as_str());
        let outcome = match self {
            Self::Numbered { id, store: numbered, .. } => {
                let (numbered, id) = (&*numbered, &*id);
                store.repeat(request, || async move { numbered.abort_multipart(key, id).await }).await
            }
            Self::Once { upload, .. } => store.once(request, upload.abort()).await,
        };
        match outcome {
            Err(StoreError::NotFound { .. }) => Ok(()),
            other => other,
        }
    }
}

/// Whether a file of this size is there. If that cannot be found out, it is taken not to be.
async fn is_there(store: &TableStore, path: &TablePath, size_bytes: u64) -> bool {
    store.info(path).await.is_ok_and(|info| info.size_bytes == size_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_hold_five_tebibytes_and_none_is_too_large() {
        let sizes = (0..MAX_PARTS).map(part_bytes);
        assert!(sizes.clone().sum::<u64>() >= MAX_FILE_BYTES);
        assert!(sizes.clone().all(|size| (5 * MIB..=5 * 1024 * MIB).contains(&size)));
        assert_eq!(sizes.filter(|size| *size == 8 * MIB).count(), 1_000);
    }

    #[test]
    fn no_part_number_panics() {
        assert_eq!(part_bytes(usize::MAX), 4 * 1024 * MIB);
    }
}
