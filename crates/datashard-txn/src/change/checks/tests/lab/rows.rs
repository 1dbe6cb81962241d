//! Files that tell their rows by name, and what a reader sees of a table of them.
//!
//! Commits do not look into data files, so a name is as good as a content: `17-k1v10_k2v20.parquet` has two rows of the keys 1 and 2,
//! `18-p0_p1.puffin` deletes the rows at the positions 0 and 1 of a data file, `19-e1.parquet` all rows of the key 1.

use std::collections::BTreeSet;

use datashard_spec::id::{FieldId, PartitionSpecId};
use datashard_spec::manifest::applies::{LiveFile, delete_applies};
use datashard_spec::manifest::{BoundMap, DataFile, FileContent, FileFormat, ManifestEntry, MetricMap};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

/// A row: its key and its value, which no other row ever has.
pub(crate) type Row = (i32, i64);

/// How many keys a partition has.
pub(super) const WIDTH: i32 = 4;

/// Keys in partitions of four.
pub(super) fn spec() -> PartitionSpec {
    let field = PartitionField::new(FieldId(1), FieldId(1000), "fours", Transform::Truncate(4));
    PartitionSpec::new(PartitionSpecId(0), vec![field])
}

/// The first key of a key's partition.
pub(super) fn partition_of(key: i32) -> i32 {
    key - key % WIDTH
}

fn with_keys(file: DataFile, keys: &[i32]) -> DataFile {
    let bound = |key: i32| -> BoundMap { [(FieldId(1), key.to_le_bytes())].into_iter().collect() };
    let count = |count: i64| -> MetricMap { [(FieldId(1), count)].into_iter().collect() };
    let (least, greatest) = (*keys.iter().min().unwrap(), *keys.iter().max().unwrap());
    assert_eq!(partition_of(least), partition_of(greatest), "a file is of one partition");
    let records = file.record_count;
    file.with_lower_bounds(bound(least))
        .with_upper_bounds(bound(greatest))
        .with_value_counts(count(records))
        .with_null_value_counts(count(0))
        .with_partition(vec![Some(Value::Int(partition_of(least)))])
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("_")
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap()
}

/// A data file of these rows, all of one partition. The name begins with `id`.
pub(super) fn data_file(root: &str, id: &str, rows: &[Row]) -> DataFile {
    let name = joined(rows.iter().map(|(key, value)| format!("k{key}v{value}")));
    let file = DataFile::new(
        format!("{root}/data/{id}-{name}.parquet"),
        FileFormat::Parquet,
        count(rows.len()),
        100,
    );
    with_keys(file, &rows.iter().map(|(key, _)| *key).collect::<Vec<_>>())
}

/// A deletion vector of these positions of a data file.
pub(super) fn vector(root: &str, id: &str, of: &DataFile, positions: &BTreeSet<usize>) -> DataFile {
    let name = joined(positions.iter().map(|position| format!("p{position}")));
    DataFile::new(format!("{root}/data/{id}-{name}.puffin"), FileFormat::Puffin, count(positions.len()), 100)
        .with_content(FileContent::PositionDeletes)
        .with_referenced_data_file(of.file_path.clone())
        .with_content_offset(4)
        .with_content_size_in_bytes(40)
        .with_partition(of.partition.clone())
}

/// An equality delete file of a key.
pub(super) fn equality_delete(root: &str, id: &str, key: i32) -> DataFile {
    let file = DataFile::new(format!("{root}/data/{id}-e{key}.parquet"), FileFormat::Parquet, 1, 100)
        .with_content(FileContent::EqualityDeletes)
        .with_equality_ids(vec![FieldId(1)]);
    with_keys(file, &[key])
}

/// The parts of a name, each with its numbers.
fn parts(file: &DataFile) -> Vec<Vec<i64>> {
    let name = file.file_path.rsplit('/').next().unwrap();
    let (_, name) = name.split_once('-').unwrap();
    let (name, _) = name.rsplit_once('.').unwrap();
    let numbers = |part: &str| {
        part.split(|letter: char| letter.is_ascii_lowercase())
            .filter(|number| !number.is_empty())
            .map(|number| number.parse().unwrap())
            .collect()
    };
    name.split('_').map(numbers).collect()
}

/// The positions that a deletion vector deletes.
pub(super) fn positions(vector: &DataFile) -> BTreeSet<usize> {
    parts(vector).into_iter().map(|part| usize::try_from(part[0]).unwrap()).collect()
}

/// A live data file, and the rows of it that no delete reaches.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) file: DataFile,
    /// With their positions.
    pub(super) rows: Vec<(usize, Row)>,
}

/// What a reader sees of the live entries of a table.
pub(super) fn read(entries: &[ManifestEntry]) -> Vec<Live> {
    let spec = spec();
    let number = |entry: &ManifestEntry| entry.data_sequence_number.unwrap();
    let data = entries.iter().filter(|entry| entry.data_file.content == FileContent::Data);
    let deletes: Vec<&ManifestEntry> =
        entries.iter().filter(|entry| entry.data_file.content != FileContent::Data).collect();
    let visible = |entry: &ManifestEntry| {
        let mut rows: Vec<(usize, Row)> = parts(&entry.data_file)
            .into_iter()
            .map(|part| (i32::try_from(part[0]).unwrap(), part[1]))
            .enumerate()
            .collect();
        let of_data = LiveFile { file: &entry.data_file, sequence_number: number(entry), spec: &spec };
        for delete in &deletes {
            let of_delete =
                LiveFile { file: &delete.data_file, sequence_number: number(delete), spec: &spec };
            if !delete_applies(of_delete, of_data) {
                continue;
            }
            if delete.data_file.is_deletion_vector() {
                let gone = positions(&delete.data_file);
                rows.retain(|(position, _)| !gone.contains(position));
            } else {
                let keys: Vec<i64> = parts(&delete.data_file).into_iter().map(|part| part[0]).collect();
                rows.retain(|(_, (key, _))| !keys.contains(&i64::from(*key)));
            }
        }
        Live { file: entry.data_file.clone(), rows }
    };
    data.map(visible).collect()
}

/// All rows, in order.
pub(super) fn all(live: &[Live]) -> Vec<Row> {
    let mut rows: Vec<Row> = live.iter().flat_map(|live| live.rows.iter().map(|(_, row)| *row)).collect();
    rows.sort_unstable();
    rows
}
