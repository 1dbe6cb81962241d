//! Rows to files: by partition, within bounds, in order; and what failures leave.

#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

use datashard_spec::ErrorKind;
use datashard_spec::id::{FieldId, SortOrderId};
use datashard_spec::sort_order::{NullOrder, SortDirection, SortField, SortOrder};
use datashard_spec::transform::Transform;
use datashard_spec::value::{Tuple, Value};
use proptest::prelude::*;

use super::*;
use crate::arrow::testing::{same_rows, schema_and_batch};
use crate::write::testing::{Notebook, batch, files_of, ids, options_of, schema, table};

fn by_name() -> PartitionSpec {
    PartitionSpec::builder(&schema()).identity("name").build().unwrap()
}

fn options() -> WriteOptions {
    options_of(FileContent::Data, &[])
}

fn writer(store: &TableStore, options: &WriteOptions, book: &Notebook) -> TableWriter {
    let format = Box::new(book.clone());
    TableWriter::with_format(store, &schema(), &by_name(), options, &Context::system(), format).unwrap()
}

fn text(value: &str) -> Tuple {
    vec![Some(Value::from(value))]
}

/// Partition and ids of each file.
fn contents(book: &Notebook, files: &[DataFile]) -> Vec<(Tuple, Vec<i64>)> {
    files.iter().map(|file| (file.partition.clone(), ids(&book.rows_of(file)))).collect()
}

fn by_id() -> SortOrder {
    let field = SortField::new(FieldId(1), Transform::Identity, SortDirection::Ascending, NullOrder::First);
    SortOrder::new(SortOrderId(3), vec![field])
}

#[tokio::test]
async fn rows_go_to_the_files_of_their_partitions() {
    let (store, book) = (table(-1), Notebook::new(10));
    let mut writer = writer(&store, &options(), &book);
    writer.write(&batch(&[(1, Some("b")), (2, Some("a")), (3, Some("b"))])).await.unwrap();
    writer.write(&batch(&[])).await.unwrap();
    writer.write(&batch(&[(4, None), (5, Some("a"))])).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(
        contents(&book, &written.files),
        [(vec![None], vec![4]), (text("a"), vec![2, 5]), (text("b"), vec![1, 3])]
    );
    assert_eq!((written.record_count, written.size_bytes), (5, 50));
    for file in &written.files {
        assert_eq!((file.content, file.sort_order_id), (FileContent::Data, Some(SortOrderId(0))));
    }
    // One PUT for each file, and nothing else.
    assert_eq!((store.counts().put, store.counts().total()), (3, 3));
    let names = files_of(&store).await;
    assert_eq!(names.len(), 3);
    assert!(names[0].starts_with("data/name=a/") && names[0].ends_with(".rows"), "{names:?}");
}

#[tokio::test]
async fn no_rows_make_no_files() {
    let (store, book) = (table(-1), Notebook::new(10));
    let written = writer(&store, &options(), &book).finish().await.unwrap();
    assert!(written.files.is_empty());
    assert_eq!(store.counts().total(), 0);
}

#[tokio::test]
async fn batch_that_does_not_fit_leaves_no_trace() {
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    let (store, book) = (table(-1), Notebook::new(10));
    let mut writer = writer(&store, &options(), &book);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let nulls: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let bad = RecordBatch::try_from_iter([("id", nulls), ("name", names)]).unwrap();
    assert_eq!(writer.write(&bad).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(book.log().is_empty());
    // The writer takes others.
    writer.write(&batch(&[(1, Some("a"))])).await.unwrap();
    assert_eq!(writer.finish().await.unwrap().record_count, 1);
}

#[tokio::test]
async fn batch_that_cannot_be_sorted_leaves_no_trace() {
    use arrow::array::{ArrayRef, TimestampMicrosecondArray};
    use datashard_spec::schema::{NestedField, PrimitiveType};
    let fields = vec![NestedField::optional(1, "at", PrimitiveType::Timestamp)];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let by_hour = SortField::new(FieldId(1), Transform::Hour, SortDirection::Ascending, NullOrder::First);
    let options = options().with_sort_order(SortOrder::new(SortOrderId(3), vec![by_hour]));
    let spec = PartitionSpec::builder(&schema).identity("at").build().unwrap();
    let (store, book) = (table(-1), Notebook::new(10));
    let (format, context) = (Box::new(book.clone()), Context::system());
    let mut writer = TableWriter::with_format(&store, &schema, &spec, &options, &context, format).unwrap();
    let at = |times: Vec<i64>| {
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times));
        RecordBatch::try_from_iter([("at", times)]).unwrap()
    };
    let error = writer.write(&at(vec![0, i64::MAX])).await.unwrap_err();
    assert!(matches!(error, DataError::BadValue { row: 1, .. }), "{error}");
    writer.write(&at(vec![5])).await.unwrap();
    assert_eq!(writer.finish().await.unwrap().record_count, 1);
}

