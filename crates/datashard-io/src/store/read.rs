//! Reads: whole files, ranges of them, and what is known about a file without reading it.
//!
//! An answer is believed only when as many bytes came as it announced. What is missing is [`StoreError::NotFound`], never empty.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetRange, ObjectStoreExt};

use super::attempt::Request;
use super::body::length;
use super::coalesce::{Coalesce, assemble, plan};
use super::{FileInfo, TableStore};
use crate::error::StoreError;
use crate::location::Scheme;
use crate::path::TablePath;
use crate::request::RequestKind;

/// What lies between two ranges is read along up to so many bytes: about what a request costs in time.
const BUCKET_GAP_BYTES: u64 = 1024 * 1024;
/// In a folder a request costs a system call and a change of threads.
const FOLDER_GAP_BYTES: u64 = 64 * 1024;
/// Longer ranges are read in pieces, side by side.
const REQUEST_BYTES: u64 = 16 * 1024 * 1024;
/// Pieces under way at the same time; with [`REQUEST_BYTES`] it bounds the bytes under way to 128 MiB.
const REQUESTS_AT_ONCE: usize = 8;

/// The end of a file, and how long the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tail {
    /// The last bytes: as many as were asked for, or the whole file if that is shorter.
    pub bytes: Bytes,
    /// Size of the whole file in bytes.
    pub size_bytes: u64,
}

impl TableStore {
    /// Reads a whole file of at most `limit_bytes`: one GET.
    ///
    /// A file that is too large is refused when its size is announced, before its bytes are taken.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` if it is larger than the limit; `PermissionDenied`; `Unavailable` after the deadline, or if
    /// fewer or more bytes than announced came twice.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    ///
    /// # Examples
    /// ```
    /// # use datashard_io::{TablePath, TableStore, StoreError};
    /// # async fn example(store: TableStore) -> Result<(), StoreError> {
    /// let hint = store.read(&TablePath::parse("metadata/version-hint.text")?, 64).await?;
    /// # Ok(()) }
    /// ```
    pub async fn read(&self, path: &TablePath, limit_bytes: u64) -> Result<Bytes, StoreError> {
        let key = &self.key(path)?;
        self.repeat_call(StoreError::is_retryable, || async move {
            let result = self.get(path, key, None).await?;
            let size_bytes = result.meta.size;
            if size_bytes > limit_bytes {
                return Err(StoreError::TooLarge {
                    location: self.inner.location.to_string(),
                    path: path.clone(),
                    size_bytes,
                    limit_bytes,
                });
            }
            self.body(path, result, size_bytes).await
        })
        .await
    }

