//! What merging keeps, and what it costs.

mod again;
mod committed;
mod cost;
mod hostile;
mod kept;
mod separate;

use bytes::Bytes;
use datashard_spec::avro::{ManifestWriter, WriteOptions};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileContent, ManifestContent, ManifestFile};
use datashard_spec::snapshot::{Operation as SnapshotOperation, Summary};

use crate::action::Append;
use crate::action::testing::{self, TestTable};
use crate::base::Base;
use crate::inputs::Inputs;
use crate::next::Next;
use crate::operation::Operation;
use crate::produced::{NewManifest, Produced};
use crate::read::Read;
use crate::refusal::Refusal;

const SPEC: PartitionSpecId = PartitionSpecId(0);

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(SPEC, testing::file(name))
}

/// Appends files `{prefix}{number}`, one by one.
fn appends(table: &mut TestTable, prefix: &str, count: usize) {
    for number in 0..count {
        table.commit(&append(&format!("{prefix}{number}"))).unwrap();
    }
}

/// The manifests of an attempt, as a later one is given them.
fn written(next: &Next) -> Vec<NewManifest> {
    next.manifests.iter().map(|new| NewManifest { bytes: Bytes::new(), ..new.clone() }).collect()
}

fn merged(next: &Next) -> Vec<&NewManifest> {
    next.manifests.iter().filter(|new| !new.replaces.is_empty()).collect()
}

/// What appends do not do: it adds a manifest of equality deletes, takes files out of the table, or lists rows in another way.
#[derive(Debug, Default)]
struct Change {
    deletes: Vec<&'static str>,
    removes: Vec<&'static str>,
    forgets_counts: bool,
}

impl Operation for Change {
    fn name(&self) -> &'static str {
        "change"
    }

    fn fingerprint(&self) -> Vec<u8> {
        Vec::new()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, _: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        let all = inputs.loaded.manifest_list.iter().filter(|_| !self.removes.is_empty());
        Ok(all.map(Read::manifest).collect())
    }

    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        let base = base.unwrap();
        let metadata = &base.metadata;
        let begin = |content| {
            let spec = metadata.default_partition_spec();
            let (version, schema) = (metadata.format_version(), metadata.current_schema());
            ManifestWriter::new(version, schema, spec, content, inputs.snapshot_id, &WriteOptions::default())
                .unwrap()
        };
        let mut created = Vec::new();
        if !self.deletes.is_empty() {
            let mut writer = begin(ManifestContent::Deletes);
            for name in &self.deletes {
                let file = testing::file(name).with_content(FileContent::EqualityDeletes);
                writer.add(file.with_equality_ids(vec![datashard_spec::id::FieldId(1)])).unwrap();
            }
            created.push(crate::action::finish(writer, inputs, created.len(), "change").unwrap());
        }
        let mut kept = inputs.loaded.manifest_list.to_vec();
        if !self.removes.is_empty() {
            let paths: Vec<String> = self.removes.iter().map(|name| testing::file(name).file_path).collect();
            let mut writer = begin(ManifestContent::Data);
            for row in std::mem::take(&mut kept) {
                let mut inheritance = row.inherit();
                let reader = datashard_spec::avro::ManifestReader::new(inputs.loaded.manifest(&row).unwrap());
                for entry in reader.unwrap() {
                    let mut entry = entry.unwrap();
                    inheritance.apply(&mut entry).unwrap();
                    if paths.contains(&entry.data_file.file_path) {
                        writer.delete(entry).unwrap();
                    } else {
                        writer.existing(entry).unwrap();
                    }
                }
            }
            created.push(crate::action::finish(writer, inputs, created.len(), "change").unwrap());
        }
        if self.forgets_counts {
            for row in &mut kept {
                row.added_files_count = None;
                row.existing_rows_count = None;
            }
        }
        crate::action::produce_snapshot(
            "change",
            SnapshotOperation::Overwrite,
            Summary::default(),
            created,
            kept,
            base,
            inputs,
        )
    }
}

fn delete_file(file: &DataFile) -> bool {
    file.content != FileContent::Data
}
