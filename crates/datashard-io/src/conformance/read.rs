//! Reads: whole files, ranges, sizes, and that what is missing is said to be missing.

use futures_util::future::join_all;

use super::sample::{LIMIT_BYTES, content, holds, is_absent, path, size, slice};
use super::{Failure, Subject, ensure};
use crate::error::StoreError;

pub(super) async fn missing_file_is_not_found_by_name(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let missing = path("data/missing.parquet")?;
    is_absent(&store, &missing).await?;
    // The same with a folder and a neighbour there.
    store.put(&path("data/missing.parquet2")?, content(1, 10)).await?;
    is_absent(&store, &missing).await?;
    // A folder is no file. Folders of this machine say so; buckets know only names.
    match store.read(&path("data")?, LIMIT_BYTES).await {
        Err(StoreError::NotFound { .. }) => {}
        Err(error @ StoreError::Refused { .. })
            if store.location().scheme() == crate::location::Scheme::File && !error.is_retryable() => {}
        other => return Err(Failure::new(format_args!("read of a folder: {other:?}"))),
    }
    match store.read_range(&missing, 0..1).await {
        Err(StoreError::NotFound { path, .. }) if path == missing => Ok(()),
        other => Err(Failure::new(format_args!("range of a missing file: {other:?}"))),
    }
}

pub(super) async fn read_gives_the_whole_file(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    for (n, length) in [0, 1, 2, 1_000, 65_536, 1_000_003].into_iter().enumerate() {
        let file = path(&format!("data/{length}"))?;
        store.put(&file, content(n, length)).await?;
        holds(&store, &file, &content(n, length)).await?;
    }
    Ok(())
}

/// The limit itself is allowed; one byte more is not, however large the file.
pub(super) async fn read_of_a_file_over_the_limit_is_refused(subject: &Subject) -> Result<(), Failure> {
    let (store, file, bytes) = (subject.fresh().await?, path("data/f")?, content(1, 1_000));
    store.put(&file, bytes.clone()).await?;
    let found = store.read(&file, 1_000).await?;
    ensure!(found == bytes, "{} bytes came", found.len());
    match store.read(&file, 999).await {
        Err(StoreError::TooLarge { size_bytes: 1_000, limit_bytes: 999, path, .. }) if path == file => Ok(()),
        other => Err(Failure::new(format_args!("1,000 bytes under a limit of 999: {other:?}"))),
    }
}

pub(super) async fn ranges_are_slices_of_the_file(subject: &Subject) -> Result<(), Failure> {
    let (store, file, bytes) = (subject.fresh().await?, path("data/f")?, content(1, 100_000));
    store.put(&file, bytes.clone()).await?;
    for range in [0..1, 0..100_000, 99_999..100_000, 1..2, 4_095..4_097, 50_000..50_000, 12_345..67_890] {
        let found = store.read_range(&file, range.clone()).await?;
        ensure!(found == slice(&bytes, range.clone())?, "{range:?} gave {} other bytes", found.len());
    }
    Ok(())
}

/// However the ranges are put together into requests: overlapping, touching, far apart, in any order.
pub(super) async fn many_ranges_equal_their_slices(subject: &Subject) -> Result<(), Failure> {
    let length = subject.sizes().metadata_bytes;
    let (store, file, bytes) = (subject.fresh().await?, path("data/f")?, content(1, length));
    store.put(&file, bytes.clone()).await?;
    let end = size(&bytes);
    let ranges = [
        0..4,
        4..8,
        end.saturating_sub(8)..end,
        2..6,
        1_000..1_000,
        100_000..150_000,
        end.saturating_div(2)..end.saturating_div(2).saturating_add(10),
        0..4,
        70_000..120_000,
    ];
    let found = store.read_ranges(&file, &ranges).await?;
    ensure!(found.len() == ranges.len(), "{} ranges came of {}", found.len(), ranges.len());
    for (range, found) in ranges.iter().zip(&found) {
        ensure!(*found == slice(&bytes, range.clone())?, "{range:?} gave {} other bytes", found.len());
    }
    let none = store.read_ranges(&file, &[]).await?;
    ensure!(none.is_empty(), "no ranges gave {}", none.len());
    Ok(())
}

/// Stores cut such a range at the end of the file, or ignore it; a reader of a footer must not take that for the file. The error names the
/// range, or the first part of it that was asked for.
pub(super) async fn range_beyond_the_end_is_refused(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    store.put(&file, content(1, 100)).await?;
    store.put(&path("data/empty")?, content(1, 0)).await?;
    #[expect(clippy::reversed_empty_ranges, reason = "it has to be refused")]
    let backwards = 10..5;
    for range in [99..101, 100..101, 200..300, 0..u64::MAX, backwards] {
        match store.read_range(&file, range.clone()).await {
            Err(StoreError::BadRange { path, start, end, .. })
                if path == file && start == range.start && end <= range.end => {}
            other => return Err(Failure::new(format_args!("{range:?} of 100 bytes: {other:?}"))),
        }
    }
    match store.read_range(&path("data/empty")?, 0..1).await {
        Err(StoreError::BadRange { .. }) => Ok(()),
        other => Err(Failure::new(format_args!("0..1 of an empty file: {other:?}"))),
    }
}

pub(super) async fn tail_is_the_end_of_the_file(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    for length in [0_usize, 1, 8, 1_000] {
        let (file, bytes) = (path(&format!("data/{length}"))?, content(length, length));
        store.put(&file, bytes.clone()).await?;
        for count in [0, 1, 8, 999, 1_000, 1_001, 1_000_000] {
            let tail = store.read_tail(&file, count).await?;
            let start = size(&bytes).saturating_sub(count);
            ensure!(
                tail.size_bytes == size(&bytes) && tail.bytes == slice(&bytes, start..size(&bytes))?,
                "the last {count} of {length} bytes: {} bytes of {}",
                tail.bytes.len(),
                tail.size_bytes
            );
        }
    }
    Ok(())
}

/// No cache between here and the store answers with what was there before.
pub(super) async fn read_sees_the_last_write(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("metadata/version-hint.text")?);
    for n in 1..=20 {
        store.put(&file, content(n, n)).await?;
        holds(&store, &file, &content(n, n)).await?;
    }
    store.delete(&file).await?;
    is_absent(&store, &file).await
}

/// The time lies between two readings of the store's clock, which may be coarse.
pub(super) async fn info_tells_size_and_time(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let first = path("data/a")?;
    store.put(&first, content(1, 321)).await?;
    let before = store.info(&first).await?;
    let second = path("data/b")?;
    store.put(&second, content(2, 123)).await?;
    let after = store.info(&second).await?;
    ensure!(before.size_bytes == 321 && after.size_bytes == 123, "sizes of {before:?}, {after:?}");
    ensure!(
        after.modified_ms.saturating_add(subject.abilities().time_step_ms) >= before.modified_ms,
        "the later file is older: {before:?}, {after:?}"
    );
    ensure!(before.modified_ms > 0, "no time: {before:?}");
    Ok(())
}

pub(super) async fn concurrent_reads_are_all_whole(subject: &Subject) -> Result<(), Failure> {
    let (store, file, bytes) = (subject.fresh().await?, path("data/f")?, content(1, 300_000));
    store.put(&file, bytes.clone()).await?;
    for found in join_all((0..32).map(|_| store.read(&file, LIMIT_BYTES))).await {
        ensure!(found? == bytes, "one of 32 readers read something else");
    }
    Ok(())
}
