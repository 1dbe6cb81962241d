//! How many requests a read takes.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use arrow::compute::{concat, concat_batches};
use bytes::Bytes;
use datashard_spec::expr::Predicate;
use datashard_spec::schema::Schema;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use super::{ROWS, file_of, rows, schema, small_parts, try_read};
use crate::file::InputFile;
use crate::parquet::testing::fresh_store;
use crate::path::TablePath;
use crate::read::ReadRequest;
use crate::request::RequestCounts;
use crate::store::{StoreOptions, TableStore};

/// Reads a file of a store, and tells what that took.
async fn cost(bytes: &Bytes, request: ReadRequest) -> (RecordBatch, RequestCounts) {
    cost_in(fresh_store().await, bytes, request).await
}

async fn cost_in(store: TableStore, bytes: &Bytes, request: ReadRequest) -> (RecordBatch, RequestCounts) {
    let path = TablePath::parse("data/0.parquet").unwrap();
    store.put(&path, bytes.clone()).await.unwrap();
    let before = store.counts();
    let input = InputFile::new(store.clone(), path, "memory://tables/t/data/0.parquet");
    let rows = try_read(input.with_size_bytes(bytes.len() as u64), request).await.unwrap();
    (rows, store.counts().since(&before))
}

#[tokio::test]
async fn a_small_file_takes_one_request() {
    let bytes = file_of(&rows(), small_parts().build());
    assert!(bytes.len() < 65_536, "{}", bytes.len());
    let (found, counts) = cost(&bytes, ReadRequest::new(schema())).await;
    assert_eq!(found.num_rows(), ROWS as usize);
    assert_eq!((counts.get, counts.total()), (1, 1));
}

/// The same rows many times over, so that the data lies outside of what is read first.
fn large() -> Bytes {
    let batches = vec![rows(); 100];
    let batch = concat_batches(&batches[0].schema(), &batches).unwrap();
    let properties =
        WriterProperties::builder().set_dictionary_enabled(false).set_max_row_group_row_count(Some(20_000));
    let bytes = file_of(&batch, properties.build());
    assert!(bytes.len() > 1_000_000, "{}", bytes.len());
    bytes
}

#[tokio::test]
async fn a_row_group_takes_one_request_beside_the_end_of_the_file() {
    let bytes = large();
    let (found, counts) = cost(&bytes, ReadRequest::new(schema())).await;
    assert_eq!(found.num_rows(), 40_000);
    assert_eq!((counts.get, counts.total()), (3, 3));
}

#[tokio::test]
async fn columns_that_are_not_asked_for_are_not_fetched() {
    let bytes = large();
    let first = Arc::new(Schema::new(vec![schema().fields()[0].clone()]).unwrap());
    let (_, counts) = cost(&bytes, ReadRequest::new(first)).await;
    assert!(counts.bytes_read < bytes.len() as u64 / 2, "{counts:?}");
}

#[tokio::test]
async fn row_groups_that_cannot_match_are_not_fetched() {
    let bytes = large();
    let filter = "id > 100000".parse::<Predicate>().unwrap().bind(&schema()).unwrap();
    let (found, counts) = cost(&bytes, ReadRequest::new(schema()).with_filter(filter)).await;
    assert_eq!(found.num_rows(), 0);
    assert_eq!(counts.total(), 1);
}

/// [`large`] in one row group of pages of 1,000 rows, with this column in place of one of its own.
fn with_column(at: usize, column: ArrayRef, properties: WriterPropertiesBuilder) -> Bytes {
    let batches = vec![rows(); 100];
    let batch = concat_batches(&batches[0].schema(), &batches).unwrap();
    let mut columns = batch.columns().to_vec();
    columns[at] = column;
    let properties = properties
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(1_000)
        .set_write_batch_size(1_000);
    file_of(&RecordBatch::try_new(batch.schema(), columns).unwrap(), properties.build())
}

/// What a read of all columns takes, and how many rows it finds.
async fn cost_of_filter(bytes: &Bytes, filter: &str, late: bool) -> (usize, RequestCounts) {
    let filter = filter.parse::<Predicate>().unwrap().bind(&schema()).unwrap();
    let request = ReadRequest::new(schema()).with_filter(filter).with_late_materialization(late);
    // In a folder, where less is read along between two ranges than on a bucket.
    let root = tempfile::tempdir().unwrap();
    let store = TableStore::open(root.path().to_str().unwrap(), StoreOptions::new()).await.unwrap();
    let (found, counts) = cost_in(store, bytes, request).await;
    (found.num_rows(), counts)
}

#[tokio::test]
async fn bloom_filters_spare_row_groups_whose_bounds_hold_a_value_that_is_not_there() {
    let text: ArrayRef = Arc::clone(rows().column(3));
    let text = concat(&vec![&*text; 100]).unwrap();
    let bloom = || WriterProperties::builder().set_bloom_filter_enabled(true).set_bloom_filter_max_ndv(100);
    let with = with_column(3, Arc::clone(&text), bloom());
    let without = with_column(3, text, WriterProperties::builder());
    let (found, counts) = cost_of_filter(&without, "text = 'city-20x'", false).await;
    assert!(found == 0 && counts.bytes_read > without.len() as u64 / 2, "{counts:?}");
    let (found, counts) = cost_of_filter(&with, "text = 'city-20x'", false).await;
    assert!(found == 0 && counts.bytes_read < with.len() as u64 / 5, "{counts:?}");
    assert_eq!(cost_of_filter(&with, "text = 'city-20'", false).await.0, 700);
}

#[tokio::test]
async fn pages_whose_bounds_cannot_match_are_not_fetched() {
    let ids = || -> ArrayRef { Arc::new(Int64Array::from_iter_values(0..40_000)) };
    let of_chunks = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::Chunk);
    let indexed = with_column(0, ids(), WriterProperties::builder());
    for (bytes, is_indexed) in [(&indexed, true), (&with_column(0, ids(), of_chunks), false)] {
        let (found, counts) = cost_of_filter(bytes, "id >= 20000 and id < 20010", false).await;
        assert_eq!((found, counts.bytes_read < bytes.len() as u64 / 4), (10, is_indexed), "{counts:?}");
    }
}

#[tokio::test]
async fn late_materialisation_fetches_the_other_columns_only_where_rows_match() {
    // All pages have the bounds 0 and 49, and only one has a 7.
    let sparse = (0..40_000).map(|row| if (20_000..20_010).contains(&row) { 7 } else { row % 2 * 49 });
    let bytes = with_column(6, Arc::new(Int32Array::from_iter_values(sparse)), WriterProperties::builder());
    for late in [true, false] {
        let (found, counts) = cost_of_filter(&bytes, "sparse = 7", late).await;
        assert_eq!((found, counts.bytes_read < bytes.len() as u64 / 2), (10, late), "{counts:?}");
    }
}
