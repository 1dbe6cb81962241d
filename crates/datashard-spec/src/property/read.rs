//! Properties of scans.

use super::PlanningMode;

super::properties! {
    /// The size of a scan task, in bytes.
    SPLIT_TARGET_SIZE: u64 = "read.split.target-size" or 134_217_728, positive;
    /// The size of a task that reads metadata, in bytes.
    SPLIT_METADATA_TARGET_SIZE: u64 = "read.split.metadata-target-size" or 33_554_432, positive;
    /// How many open tasks are looked at to place a file.
    SPLIT_PLANNING_LOOKBACK: u32 = "read.split.planning-lookback" or 10, positive;
    /// What opening a file is reckoned as, in bytes.
    SPLIT_OPEN_FILE_COST: u64 = "read.split.open-file-cost" or 4_194_304;
    /// Whether the size of scan tasks follows the size of the scan.
    SPLIT_ADAPTIVE_SIZE_ENABLED: bool = "read.split.adaptive-size.enabled" or true;
    /// Whether Parquet files are read in batches.
    PARQUET_VECTORIZATION_ENABLED: bool = "read.parquet.vectorization.enabled" or true;
    /// Rows of a batch from a Parquet file.
    PARQUET_BATCH_SIZE: u32 = "read.parquet.vectorization.batch-size" or 5_000, positive;
    /// Whether ORC files are read in batches.
    ORC_VECTORIZATION_ENABLED: bool = "read.orc.vectorization.enabled" or false;
    /// Rows of a batch from an ORC file.
    ORC_BATCH_SIZE: u32 = "read.orc.vectorization.batch-size" or 5_000, positive;
    /// Where data files are planned.
    DATA_PLANNING_MODE: PlanningMode = "read.data-planning-mode" or PlanningMode::Auto;
    /// Where delete files are planned.
    DELETE_PLANNING_MODE: PlanningMode = "read.delete-planning-mode" or PlanningMode::Auto;
}
