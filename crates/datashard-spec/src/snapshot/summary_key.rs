//! Keys of a snapshot's summary, besides `operation`.
//!
//! # Spec
//! "Appendix F: Implementation Notes", optional snapshot summary fields.

/// Data files added.
pub const ADDED_DATA_FILES: &str = "added-data-files";
/// Data files removed.
pub const DELETED_DATA_FILES: &str = "deleted-data-files";
/// Live data files.
pub const TOTAL_DATA_FILES: &str = "total-data-files";
/// Delete files added.
pub const ADDED_DELETE_FILES: &str = "added-delete-files";
/// Delete files removed.
pub const REMOVED_DELETE_FILES: &str = "removed-delete-files";
/// Live delete files.
pub const TOTAL_DELETE_FILES: &str = "total-delete-files";
/// Equality-delete files added.
pub const ADDED_EQUALITY_DELETE_FILES: &str = "added-equality-delete-files";
/// Equality-delete files removed.
pub const REMOVED_EQUALITY_DELETE_FILES: &str = "removed-equality-delete-files";
/// Position-delete files added.
pub const ADDED_POSITION_DELETE_FILES: &str = "added-position-delete-files";
/// Position-delete files removed.
pub const REMOVED_POSITION_DELETE_FILES: &str = "removed-position-delete-files";
/// Deletion vectors added.
pub const ADDED_DVS: &str = "added-dvs";
/// Deletion vectors removed.
pub const REMOVED_DVS: &str = "removed-dvs";
/// Rows added.
pub const ADDED_RECORDS: &str = "added-records";
/// Rows removed along with their data files.
pub const DELETED_RECORDS: &str = "deleted-records";
/// Rows in live data files, deleted ones included.
pub const TOTAL_RECORDS: &str = "total-records";
/// Bytes of the files added.
pub const ADDED_FILES_SIZE: &str = "added-files-size";
/// Bytes of the files removed.
pub const REMOVED_FILES_SIZE: &str = "removed-files-size";
/// Bytes of the live files.
pub const TOTAL_FILES_SIZE: &str = "total-files-size";
/// Position deletes added.
pub const ADDED_POSITION_DELETES: &str = "added-position-deletes";
/// Position deletes removed.
pub const REMOVED_POSITION_DELETES: &str = "removed-position-deletes";
/// Live position deletes.
pub const TOTAL_POSITION_DELETES: &str = "total-position-deletes";
/// Equality-delete rows added.
pub const ADDED_EQUALITY_DELETES: &str = "added-equality-deletes";
/// Equality-delete rows removed.
pub const REMOVED_EQUALITY_DELETES: &str = "removed-equality-deletes";
/// Live equality-delete rows.
pub const TOTAL_EQUALITY_DELETES: &str = "total-equality-deletes";
/// Files that were listed for removal more than once.
pub const DELETED_DUPLICATE_FILES: &str = "deleted-duplicate-files";
/// Partitions with added or removed files.
pub const CHANGED_PARTITION_COUNT: &str = "changed-partition-count";
/// Manifests written.
pub const MANIFESTS_CREATED: &str = "manifests-created";
/// Manifests taken over as they were.
pub const MANIFESTS_KEPT: &str = "manifests-kept";
/// Manifests that were rewritten.
pub const MANIFESTS_REPLACED: &str = "manifests-replaced";
/// Manifest entries looked at.
pub const ENTRIES_PROCESSED: &str = "entries-processed";
/// `true` if whole partitions were replaced.
pub const REPLACE_PARTITIONS: &str = "replace-partitions";
/// Name under which a staged snapshot is to be published.
pub const WAP_ID: &str = "wap.id";
/// Name of the staged snapshot that was published.
pub const PUBLISHED_WAP_ID: &str = "published-wap-id";
/// Snapshot that was cherry-picked.
pub const SOURCE_SNAPSHOT_ID: &str = "source-snapshot-id";
/// Engine that made the commit.
pub const ENGINE_NAME: &str = "engine-name";
/// Version of the engine.
pub const ENGINE_VERSION: &str = "engine-version";
/// Start of the keys that describe single changed partitions: `partitions.<path>`.
pub const PARTITIONS_PREFIX: &str = "partitions.";
