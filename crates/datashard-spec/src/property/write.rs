//! Properties of writing: formats other than Parquet, locations, metadata, row-level operations.

use super::{
    AvroCompression, DeleteGranularity, DistributionMode, IsolationLevel, MetadataCompression, MetricsMode,
    OrcCompression, OrcCompressionStrategy, TextProperty, WriteFormat, WriteMode,
};

/// Class that chooses file locations, in engines that load classes.
pub static LOCATION_PROVIDER_IMPL: TextProperty = TextProperty { key: "write.location-provider.impl" };
/// Where data files go; by default `<table>/data`.
pub static DATA_PATH: TextProperty = TextProperty { key: "write.data.path" };
/// Where metadata goes; by default `<table>/metadata`.
pub static METADATA_PATH: TextProperty = TextProperty { key: "write.metadata.path" };
/// Columns with a bloom filter in ORC files, separated by commas.
pub static ORC_BLOOM_FILTER_COLUMNS: TextProperty = TextProperty { key: "write.orc.bloom.filter.columns" };

super::properties! {
    /// Format of data files.
    FORMAT: WriteFormat = "write.format.default" or WriteFormat::Parquet;
    /// Format of delete files.
    DELETE_FORMAT: WriteFormat = "write.delete.format.default" like FORMAT;
    /// The size that data files are to have, in bytes.
    TARGET_FILE_SIZE_BYTES: u64 = "write.target-file-size-bytes" or 536_870_912, positive;
    /// The size that delete files are to have, in bytes.
    DELETE_TARGET_FILE_SIZE_BYTES: u64 = "write.delete.target-file-size-bytes" or 67_108_864, positive;

    /// Compression of Avro data files.
    AVRO_COMPRESSION_CODEC: AvroCompression = "write.avro.compression-codec" or AvroCompression::Gzip;
    /// Level of it; by default the codec's own.
    AVRO_COMPRESSION_LEVEL: Option<i32> = "write.avro.compression-level" or None;
    /// Compression of Avro delete files.
    DELETE_AVRO_COMPRESSION_CODEC: AvroCompression = "write.delete.avro.compression-codec" like AVRO_COMPRESSION_CODEC;
    /// Level of it.
    DELETE_AVRO_COMPRESSION_LEVEL: Option<i32> = "write.delete.avro.compression-level" like AVRO_COMPRESSION_LEVEL;
    /// Compression of manifests and manifest lists.
    MANIFEST_COMPRESSION_CODEC: AvroCompression = "write.manifest.compression-codec" or AvroCompression::Gzip;
    /// Level of it; by default the codec's own.
    MANIFEST_COMPRESSION_LEVEL: Option<i32> = "write.manifest.compression-level" or None;

    /// The size of an ORC stripe, in bytes.
    ORC_STRIPE_SIZE_BYTES: u64 = "write.orc.stripe-size-bytes" or 67_108_864, positive;
    /// The size of an ORC block, in bytes.
    ORC_BLOCK_SIZE_BYTES: u64 = "write.orc.block-size-bytes" or 268_435_456, positive;
    /// Rows of a batch to an ORC file.
    ORC_BATCH_SIZE: u32 = "write.orc.vectorized.batch-size" or 1_024, positive;
    /// Compression of ORC data files.
    ORC_COMPRESSION_CODEC: OrcCompression = "write.orc.compression-codec" or OrcCompression::Zlib;
    /// What it aims at.
    ORC_COMPRESSION_STRATEGY: OrcCompressionStrategy = "write.orc.compression-strategy" or OrcCompressionStrategy::Speed;
    /// Share of false positives of ORC bloom filters.
    ORC_BLOOM_FILTER_FPP: f64 = "write.orc.bloom.filter.fpp" or 0.05, fraction;
    /// As [`ORC_STRIPE_SIZE_BYTES`], of delete files.
    DELETE_ORC_STRIPE_SIZE_BYTES: u64 = "write.delete.orc.stripe-size-bytes" like ORC_STRIPE_SIZE_BYTES, positive;
    /// As [`ORC_BLOCK_SIZE_BYTES`], of delete files.
    DELETE_ORC_BLOCK_SIZE_BYTES: u64 = "write.delete.orc.block-size-bytes" like ORC_BLOCK_SIZE_BYTES, positive;
    /// As [`ORC_BATCH_SIZE`], of delete files.
    DELETE_ORC_BATCH_SIZE: u32 = "write.delete.orc.vectorized.batch-size" like ORC_BATCH_SIZE, positive;
    /// As [`ORC_COMPRESSION_CODEC`], of delete files.
    DELETE_ORC_COMPRESSION_CODEC: OrcCompression = "write.delete.orc.compression-codec" like ORC_COMPRESSION_CODEC;
    /// As [`ORC_COMPRESSION_STRATEGY`], of delete files.
    DELETE_ORC_COMPRESSION_STRATEGY: OrcCompressionStrategy = "write.delete.orc.compression-strategy" like ORC_COMPRESSION_STRATEGY;

    /// Whether data files are spread over hashed folders.
    OBJECT_STORAGE_ENABLED: bool = "write.object-storage.enabled" or false;
    /// Whether such folders name the partition too.
    OBJECT_STORAGE_PARTITIONED_PATHS: bool = "write.object-storage.partitioned-paths" or true;
    /// Up to how many changed partitions a snapshot's summary lists them; 0 is never.
    SUMMARY_PARTITION_LIMIT: u32 = "write.summary.partition-limit" or 0;
    /// Compression of metadata files.
    METADATA_COMPRESSION_CODEC: MetadataCompression = "write.metadata.compression-codec" or MetadataCompression::None;
    /// How many older metadata files the metadata log lists.
    METADATA_PREVIOUS_VERSIONS_MAX: u32 = "write.metadata.previous-versions-max" or 100;
    /// Whether metadata files that leave the log are deleted.
    METADATA_DELETE_AFTER_COMMIT_ENABLED: bool = "write.metadata.delete-after-commit.enabled" or false;
    /// What is measured of columns; see [`MetricsConfig`](super::MetricsConfig).
    METRICS_DEFAULT: MetricsMode = "write.metadata.metrics.default" or MetricsMode::DEFAULT;
    /// How many columns are measured where no default is set.
    METRICS_MAX_INFERRED_COLUMN_DEFAULTS: u32 = "write.metadata.metrics.max-inferred-column-defaults" or 100;
    /// What is measured of a column.
    METRICS_COLUMN: Option<MetricsMode> = "write.metadata.metrics.column." per_column None;

    /// Whether writes are staged to be published later.
    WAP_ENABLED: bool = "write.wap.enabled" or false;
    /// How appended rows are spread; by default as the engine sees fit.
    DISTRIBUTION_MODE: Option<DistributionMode> = "write.distribution-mode" or None;
    /// How rows of a delete are spread.
    DELETE_DISTRIBUTION_MODE: Option<DistributionMode> = "write.delete.distribution-mode" or None;
    /// How rows of an update are spread.
    UPDATE_DISTRIBUTION_MODE: Option<DistributionMode> = "write.update.distribution-mode" or None;
    /// How rows of a merge are spread.
    MERGE_DISTRIBUTION_MODE: Option<DistributionMode> = "write.merge.distribution-mode" or None;
    /// How many data files a position-delete file may cover.
    DELETE_GRANULARITY: DeleteGranularity = "write.delete.granularity" or DeleteGranularity::Partition;
    /// Isolation of deletes.
    DELETE_ISOLATION_LEVEL: IsolationLevel = "write.delete.isolation-level" or IsolationLevel::Serializable;
    /// Isolation of updates.
    UPDATE_ISOLATION_LEVEL: IsolationLevel = "write.update.isolation-level" or IsolationLevel::Serializable;
    /// Isolation of merges.
    MERGE_ISOLATION_LEVEL: IsolationLevel = "write.merge.isolation-level" or IsolationLevel::Serializable;
    /// How deletes change files.
    DELETE_MODE: WriteMode = "write.delete.mode" or WriteMode::CopyOnWrite;
    /// How updates change files.
    UPDATE_MODE: WriteMode = "write.update.mode" or WriteMode::CopyOnWrite;
    /// How merges change files.
    MERGE_MODE: WriteMode = "write.merge.mode" or WriteMode::CopyOnWrite;
    /// Whether streams write upserts.
    UPSERT_ENABLED: bool = "write.upsert.enabled" or false;
}
