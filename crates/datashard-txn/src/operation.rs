//! [`Operation`]: what a commit does, as pure functions of the version it is built on.
//!
//! An operation never does I/O. It says which manifests of the base it has to see, whether it may still be applied, and what the next
//! version holds; the commit loop reads and writes the files. On every new base it is asked anew.

use std::fmt;

use bytes::Bytes;
use datashard_io::{Location, TablePath};
use datashard_spec::Uuid;
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::manifest::ManifestFile;
use datashard_spec::metadata::{FormatVersion, TableMetadata, TableUpdate};

use crate::base::{Base, Loaded};
use crate::protocol::AppKey;

/// Something that a commit does to a table.
pub trait Operation: fmt::Debug + Send + Sync {
    /// Its name, for messages: `append`, `set properties`.
    fn name(&self) -> &'static str;

    /// Bytes that differ for operations that differ, such as the files that it adds. They go into the session's digest.
    fn fingerprint(&self) -> Vec<u8>;

    /// Whether the manifest list of the current snapshot has to be read.
    fn reads_manifest_list(&self) -> bool {
        false
    }

    /// Locations of manifests of the base that have to be read, given its manifest list.
    ///
    /// # Errors
    /// As [`produce`](Self::produce).
    fn reads_manifests(
        &self,
        base: &Base,
        list: &[ManifestFile],
        earlier: &[NewManifest],
    ) -> Result<Vec<String>, Refusal> {
        let _ = (base, list, earlier);
        Ok(Vec::new())
    }

    /// Whether it may be applied to this base, or to none if there is no table. Called for every new base, before anything is read.
    ///
    /// # Errors
    /// Why it may not.
    fn validate(&self, base: Option<&Base>) -> Result<(), Refusal>;

    /// What the next version holds.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn produce(&self, base: Option<&Base>, inputs: &Inputs<'_>) -> Result<Produced, Refusal>;

    /// Files that are to be written beside the manifests, under unique names: data files that nobody wrote yet.
    fn payload(&self) -> Vec<(TablePath, Bytes)> {
        Vec::new()
    }

    /// The smallest epoch among the files that it adds; `None` if it adds none that has one.
    fn oldest_epoch(&self) -> Option<MetadataVersion> {
        None
    }
}

/// What an operation is given besides the base. Nothing in it changes from attempt to attempt but `attempt`, `now_ms`, `loaded`, `earlier`,
/// and `epoch` where the file floor has passed it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Inputs<'a> {
    /// The table's location.
    pub location: &'a Location,
    /// The time, in milliseconds since 1970-01-01 UTC; never before the base.
    pub now_ms: i64,
    /// The id of the snapshot that the operation adds, if it adds one.
    pub snapshot_id: SnapshotId,
    /// The operation's own id: part of the names of its files.
    pub operation_id: Uuid,
    /// The epoch of the files that the operation writes: the version known when it began, or when the file floor had passed that.
    pub epoch: MetadataVersion,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What was read of the base.
    pub loaded: &'a Loaded,
    /// Manifests that earlier attempts wrote: those that fit are used again.
    pub earlier: &'a [NewManifest],
    /// The caller's key of the operation, to be told in the snapshot's summary.
    pub key: Option<&'a AppKey>,
}

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
    /// Locations of the manifests whose entries it takes over, sorted; empty for one with the operation's own files.
    pub replaces: Vec<String>,
    /// The format version that it was written for, if it takes over entries: in another one they would mean something else.
    pub format_version: Option<FormatVersion>,
}

impl NewManifest {
    /// A manifest with the operation's own files.
    pub fn new(path: TablePath, bytes: Bytes, row: ManifestFile) -> Self {
        Self { path, bytes, row, replaces: Vec::new(), format_version: None }
    }

    /// One that takes the place of these, in a table of this version.
    #[must_use]
    pub fn replacing(mut self, mut locations: Vec<String>, format_version: FormatVersion) -> Self {
        locations.sort_unstable();
        self.replaces = locations;
        self.format_version = Some(format_version);
        self
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
    /// The new manifest list, with its path below the table.
    pub manifest_list: Option<(TablePath, Bytes)>,
    /// The rows of the new manifest list, in order.
    pub rows: Vec<ManifestFile>,
    /// The snapshot that is added.
    pub snapshot_id: Option<SnapshotId>,
}

impl Produced {
    /// A version without a new snapshot.
    pub fn new(content: Content) -> Self {
        Self { content, manifests: Vec::new(), manifest_list: None, rows: Vec::new(), snapshot_id: None }
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

/// Why an operation is not applied. It is definite as far as the base goes; whether an earlier attempt may have been committed is for the
/// commit loop to find out first.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Something that was committed meanwhile stands against it.
    #[error("{operation}: {reason}")]
    Conflict {
        /// The operation.
        operation: &'static str,
        /// What stands against it.
        reason: String,
    },
    /// It is wrong by itself, or the table is not one that it can be applied to.
    #[error("{operation}: {reason}")]
    Rejected {
        /// The operation.
        operation: &'static str,
        /// Why.
        reason: String,
    },
    /// There is a table already.
    #[error("there is a table already")]
    TableExists,
    /// There is no table.
    #[error("there is no table")]
    NoTable,
    /// A file of the table is damaged.
    #[error("`{path}` is damaged: {reason}")]
    Corrupt {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// This version cannot do it.
    #[error("{operation}: not supported: {reason}")]
    Unsupported {
        /// The operation.
        operation: &'static str,
        /// What it is.
        reason: String,
    },
}
