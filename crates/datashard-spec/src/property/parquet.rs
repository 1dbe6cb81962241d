//! Properties of Parquet files, of data and of deletes.

use super::{ParquetCompression, ParquetPageVersion};

super::properties! {
    /// The size of a row group, in bytes.
    ROW_GROUP_SIZE_BYTES: u64 = "write.parquet.row-group-size-bytes" or 134_217_728, positive;
    /// The size of a page, in bytes.
    PAGE_SIZE_BYTES: u64 = "write.parquet.page-size-bytes" or 1_048_576, positive;
    /// The most rows of a page.
    PAGE_ROW_LIMIT: u64 = "write.parquet.page-row-limit" or 20_000, positive;
    /// Version of data pages.
    PAGE_VERSION: ParquetPageVersion = "write.parquet.page-version" or ParquetPageVersion::V1;
    /// The size of a dictionary, in bytes.
    DICT_SIZE_BYTES: u64 = "write.parquet.dict-size-bytes" or 2_097_152, positive;
    /// Compression. New tables set zstd; where nothing is set it is gzip.
    COMPRESSION_CODEC: ParquetCompression = "write.parquet.compression-codec" or ParquetCompression::Gzip;
    /// Level of compression; by default the codec's own.
    COMPRESSION_LEVEL: Option<i32> = "write.parquet.compression-level" or None;
    /// After how many rows at least the size of the row group is looked at.
    ROW_GROUP_CHECK_MIN_RECORD_COUNT: u64 = "write.parquet.row-group-check-min-record-count" or 100, positive;
    /// After how many rows at most the size of the row group is looked at.
    ROW_GROUP_CHECK_MAX_RECORD_COUNT: u64 = "write.parquet.row-group-check-max-record-count" or 10_000, positive;
    /// Whether row groups are measured before compression.
    ROW_GROUP_SIZE_TRACK_UNCOMPRESSED: bool = "write.parquet.row-group-size-track-uncompressed" or false;
    /// The largest bloom filter, in bytes.
    BLOOM_FILTER_MAX_BYTES: u64 = "write.parquet.bloom-filter-max-bytes" or 1_048_576, positive;
    /// Whether bloom filters find their size by themselves.
    BLOOM_FILTER_ADAPTIVE_ENABLED: bool = "write.parquet.bloom-filter-adaptive-enabled" or false;
    /// Whether a column has a bloom filter.
    BLOOM_FILTER_ENABLED_COLUMN: bool = "write.parquet.bloom-filter-enabled.column." per_column false;
    /// Share of false positives of a column's bloom filter.
    BLOOM_FILTER_FPP_COLUMN: f64 = "write.parquet.bloom-filter-fpp.column." per_column 0.01, fraction;
    /// Expected number of distinct values of a column, for its bloom filter.
    BLOOM_FILTER_NDV_COLUMN: Option<u64> = "write.parquet.bloom-filter-ndv.column." per_column None;
    /// Whether a column has statistics.
    STATS_ENABLED_COLUMN: bool = "write.parquet.stats-enabled.column." per_column true;
    /// Whether a column may be dictionary-encoded.
    DICT_ENCODING_ENABLED_COLUMN: bool = "write.parquet.dict-encoding-enabled.column." per_column true;
    /// Whether variants are shredded into columns.
    SHRED_VARIANTS: bool = "write.parquet.shred-variants" or false;
    /// How many rows are looked at to find the columns of shredded variants.
    VARIANT_INFERENCE_BUFFER_SIZE: u32 = "write.parquet.variant-inference-buffer-size" or 100, positive;

    /// As [`ROW_GROUP_SIZE_BYTES`], of delete files.
    DELETE_ROW_GROUP_SIZE_BYTES: u64 = "write.delete.parquet.row-group-size-bytes" like ROW_GROUP_SIZE_BYTES, positive;
    /// As [`PAGE_SIZE_BYTES`], of delete files.
    DELETE_PAGE_SIZE_BYTES: u64 = "write.delete.parquet.page-size-bytes" like PAGE_SIZE_BYTES, positive;
    /// As [`PAGE_ROW_LIMIT`], of delete files.
    DELETE_PAGE_ROW_LIMIT: u64 = "write.delete.parquet.page-row-limit" like PAGE_ROW_LIMIT, positive;
    /// As [`PAGE_VERSION`], of delete files.
    DELETE_PAGE_VERSION: ParquetPageVersion = "write.delete.parquet.page-version" like PAGE_VERSION;
    /// As [`DICT_SIZE_BYTES`], of delete files.
    DELETE_DICT_SIZE_BYTES: u64 = "write.delete.parquet.dict-size-bytes" like DICT_SIZE_BYTES, positive;
    /// As [`COMPRESSION_CODEC`], of delete files.
    DELETE_COMPRESSION_CODEC: ParquetCompression = "write.delete.parquet.compression-codec" like COMPRESSION_CODEC;
    /// As [`COMPRESSION_LEVEL`], of delete files.
    DELETE_COMPRESSION_LEVEL: Option<i32> = "write.delete.parquet.compression-level" like COMPRESSION_LEVEL;
    /// As [`ROW_GROUP_CHECK_MIN_RECORD_COUNT`], of delete files.
    DELETE_ROW_GROUP_CHECK_MIN_RECORD_COUNT: u64 = "write.delete.parquet.row-group-check-min-record-count" like ROW_GROUP_CHECK_MIN_RECORD_COUNT, positive;
    /// As [`ROW_GROUP_CHECK_MAX_RECORD_COUNT`], of delete files.
    DELETE_ROW_GROUP_CHECK_MAX_RECORD_COUNT: u64 = "write.delete.parquet.row-group-check-max-record-count" like ROW_GROUP_CHECK_MAX_RECORD_COUNT, positive;
}
