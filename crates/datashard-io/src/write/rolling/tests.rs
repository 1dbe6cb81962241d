//! When files are closed, and how large they are.

#![expect(clippy::as_conversions, reason = "tests state what they expect")]

use std::sync::Arc;

use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::FileContent;
use datashard_spec::partition::PartitionSpec;

use super::*;
use crate::context::Context;
use crate::write::testing::{Notebook, batch, files_of, ids, options_of, table};

/// A writer into files of `target` bytes, of rows of `row_bytes` each.
fn writer(
    store: &crate::TableStore,
    target: u64,
    row_bytes: usize,
) -> (RollingWriter, Notebook, Vec<DataFile>) {
    let book = Notebook::new(row_bytes);
    let options = options_of(FileContent::Data, &[]).with_target_file_size_bytes(target);
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    let format = Box::new(book.clone());
    let files = Files::new(store, &spec, format, Vec::new(), &options, &Context::system()).unwrap();
    (RollingWriter::new(Arc::new(files), Vec::new(), None), book, Vec::new())
}

fn rows(range: std::ops::Range<i64>) -> RecordBatch {
    batch(&range.map(|id| (id, Some("some name"))).collect::<Vec<_>>())
}

#[tokio::test]
async fn without_rows_there_is_no_file() {
    let store = table(-1);
    let (mut writer, book, mut done) = writer(&store, 1_000, 10);
    writer.write(&rows(0..0), &mut done).await.unwrap();
    assert!(!writer.is_open());
    writer.close(&mut done).await.unwrap();
    assert!(done.is_empty() && book.log().is_empty());
    assert_eq!(store.counts().total(), 0);
}

#[tokio::test]
async fn small_file_is_one_request() {
    let store = table(-1);
    let (mut writer, book, mut done) = writer(&store, 1_000, 10);
    for start in [0, 10, 20] {
        writer.write(&rows(start..start + 10), &mut done).await.unwrap();
    }
    assert!(done.is_empty() && writer.is_open());
    writer.close(&mut done).await.unwrap();
    assert_eq!((store.counts().put, store.counts().total()), (1, 1));
    assert_eq!((done.len(), done[0].record_count, done[0].sort_order_id), (1, 30, Some(UNSORTED)));
    assert_eq!(ids(&book.rows_of(&done[0])), (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_roll_near_their_target_whatever_the_size_of_batches() {
    // Rows that take more, as much, and less in the file than in memory.
    for row_bytes in [1_u64, 25, 400] {
        for batch_rows in [7_i64, 1_000, 20_000] {
            let store = table(-1);
            let target = 2_000 * row_bytes;
            let (mut writer, book, mut done) = writer(&store, target, row_bytes as usize);
            let total = 20_000;
            for start in (0..total).step_by(batch_rows as usize) {
                writer.write(&rows(start..total.min(start + batch_rows)), &mut done).await.unwrap();
            }
            writer.close(&mut done).await.unwrap();
            let all: Vec<i64> = done.iter().flat_map(|file| ids(&book.rows_of(file))).collect();
            assert_eq!(all, (0..total).collect::<Vec<_>>());
            let (_last, full) = done.split_last().unwrap();
            for file in full {
                let size = file.file_size_in_bytes as u64;
                let most = target + target / OVERSHOOT + row_bytes;
                assert!((target..=most).contains(&size), "{row_bytes} {batch_rows}: {size} of {target}");
            }
        }
    }
}

#[tokio::test]
async fn target_below_a_row_makes_files_of_one_row() {
    let store = table(-1);
    let (mut writer, _, mut done) = writer(&store, 1, 10);
    writer.write(&rows(0..3), &mut done).await.unwrap();
    assert_eq!(done.iter().map(|file| file.record_count).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(!writer.is_open());
    assert_eq!(files_of(&store).await.len(), 3);
}
