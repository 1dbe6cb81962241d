//! The newest metadata version: where to begin to look, how to find it without a listing, and what is remembered of it.
//!
//! Three things say where the newest version is. The *chain* of files `metadata/v{N}.metadata.json` has no gaps and is the
//! truth. The *retire boundary* R says that versions below it may be gone; a version below it is never used, even if a file of
//! that name exists, since a writer that slept for hours may have made it anew. The *hint* is a guess and nothing depends on it.

mod find;
mod hint;
mod layout;
mod retired;
mod search;
mod throttle;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use datashard_spec::id::MetadataVersion;
use datashard_spec::metadata::MetadataFileName;

pub use self::hint::{HintAdvance, HintState};
pub use self::throttle::HintThrottle;
use crate::path::{PathError, TablePath};

/// The largest metadata file that is read, in bytes.
pub const METADATA_LIMIT_BYTES: u64 = 1 << 30;

/// A version that was known newest for longer than this is not used before the retire boundary was read again.
pub const BOUNDARY_CHECK_AGE: Duration = Duration::from_secs(60);

/// Whether the retire boundary has to be read before a version is used that was known newest `age` ago.
///
/// A version is not retired before its successor is an hour old, so a successor that was made and retired after `age` ago
/// cannot be for as long as `age` is much less; the rest of the hour is for clocks that run at different rates.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use datashard_io::head::needs_boundary_check;
///
/// assert!(!needs_boundary_check(Duration::from_secs(59)));
/// assert!(needs_boundary_check(Duration::from_secs(60)));
/// ```
pub fn needs_boundary_check(age: Duration) -> bool {
    age >= BOUNDARY_CHECK_AGE
}

/// The file of a metadata version, `metadata/v{N}.metadata.json`.
///
/// # Errors
/// None for any number; the type says so of paths in general.
///
/// # Examples
/// ```
/// use datashard_io::head::metadata_path;
/// use datashard_spec::id::MetadataVersion;
///
/// assert_eq!(metadata_path(MetadataVersion(7))?.as_str(), "metadata/v7.metadata.json");
/// # Ok::<(), datashard_io::path::PathError>(())
/// ```
pub fn metadata_path(version: MetadataVersion) -> Result<TablePath, PathError> {
    TablePath::parse(&format!("metadata/{}", MetadataFileName::file_system(version)))
}

/// The newest version, as it was at some moment of the call that found it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// Its number.
    pub version: MetadataVersion,
    /// The content of its file.
    pub metadata: Bytes,
    /// What the hint said.
    pub hint: HintState,
    /// The retire boundary, read after the version was found: versions below it may be gone, 0 if none are. `None` if it did not have
    /// to be read.
    pub retired: Option<MetadataVersion>,
    known_at: Duration,
}

impl Head {
    /// What to remember for [`find_head_after`](crate::TableStore::find_head_after).
    pub fn known(&self) -> Known {
        Known { version: self.version, at: Some(self.known_at) }
    }
}

/// A version, and since when it is known to have been the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    version: MetadataVersion,
    /// By [`Clock::elapsed`](crate::context::Clock::elapsed); `None` if that is not known.
    at: Option<Duration>,
}

impl Known {
    /// A version that was the newest at a time that nobody remembers: it is always held against the retire boundary.
    pub fn of_unknown_age(version: MetadataVersion) -> Self {
        Self { version, at: None }
    }

    /// A version that was the newest when the same [`Clock`](crate::context::Clock) told this time: one that was created then, say.
    pub fn newest_at(version: MetadataVersion, at: Duration) -> Self {
        Self { version, at: Some(at) }
    }

    /// The version.
    pub fn version(&self) -> MetadataVersion {
        self.version
    }

    /// How long ago it was last known to be the newest, given the time by the same [`Clock`](crate::context::Clock).
    pub fn age(&self, now: Duration) -> Option<Duration> {
        self.at.map(|at| now.saturating_sub(at))
    }
}

/// What became of a version that was the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "the version is the newest still, or another is")]
pub enum HeadAfter {
    /// It still was, at a moment of the call. Remember this in place of what was known.
    Same(Known),
    /// Another version is.
    Newer(Head),
}

/// What a store's handle remembers of hint and boundary, shared by its clones.
#[derive(Debug, Default)]
pub(crate) struct HeadState {
    throttle: Mutex<HintThrottle>,
    /// Whether the store was seen to refuse a replacement on a wrong condition.
    refuses_wrong_tags: AtomicBool,
}

impl HeadState {
    fn throttle(&self) -> MutexGuard<'_, HintThrottle> {
        // Every change of it is a single assignment, so what a panicking thread left is usable.
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
