//! [`Planned`]: a change of files, planned on one snapshot and held against what was committed since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::avro::ManifestReader;
use datashard_spec::expr::Predicate;
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, ManifestEntry, ManifestFile};
use datashard_spec::property::IsolationLevel;
use datashard_spec::value::Tuple;

use super::super::super::{Checks, Overwritten, RowDeltaChecks, Scope};
use super::rows;
use crate::action::NewFile;
use crate::base::Base;
use crate::change::notes::Notes;
use crate::change::removal::{DeleteFileKey, Removal};
use crate::change::{Change, Extra, Label, purpose};
use crate::conflict::{Conflict, ConflictKind};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// A change of files.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) label: Label,
    pub(super) since: Option<SnapshotId>,
    pub(super) adds: Vec<NewFile>,
    pub(super) data_sequence_number: Option<DataSequenceNumber>,
    pub(super) adds_deletes: Vec<NewFile>,
    /// Positions of rows that are deleted, by the location of their data file; merged with those that others deleted.
    pub(super) vectors: BTreeMap<String, BTreeSet<usize>>,
    pub(super) removes: Removes,
    pub(super) guard: Guard,
    /// What tells its files apart from all others.
    pub(super) id: String,
    pub(super) notes: Notes,
}

/// A file that is added.
pub(super) fn new(file: DataFile) -> NewFile {
    NewFile { schema_id: SchemaId(0), spec_id: PartitionSpecId(0), file: Arc::new(file) }
}

/// What it removes.
#[derive(Debug, Clone)]
pub(super) enum Removes {
    Nothing,
    /// Files, which must be there.
    Files(BTreeSet<String>),
    /// All files whose rows all match; a file of which some match is a reason to refuse.
    Matching(Predicate),
    /// All files of a partition.
    Partition(BTreeSet<(PartitionSpecId, Tuple)>),
}

/// What it checks.
#[derive(Debug, Clone)]
pub(super) enum Guard {
    None,
    Overwrite {
        level: IsolationLevel,
        row_filter: Option<Predicate>,
        conflict_filter: Option<Predicate>,
    },
    Partition(IsolationLevel),
    Rewrite {
        keeps_sequence_number: bool,
    },
    RowDelta {
        level: IsolationLevel,
        conflict_filter: Predicate,
        referenced: BTreeSet<String>,
        adds_rows: bool,
        is_merged: bool,
    },
}

static NO_FILES: BTreeSet<String> = BTreeSet::new();

fn filter(predicate: &Predicate) -> Scope<'_> {
    Scope::of_filter(Some(predicate), true)
}

impl Planned {
    fn checks(&self) -> Checks<'_> {
        let since = self.since;
        match &self.guard {
            Guard::None => Checks::since(since),
            Guard::Overwrite { level, row_filter, conflict_filter } => {
                let overwritten = Overwritten {
                    row_filter: row_filter.as_ref().map(filter),
                    conflict_filter: conflict_filter.as_ref().map(filter),
                    removes_files: matches!(self.removes, Removes::Files(_)),
                };
                Checks::of_overwrite(since, *level, overwritten)
            }
            Guard::Partition(level) => match &self.removes {
                Removes::Partition(partitions) => Checks::of_replaced_partitions(since, *level, partitions),
                _ => Checks::since(since),
            },
            Guard::Rewrite { keeps_sequence_number } => Checks::of_rewrite(since, *keeps_sequence_number),
            Guard::RowDelta { level, conflict_filter, referenced, adds_rows, is_merged } => {
                let delta = RowDeltaChecks {
                    conflict_filter: filter(conflict_filter),
                    referenced,
                    vectors: &NO_FILES,
                    adds_rows: *adds_rows,
                    is_merged: *is_merged,
                };
                Checks::of_row_delta(since, *level, delta)
            }
        }
    }

    /// The deletion vectors of this attempt, and those whose place they take; `None` as long as it was not read what is there.
    fn merged(&self, inputs: &Inputs<'_>) -> Result<Option<(Extra, BTreeSet<DeleteFileKey>)>, Refusal> {
        let (mut extra, mut replaced) = (Extra::default(), BTreeSet::new());
        if self.vectors.is_empty() {
            return Ok(Some((extra, replaced)));
        }
        let mut entries = Vec::new();
        for row in &inputs.loaded.manifest_list {
            let Some(bytes) = inputs.loaded.bytes(&vectors_read(row)) else { return Ok(None) };
            entries.extend(live(row, bytes));
        }
        for (location, positions) in &self.vectors {
            let Some(of) = entries.iter().find(|entry| entry.data_file.file_path == *location) else {
                return Err(conflict(ConflictKind::MissingFiles, location));
            };
            let is_of = |entry: &&ManifestEntry| {
                entry.data_file.is_deletion_vector()
                    && entry.data_file.referenced_data_file.as_deref() == Some(location)
            };
            let mut positions = positions.clone();
            if let Some(before) = entries.iter().find(is_of) {
                let there = rows::positions(&before.data_file);
                if !there.is_disjoint(&positions) {
                    return Err(conflict(ConflictKind::SameRows, location));
                }
                positions.extend(there);
                replaced.insert(DeleteFileKey::of(&before.data_file));
            }
            let id = format!("{}a{}", self.id, inputs.attempt);
            let root = inputs.location.to_string();
            extra.deletes.push(new(rows::vector(&root, &id, &of.data_file, &positions)));
        }
        Ok(Some((extra, replaced)))
    }

    fn change<'o>(&'o self, extra: Extra, replaced: &'o BTreeSet<DeleteFileKey>) -> Change<'o> {
        let mut removal = Removal { case_sensitive: true, ..Removal::default() };
        match &self.removes {
            Removes::Nothing => {}
            Removes::Files(files) => (removal.files, removal.must_exist) = (Some(files), true),
            Removes::Matching(predicate) => removal.filter = Some(predicate),
            Removes::Partition(partitions) => removal.partitions = Some(partitions),
        }
        if !replaced.is_empty() {
            removal.delete_files = Some(replaced);
        }
        Change {
            name: NAME,
            label: self.label.clone(),
            notes: &self.notes,
            added: &self.adds,
            data_sequence_number: self.data_sequence_number,
            added_deletes: &self.adds_deletes,
            removal,
            checks: self.checks(),
            extra,
        }
    }
}

const NAME: &str = "planned";

fn vectors_read(row: &ManifestFile) -> Read {
    Read::Manifest { row: Arc::new(row.clone()), purpose: purpose::VECTORS }
}

/// The live entries of a manifest, with what they inherit.
fn live(row: &ManifestFile, bytes: &[u8]) -> Vec<ManifestEntry> {
    let mut inheritance = row.inherit();
    ManifestReader::new(bytes)
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            inheritance.apply(&mut entry).unwrap();
            entry
        })
        .filter(|entry| entry.status.is_live())
        .collect()
}

fn conflict(kind: ConflictKind, file: &str) -> Refusal {
    Conflict::new(NAME, kind, "files have changed").with_files([file]).into()
}

impl Operation for Planned {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        match self.merged(inputs)? {
            Some((extra, replaced)) => self.change(extra, &replaced).reads(base, inputs),
            None => Ok(inputs.loaded.manifest_list.iter().map(vectors_read).collect()),
        }
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        match self.merged(inputs)? {
            Some((extra, replaced)) => self.change(extra, &replaced).remember(base, inputs, read, bytes),
            None => Ok(Remembered::Bytes(bytes)),
        }
    }

    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let (extra, replaced) = self.merged(inputs)?.unwrap();
        self.change(extra, &replaced).produce(base.unwrap(), inputs)
    }
}
