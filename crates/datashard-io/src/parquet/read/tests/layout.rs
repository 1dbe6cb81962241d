//! Parts of files: byte ranges, limits of memory, no columns at all.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use datashard_spec::error::ErrorKind;
use datashard_spec::schema::Schema;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use proptest::prelude::*;

use super::{ROWS, file_of, from_to, ids, input, read, rows, schema, small_parts, try_read, with_positions};
use crate::arrow::schema_to_arrow;
use crate::arrow::testing::{assert_same_rows, schema_and_batch};
use crate::data_error::DataError;
use crate::parquet::testing::{properties, write_file};
use crate::read::ReadRequest;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_rows_of_any_schema_are_read_as_they_were_written(
        (schema, batch) in schema_and_batch(100),
        batch_rows in 1_usize..110,
        page_rows in 1_usize..60,
    ) {
        let page_rows = page_rows.to_string();
        let properties = properties(&[("write.parquet.page-row-limit", &page_rows)]);
        let (bytes, _) = write_file(&schema, std::slice::from_ref(&batch), &properties).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let request = ReadRequest::new(schema).with_batch_rows(batch_rows);
        assert_same_rows(&batch, &runtime.block_on(read(&bytes, request)));
    }

    #[test]
    fn ranges_that_cover_a_file_give_each_row_once(cuts in prop::collection::vec(0_u64..40_000, 0..6)) {
        let bytes = file_of(&rows(), small_parts().build());
        let size = bytes.len() as u64;
        let mut cuts: Vec<u64> = cuts.into_iter().map(|cut| cut.min(size)).collect();
        cuts.extend([0, size]);
        cuts.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut found = Vec::new();
        for range in cuts.windows(2) {
            let request = ReadRequest::new(with_positions()).with_byte_range(range[0]..range[1]);
            found.extend(ids(&runtime.block_on(read(&bytes, request))));
        }
        prop_assert_eq!(found, from_to(0..ROWS));
    }
}

/// Rows of 4,096 numbers that do not compress.
fn incompressible() -> RecordBatch {
    let mixed = (0..4_096_u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1) as i64);
    let schema = Schema::new(vec![schema().fields()[0].clone()]).unwrap();
    RecordBatch::try_new(
        schema_to_arrow(&schema).unwrap(),
        vec![Arc::new(Int64Array::from_iter_values(mixed))],
    )
    .unwrap()
}

fn one_column() -> ReadRequest {
    ReadRequest::new(Arc::new(Schema::new(vec![schema().fields()[0].clone()]).unwrap()))
}

#[tokio::test]
async fn a_row_group_beyond_the_limit_is_read_by_pages() {
    let batch = incompressible();
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let bytes =
        file_of(&batch, properties.set_data_page_row_count_limit(256).set_write_batch_size(256).build());
    assert!(bytes.len() > 32_768);
    let found = read(&bytes, one_column().with_memory_limit_bytes(8_192)).await;
    assert_same_rows(&batch, &found);
}

#[tokio::test]
async fn a_row_group_beyond_the_limit_without_a_page_index_is_refused_by_name() {
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    let bytes = file_of(&incompressible(), properties.build());
    let error = try_read(input(&bytes), one_column().with_memory_limit_bytes(8_192)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let DataError::TooLarge { place, bytes, limit_bytes, .. } = &error else { panic!("{error}") };
    assert!(place.starts_with("row group 0"), "{place}");
    assert!(*bytes > 32_768 && *limit_bytes == 8_192, "{error}");
}

#[tokio::test]
async fn a_footer_beyond_the_limit_is_refused() {
    let bytes = file_of(&rows(), small_parts().build());
    let error = try_read(input(&bytes), one_column().with_memory_limit_bytes(100)).await.unwrap_err();
    let DataError::TooLarge { place, .. } = &error else { panic!("{error}") };
    assert_eq!(place, "footer");
}

#[tokio::test]
async fn a_read_of_no_columns_counts_rows() {
    let bytes = file_of(&rows(), small_parts().build());
    let found = read(&bytes, ReadRequest::new(Arc::new(Schema::new(Vec::new()).unwrap()))).await;
    assert_eq!((found.num_rows(), found.num_columns()), (ROWS as usize, 0));
}