#[tokio::test]
async fn open_files_are_bounded_and_the_largest_goes_first() {
    let (store, book) = (table(-1), Notebook::new(10));
    let options = options().with_max_open_files(3);
    let mut writer = writer(&store, &options, &book);
    // Files 0 (a: 1 row), 1 (b: 3 rows), 2 (c: 1 row).
    writer
        .write(&batch(&[(1, Some("a")), (2, Some("b")), (3, Some("b")), (4, Some("b")), (5, Some("c"))]))
        .await
        .unwrap();
    writer.write(&batch(&[(6, Some("d"))])).await.unwrap();
    assert_eq!(book.log(), ["begin 00000", "begin 00001", "begin 00002", "finish 00001", "begin 00003"]);
    // Of equal ones the first by partition; `b` begins anew.
    writer.write(&batch(&[(7, Some("b"))])).await.unwrap();
    assert_eq!(book.log()[5..], ["finish 00000", "begin 00004"]);
    let written = writer.finish().await.unwrap();
    assert_eq!(book.most_open.load(std::sync::atomic::Ordering::SeqCst), 3);
    assert_eq!(
        contents(&book, &written.files),
        [
            (text("b"), vec![2, 3, 4]),
            (text("a"), vec![1]),
            (text("b"), vec![7]),
            (text("c"), vec![5]),
            (text("d"), vec![6]),
        ]
    );
}

#[tokio::test]
async fn memory_is_bounded_by_closing_the_largest() {
    let (store, book) = (table(-1), Notebook::new(10));
    let options = options().with_memory_limit_bytes(100);
    let mut writer = writer(&store, &options, &book);
    let rows = |ids: std::ops::Range<i64>, name| batch(&ids.map(|id| (id, Some(name))).collect::<Vec<_>>());
    writer.write(&rows(0..3, "a")).await.unwrap();
    writer.write(&rows(3..9, "b")).await.unwrap();
    assert_eq!(book.log(), ["begin 00000", "begin 00001"]);
    // 110 bytes: `b` holds most.
    writer.write(&rows(9..11, "c")).await.unwrap();
    assert_eq!(book.log()[2..], ["begin 00002", "finish 00001"]);
    // A share larger than the limit is written, and closed at once.
    writer.write(&rows(11..40, "d")).await.unwrap();
    assert_eq!(book.log()[4..], ["begin 00003", "finish 00003"]);
    let written = writer.finish().await.unwrap();
    assert_eq!(written.record_count, 40);
    assert_eq!(written.files.len(), 4);
}

