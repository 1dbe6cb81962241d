//! Properties of commits: retries and the merging of manifests.

super::properties! {
    /// How often a commit is tried again after a conflict.
    NUM_RETRIES: u32 = "commit.retry.num-retries" or 4;
    /// The shortest wait between tries, in ms.
    MIN_WAIT_MS: u64 = "commit.retry.min-wait-ms" or 100;
    /// The longest wait between tries, in ms.
    MAX_WAIT_MS: u64 = "commit.retry.max-wait-ms" or 60_000;
    /// For how long a commit is tried, in ms.
    TOTAL_TIMEOUT_MS: u64 = "commit.retry.total-timeout-ms" or 1_800_000;
    /// How often the outcome of a commit is asked for when it is not known.
    STATUS_CHECK_NUM_RETRIES: u32 = "commit.status-check.num-retries" or 3;
    /// The shortest wait between such checks, in ms.
    STATUS_CHECK_MIN_WAIT_MS: u64 = "commit.status-check.min-wait-ms" or 1_000;
    /// The longest wait between such checks, in ms.
    STATUS_CHECK_MAX_WAIT_MS: u64 = "commit.status-check.max-wait-ms" or 60_000;
    /// For how long the outcome is asked for, in ms.
    STATUS_CHECK_TOTAL_TIMEOUT_MS: u64 = "commit.status-check.total-timeout-ms" or 1_800_000;
    /// The size that merged manifests are to have, in bytes.
    MANIFEST_TARGET_SIZE_BYTES: u64 = "commit.manifest.target-size-bytes" or 8_388_608, positive;
    /// How many manifests there must be before they are merged.
    MANIFEST_MIN_COUNT_TO_MERGE: u32 = "commit.manifest.min-count-to-merge" or 100;
    /// Whether commits merge manifests.
    MANIFEST_MERGE_ENABLED: bool = "commit.manifest-merge.enabled" or true;
}
