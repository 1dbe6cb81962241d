//! [`CommitOptions`]: how a handle commits.

use std::sync::Arc;
use std::time::Duration;

use crate::background::{Background, TokioBackground};
use crate::pace::Pace;
use crate::protocol::Limits;

/// How a handle commits.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CommitOptions {
    /// Whether the retire boundary is read after every commit, and not only when a commit took long. It costs one small GET and makes
    /// safety independent of clocks. Off by default.
    pub strict: bool,
    /// For how long a commit is tried; `None` (the default) takes the table's property `commit.retry.total-timeout-ms`.
    pub timeout: Option<Duration>,
    /// Pauses between attempts.
    pub pace: Pace,
    /// How many operations of other callers of the handle may enter one commit.
    pub group_limit: usize,
    /// What the commit state may remember.
    pub limits: Limits,
    /// How many bytes one commit may hold of what it read and of what it is about to write, besides manifest lists. By default 1 GiB.
    pub memory_limit_bytes: u64,
    /// Whether manifests that appends leave alone are merged in the background, in commits of their own. On by default; the table's property
    /// `commit.manifest-merge.enabled` can switch all merging off.
    pub merge_manifests: bool,
    /// Who does what nobody waits for.
    pub background: Arc<dyn Background>,
}

impl Default for CommitOptions {
    fn default() -> Self {
        Self {
            strict: false,
            timeout: None,
            pace: Pace::default(),
            group_limit: 1_024,
            limits: Limits::default(),
            memory_limit_bytes: 1 << 30,
            merge_manifests: true,
            background: Arc::new(TokioBackground),
        }
    }
}

impl CommitOptions {
    /// The retire boundary is read after every commit.
    #[must_use]
    pub fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// For how long a commit is tried, whatever the table says.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Other pauses between attempts.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// At most so many operations of the handle's callers enter one commit, at least 1.
    #[must_use]
    pub fn with_group_limit(mut self, operations: usize) -> Self {
        self.group_limit = operations.max(1);
        self
    }

    /// Other limits of the commit state.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// One commit may hold so many bytes.
    #[must_use]
    pub fn with_memory_limit_bytes(mut self, bytes: u64) -> Self {
        self.memory_limit_bytes = bytes;
        self
    }

    /// Whether manifests that appends leave alone are merged in the background.
    #[must_use]
    pub fn with_merge_manifests(mut self, merge: bool) -> Self {
        self.merge_manifests = merge;
        self
    }

    /// Somebody else does what nobody waits for.
    #[must_use]
    pub fn with_background(mut self, background: Arc<dyn Background>) -> Self {
        self.background = background;
        self
    }
}
