//! [`Change`]: a snapshot that adds and removes files, whatever operation asks for it.
//!
//! Overwrites, deletes, compactions and row-level operations differ in what they add, what they remove and what must not have been
//! committed meanwhile; how that becomes manifests, a manifest list and a snapshot is the same for all, and stands here:
//!
//! | part | what it does | reads for it |
//! | --- | --- | --- |
//! | `checks` | holds what was committed since the operation began against what it assumed | manifest lists and manifests of newer snapshots |
//! | `removal` | takes files out of manifests: by path, by filter, by partition | manifests that may hold such files |
//! | `vectors` | deletes rows of data files with deletion vectors, merged with those that are there | delete manifests, blobs |
//!
//! Each part says what it has to read given what was read so far, keeps findings, and does its share of the next version.

pub(crate) mod checks;
pub(crate) mod removal;
pub(crate) mod vectors;

use std::collections::BTreeMap;

use datashard_spec::id::DataSequenceNumber;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::snapshot::Operation as SnapshotOperation;

use crate::action::{NewFile, Target};
use crate::change::checks::Checks;
use crate::change::removal::Removal;

/// What manifests are read for ([`Read::Manifest`](crate::Read::Manifest)).
pub(crate) mod purpose {
    /// Data manifests, to take files out of them.
    pub(crate) const DATA: u32 = 1;
    /// Delete manifests, to take files out of them.
    pub(crate) const DELETES: u32 = 2;
    /// Manifests of newer snapshots, to find what stands against the operation.
    pub(crate) const CHECK: u32 = 3;
    /// Data manifests, to find data files whose rows are deleted, and delete manifests, to find what deletes rows of them already.
    pub(crate) const VECTORS: u32 = 4;
}

/// A snapshot that adds and removes files.
#[derive(Debug, Clone)]
pub(crate) struct Change<'o> {
    /// The name of the operation, for messages.
    pub(crate) name: &'static str,
    /// What it is to readers.
    pub(crate) label: Label,
    /// The branch that it goes to.
    pub(crate) target: Target<'o>,
    /// Data files that it adds.
    pub(crate) added: &'o [NewFile],
    /// The data sequence number of the data files that it adds; that of the commit if it is `None`. A compaction keeps that of the files
    /// that it read, so that equality deletes committed meanwhile still reach its rows.
    pub(crate) data_sequence_number: Option<DataSequenceNumber>,
    /// Delete files that it adds: position and equality delete files, and deletion vectors that somebody has written.
    pub(crate) added_deletes: &'o [NewFile],
    /// Rows that it deletes with deletion vectors, by the location of their data file.
    pub(crate) vectors: &'o BTreeMap<String, DeletionVector>,
    /// What it removes.
    pub(crate) removal: Removal<'o>,
    /// What must not have been committed meanwhile.
    pub(crate) checks: Checks<'o>,
    /// The caller's entries for the summary.
    pub(crate) summary: &'o BTreeMap<String, String>,
}

/// How the operation of a snapshot is told to readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Label {
    /// This one, whatever it comes to.
    Fixed(SnapshotOperation),
    /// By what it adds and removes: additions of data only make an append; removals, or deletes and no data, a delete; all else an overwrite.
    ByContent,
}
