//! What a store is able to do, found out by trying: at the first write to a bucket, never before, and never for reading alone.
//!
//! There are servers that answer "created" to every conditional write: gateways that pass the header by, an S3 dialect older than the
//! header, and servers that honour it in one bucket and, with versioning switched on, ignore it in the next. On those, two writers
//! overwrite each other's commits and neither learns of it. So a name that nobody else uses is created twice, and the second
//! must be told `No`. That is asked once per bucket and process; four small requests.
//!
//! The probe cannot show that the store decides *atomically* between two writers at the same moment: a server that looks first and
//! writes later passes it. AWS S3, Google Cloud Storage, Azure Blob Storage and Cloudflare R2 document that they are atomic;
//! the conformance suite races writers on SeaweedFS and fake-gcs-server and finds one winner. `s3s-fs` and `moto` pass the probe and have several winners
//! under load: they are no place for a table that two processes write.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{Created, TableStore};
use crate::error::{Acted, Cause, StoreError};
use crate::path::TablePath;
use crate::request::RequestKind;

/// The longest file that the probe reads back; its own have less than 100 bytes.
const PROBE_LIMIT_BYTES: u64 = 4096;

/// What a store was found able to do.
///
/// Whether it replaces a file conditionally (If-Match) is not among it: no commit needs that, so no first commit asks. Who needs
/// it finds out on the file itself: [`TableStore::raise_retired`] says `Unsupported` on a store that refuses though nobody changed the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether the store refuses to create what exists. `false` only under `unsafe_single_writer`: the table then has no protection
    /// against a second writer.
    pub conditional_create: bool,
}

/// What is known of one bucket. Stores on the same bucket share it.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    honoured: OnceCell<bool>,
}

impl Probe {
    /// What is known of the place called `identity`: endpoint and bucket, never a secret. Shared by the whole process.
    #[cfg_attr(not(any(test, feature = "cloud")), expect(dead_code, reason = "only buckets are asked"))]
    pub(crate) fn of(identity: &str) -> Arc<Self> {
        static KNOWN: LazyLock<Mutex<HashMap<String, Weak<Probe>>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(probe) = known.get(identity).and_then(Weak::upgrade) {
            return probe;
        }
        // What no store uses any more is forgotten, so that the map does not outgrow the buckets in use.
        known.retain(|_, probe| probe.strong_count() > 0);
        let probe = Arc::new(Self::default());
        known.insert(identity.to_owned(), Arc::downgrade(&probe));
        probe
    }

    /// A store known to honour conditions because it is ours: memory, a simulation, a folder with a check of its own.
    pub(crate) fn known() -> Arc<Self> {
        Arc::new(Self { honoured: OnceCell::new_with(Some(true)) })
    }
}

/// How a store treats conditions, and what its user wants done about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub(crate) probe: Arc<Probe>,
    pub(crate) unsafe_single_writer: bool,
}

/// What one round of the probe showed.
enum Shown {
    Honoured,
    Ignored,
    /// Nothing: a request was lost on the way, or somebody between here and the store repeated one.
    Nothing(Option<Box<StoreError>>),
}

impl TableStore {
    /// Finds out, by trying, whether the store honours the condition of a conditional write. [`create`](Self::create) does this by
    /// itself before the first file; stores on one bucket share the answer for the life of the process.
    ///
    /// Costs nothing once it is known, and nothing in memory and in folders, which know by other means. Else one file
    /// `metadata/_datashard/probe-{uuid}` is created twice, read and deleted: 4 requests, and as many again for each answer that was lost on the way.
    /// A key that may not delete leaves that file of less than 100 bytes behind.
    ///
    /// # Errors
    /// `Unsupported` if the store ignores conditions, unless `unsafe_single_writer` was set; `PermissionDenied`, `NotFound` for
    /// the bucket; `Unavailable` if there was no clear answer within the deadline.
    ///
    /// # Cancel safety
    /// A dropped call may leave the file of the probe behind; the next call tries anew.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use datashard_io::{Location, TableStore, context::Context};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let bucket = Arc::new(object_store::memory::InMemory::new());
    /// let location = Location::parse("memory://lake/events")?;
    /// let store = TableStore::from_object_store(bucket, "events", location, Context::system())?;
    /// assert!(store.check_capabilities().await?.conditional_create);
    /// # Ok::<(), datashard_io::StoreError>(())
    /// # }).unwrap();
    /// ```
    pub async fn check_capabilities(&self) -> Result<Capabilities, StoreError> {
        let Conditions { probe, unsafe_single_writer } = &self.inner.conditions;
        let ignored = || StoreError::ConditionsIgnored { location: self.inner.location.to_string() };
        let honoured = *probe
            .honoured
            .get_or_try_init(|| async {
                match self.probe().await? {
                    true => Ok(true),
                    // Not remembered, so that a bucket that was put right is found right by the next write.
                    false if !unsafe_single_writer => Err(ignored()),
                    false => Ok(false),
                }
            })
            .await?;
        if honoured {
            return Ok(Capabilities { conditional_create: true });
        }
        if !unsafe_single_writer {
            return Err(ignored());
        }
        tracing::warn!(
            location = %self.inner.location,
            "the store ignores conditional writes; with `unsafe_single_writer` a second writer would lose commits unnoticed"
        );
        Ok(Capabilities { conditional_create: false })
    }

