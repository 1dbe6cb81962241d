//! Data files and delete files as manifests describe them.

use std::fmt;

use super::extra::Extras;
use super::metric_map::{BoundMap, MetricMap};
use crate::id::{FieldId, SortOrderId};
use crate::value::Tuple;

/// What a file holds. Closed by the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum FileContent {
    /// Rows.
    #[default]
    Data,
    /// Positions of deleted rows: a position-delete file, or a deletion vector.
    PositionDeletes,
    /// Values of deleted rows.
    EqualityDeletes,
}

impl FileContent {
    /// The number in field 134.
    pub fn number(self) -> i32 {
        match self {
            Self::Data => 0,
            Self::PositionDeletes => 1,
            Self::EqualityDeletes => 2,
        }
    }

    /// The content with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Data),
            1 => Some(Self::PositionDeletes),
            2 => Some(Self::EqualityDeletes),
            _ => None,
        }
    }
}

/// Format of a data or delete file. Upper and lower case are alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// Apache Avro.
    Avro,
    /// Apache ORC.
    Orc,
    /// Apache Parquet.
    Parquet,
    /// Puffin, of deletion vectors.
    Puffin,
    /// A format that this version does not know, in upper case.
    Unknown(Box<str>),
}

impl FileFormat {
    /// Reads the text of a manifest.
    pub fn parse(text: &str) -> Self {
        for known in [Self::Parquet, Self::Avro, Self::Orc, Self::Puffin] {
            if text.eq_ignore_ascii_case(known.as_str()) {
                return known;
            }
        }
        Self::Unknown(text.to_ascii_uppercase().into())
    }

    /// The text as it is written: upper case.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Avro => "AVRO",
            Self::Orc => "ORC",
            Self::Parquet => "PARQUET",
            Self::Puffin => "PUFFIN",
            Self::Unknown(text) => text,
        }
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A data file or delete file, with the metrics that planning uses.
///
/// # Spec
/// "Manifests", `data_file`.
///
/// # Examples
/// ```
/// use datashard_spec::id::FieldId;
/// use datashard_spec::manifest::{DataFile, FileFormat};
/// use datashard_spec::value::Value;
///
/// let file = DataFile::new("s3://b/t/data/0.parquet", FileFormat::Parquet, 100, 4096)
///     .with_partition(vec![Some(Value::Int(7))])
///     .with_value_counts([(FieldId(1), 100)].into_iter().collect());
/// assert_eq!(file.value_counts.get(FieldId(1)), Some(100));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DataFile {
    /// What it holds.
    pub content: FileContent,
    /// Full URI.
    pub file_path: String,
    /// Its format.
    pub file_format: FileFormat,
    /// Partition tuple, in the order of the spec's fields.
    pub partition: Tuple,
    /// Rows; of a deletion vector, how many rows it deletes. -1: not known, as early importers of Avro files wrote.
    pub record_count: i64,
    /// Bytes of the whole file.
    pub file_size_in_bytes: i64,
    /// Bytes on disk per column.
    pub column_sizes: MetricMap,
    /// Values per column, nulls and NaNs included.
    pub value_counts: MetricMap,
    /// Nulls per column.
    pub null_value_counts: MetricMap,
    /// NaNs per column.
    pub nan_value_counts: MetricMap,
    /// Lower bounds per column.
    pub lower_bounds: BoundMap,
    /// Upper bounds per column.
    pub upper_bounds: BoundMap,
    /// Encryption key metadata.
    pub key_metadata: Option<Vec<u8>>,
    /// Where the file may be split, in bytes, as stored; see [`usable_split_offsets`](Self::usable_split_offsets).
    pub split_offsets: Vec<i64>,
    /// Columns that an equality-delete file compares.
    pub equality_ids: Vec<FieldId>,
    /// Order of the rows.
    pub sort_order_id: Option<SortOrderId>,
    /// Row id of the first row (v3).
    pub first_row_id: Option<i64>,
    /// The one data file that the deletes are for.
    pub referenced_data_file: Option<String>,
    /// Where a deletion vector starts in its Puffin file, in bytes.
    pub content_offset: Option<i64>,
    /// Length of a deletion vector in its Puffin file, in bytes.
    pub content_size_in_bytes: Option<i64>,
    /// Fields that the format does not name.
    pub extras: Extras,
}

