//! [`Base`]: a version as it was read, on which the next one can be built.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_io::head::metadata_path;
use datashard_io::{Location, TablePath};
use datashard_spec::id::MetadataVersion;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::snapshot::Snapshot;

use crate::error::CommitError;
use crate::lookup::SUMMARY_APP_KEY;
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

    /// Keys of callers that snapshots tell of, where the commit state was lost: the highest number applied of each application, as far as
    /// its snapshots are retained (R9). Empty where there is a commit state, which knows all of them.
    pub fn recovered_apps(&self) -> BTreeMap<String, u64> {
        let mut apps = BTreeMap::new();
        if self.state.is_some() {
            return apps;
        }
        for snapshot in self.metadata.snapshots().flatten() {
            let key = snapshot.summary.get(SUMMARY_APP_KEY).and_then(|key| key.rsplit_once(':'));
            if let Some((app, version)) = key
                && let Ok(version) = version.parse()
            {
                let applied: &mut u64 = apps.entry(app.to_owned()).or_default();
                *applied = (*applied).max(version);
            }
        }
        apps
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

    /// The head of a branch. A branch that is not there begins where `main` is.
    ///
    /// # Errors
    /// `Rejected` if it is a tag; `Corrupt` if the snapshot is malformed or missing.
    pub fn head(&self, branch: &str) -> Result<Option<&Snapshot>, CommitError> {
        let path = metadata_path(self.version)?;
        let Some(reference) = self.metadata.refs().get(branch) else {
            return self.metadata.current_snapshot().map_err(|e| CommitError::corrupt(&path, e));
        };
        if !reference.is_branch() {
            return Err(CommitError::rejected(format!(
                "`{branch}` is a tag: nothing can be committed to it"
            )));
        }
        let head = self.metadata.snapshot_of_ref(branch).map_err(|e| CommitError::corrupt(&path, e))?;
        Ok(Some(head))
    }

    /// The manifest list of a branch's head; `None` without a snapshot.
    ///
    /// # Errors
    /// As [`head`](Self::head); `Unsupported` if the snapshot names its manifests inline; `Corrupt` if its list lies outside of the table.
    pub fn manifest_list(&self, branch: &str, location: &Location) -> Result<Option<TablePath>, CommitError> {
        let path = metadata_path(self.version)?;
        let Some(snapshot) = self.head(branch)? else { return Ok(None) };
        let Some(list) = snapshot.manifest_list() else {
            return Err(CommitError::unsupported(format!(
                "snapshot {} names its manifests without a manifest list",
                snapshot.id
            )));
        };
        Ok(Some(location.relative(list).map_err(|e| CommitError::corrupt(&path, e))?))
    }
}
