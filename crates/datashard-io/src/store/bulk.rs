//! One request that deletes many files, and what it says of each of them.
//!
//! A request may fail as a whole, or some of its files may; files that may yet be deleted are sent again, alone.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt, StreamExt};
use object_store::ObjectStore;
use object_store::path::Path;

use super::TableStore;
use super::attempt::{Request, Tries};
use super::classify::classify;
use crate::error::{Acted, StoreError};
use crate::location::Location;
use crate::path::{TablePath, excerpt};
use crate::request::RequestKind;

/// What came of one request's names.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) deleted_count: u64,
    pub(super) failed: Vec<(TablePath, StoreError)>,
    /// The whole request was refused for good, so that others will be, too.
    pub(super) hopeless: bool,
}

impl TableStore {
    /// Deletes as many files as one request takes; repeats it for those that may yet be deleted.
    pub(super) async fn delete_chunk(&self, paths: Vec<TablePath>) -> Chunk {
        let mut chunk = Chunk::default();
        let mut pending = Vec::with_capacity(paths.len());
        for path in paths {
            match self.key(&path) {
                Ok(key) => pending.push((path, key)),
                Err(error) => chunk.failed.push((path, error)),
            }
        }
        let mut tries = Tries::new(self);
        while !pending.is_empty() {
            let (results, hopeless) = match self.delete_once(&pending).await {
                Ok(results) => (results, false),
                Err(error) => {
                    let results = pending.iter().map(|(path, _)| Err(same_for(path, &error))).collect();
                    (results, !error.is_retryable())
                }
            };
            chunk.hopeless |= hopeless;
            let mut left = Vec::new();
            for ((path, key), result) in pending.drain(..).zip(results) {
                match result {
                    Ok(()) | Err(StoreError::NotFound { .. }) => {
                        chunk.deleted_count = chunk.deleted_count.saturating_add(1);
                    }
                    Err(error) if error.is_retryable() => left.push((path, key, error)),
                    Err(error) => chunk.failed.push((path, error)),
                }
            }
            let Some((_, _, error)) = left.first() else { break };
            match tries.failed(self, error, true) {
                Some(pause) => {
                    self.inner.context.clock.sleep(pause).await;
                    pending.extend(left.into_iter().map(|(path, key, _)| (path, key)));
                }
                None => {
                    chunk
                        .failed
                        .extend(left.into_iter().map(|(path, _, error)| (path, tries.total(self, error))));
                }
            }
        }
        // Where each file is a request of its own, as on GCS, each is refused for itself what would be refused to all.
        let refused = |error: &StoreError| {
            matches!(error, StoreError::PermissionDenied { .. } | StoreError::NoContainer { .. })
        };
        chunk.hopeless |= chunk.deleted_count == 0
            && !chunk.failed.is_empty()
            && chunk.failed.iter().all(|(_, error)| refused(error));
        chunk
    }

    /// Sends one request; the answers are in the order of `files`, one each.
    async fn delete_once(
        &self,
        files: &[(TablePath, Path)],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let first = files.first().map_or("", |(path, _)| path.as_str());
        let request = Request::of(RequestKind::Delete, first);
        let keys: Vec<_> = files.iter().map(|(_, key)| Ok(key.clone())).collect();
        let answers = self.inner.store.delete_stream(futures_util::stream::iter(keys).boxed());
        // The S3 client panics if the answer names a file that was not asked for.
        let answers = AssertUnwindSafe(answers.collect::<Vec<_>>()).catch_unwind();
        let answers = self
            .once(request, async {
                let mut answers = answers.await.map_err(|_| object_store::Error::Generic {
                    store: "delete",
                    source: "the answer does not fit the request".into(),
                })?;
                match (answers.len(), answers.pop()) {
                    (1, Some(Err(error))) if files.len() > 1 => Err(error),
                    (_, last) => {
                        answers.extend(last);
                        Ok(answers)
                    }
                }
            })
            .await?;
        let sort = |path: &TablePath, error| {
            let request = Request::of(RequestKind::Delete, path.as_str());
            refused_one(path, &error, self.location()).unwrap_or_else(|| classify(error, self.call(request)))
        };
        if answers.len() == files.len() {
            let pairs = files.iter().zip(answers);
            return Ok(pairs
                .map(|((path, _), answer)| answer.map(drop).map_err(|e| sort(path, e)))
                .collect());
        }
        // Some of several requests failed as a whole: what was not named as deleted is not known to be.
        let mut deleted = BTreeSet::new();
        let mut failure = None;
        for answer in answers {
            match answer {
                Ok(key) => drop(deleted.insert(key)),
                Err(error) => failure = Some(error),
            }
        }
        let failure = match failure {
            Some(error) => classify(error, self.call(request)),
            None => classify(
                object_store::Error::Generic {
                    store: "delete",
                    source: "not all files were answered for".into(),
                },
                self.call(request),
            ),
        };
        Ok(files
            .iter()
            .map(|(path, key)| if deleted.contains(key) { Ok(()) } else { Err(same_for(path, &failure)) })
            .collect())
    }
}

/// What a bulk deletion on S3 says of one file it may not delete. Other reasons given so may pass.
fn refused_one(path: &TablePath, error: &object_store::Error, location: &Location) -> Option<StoreError> {
    let text = match error {
        object_store::Error::Generic { source, .. } => source.to_string(),
        _ => return None,
    };
    text.contains("(code: AccessDenied)").then(|| StoreError::PermissionDenied {
        request: RequestKind::Delete,
        location: location.to_string(),
        path: path.to_string(),
        status: "AccessDenied".to_owned(),
        detail: excerpt(&text),
        advice: "check whether the policies of the bucket allow to delete, and whether the file is locked",
    })
}

/// The failure of a request, as that of one of its files.
fn same_for(path: &TablePath, error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable {
            request,
            location,
            attempts,
            waited_ms,
            acted,
            retry_after,
            source,
            ..
        } => StoreError::Unavailable {
            request: *request,
            location: location.clone(),
            path: path.to_string(),
            attempts: *attempts,
            waited_ms: *waited_ms,
            acted: *acted,
            retry_after: *retry_after,
            source: chain(&**source).into(),
        },
        StoreError::PermissionDenied { request, location, status, detail, advice, .. } => {
            StoreError::PermissionDenied {
                request: *request,
                location: location.clone(),
                path: path.to_string(),
                status: status.clone(),
                detail: detail.clone(),
                advice,
            }
        }
        StoreError::ClockSkewed { request, location, skew_ms, .. } => StoreError::ClockSkewed {
            request: *request,
            location: location.clone(),
            path: path.to_string(),
            skew_ms: *skew_ms,
        },
        StoreError::NoContainer { location, what } => {
            StoreError::NoContainer { location: location.clone(), what }
        }
        StoreError::Refused { request, location, status, detail, acted, .. } => StoreError::Refused {
            request: *request,
            location: location.clone(),
            path: path.to_string(),
            status: status.clone(),
            detail: detail.clone(),
            acted: *acted,
        },
        other => StoreError::Refused {
            request: RequestKind::Delete,
            location: String::new(),
            path: path.to_string(),
            status: "refused".to_owned(),
            detail: excerpt(&other.to_string()),
            acted: Acted::Maybe,
        },
    }
}

/// An error and what lies below it, as one text.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    excerpt(&text)
}
