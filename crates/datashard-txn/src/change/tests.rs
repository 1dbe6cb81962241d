//! Changes over all format versions: what they write is read back by the format's own readers.

mod again;
mod branches;
mod dangling;
mod filtered;
mod overwritten;
mod removed;
mod rewritten;
mod summaries;

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_spec::id::{FieldId, PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileContent, FileFormat, ManifestStatus};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::value::Value;

use super::checks::Checks;
use super::notes::Notes;
use super::removal::Removal;
use super::{Change, Extra, Label};
use crate::action::testing::{LOCATION, TestTable, by_id, file, schema};
use crate::action::{Append, CreateTable, NewFile};
use crate::base::Base;
use crate::conflict::{Conflict, ConflictKind};
use crate::inputs::Inputs;
use crate::operation::Operation;
use crate::produced::Produced;
use crate::read::{Read, Remembered};
use crate::refusal::Refusal;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];
const SPEC: PartitionSpecId = PartitionSpecId(0);
const SCHEMA: SchemaId = SchemaId(0);

/// A table by `id`, as it is.
fn partitioned(version: FormatVersion) -> TestTable {
    TestTable::create(CreateTable::new(schema()).with_partition_spec(by_id(0)).with_format_version(version))
}

/// An unpartitioned table of these files, one snapshot each.
fn plain(version: FormatVersion, names: &[&str]) -> TestTable {
    let mut table = TestTable::plain(version);
    for name in names {
        table.commit(&append([file(name)])).unwrap();
    }
    table
}

fn append(files: impl IntoIterator<Item = DataFile>) -> Append {
    Append::new(SCHEMA).with_files(SPEC, files)
}

/// A file of 10 rows in the partition of this `id`.
fn of(name: &str, id: i32) -> DataFile {
    file(name).with_partition(vec![Some(Value::Int(id))])
}

/// A file of 10 rows whose `id` are between these.
fn ranged(name: &str, least: i32, greatest: i32) -> DataFile {
    let id = FieldId(1);
    file(name)
        .with_value_counts([(id, 10)].into_iter().collect())
        .with_null_value_counts([(id, 0)].into_iter().collect())
        .with_lower_bounds([(id, least.to_le_bytes())].into_iter().collect())
        .with_upper_bounds([(id, greatest.to_le_bytes())].into_iter().collect())
}

fn path(name: &str) -> String {
    file(name).file_path
}

/// The names of the live files.
fn live(table: &TestTable) -> Vec<String> {
    let name = |path: &String| path.rsplit('/').next().unwrap().trim_end_matches(".parquet").to_owned();
    table.live().keys().map(name).collect()
}

/// What the current manifests say of each file: its status, the snapshot and the data sequence number.
fn told(table: &TestTable) -> BTreeMap<String, (ManifestStatus, i64, i64)> {
    let entries = table.rows().into_iter().flat_map(|row| table.entries(&row));
    entries
        .map(|entry| {
            let number = entry.data_sequence_number.unwrap().0;
            (entry.data_file.file_path, (entry.status, entry.snapshot_id.unwrap().0, number))
        })
        .collect()
}

fn conflict(refusal: Refusal) -> Conflict {
    match refusal {
        Refusal::Conflict(conflict) => *conflict,
        other => panic!("{other}"),
    }
}

fn rejected(refusal: Refusal) -> String {
    match refusal {
        Refusal::Rejected { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

/// A position delete file of this data file.
fn position_deletes(name: &str, data: &str) -> DataFile {
    file(name).with_content(FileContent::PositionDeletes).with_referenced_data_file(path(data))
}

/// An equality delete file by `id`.
fn equality_deletes(name: &str) -> DataFile {
    file(name).with_content(FileContent::EqualityDeletes).with_equality_ids(vec![FieldId(1)])
}

/// A deletion vector of this data file, 40 bytes of a Puffin file of 1,000.
fn vector(puffin: &str, data: &str, offset: i64) -> DataFile {
    DataFile::new(format!("{LOCATION}/data/{puffin}.puffin"), FileFormat::Puffin, 2, 1_000)
        .with_content(FileContent::PositionDeletes)
        .with_referenced_data_file(path(data))
        .with_content_offset(offset)
        .with_content_size_in_bytes(40)
}

/// Adds delete files, and nothing else.
#[derive(Debug)]
struct Deletes {
    notes: Notes,
    files: Vec<NewFile>,
}

fn deletes(files: impl IntoIterator<Item = DataFile>) -> Deletes {
    let new = |file: DataFile| NewFile { schema_id: SCHEMA, spec_id: SPEC, file: file.into() };
    Deletes { notes: Notes::default(), files: files.into_iter().map(new).collect() }
}

impl Deletes {
    fn change(&self) -> Change<'_> {
        Change {
            name: "deletes",
            label: Label::ByContent,
            notes: &self.notes,
            added: &[],
            data_sequence_number: None,
            added_deletes: &self.files,
            removal: Removal::default(),
            checks: Checks::default(),
            extra: Extra::default(),
        }
    }
}

impl Operation for Deletes {
    fn name(&self) -> &'static str {
        "deletes"
    }

    fn fingerprint(&self) -> Vec<u8> {
        Vec::new()
    }

    fn reads_manifest_list(&self) -> bool {
        true
    }

    fn reads(&self, base: &Base, inputs: &Inputs<'_>) -> Result<Vec<Read>, Refusal> {
        self.change().reads(base, inputs)
    }

    fn remember(
        &self,
        base: &Base,
        inputs: &Inputs<'_>,
        read: &Read,
        bytes: Bytes,
    ) -> Result<Remembered, Refusal> {
        self.change().remember(base, inputs, read, bytes)
    }

    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }

    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal> {
        self.change().produce(base.unwrap(), inputs)
    }
}
