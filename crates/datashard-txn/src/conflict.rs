//! [`Conflict`]: what was committed meanwhile and stands against an operation, as a value.

use std::fmt;

use datashard_spec::id::SnapshotId;

/// How many files and partitions a conflict names.
const MOST_NAMED: usize = 16;

/// What stands against an operation, and what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The operation that was refused.
    pub operation: &'static str,
    /// What kind of conflict it is.
    pub kind: ConflictKind,
    /// What the operation assumed, and what is so instead.
    pub reason: String,
    /// The snapshot that broke the assumption, if one did.
    pub snapshot_id: Option<SnapshotId>,
    /// Locations of the files that it is about; the first sixteen.
    pub files: Vec<String>,
    /// The partitions that it is about, as paths; the first sixteen.
    pub partitions: Vec<String>,
}

/// What kind of conflict it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConflictKind {
    /// Data files were added that the operation's filter may match, or in partitions that it replaces.
    AddedFiles,
    /// Data files were removed that the operation read, or that its filter may match.
    RemovedFiles,
    /// A filter may match some rows of data files and not others, so that they cannot be removed whole.
    PartialMatch,
    /// Data files that the operation removes or refers to are not part of the table.
    MissingFiles,
    /// Delete files were added for data files that the operation removes or rewrites, or that its filter may match.
    AddedDeletes,
    /// The same rows were deleted.
    SameRows,
    /// Manifests that the operation replaces are not part of the table.
    MissingManifests,
    /// The snapshot that the operation began from is not in the history of the branch, so that nothing can be proved.
    HistoryLost,
    /// The schema has changed so that the operation's files do not fit.
    Schema,
    /// A part of the metadata is not what the operation requires: an id, a default, the target of a branch or tag.
    Requirement,
    /// Others were faster until the time was up.
    TimeUp,
}

impl Conflict {
    /// A conflict of an operation.
    pub fn new(operation: &'static str, kind: ConflictKind, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { operation, kind, reason, snapshot_id: None, files: Vec::new(), partitions: Vec::new() }
    }

    /// With the snapshot that broke the assumption.
    #[must_use]
    pub fn with_snapshot(mut self, id: SnapshotId) -> Self {
        self.snapshot_id = Some(id);
        self
    }

    /// With files that it is about; the first sixteen are kept.
    #[must_use]
    pub fn with_files(mut self, files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.files.extend(files.into_iter().map(Into::into));
        self.files.truncate(MOST_NAMED);
        self
    }

    /// With partitions that it is about; the first sixteen are kept.
    #[must_use]
    pub fn with_partitions(mut self, partitions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.partitions.extend(partitions.into_iter().map(Into::into));
        self.partitions.truncate(MOST_NAMED);
        self
    }

    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            ConflictKind::AddedFiles | ConflictKind::RemovedFiles | ConflictKind::AddedDeletes => {
                "read the table again, as of its newest snapshot, and decide anew"
            }
            ConflictKind::MissingFiles | ConflictKind::MissingManifests => {
                "plan again from the newest snapshot: what was to be replaced is gone"
            }
            ConflictKind::PartialMatch => "read these files and write them anew without the rows that match",
            ConflictKind::SameRows => "read the rows again: they were deleted or changed meanwhile",
            ConflictKind::HistoryLost => {
                "begin again from the newest snapshot; keep more history if operations take this long"
            }
            ConflictKind::Schema => "write the files anew with the table's schema",
            ConflictKind::Requirement => "make the change anew from the newest metadata",
            ConflictKind::TimeUp => "try again, or raise the time limit",
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.reason)?;
        if let Some(id) = self.snapshot_id {
            write!(f, " (snapshot {id})")?;
        }
        for (what, named) in [("files", &self.files), ("partitions", &self.partitions)] {
            if !named.is_empty() {
                write!(f, "; {what}: {}", named.join(", "))?;
            }
        }
        write!(f, "; {}", self.advice())
    }
}

impl std::error::Error for Conflict {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_says_what_where_and_what_next_and_names_sixteen_files_at_most() {
        let conflict =
            Conflict::new("overwrite", ConflictKind::AddedFiles, "rows were added that its filter may match")
                .with_snapshot(SnapshotId(7))
                .with_files((0..20).map(|number| format!("f{number}")))
                .with_partitions(["day=1"]);
        assert_eq!(conflict.files.len(), 16);
        let text = conflict.to_string();
        assert!(
            text.starts_with(
                "overwrite: rows were added that its filter may match (snapshot 7); files: f0, f1,"
            ),
            "{text}"
        );
        assert!(
            text.ends_with(
                "; partitions: day=1; read the table again, as of its newest snapshot, and decide anew"
            ),
            "{text}"
        );
    }
}
