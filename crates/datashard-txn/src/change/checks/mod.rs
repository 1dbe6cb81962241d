//! [`Checks`]: what must not have been committed since an operation began.
//!
//! An operation was planned on a snapshot and is applied to a newer one. Whether that gives the same as if it had been planned on the newer
//! one is decided by looking at what was committed in between, snapshot by snapshot: at the manifests that each of them added and at
//! nothing else.
//!
//! | check | snapshots looked at | manifests | entries |
//! | --- | --- | --- | --- |
//! | [`Check::NoAddedFiles`] | append, overwrite | data | added |
//! | [`Check::NoRemovedFiles`] | overwrite, replace, delete | data | deleted |
//! | [`Check::FilesExist`] | overwrite, replace, and delete unless that is skipped | data | deleted |
//! | [`Check::Remain`] | overwrite, replace, delete | data | deleted |
//! | [`Check::NoAddedDeletes`], [`Check::NoDeletesForRemoved`] | overwrite, delete | deletes | added |
//! | [`Check::NoAddedVectors`] | overwrite, delete, replace | deletes | added deletion vectors |
//!
//! What a snapshot is goes by the operation in its summary. One whose summary names no operation that is known, or contradicts itself, is
//! looked at by every check (`history`). A snapshot that removed files and does not tell which stands against everything that must not have
//! been removed (`account`).
//!
//! Of each manifest only what was found is kept (`finding`), so that a conflict can be told without it.

mod account;
mod deletes;
mod finding;
mod history;
mod isolation;
mod partition;
mod scope;
#[cfg(test)]
mod tests;

pub use datashard_spec::property::IsolationLevel;
pub(crate) use isolation::{Overwritten, RowDeltaChecks};
pub(crate) use partition::{Bounds, canonical};
pub(crate) use scope::Scope;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SnapshotId};
use datashard_spec::manifest::ManifestFile;
use datashard_spec::value::Tuple;

use self::finding::Found;
use self::history::{Kind, Step, walk};
use self::scope::Lens;
use super::purpose;
use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
use crate::inputs::Inputs;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;
use crate::rules::Mutation;

/// What must not have been committed since an operation began. Without checks nothing is looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks<'o> {
    /// The snapshot that the operation was planned on; `None` for the beginning of the table.
    pub(crate) since: Option<SnapshotId>,
    /// Snapshots that are the operation's own: of earlier parts of its transaction.
    pub(crate) own: &'o [SnapshotId],
    /// What is checked.
    pub(crate) list: Vec<Check<'o>>,
}

