//! Rows of a manifest list: manifests with their counts and partition summaries.

use super::UnknownFields;
use crate::id::{PartitionSpecId, SequenceNumber, SnapshotId};

/// A manifest, as its row in a manifest list describes it.
///
/// # Spec
/// "Manifest Lists".
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ManifestFile {
    /// Location, with scheme.
    pub manifest_path: String,
    /// Size in bytes.
    pub manifest_length: u64,
    /// Partition spec of all entries.
    pub partition_spec_id: PartitionSpecId,
    /// Whether the manifest holds data files or delete files.
    pub content: ManifestContent,
    /// Number of the commit that added the manifest.
    pub sequence_number: SequenceNumber,
    /// Smallest data sequence number of the live entries.
    pub min_sequence_number: SequenceNumber,
    /// Snapshot that added the manifest.
    pub added_snapshot_id: SnapshotId,
    /// Entries with status added; `None` (v1 only) is unknown and may be any number.
    pub added_files_count: Option<u64>,
    /// Entries with status existing.
    pub existing_files_count: Option<u64>,
    /// Entries with status deleted.
    pub deleted_files_count: Option<u64>,
    /// Rows of the added files.
    pub added_rows_count: Option<u64>,
    /// Rows of the existing files.
    pub existing_rows_count: Option<u64>,
    /// Rows of the deleted files.
    pub deleted_rows_count: Option<u64>,
    /// One summary per field of the partition spec; `None` if there are none to prune by.
    pub partitions: Option<Vec<FieldSummary>>,
    /// Key metadata of encryption.
    pub key_metadata: Option<Vec<u8>>,
    /// Row id of the first row whose file has none of its own (v3, data manifests).
    pub first_row_id: Option<i64>,
    /// Fields that this version does not know.
    pub unknown_fields: UnknownFields,
}

/// What a manifest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum ManifestContent {
    /// Data files.
    Data,
    /// Delete files.
    Deletes,
}

/// What the values of one partition field are in all files of a manifest.
///
/// # Spec
/// "Manifest Lists", `field_summary`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldSummary {
    /// Whether any value is null.
    pub contains_null: bool,
    /// Whether any value is NaN; `None` is unknown.
    pub contains_nan: Option<bool>,
    /// Lower bound of the values that are neither null nor NaN, as a binary single value.
    pub lower_bound: Option<Vec<u8>>,
    /// Upper bound of the values that are neither null nor NaN, as a binary single value.
    pub upper_bound: Option<Vec<u8>>,
}

impl ManifestFile {
    /// A manifest with what every row must have; counts are unknown.
    pub fn new(
        manifest_path: impl Into<String>,
        manifest_length: u64,
        partition_spec_id: PartitionSpecId,
        content: ManifestContent,
        added_snapshot_id: SnapshotId,
    ) -> Self {
        Self {
            manifest_path: manifest_path.into(),
            manifest_length,
            partition_spec_id,
            content,
            sequence_number: SequenceNumber(0),
            min_sequence_number: SequenceNumber(0),
            added_snapshot_id,
            added_files_count: None,
            existing_files_count: None,
            deleted_files_count: None,
            added_rows_count: None,
            existing_rows_count: None,
            deleted_rows_count: None,
            partitions: None,
            key_metadata: None,
            first_row_id: None,
            unknown_fields: UnknownFields::default(),
        }
    }

    /// Whether an entry may be live. Unknown counts may be any number.
    pub fn may_have_live_files(&self) -> bool {
        self.added_files_count != Some(0) || self.existing_files_count != Some(0)
    }
}

impl FieldSummary {
    /// A summary of these facts.
    pub fn new(
        contains_null: bool,
        contains_nan: Option<bool>,
        lower_bound: Option<Vec<u8>>,
        upper_bound: Option<Vec<u8>>,
    ) -> Self {
        Self { contains_null, contains_nan, lower_bound, upper_bound }
    }
}

impl ManifestContent {
    /// The number for it in manifest lists.
    pub fn number(self) -> i32 {
        match self {
            Self::Data => 0,
            Self::Deletes => 1,
        }
    }

    /// The content with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Data),
            1 => Some(Self::Deletes),
            _ => None,
        }
    }

    /// The word for it in the header of a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Deletes => "deletes",
        }
    }
}
