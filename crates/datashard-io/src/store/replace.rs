//! Conditional replacement, for the two files that are written more than once: the version hint and the retire boundary.
//!
//! It cannot commit: its names are an enum. Each call sends one request and repeats nothing, since a hint is not worth waiting
//! for, and whoever raises the boundary reads it again anyway.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::{GetOptions, PutMode, PutOptions, PutPayload, UpdateVersion};

use super::RetryPolicy;
use super::TableStore;
use super::attempt::Request;
use crate::error::StoreError;
use crate::head::HeadState;
use crate::path::{PathError, TablePath};
use crate::request::RequestKind;

/// The largest content that is read: the longest number has 20 digits.
const LIMIT_BYTES: u64 = 64;

/// The files that may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaceable {
    /// `metadata/version-hint.text`.
    Hint,
    /// `metadata/_datashard/retired`.
    Retired,
}

impl Replaceable {
    pub(crate) fn path(self) -> Result<TablePath, PathError> {
        TablePath::parse(match self {
            Self::Hint => "metadata/version-hint.text",
            Self::Retired => "metadata/_datashard/retired",
        })
    }
}

/// What tells one content of a name from the next: ETag or generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(UpdateVersion);

impl Tag {
    /// A tag of the same form that no content has.
    pub(crate) fn of_nothing(&self) -> Self {
        let UpdateVersion { e_tag, version } = &self.0;
        Self(UpdateVersion {
            e_tag: e_tag.as_ref().map(|_| "\"00000000000000000000000000000000\"".to_owned()),
            // A generation has to be a number.
            version: version.as_ref().map(|_| "1".to_owned()),
        })
    }
}

/// A content and its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tagged {
    /// `None` if it is larger than any number.
    pub(crate) content: Option<Bytes>,
    /// `None` if the store gives none, so cannot replace conditionally.
    pub(crate) tag: Option<Tag>,
}

/// What came of one conditional replacement or creation.
#[derive(Debug)]
#[must_use = "it may not have happened"]
pub(crate) enum Replaced {
    /// It happened.
    Yes,
    /// The store says that the content is another one by now.
    No,
    /// It may have happened, or may yet.
    Unclear(Box<StoreError>),
}

impl TableStore {
    /// Reads a file with its tag; `None` if there is none. One GET, repeated until the deadline.
    pub(crate) async fn read_tagged(&self, name: Replaceable) -> Result<Option<Tagged>, StoreError> {
        let path = &name.path()?;
        let outcome =
            self.repeat_call(StoreError::is_retryable, || self.read_tagged_once(path)).await.map(Some);
        match outcome {
            Err(StoreError::NotFound { .. }) => Ok(None),
            other => other,
        }
    }

    async fn read_tagged_once(&self, path: &TablePath) -> Result<Tagged, StoreError> {
        let key = self.key(path)?;
        let answer = async {
            let answer = self.inner.store.get_opts(&key, GetOptions::default()).await?;
            let size = answer.meta.size;
            let (e_tag, version) = (answer.meta.e_tag.clone(), answer.meta.version.clone());
            let mut content = BytesMut::new();
            if size <= LIMIT_BYTES {
                let mut body = answer.into_stream();
                while len(&content) <= LIMIT_BYTES
                    && let Some(chunk) = body.next().await
                {
                    content.extend_from_slice(&chunk?);
                }
            }
            Ok((size, content.freeze(), UpdateVersion { e_tag, version }))
        };
        let (size, content, tag) = self.once(Request::of(RequestKind::Get, path.as_str()), answer).await?;
        if !self.inner.counted_below {
            self.inner.counters.received(len(&content));
        }
        let whole = size <= LIMIT_BYTES && len(&content) <= LIMIT_BYTES;
        // A number cut short is a smaller number.
        if whole && len(&content) != size {
            return Err(StoreError::WrongLength {
                location: self.inner.location.to_string(),
                path: path.clone(),
                expected_bytes: size,
                found_bytes: len(&content),
            });
        }
        let tag = (tag.e_tag.is_some() || tag.version.is_some()).then_some(Tag(tag));
        Ok(Tagged { content: whole.then_some(content), tag })
    }

    /// Replaces a file if its content is still the one seen. One PUT.
    ///
    /// # Errors
    /// What certainly had no effect.
    pub(crate) async fn replace(
        &self,
        name: Replaceable,
        content: Bytes,
        seen: &Tag,
    ) -> Result<Replaced, StoreError> {
        self.put_replaceable(name, content, PutMode::Update(seen.0.clone())).await
    }

    /// Creates a file if there is none. One PUT.
    ///
    /// # Errors
    /// What certainly had no effect.
    pub(crate) async fn create_replaceable(
        &self,
        name: Replaceable,
        content: Bytes,
    ) -> Result<Replaced, StoreError> {
        self.put_replaceable(name, content, PutMode::Create).await
    }

    /// Writes the hint over whatever is there, for stores that cannot replace conditionally. One PUT.
    ///
    /// # Errors
    /// What certainly had no effect.
    pub(crate) async fn overwrite_hint(&self, content: Bytes) -> Result<Replaced, StoreError> {
        self.put_replaceable(Replaceable::Hint, content, PutMode::Overwrite).await
    }

    async fn put_replaceable(
        &self,
        name: Replaceable,
        content: Bytes,
        mode: PutMode,
    ) -> Result<Replaced, StoreError> {
        let path = name.path()?;
        let key = self.key(&path)?;
        let request = Request { kind: RequestKind::Put, path: path.as_str(), bytes: len(&content) };
        let replacing = matches!(mode, PutMode::Update(_));
        let options = PutOptions { mode, ..PutOptions::default() };
        let attempt = async {
            match self.inner.store.put_opts(&key, PutPayload::from_bytes(content), options).await {
                Ok(_) => Ok(Replaced::Yes),
                Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                    Ok(Replaced::No)
                }
                // Removed meanwhile is changed meanwhile.
                Err(object_store::Error::NotFound { .. }) if replacing => Ok(Replaced::No),
                Err(error) => Err(error),
            }
        };
        match self.once(request, attempt).await {
            Ok(replaced) => Ok(replaced),
            Err(StoreError::Refused { location, status, detail, .. }) if status == "501" => {
                let what = "conditional replacement of a file";
                Err(StoreError::Unsupported { what, place: location, reason: detail })
            }
            Err(error) if error.definitely_not_done() => Err(error),
            Err(error) => Ok(Replaced::Unclear(Box::new(error))),
        }
    }

    /// How requests are repeated.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        self.inner.retry
    }

    /// What the store's handle remembers of hints.
    pub(crate) fn head_state(&self) -> &HeadState {
        &self.inner.head
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