    /// Repeats the probe with other names until an answer is clear or the deadline has passed.
    async fn probe(&self) -> Result<bool, StoreError> {
        let clock = &self.inner.context.clock;
        let start = clock.elapsed();
        let mut attempts: u32 = 0;
        loop {
            attempts = attempts.saturating_add(1);
            let unclear = match self.probe_once().await? {
                Shown::Honoured => return Ok(true),
                Shown::Ignored => return Ok(false),
                Shown::Nothing(unclear) => unclear,
            };
            let waited = clock.elapsed().saturating_sub(start);
            let pause = self.inner.context.jittered(self.inner.retry.delay(attempts));
            if waited.saturating_add(pause) > self.inner.retry.deadline {
                return Err(self.no_clear_answer(unclear, attempts, waited));
            }
            clock.sleep(pause).await;
        }
    }

    async fn probe_once(&self) -> Result<Shown, StoreError> {
        let id = self.inner.context.ids.uuid();
        let path = TablePath::parse(&format!("metadata/_datashard/probe-{id}"))?;
        let first = Bytes::from(format!("datashard probe {id}, first"));
        let second = Bytes::from(format!("datashard probe {id}, second"));
        let shown = self.create_twice(&path, first, second).await;
        // The answer stands whether or not the file can be removed: some keys may write and not delete.
        if let Err(error) = self.delete(&path).await
            && error.kind() != datashard_spec::error::ErrorKind::NotFound
        {
            tracing::debug!(path = path.as_str(), %error, "the file of the probe was left behind");
        }
        shown
    }

    async fn create_twice(&self, path: &TablePath, first: Bytes, second: Bytes) -> Result<Shown, StoreError> {
        match self.create_unprobed(path, first.clone()).await? {
            Created::Yes => {}
            // Nobody else has this name: the request was delivered twice.
            Created::No => return Ok(Shown::Nothing(None)),
            Created::Unclear(error) => return Ok(Shown::Nothing(Some(error))),
        }
        match self.create_unprobed(path, second).await? {
            Created::Yes => return Ok(Shown::Ignored),
            Created::No => {}
            Created::Unclear(error) => return Ok(Shown::Nothing(Some(error))),
        }
        // A store may say `No` and have written all the same.
        match self.read(path, PROBE_LIMIT_BYTES).await {
            Ok(found) if found == first => Ok(Shown::Honoured),
            Ok(_) => Ok(Shown::Ignored),
            Err(error @ (StoreError::NotFound { .. } | StoreError::WrongLength { .. })) => {
                Ok(Shown::Nothing(Some(Box::new(error))))
            }
            Err(error) => Err(error),
        }
    }

    fn no_clear_answer(
        &self,
        unclear: Option<Box<StoreError>>,
        attempts: u32,
        waited: Duration,
    ) -> StoreError {
        let source: Cause = match unclear {
            Some(error) => error,
            None => Box::new(io::Error::other("a name that nobody else uses was taken")),
        };
        StoreError::Unavailable {
            request: RequestKind::Put,
            location: self.inner.location.to_string(),
            path: "metadata/_datashard/probe-*".to_owned(),
            attempts,
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
            acted: Acted::Maybe,
            retry_after: None,
            source,
        }
    }
}

/// A failed probe, told to somebody whose own request was therefore never sent.
pub(super) fn not_sent(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable {
            request, location, path, attempts, waited_ms, retry_after, source, ..
        } => StoreError::Unavailable {
            request,
            location,
            path,
            attempts,
            waited_ms,
            acted: Acted::No,
            retry_after,
            source,
        },
        StoreError::Refused { request, location, path, status, detail, .. } => {
            StoreError::Refused { request, location, path, status, detail, acted: Acted::No }
        }
        StoreError::StorageFull { request, location, path, source, .. } => {
            StoreError::StorageFull { request, location, path, acted: Acted::No, source }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
