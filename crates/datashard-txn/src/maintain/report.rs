//! [`CleanUp`]: what a clean-up did, or would do.

use datashard_io::TablePath;
use datashard_io::request::RequestCounts;
use datashard_spec::id::MetadataVersion;

/// How many paths a report names.
const MOST_NAMED: usize = 100;

/// Files and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileCount {
    /// How many files.
    pub files: u64,
    /// How many bytes they have.
    pub size_bytes: u64,
}

impl FileCount {
    pub(super) fn add(&mut self, size_bytes: u64) {
        self.files = self.files.saturating_add(1);
        self.size_bytes = self.size_bytes.saturating_add(size_bytes);
    }
}

/// What a clean-up did; of a dry run, what it would have done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CleanUp {
    /// Whether nothing was written or deleted.
    pub is_dry_run: bool,
    /// Versions below it are retired, or files of epochs below it collected.
    pub below: MetadataVersion,
    /// Versions' metadata files that were deleted.
    pub versions: FileCount,
    /// Data and delete files that were deleted.
    pub data_files: FileCount,
    /// Manifests, manifest lists, statistics and history segments that were deleted.
    pub metadata_files: FileCount,
    /// Files without reference that stay because they are too young, or may yet be added by a writer.
    pub kept: FileCount,
    /// Files without reference that another writer named, and that stay because their removal was not asked for or they are too young.
    pub foreign: FileCount,
    /// Files that could not be deleted; the next clean-up tries again.
    pub failed: u64,
    /// The first hundred files that were deleted.
    pub deleted: Vec<TablePath>,
    /// Requests that it took.
    pub requests: RequestCounts,
}

impl CleanUp {
    pub(super) fn new(is_dry_run: bool, below: MetadataVersion) -> Self {
        let none = FileCount::default();
        Self {
            is_dry_run,
            below,
            versions: none,
            data_files: none,
            metadata_files: none,
            kept: none,
            foreign: none,
            failed: 0,
            deleted: Vec::new(),
            requests: RequestCounts::default(),
        }
    }

    pub(super) fn note_deleted(&mut self, path: &TablePath) {
        if self.deleted.len() < MOST_NAMED {
            self.deleted.push(path.clone());
        }
    }
}