/// Something that must not have been committed, or must still be so.
#[derive(Debug, Clone)]
pub(crate) enum Check<'o> {
    /// No data files were added in the scope.
    NoAddedFiles(Scope<'o>),
    /// No data files were removed in the scope.
    NoRemovedFiles(Scope<'o>),
    /// None of these data files was removed, whose locations are given.
    FilesExist {
        /// Their locations.
        files: &'o BTreeSet<String>,
        /// Whether snapshots that delete and nothing else are passed over: rows of files that are gone need not be deleted.
        skip_deletes: bool,
    },
    /// No delete files were added in the scope.
    NoAddedDeletes {
        /// Where.
        scope: Scope<'o>,
        /// Whether position deletes and deletion vectors do not count.
        only_equality: bool,
    },
    /// No deletes were added that reach the data files which the change removes: its new files would bring the rows back.
    NoDeletesForRemoved {
        /// Only delete files in this scope are looked at.
        scope: Scope<'o>,
        /// Whether equality deletes do not count: they reach the new files as they reached the old ones if those keep the data sequence
        /// number.
        ignore_equality: bool,
    },
    /// No deletion vectors were added for these data files, whose locations are given.
    NoAddedVectors(&'o BTreeSet<String>),
    /// None of these data files was removed, whose locations are given and which the change removes. Whether they are there is seen anyway;
    /// this tells who removed them.
    Remain(&'o BTreeSet<String>),
    /// The change itself does not remove any of these data files, whose locations are given.
    KeepsFiles(&'o BTreeSet<String>),
}

/// What a change is checked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The name of the operation, for messages.
    pub(crate) operation: &'static str,
    /// The branch that it goes to.
    pub(crate) branch: &'a str,
    /// The version that it is applied to.
    pub(crate) base: &'a Base,
    /// What was read.
    pub(crate) inputs: &'a Inputs<'a>,
}

/// A data file that the change removes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RemovedFile<'r> {
    /// Where it is.
    pub(crate) location: &'r str,
    /// The spec of its partition tuple.
    pub(crate) spec_id: PartitionSpecId,
    /// Its partition tuple.
    pub(crate) partition: &'r Tuple,
    /// Its data sequence number.
    pub(crate) data_sequence_number: DataSequenceNumber,
}

impl<'o> Checks<'o> {
    /// What has to be read for them, given what was read so far: manifest lists of newer snapshots, then manifests that those added.
    ///
    /// # Errors
    /// `Conflict` if the history since the operation began is not there; `Corrupt`, `Unsupported` if it cannot be read; `Rejected` if a
    /// filter does not fit the table.
    pub(crate) fn reads(&self, place: Place<'_>) -> Result<Vec<Read>, Refusal> {
        let mut reads = Vec::new();
        let lenses = self.lenses(place)?;
        for step in self.walk(place)? {
            let Some(rows) = step.rows(place)? else {
                reads.push(step.read(place)?);
                continue;
            };
            reads.extend(step.parent_read(place, self.must_account(&step))?);
            let wanted = step.added(rows).filter(|row| self.wants(row, step.kind, &lenses));
            reads.extend(wanted.map(check_read));
        }
        Ok(reads)
    }

    /// What is kept of a manifest that was read for them.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported` if the manifest cannot be read.
    pub(crate) fn remember(
        &self,
        place: Place<'_>,
        row: &ManifestFile,
        bytes: &Bytes,
    ) -> Result<Remembered, Refusal> {
        let found = Found::of(self, &self.lenses(place)?, place, row, bytes)?;
        Ok(Remembered::Finding(Arc::new(found)))
    }

    /// Whether all of them hold, once all was read. Of what stands against the operation the oldest snapshot is told.
    ///
    /// # Errors
    /// `Conflict` if one does not hold, and as [`reads`](Self::reads). `Rejected` if the change removes a data file that must exist.
    pub(crate) fn verify(&self, place: Place<'_>, removed: &[RemovedFile<'_>]) -> Result<(), Refusal> {
        self.check_itself(place, removed)?;
        let lenses = self.lenses(place)?;
        let mut steps = self.walk(place)?;
        steps.reverse();
        for step in &steps {
            let rows = step.rows(place)?.ok_or_else(|| step.unread(place))?;
            let mut found = Vec::new();
            for row in step.added(rows).filter(|row| self.wants(row, step.kind, &lenses)) {
                let finding = place.inputs.loaded.finding::<Found>(&check_read(row));
                found.push((row, finding.ok_or_else(|| unread(place, &row.manifest_path))?));
            }
            for (position, check) in self.list.iter().enumerate() {
                if !check.looks_at(step.kind) {
                    continue;
                }
                if let Some(conflict) = check.conflict(place, step, &found, position, removed) {
                    return Err(conflict.with_snapshot(step.snapshot.id).into());
                }
            }
            if let Some(reason) =
                self.must_account(step).then(|| step.unaccounted(place, rows, &found)).flatten()
            {
                let conflict = Conflict::new(place.operation, ConflictKind::RemovedFiles, reason);
                return Err(conflict.with_snapshot(step.snapshot.id).into());
            }
        }
        Ok(())
    }

    /// The snapshots since the operation began that any check looks at, newest first.
    fn walk<'a>(&self, place: Place<'a>) -> Result<Vec<Step<'a>>, Refusal> {
        if self.list.is_empty() || !place.inputs.rules.upholds(Mutation::SkipValidation) {
            return Ok(Vec::new());
        }
        let mut steps = walk(place, self.since)?;
        steps.retain(|step| {
            !self.own.contains(&step.snapshot.id)
                && !place.inputs.own.contains(&step.snapshot.id)
                && self.list.iter().any(|check| check.looks_at(step.kind))
        });
        Ok(steps)
    }

    fn lenses(&self, place: Place<'_>) -> Result<Vec<Lens>, Refusal> {
        self.list.iter().map(|check| Lens::new(check.scope(), place)).collect()
    }

    /// Whether the manifest, which such a snapshot added, has to be read.
    fn wants(&self, row: &ManifestFile, kind: Kind, lenses: &[Lens]) -> bool {
        self.list.iter().zip(lenses).any(|(check, lens)| check.looks_at(kind) && check.wants(row, lens))
    }

    /// Whether the snapshot has to tell of every data file that it removed.
    fn must_account(&self, step: &Step<'_>) -> bool {
        self.list.iter().any(|check| check.is_about_removals() && check.looks_at(step.kind))
    }

    fn check_itself(&self, place: Place<'_>, removed: &[RemovedFile<'_>]) -> Result<(), Refusal> {
        for check in &self.list {
            if let Check::KeepsFiles(files) = check
                && let Some(both) = removed.iter().find(|removed| files.contains(removed.location))
            {
                let location = crate::action::excerpt(both.location);
                let reason = format!("it removes the data file `{location}`, of which it also deletes rows");
                return Err(Refusal::Rejected { operation: place.operation, reason });
            }
        }
        Ok(())
    }
}

