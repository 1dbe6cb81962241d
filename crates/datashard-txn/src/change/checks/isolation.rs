//! What each kind of operation has to check at each [`IsolationLevel`].
//!
//! What an operation wrote is derived from what it read, as of the snapshot that it was planned on. *Snapshot* isolation holds what it
//! changes against what others changed: nothing that was removed comes back, nothing is removed twice or doubled. *Serializable* isolation
//! also holds what it read against what others added: the outcome is as if one had begun after the other.
//!
//! | operation | snapshot | serializable besides |
//! | --- | --- | --- |
//! | overwrite by filter | no added deletes and no removed files that the filter may match | no added files that the filter may match |
//! | overwrite of named files | no added deletes for them; they must be there | no added files that the conflict filter may match |
//! | replace partitions | no added deletes and no removed files in them | no added files in them |
//! | row delta that deletes | data files exist; with deletion vectors, also for those who delete | no added files |
//! | row delta that deletes and writes anew | data files exist, also for those who delete; no added deletes | no added files |
//! | rewrite | no added deletes for the files; they must be there | |
//!
//! An append, an equality row delta and a deletion of whole files look at nothing: in whatever order they come, each does what it says.

use std::collections::BTreeSet;

use datashard_spec::id::{PartitionSpecId, SnapshotId};
use datashard_spec::property::IsolationLevel;
use datashard_spec::value::Tuple;

use super::{Check, Checks, Scope};

/// What an overwrite removes and has read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Overwritten<'o> {
    /// The rows that it removes by filter, if it does.
    pub(crate) row_filter: Option<Scope<'o>>,
    /// The rows that it has read, if that was told; otherwise those of the row filter, and without one all.
    pub(crate) conflict_filter: Option<Scope<'o>>,
    /// Whether it removes files that it names.
    pub(crate) removes_files: bool,
}

/// What a row delta deletes and has read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowDeltaChecks<'o> {
    /// The rows that it has read.
    pub(crate) conflict_filter: Scope<'o>,
    /// The data files that it deletes rows of.
    pub(crate) referenced: &'o BTreeSet<String>,
    /// The data files among them for which it brings a deletion vector that is not merged with others.
    pub(crate) vectors: &'o BTreeSet<String>,
    /// Whether it writes rows anew: an update or a merge, and no mere delete.
    pub(crate) adds_rows: bool,
    /// Whether it puts deletion vectors beside data files: then a data file that others deleted whole is missed, too.
    pub(crate) needs_files: bool,
    /// Whether its position deletes are merged row by row with those that others committed, which finds rows deleted twice, and it has read
    /// no other rows than it deletes: then only equality deletes of others stand against it.
    pub(crate) is_merged: bool,
}

impl<'o> Checks<'o> {
    /// No checks yet, since this snapshot; `None` is the beginning of the table.
    pub(crate) fn since(since: Option<SnapshotId>) -> Self {
        Self { since, own: &[], list: Vec::new() }
    }

    /// With a check.
    #[must_use]
    pub(crate) fn with(mut self, check: Check<'o>) -> Self {
        self.list.push(check);
        self
    }

    /// With a check if it is asked for.
    #[must_use]
    pub(crate) fn with_if(self, is_asked: bool, check: impl FnOnce() -> Check<'o>) -> Self {
        if is_asked { self.with(check()) } else { self }
    }

    /// Of an overwrite.
    pub(crate) fn of_overwrite(
        since: Option<SnapshotId>,
        level: IsolationLevel,
        overwritten: Overwritten<'o>,
    ) -> Self {
        let Overwritten { row_filter, conflict_filter, removes_files } = overwritten;
        let read = match (conflict_filter, row_filter) {
            (Some(filter), _) => filter,
            (None, Some(filter)) if !removes_files => filter,
            (None, _) => Scope::Everything,
        };
        let mut checks =
            Self::since(since).with_if(level == IsolationLevel::Serializable, || Check::NoAddedFiles(read));
        if let Some(row_filter) = row_filter {
            let changed = conflict_filter.unwrap_or(row_filter);
            checks = checks
                .with(Check::NoAddedDeletes { scope: changed, only_equality: false })
                .with(Check::NoRemovedFiles(changed));
        }
        // Whatever the filter is: the files are written anew with all their rows, those that it does not match too.
        checks.with_if(removes_files, || Check::NoDeletesForRemoved {
            scope: Scope::Everything,
            ignore_equality: false,
        })
    }

    /// Of an operation that puts other files in the place of all those in some partitions. The partition of a spec without fields is the
    /// whole table.
    pub(crate) fn of_replaced_partitions(
        since: Option<SnapshotId>,
        level: IsolationLevel,
        partitions: &'o BTreeSet<(PartitionSpecId, Tuple)>,
    ) -> Self {
        let scope = Scope::Partitions(partitions);
        Self::since(since)
            .with_if(level == IsolationLevel::Serializable, || Check::NoAddedFiles(scope))
            .with(Check::NoAddedDeletes { scope, only_equality: false })
            .with(Check::NoRemovedFiles(scope))
    }

    /// Of a rewrite of data files, which changes no rows.
    pub(crate) fn of_rewrite(since: Option<SnapshotId>, keeps_sequence_number: bool) -> Self {
        Self::since(since).with(Check::NoDeletesForRemoved {
            scope: Scope::Everything,
            ignore_equality: keeps_sequence_number,
        })
    }

    /// Of a row delta with position deletes or deletion vectors.
    pub(crate) fn of_row_delta(
        since: Option<SnapshotId>,
        level: IsolationLevel,
        delta: RowDeltaChecks<'o>,
    ) -> Self {
        let RowDeltaChecks { conflict_filter: scope, referenced, vectors, adds_rows, needs_files, is_merged } =
            delta;
        Self::since(since)
            .with_if(!vectors.is_empty(), || Check::NoAddedVectors(vectors))
            .with_if(!referenced.is_empty(), || Check::FilesExist {
                files: referenced,
                skip_deletes: !adds_rows && !needs_files,
            })
            .with_if(!referenced.is_empty(), || Check::KeepsFiles(referenced))
            .with_if(level == IsolationLevel::Serializable, || Check::NoAddedFiles(scope))
            .with_if(adds_rows, || Check::NoAddedDeletes { scope, only_equality: is_merged })
            .with_if(adds_rows, || Check::NoDeletesForRemoved {
                scope: Scope::Everything,
                ignore_equality: false,
            })
    }
}
