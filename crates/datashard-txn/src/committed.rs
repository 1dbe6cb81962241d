//! [`Committed`] and [`Resolution`]: how a commit ends well, and what may be found out of one later.

use datashard_spec::id::{MetadataVersion, SnapshotId};

/// An operation that is part of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed {
    /// The version that committed it; the version in which its key was found, of a duplicate and where nothing else tells.
    pub version: MetadataVersion,
    /// The snapshot that it added; `None` if it added none, or if that is not remembered any more.
    pub snapshot_id: Option<SnapshotId>,
    /// Whether an operation with the same key was applied before, so that this one did nothing.
    pub duplicate: bool,
    /// How often a version was sent to the store, 0 for a duplicate.
    pub attempts: u32,
}

/// What is known of an operation whose outcome was not, in the order of how final it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "committed, not committed, open, or beyond what is remembered")]
pub enum Resolution {
    /// It is part of the table.
    Committed(Committed),
    /// It is not, and never will be. What it wrote may be deleted.
    NotCommitted,
    /// Not yet decided: what was sent may still arrive. Ask again, or fill the slot by any commit.
    Open,
    /// The table does not remember enough to tell.
    Forgotten,
}
