//! [`Planned`]: a change of files, planned on one snapshot and held against what was committed since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datashard_spec::avro::ManifestReader;
use datashard_spec::expr::Predicate;
use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, ManifestEntry, ManifestFile};
use datashard_spec::property::IsolationLevel;
use datashard_spec::snapshot_ref::MAIN_BRANCH;

use super::super::super::{Checks, Place, RowDeltaChecks, Scope};
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

/// A row delta with deletion vectors: positions of rows are merged with those that others deleted.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) since: Option<SnapshotId>,
    pub(super) level: IsolationLevel,
    /// The rows that it has read.
    pub(super) conflict_filter: Predicate,
    pub(super) is_merged: bool,
    pub(super) adds: Vec<NewFile>,
    pub(super) adds_deletes: Vec<NewFile>,
    /// Positions of rows that are deleted, by the location of their data file.
    pub(super) vectors: BTreeMap<String, BTreeSet<usize>>,
    pub(super) referenced: BTreeSet<String>,
    /// What tells its files apart from all others.
    pub(super) id: String,
    pub(super) notes: Notes,
}

/// A file that is added.
pub(super) fn new(file: DataFile) -> NewFile {
    NewFile { schema_id: SchemaId(0), spec_id: PartitionSpecId(0), file: Arc::new(file) }
}

static NO_FILES: BTreeSet<String> = BTreeSet::new();
static NOTHING: BTreeSet<DeleteFileKey> = BTreeSet::new();

impl Planned {
    fn checks(&self) -> Checks<'_> {
        if self.vectors.is_empty() {
            return Checks::default();
        }
        let delta = RowDeltaChecks {
            conflict_filter: Scope::of_filter(Some(&self.conflict_filter), true),
            referenced: &self.referenced,
            vectors: &NO_FILES,
            adds_rows: !self.adds.is_empty(),
            needs_files: true,
            is_merged: self.is_merged,
        };
        Checks::of_row_delta(self.since, self.level, delta)
    }

    /// The deletion vectors of this attempt, and those whose place they take; `None` as long as it was not read what is there.
    fn merged(&self, inputs: &Inputs<'_>) -> Result<Option<(Extra, BTreeSet<DeleteFileKey>)>, Refusal> {
        let (mut extra, mut replaced) = (Extra::default(), BTreeSet::new());
        if self.vectors.is_empty() {
            return Ok(Some((extra, replaced)));
        }
        let mut entries = Vec::new();
        for row in inputs.loaded.manifest_list.iter() {
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
        let delete_files = if replaced.is_empty() { None } else { Some(replaced) };
        let removal = Removal { delete_files, ..Removal::default() };
        Change {
            name: NAME,
            label: Label::ByContent,
            notes: &self.notes,
            added: &self.adds,
            data_sequence_number: None,
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

/// An operation whatever it is.
#[derive(Debug, Clone)]
pub(super) struct Any(pub(super) Arc<dyn Operation>);

impl Operation for Any {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.0.fingerprint()
    }

    fn branch(&self) -> &str {
        self.0.branch()
    }

    fn reads_manifest_list(&self) -> bool {
        self.0.reads_manifest_list()
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.0.reads(base, inputs)
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        self.0.remember(base, inputs, read, bytes)
    }

    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal> {
        self.0.validate(base)
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.0.produce(base, inputs)
    }

    fn payload(&self) -> Vec<(datashard_io::TablePath, Bytes)> {
        self.0.payload()
    }

    fn oldest_epoch(&self) -> Option<datashard_spec::id::MetadataVersion> {
        self.0.oldest_epoch()
    }
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
        match self.merged(inputs) {
            Ok(Some((extra, replaced))) => self.change(extra, &replaced).reads(base, inputs),
            Ok(None) => Ok(inputs.loaded.manifest_list.iter().map(vectors_read).collect()),
            // The checks tell who is at fault.
            Err(_) => self.change(Extra::default(), &NOTHING).reads(base, inputs),
        }
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        match read {
            Read::Manifest { purpose: purpose::VECTORS, .. } => Ok(Remembered::Bytes(bytes)),
            _ => match self.merged(inputs) {
                Ok(Some((extra, replaced))) => {
                    self.change(extra, &replaced).remember(base, inputs, read, bytes)
                }
                _ => self.change(Extra::default(), &NOTHING).remember(base, inputs, read, bytes),
            },
        }
    }

    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = base.unwrap();
        match self.merged(inputs) {
            Ok(merged) => {
                let (extra, replaced) = merged.unwrap();
                self.change(extra, &replaced).produce(base, inputs)
            }
            Err(refusal) => {
                self.checks().verify(Place { operation: NAME, branch: MAIN_BRANCH, base, inputs }, &[])?;
                Err(refusal)
            }
        }
    }
}
