//! [`Checks`]: what must not have been committed since an operation began.

use datashard_spec::id::SnapshotId;

/// What must not have been committed since an operation began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks<'o> {
    /// The snapshot that the operation was planned on; `None` for the beginning of the table.
    pub(crate) since: Option<SnapshotId>,
    /// What is checked.
    pub(crate) list: Vec<Check<'o>>,
}

/// Something that must not have been committed.
#[derive(Debug, Clone)]
pub(crate) enum Check<'o> {
    /// Removals of any of these data files.
    Removed(&'o [String]),
}
