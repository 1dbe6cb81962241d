//! Manifest entries: a file and what a snapshot did to it.

use super::data_file::DataFile;
use super::extra::Extras;
use crate::id::{DataSequenceNumber, FileSequenceNumber, SnapshotId};

/// What the entry's snapshot did to the file. Closed by the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum ManifestStatus {
    /// It was there before.
    Existing,
    /// The snapshot added it.
    Added,
    /// The snapshot deleted it.
    Deleted,
}

impl ManifestStatus {
    /// The number in field 0.
    pub fn number(self) -> i32 {
        match self {
            Self::Existing => 0,
            Self::Added => 1,
            Self::Deleted => 2,
        }
    }

    /// The status with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Existing),
            1 => Some(Self::Added),
            2 => Some(Self::Deleted),
            _ => None,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Existing => "existing",
            Self::Added => "added",
            Self::Deleted => "deleted",
        }
    }

    /// Whether the file is part of the table.
    pub fn is_live(self) -> bool {
        self != Self::Deleted
    }
}

/// A row of a manifest, as stored: what it inherits is null until [`ManifestFile::inherit`] fills it in.
///
/// [`ManifestFile::inherit`]: super::ManifestFile::inherit
///
/// # Spec
/// "Manifests", `manifest_entry`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ManifestEntry {
    /// What was done to the file.
    pub status: ManifestStatus,
    /// The snapshot that added the file, or deleted it.
    pub snapshot_id: Option<SnapshotId>,
    /// Says which deletes apply to the file.
    pub data_sequence_number: Option<DataSequenceNumber>,
    /// The commit that added the file.
    pub file_sequence_number: Option<FileSequenceNumber>,
    /// The file.
    pub data_file: DataFile,
    /// Fields that the format does not name.
    pub extras: Extras,
}

impl ManifestEntry {
    /// An entry with nothing but status and file; all else is null.
    pub fn new(status: ManifestStatus, data_file: DataFile) -> Self {
        Self {
            status,
            snapshot_id: None,
            data_sequence_number: None,
            file_sequence_number: None,
            data_file,
            extras: Extras::default(),
        }
    }

    /// An entry that adds a file and inherits everything from the commit.
    pub fn added(data_file: DataFile) -> Self {
        Self::new(ManifestStatus::Added, data_file)
    }

    /// With the snapshot that added or deleted the file.
    #[must_use]
    pub fn with_snapshot_id(mut self, id: SnapshotId) -> Self {
        self.snapshot_id = Some(id);
        self
    }

    /// With an explicit data sequence number.
    #[must_use]
    pub fn with_data_sequence_number(mut self, number: DataSequenceNumber) -> Self {
        self.data_sequence_number = Some(number);
        self
    }

    /// With an explicit file sequence number.
    #[must_use]
    pub fn with_file_sequence_number(mut self, number: FileSequenceNumber) -> Self {
        self.file_sequence_number = Some(number);
        self
    }
}
