//! What files cost: requests and bytes, counted exactly.

use std::sync::Arc;

use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::request::RequestCounts;
use datashard_io::{InputFile, StoreOptions, TableStore};
use datashard_spec::expr::col;
use datashard_spec::manifest::DataFile;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};
use futures_util::TryStreamExt;

use crate::sheet::{FORMATS, Sheet};

/// Parquet files with little compression and many row groups.
const MANY_GROUPS: [(&str, &str); 3] = [
    ("write.parquet.row-group-size-bytes", "40000"),
    ("write.parquet.row-group-check-max-record-count", "500"),
    ("write.parquet.compression-codec", "uncompressed"),
];

/// `id` ascending, and two columns that do not compress.
fn table() -> Arc<Schema> {
    let fields = vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::required(2, "a", PrimitiveType::Fixed(32)),
        NestedField::required(3, "b", PrimitiveType::Fixed(32)),
    ];
    Arc::new(Schema::new(fields).unwrap())
}

fn rows(count: i64) -> Vec<Tuple> {
    // A sequence without any pattern that a codec sees.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        let bytes = (0..4).flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        Some(Value::Fixed(bytes.collect()))
    };
    (0..count).map(|id| vec![Some(Value::Long(id)), noise(), noise()]).collect()
}

/// A table in a memory of its own, so that nothing else counts.
async fn sheet(name: &str, format: &str, set: &[(&str, &str)]) -> Sheet {
    let url = format!("memory://requests-{name}-{format}/t");
    Sheet::on(TableStore::open(&url, StoreOptions::new()).await.unwrap(), &table(), format, set)
}

/// What reading a file costs, and how many rows came.
async fn cost(
    sheet: &Sheet,
    input: InputFile,
    file: &DataFile,
    request: ReadRequest,
) -> (RequestCounts, usize) {
    let before = sheet.store.counts();
    let reader = FileReader::open(input, &file.file_format, request).await.unwrap();
    let batches: Vec<_> = reader.into_stream().try_collect().await.unwrap();
    (sheet.store.counts().since(&before), batches.iter().map(|batch| batch.num_rows()).sum())
}

#[tokio::test]
async fn a_small_file_is_one_put_and_nothing_else() {
    for format in FORMATS {
        let sheet = sheet("put", format, &[]).await;
        let before = sheet.store.counts();
        let file = sheet.write(&rows(100)).await;
        let cost = sheet.store.counts().since(&before);
        assert_eq!((cost.put, cost.total()), (1, 1), "{format}: {cost:?}");
        assert_eq!(cost.bytes_written as i64, file.file_size_in_bytes, "{format}");
    }
}

#[tokio::test]
async fn a_small_file_is_read_with_one_get() {
    for format in FORMATS {
        let sheet = sheet("get", format, &[]).await;
        let file = sheet.write(&rows(100)).await;
        for verify in [true, false] {
            let request = ReadRequest::new(table()).with_verification(verify);
            let (cost, count) = cost(&sheet, sheet.input(&file), &file, request).await;
            assert_eq!(count, 100);
            assert_eq!((cost.get, cost.total()), (1, 1), "{format}: {cost:?}");
            assert!(cost.bytes_read as i64 <= file.file_size_in_bytes, "{format}: {cost:?}");
        }
    }
}

#[tokio::test]
async fn a_small_file_of_unknown_size_is_read_with_at_most_two_requests() {
    for format in FORMATS {
        let sheet = sheet("unsized", format, &[]).await;
        let file = sheet.write(&rows(100)).await;
        let path = sheet.store.location().relative(&file.file_path).unwrap();
        let input = InputFile::new(sheet.store.clone(), path, file.file_path.as_str());
        let (cost, count) = cost(&sheet, input, &file, ReadRequest::new(table())).await;
        assert_eq!(count, 100);
        assert!(cost.total() <= 2, "{format}: {cost:?}");
    }
}

#[tokio::test]
async fn one_column_of_three_costs_little_more_than_its_share() {
    let sheet = sheet("column", "parquet", &[("write.parquet.compression-codec", "uncompressed")]).await;
    let file = sheet.write_in_batches(&rows(20_000), 1_000).await.remove(0);
    let one = Arc::new(Schema::new(table().fields()[..1].to_vec()).unwrap());
    let (cost, count) = cost(&sheet, sheet.input(&file), &file, ReadRequest::new(one)).await;
    assert_eq!(count, 20_000);
    // The footer, and a column of 8 bytes where the others have 32.
    assert!(cost.total() <= 2, "{cost:?}");
    assert!(cost.bytes_read as i64 <= file.file_size_in_bytes / 4, "{cost:?} of {}", file.file_size_in_bytes);
}

#[tokio::test]
async fn row_groups_that_statistics_rule_out_are_not_fetched() {
    let sheet = sheet("prune", "parquet", &MANY_GROUPS).await;
    let file = sheet.write_in_batches(&rows(20_000), 500).await.remove(0);
    assert!(file.split_offsets.len() > 20, "{}", file.split_offsets.len());
    let few = col("id").between(10_000, 10_010).bind(&table()).unwrap();
    let (cost, count) =
        cost(&sheet, sheet.input(&file), &file, ReadRequest::new(table()).with_filter(few)).await;
    assert_eq!(count, 11);
    assert!(cost.total() <= 4, "{cost:?}");
    assert!(cost.bytes_read as i64 <= file.file_size_in_bytes / 5, "{cost:?} of {}", file.file_size_in_bytes);

    let none = col("id").less_than(0).bind(&table()).unwrap();
    let (cost, count) =
        self::cost(&sheet, sheet.input(&file), &file, ReadRequest::new(table()).with_filter(none)).await;
    assert_eq!(count, 0);
    // Nothing but the footer.
    assert_eq!((cost.get, cost.total()), (1, 1), "{cost:?}");
}

#[tokio::test]
async fn a_predicate_that_is_false_for_all_rows_reads_no_rows() {
    for format in FORMATS {
        let sheet = sheet("false", format, &[]).await;
        let file = sheet.write(&rows(100)).await;
        let never = col("id").is_null().bind(&table()).unwrap();
        assert!(never.is_always_false());
        let (cost, count) =
            cost(&sheet, sheet.input(&file), &file, ReadRequest::new(table()).with_filter(never)).await;
        assert_eq!((count, cost.total()), (0, 1), "{format}: {cost:?}");
    }
}
