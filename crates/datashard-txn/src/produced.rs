//! [`Produced`]: what an operation makes of a base.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::{SequenceNumber, SnapshotId};
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::{FormatVersion, TableMetadata, TableUpdate};

/// A manifest that a commit adds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewManifest {
    /// Where it goes, below the table.
    pub path: TablePath,
    /// Its content; empty once it is written.
    pub bytes: Bytes,
    /// Its row for the manifest list, with open sequence numbers.
    pub row: ManifestFile,
    /// The manifests whose entries it takes over, by location, and what those inherited; empty for one with the operation's own files.
    pub replaces: BTreeMap<String, Inherited>,
    /// The format version that it was written for, if it takes over entries: in another one they would mean something else.
    pub format_version: Option<FormatVersion>,
}

impl NewManifest {
    /// A manifest with the operation's own files.
    pub fn new(path: TablePath, bytes: Bytes, row: ManifestFile) -> Self {
        Self { path, bytes, row, replaces: BTreeMap::new(), format_version: None }
    }

    /// One that takes the place of these, in a table of this version.
    #[must_use]
    pub fn replacing<'r>(
        mut self,
        rows: impl IntoIterator<Item = &'r ManifestFile>,
        format_version: FormatVersion,
    ) -> Self {
        self.replaces = rows.into_iter().map(|row| (row.manifest_path.clone(), Inherited::of(row))).collect();
        self.format_version = Some(format_version);
        self
    }

    /// Whether it can take the place of this manifest: the one whose entries it took over, as it was listed then.
    pub fn can_replace(&self, row: &ManifestFile) -> bool {
        self.replaces.get(&row.manifest_path) == Some(&Inherited::of(row))
    }
}

/// What the entries of a manifest inherit from its row in a manifest list.
///
/// A manifest that was made by an earlier operation of the same transaction is listed anew in every attempt, each time with other numbers:
/// its location alone does not tell what entries that were taken over from it say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inherited {
    /// The sequence number.
    pub sequence_number: Option<SequenceNumber>,
    /// The first row id.
    pub first_row_id: Option<i64>,
}

impl Inherited {
    fn of(row: &ManifestFile) -> Self {
        Self { sequence_number: row.sequence_number, first_row_id: row.first_row_id }
    }
}

/// What an operation makes of a base.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Produced {
    /// The next version's content.
    pub content: Content,
    /// Manifests that the manifest list names and that are not in the base, those of earlier attempts included.
    pub manifests: Vec<NewManifest>,
    /// The new manifest lists, with their paths below the table: one for each snapshot that is added.
    pub manifest_lists: Vec<(TablePath, Bytes)>,
    /// Other files that the next version names and that this attempt has to write, with their paths below the table.
    pub files: Vec<(TablePath, Bytes)>,
    /// The rows of the last of the new manifest lists, in order.
    pub rows: Vec<ManifestFile>,
    /// The last snapshot that is added.
    pub snapshot_id: Option<SnapshotId>,
}

impl Produced {
    /// A version without a new snapshot.
    pub fn new(content: Content) -> Self {
        Self {
            content,
            manifests: Vec::new(),
            manifest_lists: Vec::new(),
            files: Vec::new(),
            rows: Vec::new(),
            snapshot_id: None,
        }
    }
}

/// The content of the next version, but for its commit state.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a version begins a table or continues one")]
pub enum Content {
    /// A table's first version.
    New(Box<TableMetadata>),
    /// Changes of the base.
    Updates(Vec<TableUpdate>),
}
