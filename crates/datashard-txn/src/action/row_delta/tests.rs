//! Row deltas over all format versions: what they write is read back by the format's own readers.

mod brought;
mod damaged;
mod equality;
mod position_files;
mod raced;
mod refused;
mod upgraded;
mod vectors;

use datashard_spec::id::{FieldId, PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::value::Value;

use super::RowDelta;
use crate::IsolationLevel;
use crate::action::testing::raced::{conflict_of, damage_of, rejection_of, rows_at};
use crate::action::testing::{TestTable, by_id, file, schema};
use crate::action::{Append, CreateTable};
use crate::conflict::ConflictKind;

const SPEC: PartitionSpecId = PartitionSpecId(0);
const SCHEMA: SchemaId = SchemaId(0);

/// A table of these files of ten rows, one snapshot each.
fn table(version: FormatVersion, names: &[&str]) -> TestTable {
    let mut table = TestTable::plain(version);
    for name in names {
        table.commit(&append(file(name))).unwrap();
    }
    table
}

/// Partitioned by `id`, with a file of that name in each of these partitions.
fn partitioned(version: FormatVersion, files: &[(&str, i32)]) -> TestTable {
    let create = CreateTable::new(schema()).with_partition_spec(by_id(0)).with_format_version(version);
    let mut table = TestTable::create(create);
    let files = files.iter().map(|(name, id)| file(name).with_partition(vec![Some(Value::Int(*id))]));
    table.commit(&Append::new(SCHEMA).with_files(SPEC, files)).unwrap();
    table
}

fn append(file: DataFile) -> Append {
    Append::new(SCHEMA).with_file(SPEC, file)
}

fn path(name: &str) -> String {
    file(name).file_path
}

fn delete(name: &str, positions: &[u64]) -> RowDelta {
    RowDelta::new().deleting_rows(path(name), rows_at(positions))
}

fn with_deletes(file: DataFile) -> RowDelta {
    RowDelta::new().with_delete_file(SCHEMA, SPEC, file)
}

/// A position delete file of this data file.
fn position_deletes(name: &str, data: &str) -> DataFile {
    file(name).with_content(FileContent::PositionDeletes).with_referenced_data_file(path(data))
}

/// An equality delete file by `id`.
fn equality_deletes(name: &str) -> DataFile {
    file(name).with_content(FileContent::EqualityDeletes).with_equality_ids(vec![FieldId(1)])
}

fn head(table: &TestTable) -> Option<SnapshotId> {
    table.metadata().current_snapshot_id()
}
