//! Field ids of manifest entries, data files and rows of manifest lists.

use crate::id::FieldId;

macro_rules! ids {
    ($($name:ident = $id:literal $text:literal),* $(,)?) => {
        $(#[doc = concat!("`", $text, "`")] pub const $name: FieldId = FieldId($id);)*
    };
}

ids! {
    STATUS = 0 "status",
    SNAPSHOT_ID = 1 "snapshot_id",
    DATA_FILE = 2 "data_file",
    SEQUENCE_NUMBER = 3 "sequence_number",
    FILE_SEQUENCE_NUMBER = 4 "file_sequence_number",
    FILE_PATH = 100 "file_path",
    FILE_FORMAT = 101 "file_format",
    PARTITION = 102 "partition",
    RECORD_COUNT = 103 "record_count",
    FILE_SIZE_IN_BYTES = 104 "file_size_in_bytes",
    BLOCK_SIZE_IN_BYTES = 105 "block_size_in_bytes",
    COLUMN_SIZES = 108 "column_sizes",
    VALUE_COUNTS = 109 "value_counts",
    NULL_VALUE_COUNTS = 110 "null_value_counts",
    LOWER_BOUNDS = 125 "lower_bounds",
    UPPER_BOUNDS = 128 "upper_bounds",
    KEY_METADATA = 131 "key_metadata",
    SPLIT_OFFSETS = 132 "split_offsets",
    CONTENT = 134 "content",
    EQUALITY_IDS = 135 "equality_ids",
    NAN_VALUE_COUNTS = 137 "nan_value_counts",
    SORT_ORDER_ID = 140 "sort_order_id",
    FIRST_ROW_ID = 142 "first_row_id",
    REFERENCED_DATA_FILE = 143 "referenced_data_file",
    CONTENT_OFFSET = 144 "content_offset",
    CONTENT_SIZE_IN_BYTES = 145 "content_size_in_bytes",
    MANIFEST_PATH = 500 "manifest_path",
    MANIFEST_LENGTH = 501 "manifest_length",
    PARTITION_SPEC_ID = 502 "partition_spec_id",
    ADDED_SNAPSHOT_ID = 503 "added_snapshot_id",
    ADDED_FILES_COUNT = 504 "added_files_count",
    EXISTING_FILES_COUNT = 505 "existing_files_count",
    DELETED_FILES_COUNT = 506 "deleted_files_count",
    PARTITIONS = 507 "partitions",
    CONTAINS_NULL = 509 "contains_null",
    PARTITION_LOWER_BOUND = 510 "lower_bound",
    PARTITION_UPPER_BOUND = 511 "upper_bound",
    ADDED_ROWS_COUNT = 512 "added_rows_count",
    EXISTING_ROWS_COUNT = 513 "existing_rows_count",
    DELETED_ROWS_COUNT = 514 "deleted_rows_count",
    MANIFEST_SEQUENCE_NUMBER = 515 "sequence_number",
    MIN_SEQUENCE_NUMBER = 516 "min_sequence_number",
    MANIFEST_CONTENT = 517 "content",
    CONTAINS_NAN = 518 "contains_nan",
    MANIFEST_KEY_METADATA = 519 "key_metadata",
    MANIFEST_FIRST_ROW_ID = 520 "first_row_id",
}
