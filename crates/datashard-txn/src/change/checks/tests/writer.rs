//! [`Writer`]: another writer, who adds and removes what a test says and tells of it as a test says.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::avro::{ManifestReader, ManifestWriter, WriteOptions};
use datashard_spec::id::{PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{DataFile, ManifestContent, ManifestEntry, ManifestFile};
use datashard_spec::metadata::{FormatVersion, TableMetadata, TableUpdate};
use datashard_spec::snapshot::{Operation as SnapshotOperation, Summary, summary_key};

use crate::action::{produce_snapshot, testing::TestTable};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::{Content, NewManifest, Produced};
use crate::read::Read;
use crate::refusal::Refusal;

/// How a writer tells what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Summarized {
    /// With all counts.
    Counted,
    /// With the operation alone.
    Uncounted,
    /// Not at all.
    Silent,
}

/// Another writer.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    label: SnapshotOperation,
    adds: Vec<(PartitionSpecId, DataFile)>,
    adds_deletes: Vec<(PartitionSpecId, DataFile)>,
    removes: Vec<String>,
    summarized: Summarized,
    /// Whether removals are told by entries.
    pub(super) tells: bool,
    /// Whether rows of the manifest list have counts.
    pub(super) counts: bool,
    /// Whether rows of the manifest list have partition summaries.
    pub(super) summarizes_partitions: bool,
}

impl Writer {
    pub(super) fn new(label: &str) -> Self {
        Self {
            label: SnapshotOperation::from(label),
            adds: Vec::new(),
            adds_deletes: Vec::new(),
            removes: Vec::new(),
            summarized: Summarized::Counted,
            tells: true,
            counts: true,
            summarizes_partitions: true,
        }
    }

    pub(super) fn adding(mut self, spec_id: i32, file: DataFile) -> Self {
        self.adds.push((PartitionSpecId(spec_id), file));
        self
    }

    pub(super) fn deleting(mut self, spec_id: i32, file: DataFile) -> Self {
        self.adds_deletes.push((PartitionSpecId(spec_id), file));
        self
    }

    pub(super) fn removing(mut self, file: &DataFile) -> Self {
        self.removes.push(file.file_path.clone());
        self
    }

    pub(super) fn summarized(mut self, summarized: Summarized) -> Self {
        self.summarized = summarized;
        self
    }

    pub(super) fn commit(&self, table: &mut TestTable) -> SnapshotId {
        let id = table.commit(self).unwrap().snapshot_id.unwrap();
        if self.summarized == Summarized::Silent {
            silence(table, id);
        }
        id
    }

    fn manifests(&self, base: &Base, inputs: &Inputs<'_>) -> (Vec<NewManifest>, Vec<ManifestFile>) {
        let mut made = Made { base, inputs, manifests: Vec::new() };
        for (content, files) in
            [(ManifestContent::Data, &self.adds), (ManifestContent::Deletes, &self.adds_deletes)]
        {
            let mut by_spec: BTreeMap<PartitionSpecId, Vec<&DataFile>> = BTreeMap::new();
            for (spec_id, file) in files {
                by_spec.entry(*spec_id).or_default().push(file);
            }
            for (spec_id, files) in by_spec {
                made.write(spec_id, content, |writer| {
                    files.iter().for_each(|file| writer.add((*file).clone()).unwrap());
                });
            }
        }
        let mut kept = Vec::new();
        for row in inputs.loaded.manifest_list.iter() {
            let mut inheritance = row.inherit();
            let bytes = inputs.loaded.manifest(row).unwrap();
            let entries: Vec<ManifestEntry> = ManifestReader::new(bytes)
                .unwrap()
                .map(|entry| {
                    let mut entry = entry.unwrap();
                    inheritance.apply(&mut entry).unwrap();
                    entry
                })
                .collect();
            let is_removed = |entry: &ManifestEntry| {
                entry.status.is_live() && self.removes.contains(&entry.data_file.file_path)
            };
            if !entries.iter().any(is_removed) {
                kept.push(row.clone());
                continue;
            }
            made.write(row.partition_spec_id, row.content, |writer| {
                for entry in entries {
                    match (is_removed(&entry), entry.status.is_live()) {
                        (true, _) if self.tells => writer.delete(entry).unwrap(),
                        (false, true) => writer.existing(entry).unwrap(),
                        _ => {}
                    }
                }
            });
        }
        for new in &mut made.manifests {
            if !self.summarizes_partitions {
                new.row.partitions = None;
            }
        }
        (made.manifests, kept)
    }