impl Check<'_> {
    fn scope(&self) -> Scope<'_> {
        match self {
            Self::NoAddedFiles(scope)
            | Self::NoRemovedFiles(scope)
            | Self::NoAddedDeletes { scope, .. }
            | Self::NoDeletesForRemoved { scope, .. } => *scope,
            Self::FilesExist { .. } | Self::Remain(_) | Self::NoAddedVectors(_) | Self::KeepsFiles(_) => {
                Scope::Everything
            }
        }
    }

    fn looks_at(&self, kind: Kind) -> bool {
        let kinds: &[Kind] = match self {
            Self::NoAddedFiles(_) => &[Kind::Append, Kind::Overwrite],
            Self::NoRemovedFiles(_)
            | Self::FilesExist { skip_deletes: false, .. }
            | Self::Remain(_)
            | Self::NoAddedVectors(_) => &[Kind::Overwrite, Kind::Replace, Kind::Delete],
            Self::FilesExist { skip_deletes: true, .. } => &[Kind::Overwrite, Kind::Replace],
            Self::NoAddedDeletes { .. } | Self::NoDeletesForRemoved { .. } => {
                &[Kind::Overwrite, Kind::Delete]
            }
            Self::KeepsFiles(_) => return false,
        };
        kind == Kind::Unknown || kinds.contains(&kind)
    }

    fn is_about_removals(&self) -> bool {
        matches!(self, Self::NoRemovedFiles(_) | Self::FilesExist { .. })
    }

    fn wants(&self, row: &ManifestFile, lens: &Lens) -> bool {
        use datashard_spec::manifest::ManifestContent::{Data, Deletes};
        let of_scope = || lens.may_hold(row);
        match self {
            Self::NoAddedFiles(_) => row.content == Data && row.may_have_added_files() && of_scope(),
            // Where they are not counted they have to be, whatever the scope.
            Self::NoRemovedFiles(_) | Self::FilesExist { .. } | Self::Remain(_) => {
                row.content == Data
                    && row.may_have_deleted_files()
                    && (row.deleted_files_count.is_none() || of_scope())
            }
            Self::NoAddedDeletes { .. } | Self::NoDeletesForRemoved { .. } | Self::NoAddedVectors(_) => {
                row.content == Deletes && row.may_have_added_files() && of_scope()
            }
            Self::KeepsFiles(_) => false,
        }
    }

    /// What a snapshot did that stands against it.
    fn conflict(
        &self,
        place: Place<'_>,
        step: &Step<'_>,
        found: &[(&ManifestFile, &Found)],
        position: usize,
        removed: &[RemovedFile<'_>],
    ) -> Option<Conflict> {
        let hits = found.iter().filter_map(|(_, found)| found.hits(position));
        let hits = match self {
            Self::NoDeletesForRemoved { ignore_equality, .. } => {
                let added = found.iter().flat_map(|(_, found)| found.deletes(position));
                deletes::reached(added, removed, *ignore_equality, place)
            }
            _ => hits.fold(finding::Hits::default(), finding::Hits::joined),
        };
        if hits.count == 0 {
            return None;
        }
        let (kind, what) = match self {
            Self::NoAddedFiles(_) => {
                (ConflictKind::AddedFiles, "data files were added that it should have seen")
            }
            Self::NoRemovedFiles(_) => {
                (ConflictKind::RemovedFiles, "data files were removed that it may have read")
            }
            Self::FilesExist { .. } => {
                (ConflictKind::MissingFiles, "data files were removed of which it deletes rows")
            }
            Self::Remain(_) => (ConflictKind::MissingFiles, "data files were removed that it removes"),
            Self::KeepsFiles(_) => return None,
            Self::NoAddedDeletes { .. } => {
                (ConflictKind::AddedDeletes, "delete files were added that may delete rows it has read")
            }
            Self::NoDeletesForRemoved { .. } => {
                (ConflictKind::AddedDeletes, "rows were deleted of data files that it removes")
            }
            Self::NoAddedVectors(_) => {
                (ConflictKind::AddedDeletes, "deletion vectors were added for data files that it has one for")
            }
        };
        let reason = format!("{what}: {} by {}", hits.count, step.label());
        Some(
            Conflict::new(place.operation, kind, reason)
                .with_files(hits.files)
                .with_partitions(hits.partitions),
        )
    }
}

fn check_read(row: &ManifestFile) -> Read {
    Read::Manifest { row: Arc::new(row.clone()), purpose: purpose::CHECK }
}

pub(crate) fn unread(place: Place<'_>, location: &str) -> Refusal {
    let path = place.inputs.location.relative(location);
    Refusal::Corrupt {
        path: path.map_or_else(|_| location.to_owned(), |path| path.to_string()),
        reason: "it was not read".to_owned(),
    }
}
