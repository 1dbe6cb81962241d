//! Plain writes and uploads, of files whose names nobody else uses.

use bytes::Bytes;

use super::sample::{content, create_taken, holds, is_absent, names, path, size};
use super::{Failure, Subject, ensure};
use crate::path::TablePath;
use crate::store::TableStore;

/// What an upload sends in one request as long as the file is small.
const PART_BYTES: usize = 8 << 20;
/// More than the list of a few parts takes.
const MOST_LIST_BYTES: u64 = 4 * 1024;

pub(super) async fn put_replaces_what_was_there(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("metadata/version-hint.text")?);
    for n in [1, 2, 3] {
        store.put(&file, content(n, 100)).await?;
        holds(&store, &file, &content(n, 100)).await?;
    }
    let found = names(&store, None, None).await?;
    ensure!(found == [file.as_str()], "written three times: {found:?}");
    Ok(())
}

pub(super) async fn put_of_a_shorter_file_leaves_nothing_of_the_longer(
    subject: &Subject,
) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    for (n, length) in [100_000, 10, 0, 5].into_iter().enumerate() {
        store.put(&file, content(n, length)).await?;
        holds(&store, &file, &content(n, length)).await?;
    }
    Ok(())
}

/// Uploads `bytes` in pieces of `piece` bytes; it is read back whole, and cost so many PUT requests.
async fn upload(store: &TableStore, file: &TablePath, bytes: &Bytes, piece: usize) -> Result<u64, Failure> {
    let before = store.counts();
    let mut upload = store.upload(file)?;
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        upload.write(rest.split_to(piece.min(rest.len()))).await?;
    }
    let uploaded = upload.finish().await?;
    ensure!(
        uploaded.size_bytes == size(bytes) && uploaded.path == *file,
        "{} bytes uploaded: {uploaded:?}",
        bytes.len()
    );
    let cost = store.counts().since(&before);
    // The end of an upload in parts is a request with a list of them.
    let list = if cost.put > 1 { MOST_LIST_BYTES } else { 0 };
    ensure!(
        (size(bytes)..=size(bytes).saturating_add(list)).contains(&cost.bytes_written),
        "{} bytes were uploaded: {cost:?}",
        bytes.len()
    );
    holds(store, file, bytes).await?;
    Ok(cost.put)
}

pub(super) async fn small_upload_is_one_file(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    let puts = upload(&store, &file, &content(1, 10_000), 777).await?;
    ensure!(puts == 1, "10,000 bytes took {puts} PUT requests");
    create_taken_unless_refused(subject, &store, &file).await
}

/// An uploaded file is there for the condition, too.
async fn create_taken_unless_refused(
    subject: &Subject,
    store: &TableStore,
    file: &TablePath,
) -> Result<(), Failure> {
    if !subject.abilities().conditional_create {
        return Ok(());
    }
    create_taken(store, file, &content(9, 10)).await
}

/// One part is one request. Two parts are four: the beginning, the parts, and the end.
pub(super) async fn upload_of_whole_parts_is_kept_whole(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    for (file, parts, due) in [("data/1", 1_usize, 1), ("data/2", 2, 4)] {
        let bytes = content(parts, PART_BYTES.saturating_mul(parts));
        let puts = upload(&store, &path(file)?, &bytes, PART_BYTES).await?;
        ensure!(puts == due, "{parts} whole parts took {puts} PUT requests");
        create_taken_unless_refused(subject, &store, &path(file)?).await?;
    }
    Ok(())
}

pub(super) async fn large_upload_in_odd_pieces_is_kept_whole(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    let bytes = content(1, subject.sizes().upload_bytes);
    let parts = u64::try_from(bytes.len().div_ceil(PART_BYTES)).unwrap_or(u64::MAX);
    let puts = upload(&store, &file, &bytes, 1_234_567).await?;
    ensure!(puts == parts.saturating_add(2), "{parts} parts took {puts} PUT requests");
    Ok(())
}

pub(super) async fn empty_upload_is_an_empty_file(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    upload(&store, &file, &Bytes::new(), 1).await?;
    Ok(())
}

/// An upload so far under way that parts of it are in the store.
async fn under_way(store: &TableStore, file: &TablePath) -> Result<crate::store::Upload, Failure> {
    let mut upload = store.upload(file)?;
    upload.write(content(1, PART_BYTES.saturating_mul(2))).await?;
    upload.write(content(2, 100)).await?;
    Ok(upload)
}

async fn nothing_is_there(store: &TableStore, file: &TablePath) -> Result<(), Failure> {
    is_absent(store, file).await?;
    let found = names(store, None, None).await?;
    ensure!(found.is_empty(), "of an upload that was not finished: {found:?}");
    Ok(())
}

pub(super) async fn aborted_upload_leaves_nothing(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    under_way(&store, &file).await?.abort().await?;
    nothing_is_there(&store, &file).await?;
    store.upload(&file)?.abort().await?;
    nothing_is_there(&store, &file).await?;
    // The name is free.
    upload(&store, &file, &content(3, 1_000), 1_000).await?;
    Ok(())
}

pub(super) async fn dropped_upload_shows_nothing(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    drop(under_way(&store, &file).await?);
    nothing_is_there(&store, &file).await
}

/// Neither beside nothing nor beside an older file of the name.
pub(super) async fn unfinished_upload_is_not_visible(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    let first = under_way(&store, &file).await?;
    nothing_is_there(&store, &file).await?;
    store.put(&file, content(5, 500)).await?;
    holds(&store, &file, &content(5, 500)).await?;
    subject.pause(&store).await;
    first.finish().await?;
    let found = store.info(&file).await?.size_bytes;
    let due = PART_BYTES.saturating_mul(2).saturating_add(100);
    ensure!(u64::try_from(due) == Ok(found), "{found} bytes after the upload of {due}");
    Ok(())
}
