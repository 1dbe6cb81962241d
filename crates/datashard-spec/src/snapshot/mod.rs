//! Snapshots: the state of a table after one commit.
//!
//! A [`Snapshot`] points at its manifests and says in its [`Summary`] what the commit did. It is a plain value: whether
//! it may be added to a table is decided by the table's metadata.

mod json;
mod operation;
mod summary;
pub mod summary_key;

pub use operation::Operation;
pub use summary::Summary;

use crate::id::{SchemaId, SequenceNumber, SnapshotId};
use crate::json::UnknownKeys;

pub(crate) use json::{KEYS, parse_snapshot, write_snapshot};

/// The state of a table after one commit.
///
/// # Spec
/// "Snapshots".
///
/// # Examples
/// ```
/// use datashard_spec::id::{SequenceNumber, SnapshotId};
/// use datashard_spec::metadata::FormatVersion;
/// use datashard_spec::snapshot::{Operation, Snapshot, Summary};
///
/// let snapshot = Snapshot::new(SnapshotId(7), 1_700_000_000_000, "s3://b/t/metadata/snap-7.avro")
///     .with_sequence_number(SequenceNumber(1))
///     .with_summary(Summary::new(Operation::Append).with("total-records", "3"));
/// let json = snapshot.to_json(FormatVersion::V2);
/// assert_eq!(Snapshot::from_json(&json)?, snapshot);
/// assert_eq!(snapshot.summary.total_records(), Some(3));
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Unique in the table, positive.
    pub id: SnapshotId,
    /// The snapshot this one was built on; `None` for the first of a history.
    pub parent_id: Option<SnapshotId>,
    /// Number of the commit, growing over the life of the table; 0 in v1.
    pub sequence_number: SequenceNumber,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub timestamp_ms: i64,
    /// Where its manifests are listed.
    pub manifests: ManifestLocations,
    /// What the commit did.
    pub summary: Summary,
    /// The table's current schema when it was made.
    pub schema_id: Option<SchemaId>,
    /// The first row id that the commit could give out (v3): the table's `next-row-id` before it.
    pub first_row_id: Option<i64>,
    /// By how much the commit moved the table's `next-row-id` (v3).
    pub added_rows: Option<i64>,
    /// The key that encrypts the key metadata of the manifest list (v3).
    pub key_id: Option<String>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// Where the manifests of a snapshot are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format: exactly one of the two keys is there")]
pub enum ManifestLocations {
    /// Location of the manifest list.
    List(String),
    /// Locations of the manifests themselves, as early writers of v1 have it.
    Inline(Vec<String>),
}

impl Snapshot {
    /// A snapshot with this manifest list, made at `timestamp_ms`: without parent, sequence number 0, empty summary.
    pub fn new(id: SnapshotId, timestamp_ms: i64, manifest_list: impl Into<String>) -> Self {
        Self {
            id,
            parent_id: None,
            sequence_number: SequenceNumber(0),
            timestamp_ms,
            manifests: ManifestLocations::List(manifest_list.into()),
            summary: Summary::default(),
            schema_id: None,
            first_row_id: None,
            added_rows: None,
            key_id: None,
            unknown_keys: UnknownKeys::default(),
        }
    }

    /// With this parent.
    #[must_use]
    pub fn with_parent(mut self, parent_id: Option<SnapshotId>) -> Self {
        self.parent_id = parent_id;
        self
    }

    /// With this sequence number.
    #[must_use]
    pub fn with_sequence_number(mut self, sequence_number: SequenceNumber) -> Self {
        self.sequence_number = sequence_number;
        self
    }

    /// With this summary.
    #[must_use]
    pub fn with_summary(mut self, summary: Summary) -> Self {
        self.summary = summary;
        self
    }

    /// With this schema.
    #[must_use]
    pub fn with_schema_id(mut self, schema_id: SchemaId) -> Self {
        self.schema_id = Some(schema_id);
        self
    }

    /// With these row ids (v3): `added_rows` ids from `first_row_id` on.
    #[must_use]
    pub fn with_row_ids(mut self, first_row_id: i64, added_rows: i64) -> Self {
        self.first_row_id = Some(first_row_id);
        self.added_rows = Some(added_rows);
        self
    }

    /// Location of the manifest list; `None` where manifests are inline.
    pub fn manifest_list(&self) -> Option<&str> {
        match &self.manifests {
            ManifestLocations::List(location) => Some(location),
            ManifestLocations::Inline(_) => None,
        }
    }
}
