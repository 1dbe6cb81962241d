//! Rows in number: several batches, row groups, blocks and files.

use std::sync::Arc;

use datashard_spec::schema::{ListType, NestedField, PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};

use crate::sheet::{FORMATS, Sheet, assert_same};

fn schema() -> Arc<Schema> {
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "text", PrimitiveType::String),
        NestedField::optional(3, "numbers", ListType::optional(4, PrimitiveType::Int)),
        NestedField::optional(5, "price", PrimitiveType::Decimal { precision: 20, scale: 2 }),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

fn rows(count: i64) -> Vec<Tuple> {
    let row = |id: i64| {
        let numbers = (0..id % 4).map(|n| (n != 2).then_some(Value::Int(n as i32)));
        vec![
            Some(Value::Long(id)),
            (id % 5 != 0).then(|| format!("text {}", id % 1000).into()),
            (id % 7 != 0).then(|| Value::List(numbers.collect())),
            (id % 3 != 0).then(|| Value::decimal(i128::from(id) * 1_000_000_007, 2)),
        ]
    };
    (0..count).map(row).collect()
}

#[tokio::test]
async fn more_rows_than_a_batch_or_a_page_has_come_back_in_order() {
    let (schema, rows) = (schema(), rows(25_000));
    for format in FORMATS {
        for set in [&[][..], &[("write.parquet.row-group-size-bytes", "100000")]] {
            let sheet = Sheet::new(&schema, format, set).await;
            let files = sheet.write_in_batches(&rows, 9_000).await;
            assert_eq!(files.len(), 1);
            assert_same(&sheet.read(&files[0]).await, &rows, &schema, format);
        }
    }
}

#[tokio::test]
async fn files_that_roll_hold_each_row_once_in_order() {
    let (schema, rows) = (schema(), rows(12_000));
    for format in FORMATS {
        let set = [
            ("write.target-file-size-bytes", "20000"),
            ("write.parquet.row-group-size-bytes", "10000"),
            ("write.parquet.row-group-check-max-record-count", "500"),
        ];
        let sheet = Sheet::new(&schema, format, &set).await;
        let files = sheet.write_in_batches(&rows, 500).await;
        assert!(files.len() > 2, "{format}: {} files", files.len());
        let mut found = Vec::new();
        for file in &files {
            let rows = sheet.read(file).await;
            assert_eq!(rows.len() as i64, file.record_count);
            found.extend(rows);
        }
        assert_same(&found, &rows, &schema, format);
    }
}

#[tokio::test]
async fn splits_give_each_row_once() {
    let (schema, rows) = (schema(), rows(8_000));
    for format in FORMATS {
        let set = [
            ("write.parquet.row-group-size-bytes", "10000"),
            ("write.parquet.row-group-check-max-record-count", "500"),
        ];
        let sheet = Sheet::new(&schema, format, &set).await;
        let file = sheet.write_in_batches(&rows, 500).await.remove(0);
        // At the offsets that were recorded, or anywhere in a file that has none.
        let offsets = match file.usable_split_offsets() {
            [] => (0..5).map(|part| file.file_size_in_bytes / 5 * part).collect(),
            recorded => recorded.to_vec(),
        };
        assert!(offsets.len() > 4, "{format}: {offsets:?}");
        let ends = offsets[1..].iter().copied().chain([file.file_size_in_bytes]);
        let mut found = Vec::new();
        for (start, end) in offsets.iter().copied().zip(ends) {
            let range = start as u64..end as u64;
            let part = sheet.read_with(&file, &schema, |request| request.with_byte_range(range)).await;
            assert!(!part.is_empty() || format == "avro", "no rows from {start} on");
            found.extend(part);
        }
        assert_same(&found, &rows, &schema, format);
    }
}
