//! Properties of datashard's own.

use super::TextProperty;

/// Fields that the table was asked to be partitioned by when it was made.
pub static REQUESTED_PARTITION_FIELDS: TextProperty =
    TextProperty { key: "datashard.requested-partition-fields" };

super::properties! {
    /// How many manifests there must be before they are compacted.
    MANIFEST_COMPACTION_THRESHOLD: u32 = "datashard.manifest.compaction-threshold" or 64, positive;
    /// How many snapshots are kept; by default there is no such limit.
    SNAPSHOT_RETENTION_COUNT: Option<u32> = "datashard.snapshot.retention-count" or None;
    /// How many snapshots of each branch the metadata lists before older ones are moved into history segments; by default none are moved.
    HISTORY_KEEP_SNAPSHOTS: Option<u32> = "datashard.history.keep-snapshots" or None;
    /// From which size on metadata is worth a warning, in bytes.
    METADATA_WARN_BYTES: u64 = "datashard.metadata.warn-bytes" or 1_048_576;
}
