//! Rows, and the files that hold them: a file is a text that lists its rows, for commits do not look into data files.

use bytes::Bytes;
use datashard_io::{TablePath, TableStore};
use datashard_spec::id::{FieldId, MetadataVersion, PartitionSpecId};
use datashard_spec::manifest::{BoundMap, DataFile, FileContent, FileFormat, MetricMap};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::transform::Transform;
use datashard_spec::value::{Tuple, Value};
use datashard_txn::action::CreateTable;
use datashard_txn::epoch;

use crate::plan::Mixed;
use crate::site::Site;

/// A row: its key, and its value, which no other row ever has.
pub(crate) type Row = (i64, i64);

/// Keys are below this.
pub(super) const KEYS: i64 = 12;

/// How many keys a partition has.
pub(super) const WIDTH: i64 = 4;

/// The name of the partition field that comes and goes.
pub(super) const OWN: &str = "own";

/// The first key of a key's partition.
pub(super) fn partition_of(key: i64) -> i64 {
    key - key % WIDTH
}

/// A value that comes of these rows, by the operation of this tag, and of nothing else.
pub(super) fn derived(rows: impl IntoIterator<Item = Row>, tag: u64) -> i64 {
    let mut values: Vec<i64> = rows.into_iter().map(|(_, value)| value).collect();
    values.sort_unstable();
    let mut hash = tag.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for value in values {
        hash = (hash ^ value.cast_unsigned()).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }
    (hash >> 1).cast_signed()
}

/// The table that everybody wants to make.
pub(crate) fn create_table(mixed: &Mixed) -> CreateTable {
    let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap();
    let field = PartitionField::new(FieldId(1), FieldId(1_000), "fours", Transform::Truncate(4));
    let table = CreateTable::new(schema)
        .with_partition_spec(PartitionSpec::new(PartitionSpecId(0), vec![field]))
        .with_format_version(if mixed.has_vectors { FormatVersion::V3 } else { FormatVersion::V2 })
        .with_property("write.metadata.previous-versions-max", "5")
        .with_property("write.manifest.compression-codec", "uncompressed")
        .with_property("commit.manifest.min-count-to-merge", "4");
    match mixed.keeps {
        crate::plan::Keeps::All => table,
        crate::plan::Keeps::Segments(count) => {
            table.with_property("datashard.history.keep-snapshots", count.to_string())
        }
        crate::plan::Keeps::Newest(count) => {
            table.with_property("datashard.snapshot.retention-count", count.to_string())
        }
    }
}

/// A file that nobody has written yet.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) file: DataFile,
    pub(crate) spec_id: PartitionSpecId,
    pub(crate) path: TablePath,
    pub(crate) bytes: Bytes,
}

impl Made {
    /// Its key in the bucket.
    pub(crate) fn key(&self) -> String {
        format!("table/{}", self.path)
    }
}

/// Makes files for one operation.
#[derive(Clone, Copy)]
pub(crate) struct Maker<'a> {
    pub(crate) site: &'a Site,
    pub(crate) store: &'a TableStore,
    /// The epoch that names tell.
    pub(crate) epoch: Option<MetadataVersion>,
}

/// The partition of a key's rows.
pub(super) fn tuple(key: i64, spec: &PartitionSpec) -> Tuple {
    let value = |field: &PartitionField| match field.transform {
        Transform::Identity => key,
        _ => partition_of(key),
    };
    spec.fields.iter().map(|field| Some(Value::Long(value(field)))).collect()
}

impl Maker<'_> {
    fn made(&self, text: String, spec_id: PartitionSpecId, form: impl FnOnce(DataFile) -> DataFile) -> Made {
        let number = self.site.ledger().file_number();
        let prefix = self.epoch.map(epoch::prefix).unwrap_or_default();
        let path = TablePath::parse(&format!("data/{prefix}f{number}.parquet")).unwrap();
        let bytes = Bytes::from(text);
        let records = i64::try_from(bytes.split(|byte| *byte == b'\n').count() - 1).unwrap();
        let size_bytes = i64::try_from(bytes.len()).unwrap();
        let file = DataFile::new(self.store.location().file(&path), FileFormat::Parquet, records, size_bytes);
        Made { file: form(file), spec_id, path, bytes }
    }

    /// Files of these rows, one for each partition.
    pub(super) fn data(&self, rows: &[Row], spec: &PartitionSpec) -> Vec<Made> {
        let mut groups: Vec<(Tuple, Vec<Row>)> = Vec::new();
        for row in rows {
            let tuple = tuple(row.0, spec);
            match groups.iter_mut().find(|(of, _)| *of == tuple) {
                Some((_, group)) => group.push(*row),
                None => groups.push((tuple, vec![*row])),
            }
        }
        let file = |(tuple, rows): (Tuple, Vec<Row>)| {
            let text = rows.iter().map(|(key, value)| format!("{key} {value}\n")).collect();
            let keys: Vec<i64> = rows.iter().map(|(key, _)| *key).collect();
            self.made(text, spec.id, |file| with_keys(file, &keys).with_partition(tuple))
        };
        groups.into_iter().map(file).collect()
    }

    /// A file of position deletes of one data file.
    pub(super) fn positions(
        &self,
        of: &DataFile,
        spec_id: PartitionSpecId,
        positions: impl Iterator<Item = u64>,
    ) -> Made {
        let text = positions.map(|position| format!("{} {position}\n", of.file_path)).collect();
        let partition = of.partition.clone();
        self.made(text, spec_id, |file| {
            file.with_content(FileContent::PositionDeletes)
                .with_referenced_data_file(of.file_path.clone())
                .with_partition(partition)
        })
    }

    /// A file that deletes a key.
    pub(super) fn equality(&self, key: i64, spec: &PartitionSpec) -> Made {
        self.made(format!("{key}\n"), spec.id, |file| {
            with_keys(file, &[key])
                .with_content(FileContent::EqualityDeletes)
                .with_equality_ids(vec![FieldId(1)])
                .with_partition(tuple(key, spec))
        })
    }
}

fn with_keys(file: DataFile, keys: &[i64]) -> DataFile {
    let bound = |key: i64| -> BoundMap { [(FieldId(1), key.to_le_bytes())].into_iter().collect() };
    let count = |count: i64| -> MetricMap { [(FieldId(1), count)].into_iter().collect() };
    let (least, greatest) = (*keys.iter().min().unwrap(), *keys.iter().max().unwrap());
    let records = file.record_count;
    file.with_lower_bounds(bound(least))
        .with_upper_bounds(bound(greatest))
        .with_value_counts(count(records))
        .with_null_value_counts(count(0))
}

/// The lines of a file, each with its numbers; of position deletes the first word is a location.
pub(super) fn lines(bytes: &[u8]) -> Result<Vec<(String, i64)>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    let line = |line: &str| {
        let (first, second) = line.split_once(' ').unwrap_or((line, "0"));
        Ok((first.to_owned(), second.parse().map_err(|_| format!("`{line}` is no row"))?))
    };
    text.lines().map(line).collect()
}
