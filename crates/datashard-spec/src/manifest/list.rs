//! Rows of a manifest list.

use super::extra::Extras;
use crate::id::{PartitionSpecId, SequenceNumber, SnapshotId};

/// Whether a manifest holds data files or delete files. Closed by the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum ManifestContent {
    /// Data files.
    #[default]
    Data,
    /// Delete files.
    Deletes,
}

impl ManifestContent {
    /// The number in field 517.
    pub fn number(self) -> i32 {
        match self {
            Self::Data => 0,
            Self::Deletes => 1,
        }
    }

    /// The content with this number.
    pub fn from_number(number: i64) -> Option<Self> {
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

/// A row of a manifest list: a manifest and a summary of what is in it.
///
/// # Spec
/// "Manifest Lists", `manifest_file`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ManifestFile {
    /// Full URI.
    pub manifest_path: String,
    /// Bytes of the manifest.
    pub manifest_length: i64,
    /// The spec of all files in it.
    pub partition_spec_id: PartitionSpecId,
    /// Data or deletes.
    pub content: ManifestContent,
    /// The commit that added the manifest. `None` in a manifest that is not committed yet: the list's writer puts its
    /// own number there, so that the manifest survives a retry of the commit.
    pub sequence_number: Option<SequenceNumber>,
    /// The smallest data sequence number of its live files. `None`: that of the commit.
    pub min_sequence_number: Option<SequenceNumber>,
    /// The snapshot that added the manifest.
    pub added_snapshot_id: SnapshotId,
    /// Entries with status added. `None` (v1) means unknown, as in the counts below: take it for more than zero.
    pub added_files_count: Option<i32>,
    /// Entries with status existing.
    pub existing_files_count: Option<i32>,
    /// Entries with status deleted.
    pub deleted_files_count: Option<i32>,
    /// Rows of added files.
    pub added_rows_count: Option<i64>,
    /// Rows of existing files.
    pub existing_rows_count: Option<i64>,
    /// Rows of deleted files.
    pub deleted_rows_count: Option<i64>,
    /// A summary per field of the spec. `None`: not known, nothing can be pruned by it.
    pub partitions: Option<Vec<FieldSummary>>,
    /// Encryption key metadata.
    pub key_metadata: Option<Vec<u8>>,
    /// Row id of the first row of the first file that has none of its own (v3, data manifests).
    pub first_row_id: Option<i64>,
    /// Fields that the format does not name.
    pub extras: Extras,
}

impl ManifestFile {
    /// A data manifest that is not committed yet, with unknown counts.
    pub fn new(
        path: impl Into<String>,
        length_bytes: i64,
        spec_id: PartitionSpecId,
        added_by: SnapshotId,
    ) -> Self {
        Self {
            manifest_path: path.into(),
            manifest_length: length_bytes,
            partition_spec_id: spec_id,
            content: ManifestContent::Data,
            sequence_number: None,
            min_sequence_number: None,
            added_snapshot_id: added_by,
            added_files_count: None,
            existing_files_count: None,
            deleted_files_count: None,
            added_rows_count: None,
            existing_rows_count: None,
            deleted_rows_count: None,
            partitions: None,
            key_metadata: None,
            first_row_id: None,
            extras: Extras::default(),
        }
    }

    /// A manifest that the metadata of version 1 names by its path alone, without a manifest list: its entries have
    /// sequence number 0 and are of this snapshot if they name none, and its counts are not known.
    ///
    /// `spec_id` is what the header of the manifest says.
    pub fn inline(
        path: impl Into<String>,
        length_bytes: i64,
        spec_id: PartitionSpecId,
        snapshot: SnapshotId,
    ) -> Self {
        let mut manifest = Self::new(path, length_bytes, spec_id, snapshot);
        manifest.sequence_number = Some(SequenceNumber(0));
        manifest.min_sequence_number = Some(SequenceNumber(0));
        manifest
    }

    /// Whether it may hold entries with status added. Unknown counts say yes.
    pub fn may_have_added_files(&self) -> bool {
        self.added_files_count != Some(0)
    }

    /// Whether it may hold entries with status deleted. Unknown counts say yes.
    pub fn may_have_deleted_files(&self) -> bool {
        self.deleted_files_count != Some(0)
    }

    /// Whether it may hold files that are part of the table. If not, a scan need not open it; it stays in the list of
    /// the snapshot that wrote it all the same, or the deletion would go unseen.
    pub fn may_have_live_files(&self) -> bool {
        self.may_have_added_files() || self.existing_files_count != Some(0)
    }
}

/// What is known about one partition field over all files of a manifest.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct FieldSummary {
    /// Whether some file has null there.
    pub contains_null: bool,
    /// Whether some file has NaN there; `None` if unknown.
    pub contains_nan: Option<bool>,
    /// Lowest value, nulls and NaNs left out, as a binary single value of the partition field's type.
    pub lower_bound: Option<Vec<u8>>,
    /// Highest value, nulls and NaNs left out, as a binary single value of the partition field's type.
    pub upper_bound: Option<Vec<u8>>,
    /// Fields that the format does not name.
    pub extras: Extras,
}

impl FieldSummary {
    /// A summary without bounds.
    pub fn new(contains_null: bool, contains_nan: Option<bool>) -> Self {
        Self { contains_null, contains_nan, ..Self::default() }
    }

    /// With these bounds, as binary single values.
    #[must_use]
    pub fn with_bounds(mut self, lower: Vec<u8>, upper: Vec<u8>) -> Self {
        self.lower_bound = Some(lower);
        self.upper_bound = Some(upper);
        self
    }
}
