//! How many requests a read takes.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::Bytes;
use datashard_spec::expr::Predicate;
use datashard_spec::schema::Schema;
use parquet::file::properties::WriterProperties;

use super::{ROWS, file_of, ids, rows, schema, small_parts, try_read};
use crate::file::InputFile;
use crate::parquet::testing::fresh_store;
use crate::path::TablePath;
use crate::read::ReadRequest;
use crate::request::RequestCounts;

/// Reads a file of a store, and tells what that took.
async fn cost(bytes: &Bytes, request: ReadRequest) -> (RecordBatch, RequestCounts) {
    let store = fresh_store().await;
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

#[tokio::test]
async fn bloom_filters_tell_that_a_value_is_not_there() {
    let batch = rows();
    let properties = small_parts().set_bloom_filter_enabled(true).set_max_row_group_row_count(Some(400));
    let bytes = file_of(&batch, properties.build());
    // Within the bounds, and in no row.
    let filter = "text = 'city-20x'".parse::<Predicate>().unwrap().bind(&schema()).unwrap();
    let tail_only = small_parts().set_max_row_group_row_count(Some(400)).build();
    for bytes in [bytes, file_of(&batch, tail_only)] {
        let (found, _) = cost(&bytes, ReadRequest::new(schema()).with_filter(filter.clone())).await;
        assert_eq!(ids(&found), Vec::<i64>::new());
    }
}
