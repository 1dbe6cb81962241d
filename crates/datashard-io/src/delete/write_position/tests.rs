//! Position deletes to files: order, granularity, the data file that is named, bounds, failures.

#![expect(clippy::as_conversions, reason = "tests state what they expect")]

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datashard_spec::ErrorKind;
use datashard_spec::id::PartitionSpecId;
use proptest::prelude::*;

use super::*;
use crate::write::testing::{Notebook, files_of, options_of, schema, table};

fn options(set: &[(&str, &str)]) -> WriteOptions {
    options_of(FileContent::PositionDeletes, set)
}

fn by_name() -> PartitionSpec {
    PartitionSpec::builder(&schema()).identity("name").build().unwrap()
}

fn begin(
    store: &TableStore,
    spec: &PartitionSpec,
    options: &WriteOptions,
    book: &Notebook,
) -> PositionDeleteWriter {
    let (context, format) = (Context::system(), Box::new(book.clone()));
    PositionDeleteWriter::with_format(store, spec, options, FormatVersion::V2, &context, format).unwrap()
}

/// What a file holds, and the data file that it says it is for.
type Found = (Vec<(String, i64)>, Option<String>);

fn contents(book: &Notebook, files: &[DataFile]) -> Vec<Found> {
    let rows = |file: &DataFile| {
        let batch = book.rows_of(file);
        let paths = batch.column(0).as_string::<i32>().iter().map(|path| path.unwrap().to_owned());
        let found = paths.zip(batch.column(1).as_primitive::<Int64Type>().values().iter().copied()).collect();
        (found, file.referenced_data_file.clone())
    };
    files.iter().map(rows).collect()
}

fn rows(of: &[(&str, i64)]) -> Vec<(String, i64)> {
    of.iter().map(|(path, position)| ((*path).to_owned(), *position)).collect()
}

async fn written(set: &[(&str, &str)], target: Option<u64>) -> Vec<Found> {
    let (store, book) = (table(-1), Notebook::new(10));
    let mut options = options(set);
    if let Some(target) = target {
        options = options.with_target_file_size_bytes(target);
    }
    let mut writer = begin(&store, &PartitionSpec::unpartitioned(PartitionSpecId(0)), &options, &book);
    writer.delete(&[], "m://b", [7, 1, 7]).await.unwrap();
    writer.delete(&[], "m://a", [2]).await.unwrap();
    writer.delete(&[], "m://b", [0]).await.unwrap();
    writer.delete(&[], "m://c", []).await.unwrap();
    let written = writer.finish().await.unwrap();
    for file in &written.files {
        assert_eq!((file.content, file.sort_order_id), (FileContent::PositionDeletes, None));
        assert!(file.file_path.ends_with("-deletes.rows"), "{}", file.file_path);
    }
    contents(&book, &written.files)
}

#[tokio::test]
async fn positions_are_sorted_by_file_and_position_and_come_once() {
    let found = written(&[], None).await;
    assert_eq!(found, [(rows(&[("m://a", 2), ("m://b", 0), ("m://b", 1), ("m://b", 7)]), None)]);
}

#[tokio::test]
async fn granularity_of_files_makes_one_file_each() {
    let found = written(&[("write.delete.granularity", "file")], None).await;
    let expect = [
        (rows(&[("m://a", 2)]), Some("m://a".to_owned())),
        (rows(&[("m://b", 0), ("m://b", 1), ("m://b", 7)]), Some("m://b".to_owned())),
    ];
    assert_eq!(found, expect);
}

#[tokio::test]
async fn rolled_files_name_their_data_file_if_it_is_one() {
    let found = written(&[], Some(20)).await;
    let expect = [
        (rows(&[("m://a", 2), ("m://b", 0)]), None),
        (rows(&[("m://b", 1), ("m://b", 7)]), Some("m://b".to_owned())),
    ];
    assert_eq!(found, expect);
}

#[tokio::test]
async fn partitions_have_files_of_their_own() {
    let (store, book) = (table(-1), Notebook::new(10));
    let mut writer = begin(&store, &by_name(), &options(&[]), &book);
    let text = |text: &str| vec![Some(Value::from(text))];
    writer.delete(&text("x"), "m://a", [1]).await.unwrap();
    writer.delete(&[None], "m://b", [2]).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(written.files[0].partition, [None]);
    assert_eq!(written.files[1].partition, text("x"));
    assert!(files_of(&store).await[1].starts_with("data/name=x/"));
    assert_eq!(store.counts().put, 2);
}

