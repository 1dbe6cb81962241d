//! How durable files of a folder are when a write is acknowledged.

use std::time::Duration;

/// What of a folder survives when the machine loses power. A killed process loses nothing of what was acknowledged, in any mode.
///
/// Buckets are always durable; the setting means nothing to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Everything that was acknowledged: contents and names are flushed before.
    #[default]
    Full,
    /// Everything that was acknowledged `interval` ago or earlier, and everything before the last `flush`.
    ///
    /// What is younger may be lost, or be there with parts of its content missing.
    #[non_exhaustive]
    Group {
        /// The longest time between acknowledgement and flush.
        interval: Duration,
    },
    /// Everything before the last `flush`, and what the operating system happens to have written. For tables that can be made again.
    None,
}

impl Durability {
    /// Flushes in groups, 100 ms after the acknowledgement at the latest.
    #[must_use]
    pub fn group() -> Self {
        Self::group_within(Duration::from_millis(100))
    }

    /// Flushes in groups, `interval` after the acknowledgement at the latest.
    #[must_use]
    pub fn group_within(interval: Duration) -> Self {
        Self::Group { interval }
    }
}
