//! Data files and delete files, as manifest entries describe them.

use std::fmt;

use super::{ColumnBounds, ColumnCounts, UnknownFields};
use crate::id::{FieldId, SortOrderId};
use crate::value::Tuple;

/// A data file or delete file: where it is, what it holds, what is known of its columns.
///
/// Counts are rows, sizes and offsets are bytes.
///
/// # Spec
/// "Data File Fields".
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DataFile {
    /// What the rows of the file are.
    pub content: DataContent,
    /// Location, with scheme.
    pub file_path: String,
    /// Format of the file.
    pub file_format: FileFormat,
    /// Partition tuple, one value per field of the manifest's partition spec.
    pub partition: Tuple,
    /// Rows in the file; for a deletion vector, rows deleted by it.
    pub record_count: u64,
    /// Size of the file in bytes; for a deletion vector, of the Puffin file that holds it.
    pub file_size_in_bytes: u64,
    /// Bytes on disk by column.
    pub column_sizes: Option<ColumnCounts>,
    /// Values by column, nulls and NaNs included.
    pub value_counts: Option<ColumnCounts>,
    /// Nulls by column.
    pub null_value_counts: Option<ColumnCounts>,
    /// NaNs by column.
    pub nan_value_counts: Option<ColumnCounts>,
    /// Lower bounds by column, as binary single values. May be loose; never a NaN.
    pub lower_bounds: Option<ColumnBounds>,
    /// Upper bounds by column, as binary single values. May be loose; never a NaN.
    pub upper_bounds: Option<ColumnBounds>,
    /// Key metadata of encryption.
    pub key_metadata: Option<Vec<u8>>,
    /// Offsets at which the file may be split, ascending. See [`usable_split_offsets`](Self::usable_split_offsets).
    pub split_offsets: Option<Vec<i64>>,
    /// Columns that an equality delete file compares.
    pub equality_ids: Option<Vec<FieldId>>,
    /// Sort order of the rows.
    pub sort_order_id: Option<SortOrderId>,
    /// Row id of the first row (v3).
    pub first_row_id: Option<i64>,
    /// The one data file that the deletes of this file are about.
    pub referenced_data_file: Option<String>,
    /// Where the deletion vector starts in its Puffin file.
    pub content_offset: Option<i64>,
    /// Length of the deletion vector in its Puffin file.
    pub content_size_in_bytes: Option<i64>,
    /// Fields that this version does not know.
    pub unknown_fields: UnknownFields,
}

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum DataContent {
    /// Rows of the table.
    Data,
    /// Positions of deleted rows: a position delete file, or a deletion vector.
    PositionDeletes,
    /// Values of deleted rows.
    EqualityDeletes,
}

/// Format of a data or delete file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// Apache Avro.
    Avro,
    /// Apache ORC.
    Orc,
    /// Apache Parquet.
    Parquet,
    /// Puffin: deletion vectors.
    Puffin,
    /// A format of a newer version, kept as it is written.
    Other(Box<str>),
}

impl DataFile {
    /// A file with what every file must have; everything else is absent.
    pub fn new(
        content: DataContent,
        file_path: impl Into<String>,
        file_format: FileFormat,
        partition: Tuple,
        record_count: u64,
        file_size_in_bytes: u64,
    ) -> Self {
        Self {
            content,
            file_path: file_path.into(),
            file_format,
            partition,
            record_count,
            file_size_in_bytes,
            column_sizes: None,
            value_counts: None,
            null_value_counts: None,
            nan_value_counts: None,
            lower_bounds: None,
            upper_bounds: None,
            key_metadata: None,
            split_offsets: None,
            equality_ids: None,
            sort_order_id: None,
            first_row_id: None,
            referenced_data_file: None,
            content_offset: None,
            content_size_in_bytes: None,
            unknown_fields: UnknownFields::default(),
        }
    }

    /// Whether this is a deletion vector rather than a file of its own.
    pub fn is_deletion_vector(&self) -> bool {
        self.content == DataContent::PositionDeletes && self.file_format == FileFormat::Puffin
    }

    /// The split offsets, unless they cannot be right: they must ascend and end within the file.
    ///
    /// # Spec
    /// "Data File Fields", `split_offsets`: a list that reaches past the end of the file is ignored.
    pub fn usable_split_offsets(&self) -> Option<&[i64]> {
        let offsets = self.split_offsets.as_deref()?;
        let last = u64::try_from(*offsets.last()?).ok()?;
        (offsets.is_sorted() && last < self.file_size_in_bytes).then_some(offsets)
    }
}

impl DataContent {
    /// The number for it in manifests.
    pub fn number(self) -> i32 {
        match self {
            Self::Data => 0,
            Self::PositionDeletes => 1,
            Self::EqualityDeletes => 2,
        }
    }

    /// The content with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Data),
            1 => Some(Self::PositionDeletes),
            2 => Some(Self::EqualityDeletes),
            _ => None,
        }
    }
}

impl FileFormat {
    /// The format with this name, in whatever case.
    pub fn from_name(name: &str) -> Self {
        for (known, format) in
            [("parquet", Self::Parquet), ("avro", Self::Avro), ("orc", Self::Orc), ("puffin", Self::Puffin)]
        {
            if name.eq_ignore_ascii_case(known) {
                return format;
            }
        }
        Self::Other(name.into())
    }
}

impl fmt::Display for FileFormat {
    /// The name as the reference writes it: in upper case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avro => "AVRO",
            Self::Orc => "ORC",
            Self::Parquet => "PARQUET",
            Self::Puffin => "PUFFIN",
            Self::Other(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_offsets_past_the_end_or_out_of_order_are_not_used() {
        let mut file = DataFile::new(DataContent::Data, "f", FileFormat::Parquet, Vec::new(), 1, 100);
        for (offsets, usable) in [
            (vec![4, 50], true),
            (vec![4, 100], false),
            (vec![50, 4], false),
            (vec![], false),
            (vec![-1], false),
        ] {
            file.split_offsets = Some(offsets.clone());
            assert_eq!(file.usable_split_offsets().is_some(), usable, "{offsets:?}");
        }
    }

    #[test]
    fn formats_are_read_in_any_case_and_unknown_ones_are_kept() {
        assert_eq!(FileFormat::from_name("pArquet"), FileFormat::Parquet);
        assert_eq!(FileFormat::from_name("Lance").to_string(), "Lance");
    }
}