    fn summary(&self) -> Summary {
        let is_data =
            |location: &String| !self.adds_deletes.iter().any(|(_, file)| file.file_path == *location);
        let removed = self.removes.iter().filter(|location| is_data(location)).count();
        let counts = [
            (summary_key::ADDED_DATA_FILES, self.adds.len()),
            (summary_key::ADDED_DELETE_FILES, self.adds_deletes.len()),
            (summary_key::DELETED_DATA_FILES, removed),
        ];
        let told = counts.into_iter().filter(|(_, count)| *count > 0);
        told.fold(Summary::default(), |summary, (key, count)| summary.with(key, count))
    }
}

struct Made<'a> {
    base: &'a Base,
    inputs: &'a Inputs<'a>,
    manifests: Vec<NewManifest>,
}

impl Made<'_> {
    fn write(
        &mut self,
        spec_id: PartitionSpecId,
        content: ManifestContent,
        entries: impl FnOnce(&mut ManifestWriter),
    ) {
        let table = &self.base.metadata;
        let spec = table.partition_spec(spec_id).unwrap();
        let mut writer = ManifestWriter::new(
            table.format_version(),
            table.current_schema(),
            spec,
            content,
            self.inputs.snapshot_id,
            &WriteOptions::default(),
        )
        .unwrap();
        entries(&mut writer);
        let path = format!("metadata/{}-m{}.avro", self.inputs.operation_id, self.manifests.len());
        let path = TablePath::parse(&path).unwrap();
        let (bytes, row) = writer.finish(self.inputs.location.file(&path)).unwrap();
        self.manifests.push(NewManifest::new(path, Bytes::from(bytes), row));
    }
}

impl Operation for Writer {
    fn name(&self) -> &'static str {
        "writer"
    }

    fn fingerprint(&self) -> Vec<u8> {
        Vec::new()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, _: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        Ok(inputs.loaded.manifest_list.iter().map(Read::manifest).collect())
    }

    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = base.unwrap();
        let (mut created, kept) = self.manifests(base, inputs);
        if !self.counts {
            assert_eq!(base.metadata.format_version(), FormatVersion::V1, "later lists must have counts");
            for new in &mut created {
                let row = &mut new.row;
                (row.added_files_count, row.existing_files_count, row.deleted_files_count) =
                    (None, None, None);
            }
        }
        let mut produced =
            produce_snapshot("writer", self.label.clone(), self.summary(), created, kept, base, inputs)?;
        let Content::Updates(updates) = &mut produced.content else { unreachable!() };
        for update in updates {
            if let TableUpdate::AddSnapshot { snapshot } = update {
                match self.summarized {
                    Summarized::Counted => {}
                    Summarized::Uncounted | Summarized::Silent => {
                        snapshot.summary = Summary::new(self.label.clone());
                    }
                }
            }
        }
        Ok(produced)
    }
}

/// Takes the summary of a snapshot out of the metadata: this library writes none without, and reads it.
fn silence(table: &mut TestTable, id: SnapshotId) {
    let base = table.base.as_mut().unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&base.metadata.to_json()).unwrap();
    for snapshot in json["snapshots"].as_array_mut().unwrap() {
        if snapshot["snapshot-id"] == id.0 {
            snapshot.as_object_mut().unwrap().remove("summary");
        }
    }
    base.metadata = TableMetadata::from_bytes(json.to_string().as_bytes()).unwrap();
}

/// Bounds of an int column, as a file has them.
pub(super) fn with_ids(file: DataFile, least: i32, greatest: i32) -> DataFile {
    use datashard_spec::id::FieldId;
    use datashard_spec::manifest::{BoundMap, MetricMap};
    let bound =
        |value: i32| -> BoundMap { [(FieldId(1), value.to_le_bytes().to_vec())].into_iter().collect() };
    let counts = |count: i64| -> MetricMap { [(FieldId(1), count)].into_iter().collect() };
    file.with_lower_bounds(bound(least))
        .with_upper_bounds(bound(greatest))
        .with_value_counts(counts(10))
        .with_null_value_counts(counts(0))
}

/// Of an identity partition by `id`.
pub(super) fn in_partition(file: DataFile, id: i32) -> DataFile {
    with_ids(file, id, id).with_partition(vec![Some(datashard_spec::value::Value::Int(id))])
}
