//! [`Planned`]: a change of files, planned on one snapshot and held against what was committed since.
//!
//! As plain as can be: it reads all manifests of the head and writes those anew that it takes files out of.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::avro::{ManifestReader, ManifestWriter, WriteOptions};
use datashard_spec::expr::{Predicate, StrictProjection};
use datashard_spec::id::{DataSequenceNumber, PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{
    DataFile, FileContent, ManifestContent, ManifestEntry, ManifestFile, ManifestStatus,
};
use datashard_spec::property::IsolationLevel;
use datashard_spec::snapshot::{Operation as SnapshotOperation, Summary, summary_key};
use datashard_spec::snapshot_ref::MAIN_BRANCH;
use datashard_spec::value::Tuple;

use super::super::super::{Checks, Overwritten, Place, RemovedFile, RowDeltaChecks, Scope};
use super::rows;
use crate::action::produce_snapshot;
use crate::base::Base;
use crate::change::purpose;
use crate::conflict::{Conflict, ConflictKind};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{NewManifest, Produced};
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

/// A change of files.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) label: SnapshotOperation,
    pub(super) since: Option<SnapshotId>,
    pub(super) adds: Vec<DataFile>,
    pub(super) data_sequence_number: Option<DataSequenceNumber>,
    pub(super) adds_deletes: Vec<DataFile>,
    /// Positions of rows that are deleted, by the location of their data file; merged with those that others deleted.
    pub(super) vectors: BTreeMap<String, BTreeSet<usize>>,
    pub(super) removes: Removes,
    pub(super) guard: Guard,
    /// What tells its files apart from all others.
    pub(super) id: String,
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

    fn place<'a>(&self, base: &'a Base, inputs: &'a Inputs<'a>) -> Place<'a> {
        Place { operation: "planned", branch: MAIN_BRANCH, base, inputs }
    }

    /// Whether it removes a data file.
    fn takes(&self, entry: &ManifestEntry, base: &Base) -> Result<bool, Refusal> {
        let file = &entry.data_file;
        Ok(match &self.removes {
            Removes::Nothing => false,
            Removes::Files(files) => files.contains(&file.file_path),
            Removes::Partition(partitions) => {
                partitions.iter().any(|(_, partition)| *partition == file.partition)
            }
            Removes::Matching(predicate) => {
                let table = &base.metadata;
                let bound = predicate.bind(table.current_schema()).unwrap();
                StrictProjection::new(&bound, table.default_partition_spec()).must_match(&file.partition)
            }
        })
    }
}

/// The live entries of a manifest, with what they inherit.
fn live(row: &ManifestFile, inputs: &Inputs<'_>) -> Vec<ManifestEntry> {
    let mut inheritance = row.inherit();
    let reader = ManifestReader::new(inputs.loaded.manifest(row).unwrap()).unwrap();
    reader
        .map(|entry| {
            let mut entry = entry.unwrap();
            inheritance.apply(&mut entry).unwrap();
            entry
        })
        .filter(|entry| entry.status.is_live())
        .collect()
}

fn conflict(kind: ConflictKind, file: &str) -> Refusal {
    Conflict::new("planned", kind, "files have changed").with_files([file]).into()
}