macro_rules! with {
    ($($(#[$doc:meta])* $method:ident => $field:ident: $type:ty = $value:expr;)*) => {
        impl DataFile {
            $($(#[$doc])* #[must_use] pub fn $method(mut self, $field: $type) -> Self {
                self.$field = $value;
                self
            })*
        }
    };
}

impl DataFile {
    /// A data file of an unpartitioned table, without metrics.
    pub fn new(path: impl Into<String>, format: FileFormat, record_count: i64, size_bytes: i64) -> Self {
        Self {
            content: FileContent::Data,
            file_path: path.into(),
            file_format: format,
            partition: Tuple::new(),
            record_count,
            file_size_in_bytes: size_bytes,
            column_sizes: MetricMap::default(),
            value_counts: MetricMap::default(),
            null_value_counts: MetricMap::default(),
            nan_value_counts: MetricMap::default(),
            lower_bounds: BoundMap::default(),
            upper_bounds: BoundMap::default(),
            key_metadata: None,
            split_offsets: Vec::new(),
            equality_ids: Vec::new(),
            sort_order_id: None,
            first_row_id: None,
            referenced_data_file: None,
            content_offset: None,
            content_size_in_bytes: None,
            extras: Extras::default(),
        }
    }

    /// The split offsets, unless they point outside the file or do not ascend: then a writer has corrupted them, and they
    /// count for nothing.
    pub fn usable_split_offsets(&self) -> &[i64] {
        let offsets = self.split_offsets.as_slice();
        match (offsets.first(), offsets.last()) {
            (Some(first), Some(last))
                if *first >= 0 && *last < self.file_size_in_bytes && offsets.is_sorted() =>
            {
                offsets
            }
            _ => &[],
        }
    }

    /// Whether it is a deletion vector: position deletes in a Puffin file.
    pub fn is_deletion_vector(&self) -> bool {
        self.content == FileContent::PositionDeletes && self.file_format == FileFormat::Puffin
    }
}

with! {
    /// With this content.
    with_content => content: FileContent = content;
    /// With this partition tuple.
    with_partition => partition: Tuple = partition;
    /// With these bytes on disk per column.
    with_column_sizes => column_sizes: MetricMap = column_sizes;
    /// With these values per column, nulls and NaNs included.
    with_value_counts => value_counts: MetricMap = value_counts;
    /// With these nulls per column.
    with_null_value_counts => null_value_counts: MetricMap = null_value_counts;
    /// With these NaNs per column.
    with_nan_value_counts => nan_value_counts: MetricMap = nan_value_counts;
    /// With these lower bounds.
    with_lower_bounds => lower_bounds: BoundMap = lower_bounds;
    /// With these upper bounds.
    with_upper_bounds => upper_bounds: BoundMap = upper_bounds;
    /// With this encryption key metadata.
    with_key_metadata => key_metadata: Vec<u8> = Some(key_metadata);
    /// With these split offsets, in bytes, ascending.
    with_split_offsets => split_offsets: Vec<i64> = split_offsets;
    /// With these columns of an equality-delete file.
    with_equality_ids => equality_ids: Vec<FieldId> = equality_ids;
    /// With this order of rows.
    with_sort_order_id => sort_order_id: SortOrderId = Some(sort_order_id);
    /// With the row id of its first row.
    with_first_row_id => first_row_id: i64 = Some(first_row_id);
    /// With the one data file that the deletes are for.
    with_referenced_data_file => referenced_data_file: String = Some(referenced_data_file);
    /// With the start of the deletion vector, in bytes.
    with_content_offset => content_offset: i64 = Some(content_offset);
    /// With the length of the deletion vector, in bytes.
    with_content_size_in_bytes => content_size_in_bytes: i64 = Some(content_size_in_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_alike_in_upper_and_lower_case() {
        for text in ["parquet", "PARQUET", "Parquet"] {
            assert_eq!(FileFormat::parse(text), FileFormat::Parquet);
        }
        assert_eq!(FileFormat::parse("lance"), FileFormat::Unknown("LANCE".into()));
    }

    #[test]
    fn split_offsets_past_the_file_count_for_nothing() {
        let file = DataFile::new("f", FileFormat::Parquet, 1, 100);
        assert_eq!(file.clone().with_split_offsets(vec![4, 99]).usable_split_offsets(), [4, 99]);
        for corrupt in [vec![4, 100], vec![-4, 50], vec![50, 4]] {
            assert!(file.clone().with_split_offsets(corrupt).usable_split_offsets().is_empty());
        }
    }
}
