//! The version hint: `metadata/version-hint.text`, a number that other readers take for the newest version and we take for a
//! guess.
//!
//! It holds digits and nothing else, since other readers paste its content into a file name. It only moves forward.

use std::time::Duration;

use bytes::Bytes;
use datashard_spec::id::MetadataVersion;

use crate::TableStore;
use crate::error::StoreError;
use crate::location::Scheme;
use crate::path::excerpt;
use crate::store::{Replaceable, Replaced, RetryPolicy, Tag, Tagged};

/// How often a write is tried again after somebody else changed the hint in between.
const ATTEMPTS: u32 = 4;
/// How often a store may refuse to replace a hint that nobody changed before it is written without a condition.
const REFUSALS: u32 = 2;
/// The pause before a hint in a folder is tried again, before jitter; it doubles.
const LOCK_PAUSE: Duration = Duration::from_millis(1);
/// How long a hint is waited for that the store does not give. After that the search starts without it.
const READ_DEADLINE: Duration = Duration::from_secs(2);

/// What the hint says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HintState {
    /// It did not have to be read.
    NotRead,
    /// There is none.
    Missing,
    /// A version, which may lag behind the newest or, after a repair, be ahead of it.
    Version(MetadataVersion),
    /// A version with white space around it: taken as a guess, but other readers may stumble over it. The next commit mends it.
    Untidy(MetadataVersion),
    /// Something that is not a version; ignored. The next commit mends it.
    Malformed {
        /// What was found, cut to a sane length.
        found: String,
    },
    /// It cannot be read; ignored.
    Unreadable {
        /// The store's error.
        reason: String,
    },
}

impl HintState {
    /// The version to start looking at, if the hint is of use.
    pub fn version(&self) -> Option<MetadataVersion> {
        match self {
            Self::Version(version) | Self::Untidy(version) => Some(*version),
            Self::NotRead | Self::Missing | Self::Malformed { .. } | Self::Unreadable { .. } => None,
        }
    }

    fn read(outcome: Result<Option<Tagged>, StoreError>) -> Self {
        match outcome {
            Ok(None) => Self::Missing,
            Ok(Some(Tagged { content: Some(content), .. })) => Self::parse(&content),
            Ok(Some(Tagged { content: None, .. })) => {
                Self::Malformed { found: "more than 64 bytes".to_owned() }
            }
            Err(error) => Self::Unreadable { reason: excerpt(&error.to_string()) },
        }
    }

    /// Reads a hint's content.
    fn parse(content: &[u8]) -> Self {
        let malformed = || Self::Malformed { found: excerpt(&String::from_utf8_lossy(content)) };
        let Ok(text) = std::str::from_utf8(content) else { return malformed() };
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
        match parse_number(trimmed) {
            None | Some(0) => malformed(),
            Some(version) if trimmed.len() == text.len() => Self::Version(MetadataVersion(version)),
            Some(version) => Self::Untidy(MetadataVersion(version)),
        }
    }
}

/// What came of moving the hint. None of it matters to a commit.
#[derive(Debug)]
#[must_use = "a deferred version is written by a later call only"]
#[non_exhaustive]
pub enum HintAdvance {
    /// The hint now tells this version: the one given, or a newer one that had been deferred.
    Written(MetadataVersion),
    /// It tells this version already, which is not older.
    Already(MetadataVersion),
    /// It was written less than a second ago. A later call writes the newest version that was deferred.
    Deferred,
    /// Others kept changing it meanwhile.
    Overtaken,
    /// It could not be written, or not certainly.
    Failed(Box<StoreError>),
}

impl TableStore {
    /// Reads the hint. One GET.
    pub(super) async fn read_hint(&self) -> HintState {
        let policy = self.retry_policy();
        let impatient = policy
            .with_deadline(policy.deadline.min(READ_DEADLINE))
            .with_request_timeout(policy.request_timeout.min(READ_DEADLINE));
        let state = HintState::read(self.with_retry(impatient).read_tagged(Replaceable::Hint).await);
        if !matches!(state, HintState::Version(_) | HintState::Missing) {
            tracing::warn!(location = %self.location(), hint = ?state, "the version hint is not a plain version");
        }
        state
    }

    /// The same, but it is waited for as for any read. One GET.
    ///
    /// # Errors
    /// What may be over the next time.
    pub(super) async fn read_hint_patiently(&self) -> Result<HintState, StoreError> {
        match self.read_tagged(Replaceable::Hint).await {
            Err(error) if error.is_retryable() => Err(error),
            other => Ok(HintState::read(other)),
        }
    }