#[tokio::test]
async fn clustered_rows_keep_one_file_open() {
    let (store, book) = (table(-1), Notebook::new(10));
    let mut writer = writer(&store, &options().with_clustered_rows(true), &book);
    writer.write(&batch(&[(1, Some("b")), (2, Some("b")), (3, Some("a"))])).await.unwrap();
    writer.write(&batch(&[(4, Some("a")), (5, None)])).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(
        contents(&book, &written.files),
        [(text("b"), vec![1, 2]), (text("a"), vec![3, 4]), (vec![None], vec![5])]
    );
    assert_eq!(book.most_open.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn clustered_partition_that_comes_back_is_named_and_nothing_of_the_batch_is_written() {
    for back in [
        &[(4, Some("a")), (5, Some("b b"))][..],      // closed before
        &[(4, Some("c")), (5, Some("a"))],            // the current one, after another
        &[(4, Some("c")), (5, None), (6, Some("c"))], // within the batch
    ] {
        let (store, book) = (table(-1), Notebook::new(10));
        let mut writer = writer(&store, &options().with_clustered_rows(true), &book);
        writer.write(&batch(&[(1, Some("b b")), (2, Some("a"))])).await.unwrap();
        let log = book.log();
        let error = writer.write(&batch(back)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("rows of partition `name="), "{error}");
        assert_eq!(book.log(), log);
        writer.write(&batch(&[(3, Some("a"))])).await.unwrap();
        let written = writer.finish().await.unwrap();
        assert_eq!(contents(&book, &written.files), [(text("b b"), vec![1]), (text("a"), vec![2, 3])]);
    }
}

#[tokio::test]
async fn failed_put_publishes_nothing_and_abort_cleans_up() {
    for clustered in [false, true] {
        for refused in 0..4_i64 {
            let (store, book) = (table(refused), Notebook::new(10));
            let options = options().with_target_file_size_bytes(20).with_clustered_rows(clustered);
            let mut writer = writer(&store, &options, &book);
            let mut failed = false;
            for (ids, name) in [(0..5, "a"), (5..6, "b"), (6..7, "c")] {
                let rows = batch(&ids.map(|id| (id, Some(name))).collect::<Vec<_>>());
                failed = failed || writer.write(&rows).await.is_err();
            }
            let error = writer.finish().await.unwrap_err();
            let kind = if failed { ErrorKind::InvalidInput } else { ErrorKind::PermissionDenied };
            assert_eq!(error.kind(), kind, "{error}");
            // Nothing more is taken.
            let again = writer.write(&batch(&[(9, None)])).await.unwrap_err();
            assert!(again.to_string().contains("abort"), "{again}");
            assert!(writer.finish().await.is_err());

            assert!(writer.abort().await.is_complete());
            assert!(files_of(&store).await.is_empty(), "put {refused}");
            assert_eq!(
                book.open.load(std::sync::atomic::Ordering::SeqCst),
                0,
                "all were finished or given up"
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_fails_while_it_is_completed_is_given_up_in_order() {
    for clustered in [false, true] {
        let (store, book) = (table(-1), Notebook::new(10));
        // The sorted rows of a partition go out in two pieces at the end; the second one fails.
        let options = options().with_sort_order(by_id()).with_clustered_rows(clustered);
        let mut writer = writer(&store, &options, &book);
        let rows: Vec<(i64, Option<&str>)> = (0..8_193).map(|id| (id, Some("a"))).collect();
        writer.write(&batch(&rows)).await.unwrap();
        book.passing_writes.store(1, std::sync::atomic::Ordering::SeqCst);
        let error = writer.finish().await.unwrap_err();
        assert!(error.to_string().contains("torn"), "{error}");
        assert!(writer.abort().await.is_complete());
        assert_eq!(book.log(), ["begin 00000", "abort 00000"], "clustered: {clustered}");
    }
}

#[tokio::test]
async fn abort_gives_up_open_files_and_deletes_closed_ones() {
    let (store, book) = (table(-1), Notebook::new(10));
    let mut writer = writer(&store, &options().with_target_file_size_bytes(20), &book);
    writer.write(&batch(&[(1, Some("a")), (2, Some("a")), (3, Some("b"))])).await.unwrap();
    assert_eq!(files_of(&store).await.len(), 1);
    let report = writer.abort().await;
    assert_eq!((report.deleted_count, report.is_complete()), (1, true));
    assert_eq!(book.log()[2..], ["begin 00001", "abort 00001"]);
    assert!(files_of(&store).await.is_empty());
}

#[tokio::test]
async fn files_handed_over_are_not_touched_by_abort() {
    let (store, book) = (table(-1), Notebook::new(10));
    let mut writer = writer(&store, &options(), &book);
    writer.write(&batch(&[(1, Some("a"))])).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(written.files.len(), 1);
    assert!(writer.write(&batch(&[(1, Some("a"))])).await.unwrap_err().to_string().contains("finished"));
    let report = writer.abort().await;
    assert_eq!(report.deleted_count, 0);
    assert_eq!(files_of(&store).await.len(), 1);
}

#[tokio::test]
async fn dropped_write_leaves_a_writer_that_can_only_be_aborted() {
    for clustered in [false, true] {
        let (store, mut book) = (table(-1), Notebook::new(10));
        book.slow = true;
        let options = options().with_target_file_size_bytes(10).with_clustered_rows(clustered);
        let mut writer = writer(&store, &options, &book);
        let rows = batch(&[(1, Some("a")), (2, Some("a"))]);
        let mut write = Box::pin(writer.write(&rows));
        // The first file is written in the second poll, in which the second file begins.
        for _ in 0..2 {
            assert!(futures_util::poll!(&mut write).is_pending());
        }
        drop(write);
        assert_eq!(book.log(), ["begin 00000", "finish 00000", "begin 00001"]);
        assert!(writer.write(&rows).await.is_err());
        assert!(writer.finish().await.is_err());
        assert!(writer.abort().await.is_complete());
        assert_eq!(book.log()[3..], ["abort 00001"]);
        assert!(files_of(&store).await.is_empty());
    }
}

#[tokio::test]
async fn sorted_rows_make_sorted_files() {
    let (store, book) = (table(-1), Notebook::new(10));
    let options = options().with_sort_order(by_id()).with_target_file_size_bytes(40);
    let mut writer = writer(&store, &options, &book);
    let rows: Vec<_> = [7, 1, 9, 3, 8, 2].iter().map(|id| (*id, Some("a"))).collect();
    writer.write(&batch(&rows[..3])).await.unwrap();
    writer.write(&batch(&rows[3..])).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(contents(&book, &written.files), [(text("a"), vec![1, 2, 3, 7]), (text("a"), vec![8, 9])]);
    assert!(written.files.iter().all(|file| file.sort_order_id == Some(SortOrderId(3))));
}

#[tokio::test]
async fn file_of_several_runs_is_sorted_only_if_they_follow_each_other() {
    for (second, order) in [(vec![9, 5], SortOrderId(3)), (vec![9, 3], SortOrderId(0))] {
        let (store, book) = (table(-1), Notebook::new(10));
        // Each batch is a run.
        let options = options().with_sort_order(by_id()).with_sort_memory_limit_bytes(1);
        let mut writer = writer(&store, &options, &book);
        for ids in [vec![5, 4], second.clone()] {
            let rows: Vec<_> = ids.into_iter().map(|id| (id, Some("a"))).collect();
            writer.write(&batch(&rows)).await.unwrap();
        }
        let written = writer.finish().await.unwrap();
        assert_eq!(contents(&book, &written.files), [(text("a"), vec![4, 5, second[1], 9])]);
        assert_eq!(written.files[0].sort_order_id, Some(order));
    }
}

#[tokio::test]
async fn run_that_begins_a_file_is_sorted_whatever_came_before() {
    let (store, book) = (table(-1), Notebook::new(10));
    let options =
        options().with_sort_order(by_id()).with_sort_memory_limit_bytes(1).with_target_file_size_bytes(40);
    let mut writer = writer(&store, &options, &book);
    // The first file is full with the first run; the second run goes over into a third file, which the third run spoils.
    for ids in [&[8, 7, 9, 6][..], &[5, 1, 4, 2, 3], &[0]] {
        let rows: Vec<_> = ids.iter().map(|id| (*id, Some("a"))).collect();
        writer.write(&batch(&rows)).await.unwrap();
    }
    let written = writer.finish().await.unwrap();
    let found: Vec<_> =
        written.files.iter().map(|file| (ids(&book.rows_of(file)), file.sort_order_id.unwrap().0)).collect();
    assert_eq!(found, [(vec![6, 7, 8, 9], 3), (vec![1, 2, 3, 4], 3), (vec![5, 0], 0)]);
}

#[tokio::test]
async fn rows_that_wait_to_be_sorted_count_as_memory() {
    let (store, book) = (table(-1), Notebook::new(10));
    let options = options().with_sort_order(by_id()).with_memory_limit_bytes(2_000);
    let mut writer = writer(&store, &options, &book);
    for round in 0..10_i64 {
        let rows: Vec<_> = (0..20).map(|id| (1_000 - 20 * round - id, Some("a"))).collect();
        writer.write(&batch(&rows)).await.unwrap();
    }
    let written = writer.finish().await.unwrap();
    assert!(written.files.len() > 1, "the bound was never reached");
    for file in &written.files {
        assert_eq!(file.sort_order_id, Some(SortOrderId(3)));
        assert!(ids(&book.rows_of(file)).is_sorted());
    }
}

#[test]
fn options_of_deletes_are_refused() {
    let options = options_of(FileContent::EqualityDeletes, &[]);
    let format = Box::new(Notebook::new(1));
    let made =
        TableWriter::with_format(&table(-1), &schema(), &by_name(), &options, &Context::system(), format);
    assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidInput);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bounds are, every row comes out once, in the order of its partition.
    #[test]
    fn every_row_is_written_once(
        (schema, rows) in schema_and_batch(60),
        buckets in 1_u32..5,
        target in 1_u64..400,
        max_open in 1_usize..4,
        memory in 1_usize..500,
    ) {
        let source = schema.fields().iter().find(|f| Transform::Bucket(2).allows_source(&f.field_type));
        let spec = match source {
            Some(field) => PartitionSpec::builder(&schema)
                .field("p", &field.name, Transform::Bucket(buckets))
                .build()
                .unwrap(),
            None => PartitionSpec::builder(&schema).build().unwrap(),
        };
        let options = options()
            .with_target_file_size_bytes(target)
            .with_max_open_files(max_open)
            .with_memory_limit_bytes(memory);
        let book = Notebook::new(10);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (written, expected) = runtime.block_on(async {
            let store = table(-1);
            let format = Box::new(book.clone());
            let mut writer =
                TableWriter::with_format(&store, &schema, &spec, &options, &Context::system(), format).unwrap();
            let half = rows.num_rows() / 2;
            writer.write(&rows.slice(0, half)).await.unwrap();
            writer.write(&rows.slice(half, rows.num_rows() - half)).await.unwrap();
            let written = writer.finish().await.unwrap();
            let expected = PartitionKeys::new(&schema, &spec).unwrap().group(&rows).unwrap().groups;
            (written, expected)
        });
        prop_assert!(book.most_open.load(std::sync::atomic::Ordering::SeqCst) <= max_open);
        for (tuple, expected) in expected {
            let files: Vec<_> = written.files.iter().filter(|file| file.partition == tuple).collect();
            let batches: Vec<_> = files.iter().map(|file| book.rows_of(file)).collect();
            let found = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
            prop_assert!(same_rows(&found, &expected));
        }
        prop_assert_eq!(written.record_count, rows.num_rows() as u64);
    }
}
