//! Counters: what each call costs, exactly, on every store alike.

use super::sample::{LIMIT_BYTES, content, create_new, create_taken, names, path, version};
use super::{Failure, Subject, ensure};
use crate::request::RequestCounts;
use crate::store::TableStore;

/// What a call must have cost: requests by kind, bytes sent, bytes taken.
struct Cost {
    put: u64,
    get: u64,
    head: u64,
    list: u64,
    delete: u64,
    written: u64,
    /// Of a file, as `written`; requests and answers without one may have a text of the store's.
    read: u64,
}

/// The most that is said beside the bytes of files: names to delete, errors, pages of a listing.
const MOST_SAID_BYTES: u64 = 64 * 1024;

const NOTHING: Cost = Cost { put: 0, get: 0, head: 0, list: 0, delete: 0, written: 0, read: 0 };

fn costs(what: &str, store: &TableStore, before: &RequestCounts, due: &Cost) -> Result<(), Failure> {
    let cost = store.counts().since(before);
    let requests = cost.put == due.put
        && cost.get == due.get
        && cost.head == due.head
        && cost.list == due.list
        && cost.delete == due.delete;
    ensure!(
        requests
            && (cost.bytes_written == due.written
                || due.written == 0 && cost.bytes_written < MOST_SAID_BYTES)
            && (cost.bytes_read == due.read || due.read == 0 && cost.bytes_read < MOST_SAID_BYTES),
        "{what} took {cost:?}"
    );
    Ok(())
}

pub(super) async fn each_operation_counts_its_requests(subject: &Subject) -> Result<(), Failure> {
    let (store, file, missing) = (subject.fresh().await?, path("data/a")?, path("data/b")?);

    let before = store.counts();
    store.put(&file, content(1, 1_000)).await?;
    costs("put", &store, &before, &Cost { put: 1, written: 1_000, ..NOTHING })?;

    let before = store.counts();
    store.read(&file, LIMIT_BYTES).await?;
    costs("read", &store, &before, &Cost { get: 1, read: 1_000, ..NOTHING })?;

    let before = store.counts();
    let _ = store.read(&missing, LIMIT_BYTES).await;
    costs("read of a missing file", &store, &before, &Cost { get: 1, ..NOTHING })?;

    let before = store.counts();
    store.read_range(&file, 10..110).await?;
    costs("range", &store, &before, &Cost { get: 1, read: 100, ..NOTHING })?;

    let before = store.counts();
    store.read_ranges(&file, &[0..10, 20..30]).await?;
    costs("two near ranges", &store, &before, &Cost { get: 1, read: 30, ..NOTHING })?;

    let before = store.counts();
    store.read_tail(&file, 8).await?;
    costs("tail", &store, &before, &Cost { get: 1, read: 8, ..NOTHING })?;

    let before = store.counts();
    store.info(&file).await?;
    costs("info", &store, &before, &Cost { head: 1, ..NOTHING })?;

    let before = store.counts();
    names(&store, Some("data"), None).await?;
    costs("list", &store, &before, &Cost { list: 1, ..NOTHING })?;

    let before = store.counts();
    store.delete(&file).await?;
    costs("delete", &store, &before, &Cost { delete: 1, ..NOTHING })
}

/// Whatever it is answered.
pub(super) async fn each_create_is_one_request(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    store.check_capabilities().await?;
    let before = store.counts();
    create_new(&store, &version(1)?, &content(1, 700)).await?;
    costs("create, yes", &store, &before, &Cost { put: 1, written: 700, ..NOTHING })?;
    subject.pause(&store).await;
    let before = store.counts();
    create_taken(&store, &version(1)?, &content(2, 800)).await?;
    costs("create, no", &store, &before, &Cost { put: 1, written: 800, ..NOTHING })
}

pub(super) async fn clones_share_their_counts(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let (clone, before) = (store.clone(), store.counts());
    clone.put(&path("data/a")?, content(1, 10)).await?;
    store.read(&path("data/a")?, LIMIT_BYTES).await?;
    for store in [&store, &clone] {
        costs("put and read", store, &before, &Cost { put: 1, get: 1, written: 10, read: 10, ..NOTHING })?;
    }
    Ok(())
}