    /// Moves the version hint forward to `version`, if it tells an older one or none.
    ///
    /// Nothing depends on it: readers look beyond the hint. One GET and one PUT; none when deferred. On object stores
    /// it is written at most once a second for each store opened (clones count as one), since GCS allows about as much; versions deferred are
    /// written by a later call, or by [`flush_hint`](Self::flush_hint).
    ///
    /// The write is conditional on what was read. Only on stores that cannot do so it is blind, and may for a moment move
    /// the hint back behind another writer's.
    ///
    /// # Cancel safety
    /// The hint is written or not.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// use std::sync::Arc;
    ///
    /// use datashard_io::{Location, TableStore, context::Context, head::HintAdvance};
    /// use datashard_spec::id::MetadataVersion;
    ///
    /// let memory = Arc::new(object_store::memory::InMemory::new());
    /// let location = Location::parse("memory://lake/events")?;
    /// let store = TableStore::from_object_store(memory, "events", location, Context::system())?;
    /// let written = store.advance_hint(MetadataVersion(3)).await;
    /// assert!(matches!(written, HintAdvance::Written(MetadataVersion(3))));
    /// assert!(matches!(store.advance_hint(MetadataVersion(4)).await, HintAdvance::Deferred));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn advance_hint(&self, version: MetadataVersion) -> HintAdvance {
        if self.location().scheme() == Scheme::File {
            return self.write_hint(version).await;
        }
        let due = {
            let mut throttle = self.head_state().throttle();
            throttle.want(version);
            throttle.take(self.context().clock.elapsed())
        };
        match due {
            Some(version) => self.write_wanted(version).await,
            None => HintAdvance::Deferred,
        }
    }

    /// Writes the newest version that was deferred, waiting for its time; `None` if there is none.
    ///
    /// # Cancel safety
    /// The hint is written or not.
    pub async fn flush_hint(&self) -> Option<HintAdvance> {
        loop {
            let now = self.context().clock.elapsed();
            let (due, wait) = {
                let mut throttle = self.head_state().throttle();
                throttle.wanted()?;
                (throttle.take(now), throttle.wait(now))
            };
            match due {
                Some(version) => return Some(self.write_wanted(version).await),
                None => self.context().clock.sleep(wait).await,
            }
        }
    }

    async fn write_wanted(&self, version: MetadataVersion) -> HintAdvance {
        let outcome = self.write_hint(version).await;
        let mut throttle = self.head_state().throttle();
        throttle.ended(self.context().clock.elapsed());
        if let HintAdvance::Written(told) | HintAdvance::Already(told) = &outcome {
            throttle.done(*told);
        }
        outcome
    }

    async fn write_hint(&self, version: MetadataVersion) -> HintAdvance {
        let store = self.with_retry(RetryPolicy::none());
        let in_folder = self.location().scheme() == Scheme::File;
        let mut refused: Option<(Tag, u32)> = None;
        for attempt in 0..ATTEMPTS {
            if in_folder && attempt > 0 {
                // Somebody else has the lock; that takes as long as a small write.
                let most = LOCK_PAUSE.saturating_mul(2_u32.saturating_pow(attempt));
                self.context().clock.sleep(self.context().jittered(most)).await;
            }
            let seen = match store.read_tagged(Replaceable::Hint).await {
                Ok(seen) => seen,
                Err(error) => return failed(error),
            };
            let written = match seen {
                None => store.create_replaceable(Replaceable::Hint, content(version)).await,
                Some(seen) => {
                    let state = seen.content.as_deref().map(HintState::parse);
                    let version = match state {
                        Some(HintState::Version(told)) if told >= version => {
                            return HintAdvance::Already(told);
                        }
                        // Forward only holds for what can be read at all.
                        Some(state) => state.version().max(Some(version)).unwrap_or(version),
                        None => version,
                    };
                    let written = match seen.tag {
                        None => store.overwrite_hint(content(version)).await,
                        Some(tag) => {
                            let times =
                                refused.filter(|(seen, _)| *seen == tag).map_or(0, |(_, times)| times);
                            let replaced = if in_folder || times < REFUSALS {
                                store.replace(Replaceable::Hint, content(version), &tag).await
                            } else {
                                // Ceph 16 refuses every condition on an ETag: nobody changed the hint, and still it was refused.
                                store.overwrite_hint(content(version)).await
                            };
                            refused = Some((tag, times.saturating_add(1)));
                            match replaced {
                                Err(StoreError::Unsupported { .. }) => {
                                    store.overwrite_hint(content(version)).await
                                }
                                other => other,
                            }
                        }
                    };
                    if let Ok(Replaced::Yes) = written {
                        return HintAdvance::Written(version);
                    }
                    written
                }
            };
            match written {
                Ok(Replaced::Yes) => return HintAdvance::Written(version),
                Ok(Replaced::No) => {}
                Ok(Replaced::Unclear(error)) => return failed(*error),
                Err(error) => return failed(error),
            }
        }
        HintAdvance::Overtaken
    }
}

/// Digits, no newline: other readers paste it into a file name.
fn content(version: MetadataVersion) -> Bytes {
    Bytes::from(version.to_string())
}

fn failed(error: StoreError) -> HintAdvance {
    tracing::debug!(%error, "the version hint was not written");
    HintAdvance::Failed(Box::new(error))
}

/// A number as we write it: digits, no sign, no zero in front, in range.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c01_only_digits_are_a_version() {
        let check = |content: &[u8], expect: Option<HintState>| {
            let found = HintState::parse(content);
            match expect {
                Some(expect) => assert_eq!(found, expect, "{content:?}"),
                None => assert!(matches!(found, HintState::Malformed { .. }), "{content:?}: {found:?}"),
            }
        };
        let seven = MetadataVersion(7);
        check(b"7", Some(HintState::Version(seven)));
        check(b"18446744073709551615", Some(HintState::Version(MetadataVersion(u64::MAX))));
        for untidy in [&b"7\n"[..], b"7\r\n", b" 7", b"7 \t"] {
            check(untidy, Some(HintState::Untidy(seven)));
        }
        for bad in [
            &b""[..],
            b"\n",
            b"v7",
            b"v7.metadata.json",
            b"-7",
            b"+7",
            b"0",
            b"007",
            b"7.0",
            b"1e3",
            b"7\n8",
            b"\xef\xbb\xbf7",
            b"\xff\xfe",
            b"\0",
            "٧".as_bytes(),
            b"18446744073709551616",
            b"1000000000000000000000000000000",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn c08_content_is_digits_without_a_newline() {
        for version in [1, 10, 100_000, u64::MAX] {
            let content = content(MetadataVersion(version));
            assert!(content.iter().all(u8::is_ascii_digit));
            assert_eq!(HintState::parse(&content), HintState::Version(MetadataVersion(version)));
        }
    }
}
