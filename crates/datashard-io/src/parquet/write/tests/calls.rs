//! A writer between its calls: sizes, refusals, giving up.
#![expect(clippy::as_conversions, reason = "tests state what they expect")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};

use super::super::super::testing::{Place, properties};
use super::footer;
use crate::arrow::schema_to_arrow;

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap())
}

fn batch(from: i64, to: i64) -> RecordBatch {
    // Numbers without pattern, so that compression does not hide them.
    let numbers =
        Int64Array::from_iter_values((from..to).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64)));
    RecordBatch::try_new(schema_to_arrow(&schema()).unwrap(), vec![Arc::new(numbers)]).unwrap()
}

#[tokio::test]
async fn sizes_grow_with_the_rows_and_memory_is_that_of_one_row_group() {
    let place = Place::new().await;
    let limits = properties(&[
        ("write.parquet.row-group-size-bytes", "200000"),
        ("write.parquet.compression-codec", "uncompressed"),
    ]);
    let mut writer = place.writer(&schema(), &limits).unwrap();
    let mut last = writer.size_bytes();
    let mut most_memory = 0;
    for part in 0..40 {
        writer.write(&batch(part * 5_000, (part + 1) * 5_000)).await.unwrap();
        assert!(writer.size_bytes() > last);
        last = writer.size_bytes();
        most_memory = most_memory.max(writer.memory_bytes());
    }
    // 8 bytes a row: 1.6 MB in all, in row groups of 0.2 MB.
    assert!((1_500_000..2_000_000).contains(&last), "{last}");
    assert!((50_000..1_200_000).contains(&most_memory), "{most_memory}");
    let file = writer.finish().await.unwrap();
    let size = u64::try_from(file.file_size_in_bytes).unwrap();
    assert!(size.abs_diff(last) < 100_000, "{size} {last}");
    assert!(footer(&place.bytes().await).num_row_groups() >= 6);
}

#[tokio::test]
async fn after_a_refused_batch_the_file_can_only_be_aborted() {
    let place = Place::new().await;
    let mut writer = place.writer(&schema(), &BTreeMap::new()).unwrap();
    writer.write(&batch(0, 10)).await.unwrap();
    let other = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Int)]).unwrap();
    let wrong = RecordBatch::new_empty(schema_to_arrow(&other).unwrap());
    writer.write(&wrong).await.unwrap_err();
    let error = writer.write(&batch(10, 20)).await.unwrap_err();
    assert!(error.to_string().contains("can only be aborted"), "{error}");
    assert!(writer.finish().await.is_err());
    assert!(!place.exists().await);
}

#[tokio::test]
async fn an_aborted_file_is_not_there() {
    let place = Place::new().await;
    let mut writer = place.writer(&schema(), &BTreeMap::new()).unwrap();
    writer.write(&batch(0, 10)).await.unwrap();
    writer.abort().await.unwrap();
    assert!(!place.exists().await);
}

#[tokio::test]
async fn more_row_groups_than_a_file_can_number_are_refused() {
    let place = Place::new().await;
    let limits = properties(&[
        ("write.parquet.row-group-size-bytes", "1"),
        ("write.parquet.row-group-check-min-record-count", "1"),
        ("write.parquet.row-group-check-max-record-count", "1"),
    ]);
    let mut writer = place.writer(&schema(), &limits).unwrap();
    let error = writer.write(&batch(0, 40_000)).await.unwrap_err();
    assert!(error.to_string().contains("would have more than 32767 row groups"), "{error}");
}
