//! [`Base`]: a version as it was read, on which the next one can be built.

use bytes::Bytes;
use datashard_io::head::metadata_path;
use datashard_io::{Location, TablePath};
use datashard_spec::id::MetadataVersion;
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::TableMetadata;

use crate::error::CommitError;
use crate::protocol::CommitState;

/// A version of the table, read whole.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Base {
    /// Its number.
    pub version: MetadataVersion,
    /// What it says.
    pub metadata: TableMetadata,
    /// Its commit state; `None` if a writer dropped it that knows nothing of it.
    pub state: Option<CommitState>,
}

impl Base {
    /// Reads the content of a version's file.
    ///
    /// # Errors
    /// `Corrupt` if the metadata or its commit state is damaged; `Unsupported` if it follows a later protocol.
    pub fn read(version: MetadataVersion, bytes: &Bytes) -> Result<Self, CommitError> {
        let path = metadata_path(version)?;
        let metadata = TableMetadata::from_bytes(bytes).map_err(|e| CommitError::corrupt(&path, e))?;
        let state = CommitState::of_properties(metadata.properties(), version)
            .map_err(|e| CommitError::of_state(&path, e))?;
        Ok(Self { version, metadata, state })
    }

    /// The version that comes next.
    ///
    /// # Errors
    /// `Rejected` after the last number there is.
    pub fn next_version(&self) -> Result<MetadataVersion, CommitError> {
        let next = self.version.0.checked_add(1);
        next.map(MetadataVersion).ok_or_else(|| CommitError::rejected("no version number is left"))
    }

    /// The file of this version, as other metadata names it.
    ///
    /// # Errors
    /// None for any number; the type says so of paths in general.
    pub fn file(&self, location: &Location) -> Result<String, CommitError> {
        Ok(location.file(&metadata_path(self.version)?))
    }

    /// The manifest list of the current snapshot; `None` without a snapshot.
    ///
    /// # Errors
    /// `Corrupt` if the snapshot is malformed, names its manifests inline, or lies outside of the table.
    pub fn manifest_list(&self, location: &Location) -> Result<Option<TablePath>, CommitError> {
        let path = metadata_path(self.version)?;
        let snapshot = self.metadata.current_snapshot().map_err(|e| CommitError::corrupt(&path, e))?;
        let Some(snapshot) = snapshot else { return Ok(None) };
        let Some(list) = snapshot.manifest_list() else {
            return Err(CommitError::unsupported(format!(
                "snapshot {} names its manifests without a manifest list",
                snapshot.id
            )));
        };
        Ok(Some(location.relative(list).map_err(|e| CommitError::corrupt(&path, e))?))
    }
}

/// Files of the base that an operation wanted to see, as they were read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The rows of the current snapshot's manifest list, in order; empty without a snapshot.
    pub manifest_list: Vec<ManifestFile>,
    /// The manifests asked for, by their location.
    pub manifests: std::collections::BTreeMap<String, Bytes>,
}

impl Loaded {
    /// With these rows of the manifest list.
    pub fn new(manifest_list: Vec<ManifestFile>) -> Self {
        Self { manifest_list, manifests: std::collections::BTreeMap::new() }
    }
}