#[tokio::test]
async fn what_is_held_is_bounded() {
    let (store, book) = (table(-1), Notebook::new(10));
    let options = options(&[]).with_memory_limit_bytes(10_000);
    let mut writer = begin(&store, &PartitionSpec::unpartitioned(PartitionSpecId(0)), &options, &book);
    for file in 0..200_u64 {
        let path = format!("m://{:03}", file % 100);
        writer.delete(&[], &path, [file, file << 20]).await.unwrap();
        assert!(writer.held_bytes <= 10_000);
    }
    let written = writer.finish().await.unwrap();
    assert!(written.files.len() > 1);
    // Position 0 comes once, since 0 << 20 is 0.
    assert_eq!(written.record_count, 399);
    for (rows, _) in contents(&book, &written.files) {
        assert!(rows.is_sorted());
    }
}

#[tokio::test]
async fn bad_deletes_are_refused_and_leave_the_writer_as_it_was() {
    let (store, book) = (table(-1), Notebook::new(10));
    let mut writer = begin(&store, &by_name(), &options(&[]), &book);
    for (tuple, path, position) in [
        (vec![], "m://a", 1),
        (vec![None, None], "m://a", 1),
        (vec![None], "", 1),
        (vec![None], "m://a", DeletionVector::MAX_POSITION + 1),
    ] {
        let error = writer.delete(&tuple, path, [0, position]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert!(writer.finish().await.unwrap().files.is_empty());
    assert_eq!(store.counts().total(), 0);
}

#[test]
fn versions_without_position_deletes_are_refused_with_advice() {
    for (version, advice) in [(FormatVersion::V1, "upgrade"), (FormatVersion::V3, "deletion vectors")] {
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        let made = PositionDeleteWriter::new(&table(-1), &spec, &options(&[]), version, &Context::system());
        let error = made.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(advice), "{error}");
    }
    let options = options_of(FileContent::Data, &[]);
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    let made = PositionDeleteWriter::new(&table(-1), &spec, &options, FormatVersion::V2, &Context::system());
    assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn failed_put_publishes_nothing_and_abort_cleans_up() {
    for refused in 0..3 {
        let (store, book) = (table(refused), Notebook::new(10));
        let options = options(&[("write.delete.granularity", "file")]);
        let mut writer = begin(&store, &PartitionSpec::unpartitioned(PartitionSpecId(0)), &options, &book);
        for path in ["m://a", "m://b", "m://c"] {
            writer.delete(&[], path, [1]).await.unwrap();
        }
        assert_eq!(writer.finish().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert!(writer.delete(&[], "m://d", [1]).await.is_err());
        assert!(writer.abort().await.is_complete());
        assert!(files_of(&store).await.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every position comes out once per flush, under its path, and single files are told as such.
    #[test]
    fn files_hold_what_was_deleted(
        deletes in prop::collection::vec(("[a-d]", prop::collection::vec(0_u64..50, 0..10)), 0..20),
        target in 1_u64..300,
        by_file: bool,
    ) {
        let set = [("write.delete.granularity", if by_file { "file" } else { "partition" })];
        let options = options(&set).with_target_file_size_bytes(target);
        let book = Notebook::new(10);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let files = runtime.block_on(async {
            let store = table(-1);
            let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
            let mut writer = begin(&store, &spec, &options, &book);
            for (path, positions) in &deletes {
                writer.delete(&[], path, positions.iter().copied()).await.unwrap();
            }
            writer.finish().await.unwrap().files
        });
        let expected: std::collections::BTreeSet<(String, i64)> = deletes
            .into_iter()
            .flat_map(|(path, positions)| positions.into_iter().map(move |p| (path.clone(), p as i64)))
            .collect();
        let found = contents(&book, &files);
        for (rows, only) in &found {
            let one = rows.iter().all(|(path, _)| *path == rows[0].0);
            prop_assert_eq!(only.as_ref(), one.then_some(&rows[0].0));
            prop_assert!(one || !by_file);
        }
        let found: Vec<_> = found.into_iter().flat_map(|(rows, _)| rows).collect();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}
