//! The only conditional write: nothing else in this crate can commit.

use bytes::Bytes;
use object_store::{PutMode, PutOptions, PutPayload};

use super::TableStore;
use super::attempt::Request;
use super::capability::not_sent;
use crate::error::StoreError;
use crate::path::TablePath;
use crate::request::RequestKind;

/// What the store said of one attempt to create a file.
///
/// It is advice. Something between here and the store may have delivered the request twice, or an earlier attempt whose answer
/// was lost may have been acted on, so even [`No`](Self::No) may speak of one's own bytes. Only reading the file tells: equal to
/// what was sent, and what was sent is equal to nothing that anybody else sends, means created.
#[derive(Debug)]
#[must_use = "the answer decides what may be done next"]
#[expect(clippy::exhaustive_enums, reason = "created, not created, or not known: there is no fourth answer")]
pub enum Created {
    /// The store created the file with these bytes.
    Yes,
    /// The store looked and found a file of that name: somebody's, or one's own of an earlier delivery.
    No,
    /// The store may have created it, or may yet: no answer, half an answer, or one that says neither.
    Unclear(Box<StoreError>),
}

impl Created {
    /// Whether the store said that it created the file.
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes)
    }
}

impl TableStore {
    /// Creates a file if nothing has its name: the one conditional write.
    ///
    /// The request is repeated, within the deadline, only as long as it certainly was not acted on (no connection, throttled, or
    /// "another conditional request is under way"). Any doubt ends it as [`Created::Unclear`]. The first call on a bucket asks first
    /// whether the store honours conditions at all: [`check_capabilities`](Self::check_capabilities).
    ///
    /// # Errors
    /// What certainly had no effect and will not get better: `PermissionDenied`, `NotFound` for the bucket, `Unsupported`.
    ///
    /// # Cancel safety
    /// A dropped call may still create the file; treat it as `Unclear`.
    pub async fn create(&self, path: &TablePath, bytes: Bytes) -> Result<Created, StoreError> {
        self.check_capabilities().await.map_err(not_sent)?;
        self.create_unprobed(path, bytes).await
    }

    /// The same without asking first what the store is able to do.
    pub(super) async fn create_unprobed(
        &self,
        path: &TablePath,
        bytes: Bytes,
    ) -> Result<Created, StoreError> {
        let key = self.key(path)?;
        let request = Request {
            kind: RequestKind::Put,
            path: path.as_str(),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        let may_repeat = |e: &StoreError| may_help(e) && e.definitely_not_done();
        let outcome = self
            .repeat_while(request, may_repeat, || {
                let (key, bytes) = (key.clone(), bytes.clone());
                async move {
                    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
                    match self.inner.store.put_opts(&key, PutPayload::from_bytes(bytes), options).await {
                        Ok(_) => Ok(Created::Yes),
                        Err(
                            object_store::Error::AlreadyExists { .. }
                            | object_store::Error::Precondition { .. },
                        ) => Ok(Created::No),
                        Err(error) => Err(error),
                    }
                }
            })
            .await;
        match outcome {
            Ok(created) => Ok(created),
            Err(error) if error.definitely_not_done() => Err(error),
            Err(error) => Ok(Created::Unclear(Box::new(error))),
        }
    }
}

/// Whether waiting a little may help. A full disk is for somebody to make room on; a second flush after one that failed may
/// report success for pages that the kernel has dropped.
pub(super) fn may_help(error: &StoreError) -> bool {
    error.is_retryable() && !matches!(error, StoreError::StorageFull { .. } | StoreError::FlushFailed { .. })
}