    /// Reads the bytes of a range, which must lie within the file.
    ///
    /// Costs one GET for each 16 MiB. An empty range costs none and is not held against the file's size.
    ///
    /// # Errors
    /// As [`read`](Self::read); `InvalidInput` if the range does not lie within the file or ends before it starts.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read_range(&self, path: &TablePath, range: Range<u64>) -> Result<Bytes, StoreError> {
        let bytes = self.read_ranges(path, std::slice::from_ref(&range)).await?;
        bytes.into_iter().next().ok_or_else(|| self.bad_range(path, &range, None))
    }

    /// Reads several ranges of a file, in the order asked for; they may overlap.
    ///
    /// Ranges that are near each other come with one GET, long ones with several at once. Results share memory with
    /// what was read beside them; copy what is small and kept for long.
    ///
    /// # Errors
    /// As [`read_range`](Self::read_range), for the first range that fails.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read_ranges(
        &self,
        path: &TablePath,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, StoreError> {
        let key = &self.key(path)?;
        if let Some(range) = ranges.iter().find(|range| range.start > range.end) {
            return Err(self.bad_range(path, range, None));
        }
        let rule = Coalesce {
            gap_bytes: match self.inner.location.scheme() {
                Scheme::File => FOLDER_GAP_BYTES,
                Scheme::Memory | Scheme::S3 | Scheme::Gcs | Scheme::Azure => BUCKET_GAP_BYTES,
            },
            request_bytes: REQUEST_BYTES,
        };
        let answers: Vec<(Range<u64>, Bytes)> = futures_util::stream::iter(plan(ranges, rule))
            .map(|range| async move {
                let bytes = self.read_piece(path, key, &range).await?;
                Ok::<_, StoreError>((range, bytes))
            })
            .buffered(REQUESTS_AT_ONCE)
            .try_collect()
            .await?;
        assemble(ranges, &answers).ok_or_else(|| StoreError::WrongLength {
            location: self.inner.location.to_string(),
            path: path.clone(),
            expected_bytes: ranges
                .iter()
                .fold(0, |sum, range| range.end.saturating_sub(range.start).saturating_add(sum)),
            found_bytes: answers.iter().fold(0, |sum, (_, bytes)| length(bytes).saturating_add(sum)),
        })
    }

    /// Reads the last `count` bytes of a file, or all of it if it is shorter, and learns its size on the way.
    ///
    /// One GET; where the store does not take such ranges (Azure), or the file is empty, a HEAD and at most one GET more.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn read_tail(&self, path: &TablePath, count: u64) -> Result<Tail, StoreError> {
        let key = &self.key(path)?;
        if count > 0 && self.inner.location.scheme() != Scheme::Azure {
            let tail = self
                .repeat_call(StoreError::is_retryable, || async move {
                    let result = self.get(path, key, Some(GetRange::Suffix(count))).await?;
                    let size_bytes = result.meta.size;
                    let expected = size_bytes.saturating_sub(count)..size_bytes;
                    if result.range != expected {
                        return Err(self.wrong_length(path, &expected, &result.range));
                    }
                    let bytes = self.body(path, result, expected.end.saturating_sub(expected.start)).await?;
                    Ok(Tail { bytes, size_bytes })
                })
                .await;
            match tail {
                // An empty file has no last byte to begin at; fake-gcs-server answers 206 then, and no range.
                Err(
                    StoreError::BadRange { .. } | StoreError::Unsupported { .. } | StoreError::Refused { .. },
                ) => {}
                other => return other,
            }
        }
        let size_bytes = self.info(path).await?.size_bytes;
        let bytes = self.read_range(path, size_bytes.saturating_sub(count)..size_bytes).await?;
        Ok(Tail { bytes, size_bytes })
    }

    /// Size and modification time of a file: one HEAD.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied`; `Unavailable` after the deadline.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn info(&self, path: &TablePath) -> Result<FileInfo, StoreError> {
        let key = &self.key(path)?;
        let request = Request::of(RequestKind::Head, path.as_str());
        let meta = self.repeat(request, || async move { self.inner.store.head(key).await }).await?;
        Ok(FileInfo {
            path: path.clone(),
            size_bytes: meta.size,
            modified_ms: meta.last_modified.timestamp_millis(),
        })
    }

    /// Whether a file of this name exists: one HEAD.
    ///
    /// # Errors
    /// As [`info`](Self::info), but for `NotFound`.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn exists(&self, path: &TablePath) -> Result<bool, StoreError> {
        match self.info(path).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One range by one request, repeated as need be.
    async fn read_piece(
        &self,
        path: &TablePath,
        key: &Path,
        range: &Range<u64>,
    ) -> Result<Bytes, StoreError> {
        self.repeat_call(StoreError::is_retryable, || async move {
            let result = self.get(path, key, Some(GetRange::Bounded(range.clone()))).await.map_err(
                |error| match error {
                    StoreError::BadRange { .. } => self.bad_range(path, range, None),
                    other => other,
                },
            )?;
            // Stores cut a range at the end of the file without a word.
            if range.end > result.meta.size {
                return Err(self.bad_range(path, range, Some(result.meta.size)));
            }
            if result.range != *range {
                return Err(self.wrong_length(path, range, &result.range));
            }
            self.body(path, result, range.end.saturating_sub(range.start)).await
        })
        .await
    }

    pub(super) fn bad_range(
        &self,
        path: &TablePath,
        range: &Range<u64>,
        size_bytes: Option<u64>,
    ) -> StoreError {
        StoreError::BadRange {
            location: self.inner.location.to_string(),
            path: path.clone(),
            start: range.start,
            end: range.end,
            size_bytes,
        }
    }

    fn wrong_length(&self, path: &TablePath, expected: &Range<u64>, found: &Range<u64>) -> StoreError {
        StoreError::WrongLength {
            location: self.inner.location.to_string(),
            path: path.clone(),
            expected_bytes: expected.end.saturating_sub(expected.start),
            found_bytes: found.end.saturating_sub(found.start),
        }
    }
}