impl Operation for Planned {
    fn name(&self) -> &'static str {
        "planned"
    }

    fn fingerprint(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let mut reads = self.checks().reads(self.place(base, inputs))?;
        reads.extend(inputs.loaded.manifest_list.iter().map(Read::manifest));
        Ok(reads)
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        match read {
            Read::Manifest { row, purpose: purpose::CHECK } => {
                self.checks().remember(self.place(base, inputs), row, &bytes)
            }
            _ => Ok(Remembered::Bytes(bytes)),
        }
    }

    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = base.unwrap();
        let manifests: Vec<(&ManifestFile, Vec<ManifestEntry>)> =
            inputs.loaded.manifest_list.iter().map(|row| (row, live(row, inputs))).collect();
        let entries = || manifests.iter().flat_map(|(_, entries)| entries);

        let mut gone: BTreeMap<String, &ManifestEntry> = BTreeMap::new();
        for entry in entries().filter(|entry| entry.data_file.content == FileContent::Data) {
            if self.takes(entry, base)? {
                gone.insert(entry.data_file.file_path.clone(), entry);
            }
        }
        let removed: Vec<RemovedFile<'_>> = gone
            .iter()
            .map(|(location, entry)| RemovedFile {
                location,
                spec_id: PartitionSpecId(0),
                partition: &entry.data_file.partition,
                data_sequence_number: entry.data_sequence_number.unwrap(),
            })
            .collect();
        self.checks().verify(self.place(base, inputs), &removed)?;
        if let Removes::Files(files) = &self.removes
            && let Some(missing) = files.iter().find(|file| !gone.contains_key(*file))
        {
            return Err(conflict(ConflictKind::MissingFiles, missing));
        }

        let mut deletes = self.adds_deletes.clone();
        let mut gone_vectors = BTreeSet::new();
        for (location, positions) in &self.vectors {
            let Some(of) = entries().find(|entry| entry.data_file.file_path == *location) else {
                return Err(conflict(ConflictKind::MissingFiles, location));
            };
            let is_of = |entry: &&ManifestEntry| {
                entry.data_file.is_deletion_vector()
                    && entry.data_file.referenced_data_file.as_deref() == Some(location)
            };
            let mut positions = positions.clone();
            if let Some(before) = entries().find(is_of) {
                let there = rows::positions(&before.data_file);
                if !there.is_disjoint(&positions) {
                    return Err(conflict(ConflictKind::SameRows, location));
                }
                positions.extend(there);
                gone_vectors.insert(before.data_file.file_path.clone());
            }
            let id = format!("{}a{}", self.id, inputs.attempt);
            deletes.push(rows::vector(&inputs.location.to_string(), &id, &of.data_file, &positions));
        }

        let is_gone = |entry: &ManifestEntry| {
            let file = &entry.data_file;
            let referenced = file.referenced_data_file.as_ref();
            gone.contains_key(&file.file_path)
                || gone_vectors.contains(&file.file_path)
                || referenced.is_some_and(|referenced| gone.contains_key(referenced))
        };
        let mut made = Made { base, inputs, manifests: Vec::new() };
        made.add(ManifestContent::Data, &self.adds, self.data_sequence_number);
        made.add(ManifestContent::Deletes, &deletes, None);
        let mut kept = Vec::new();
        for (row, entries) in &manifests {
            if entries.iter().any(&is_gone) {
                made.without(row, entries, &is_gone);
            } else if !entries.is_empty() {
                kept.push((*row).clone());
            }
        }
        let counts = [
            (summary_key::ADDED_DATA_FILES, self.adds.len()),
            (summary_key::DELETED_DATA_FILES, gone.len()),
            (summary_key::ADDED_DELETE_FILES, deletes.len()),
        ];
        let told = counts.into_iter().filter(|(_, count)| *count > 0);
        let summary = told.fold(Summary::default(), |summary, (key, count)| summary.with(key, count));
        produce_snapshot("planned", self.label.clone(), summary, made.manifests, kept, base, inputs)
    }
}

struct Made<'a> {
    base: &'a Base,
    inputs: &'a Inputs<'a>,
    manifests: Vec<NewManifest>,
}

impl Made<'_> {
    fn add(&mut self, content: ManifestContent, files: &[DataFile], number: Option<DataSequenceNumber>) {
        if files.is_empty() {
            return;
        }
        self.write(content, None, |writer, id| {
            for file in files {
                let mut entry = ManifestEntry::added(file.clone()).with_snapshot_id(id);
                entry.data_sequence_number = number;
                writer.write(&entry).unwrap();
            }
        });
    }

    fn without(
        &mut self,
        row: &ManifestFile,
        entries: &[ManifestEntry],
        is_gone: &impl Fn(&ManifestEntry) -> bool,
    ) {
        let first_row_id = entries.iter().filter_map(|entry| entry.data_file.first_row_id).min();
        self.write(row.content, first_row_id, |writer, _| {
            for entry in entries {
                let status = entry.status;
                assert_ne!(status, ManifestStatus::Deleted);
                match is_gone(entry) {
                    true => writer.delete(entry.clone()).unwrap(),
                    false => writer.existing(entry.clone()).unwrap(),
                }
            }
        });
    }

    fn write(
        &mut self,
        content: ManifestContent,
        first_row_id: Option<i64>,
        entries: impl FnOnce(&mut ManifestWriter, SnapshotId),
    ) {
        let (table, inputs) = (&self.base.metadata, self.inputs);
        let id = inputs.snapshot_id;
        let (schema, spec) = (table.current_schema(), table.default_partition_spec());
        let mut writer =
            ManifestWriter::new(table.format_version(), schema, spec, content, id, &WriteOptions::default())
                .unwrap();
        entries(&mut writer, id);
        let path =
            format!("metadata/{}-{}-m{}.avro", inputs.operation_id, inputs.attempt, self.manifests.len());
        let path = TablePath::parse(&path).unwrap();
        let (bytes, mut row) = writer.finish(inputs.location.file(&path)).unwrap();
        row.first_row_id = first_row_id;
        self.manifests.push(NewManifest::new(path, Bytes::from(bytes), row));
    }
}
