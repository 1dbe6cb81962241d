//! What is built on the promises: the newest version found, a hint that only moves forward, a boundary that only rises.

use bytes::Bytes;
use datashard_spec::id::MetadataVersion;
use futures_util::future::join_all;

use super::sample::{LIMIT_BYTES, content, create_new, path, size};
use super::{Failure, Subject, ensure};
use crate::error::StoreError;
use crate::head::{HeadAfter, HintAdvance, metadata_path};
use crate::store::TableStore;

pub(super) async fn no_table_has_no_head(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let head = store.find_head().await?;
    ensure!(head.is_none(), "found in an empty place: {head:?}");
    // Data alone is no table.
    store.put(&path("data/f.parquet")?, content(1, 10)).await?;
    let head = store.find_head().await?;
    ensure!(head.is_none(), "found beside data: {head:?}");
    Ok(())
}

/// With no hint, with one, and from what was known before; by a client of its own each time.
pub(super) async fn newest_version_is_found_as_versions_come(subject: &Subject) -> Result<(), Failure> {
    let table = subject.fresh_name();
    let writer = subject.client(&table).await?;
    let mut known = None;
    for n in 1..=20_u64 {
        let version = MetadataVersion(n);
        let bytes = Bytes::from(format!("{{\"version\":{n}}}"));
        create_new(&writer, &metadata_path(version)?, &bytes).await?;
        if n == 7 {
            let _ = writer.advance_hint(version).await;
        }
        let Some(head) = subject.client(&table).await?.find_head().await? else {
            return Err(Failure::new(format_args!("version {n} was created, and none is found")));
        };
        ensure!(head.version == version && head.metadata == bytes, "found {head:?}, not {n}");
        if let Some(known) = known.replace(head.known()) {
            match writer.find_head_after(known).await? {
                HeadAfter::Newer(head) if head.version == version && head.metadata == bytes => {}
                other => {
                    return Err(Failure::new(format_args!("after a version was added: {other:?}")));
                }
            }
        }
    }
    Ok(())
}

/// Whoever is late does not move it back; it holds digits and nothing else.
pub(super) async fn hint_moves_forward_only(subject: &Subject) -> Result<(), Failure> {
    let (table, hint) = (subject.fresh_name(), path("metadata/version-hint.text")?);
    for (n, due) in [(5_u64, "5"), (3, "5"), (5, "5"), (12, "12"), (11, "12")] {
        let client = subject.client(&table).await?;
        let told = client.advance_hint(MetadataVersion(n)).await;
        let expected = MetadataVersion(due.parse().unwrap_or(0));
        ensure!(
            matches!(&told, HintAdvance::Written(v) | HintAdvance::Already(v) if *v == expected),
            "moving the hint to {n}: {told:?}, not at {due}"
        );
        let found = client.read(&hint, LIMIT_BYTES).await?;
        ensure!(found == due.as_bytes(), "the hint is {found:?}, not {due}");
        subject.pause(&client).await;
    }
    Ok(())
}

/// Clients at once: nobody is told less than what they raised it to, and in the end it is the highest.
pub(super) async fn retire_boundary_rises_only_with_eight_raisers(subject: &Subject) -> Result<(), Failure> {
    let mut clients = subject.racers().await?;
    clients.truncate(8);
    if !subject.abilities().conditional_replace {
        return nothing_is_retired(&clients).await;
    }
    let count = size(&Bytes::from(vec![0; clients.len()]));
    let raises = clients.iter().zip(1_u64..).map(|(client, n)| async move {
        let mut last = MetadataVersion(0);
        for step in 0..3_u64 {
            let to = MetadataVersion(step.saturating_mul(count).saturating_add(n));
            let told = client.raise_retired(to).await?;
            let read = client.retired().await?;
            ensure!(told >= to && read >= told && told >= last, "raised to {to:?}: {told:?}, then {read:?}");
            last = read;
        }
        Ok(())
    });
    join_all(raises).await.into_iter().collect::<Result<(), Failure>>()?;
    for client in &clients {
        let found = client.retired().await?;
        ensure!(found.0 == count.saturating_mul(3), "in the end the boundary is {found:?}");
        let lower = client.raise_retired(MetadataVersion(1)).await?;
        ensure!(lower == found, "raising it to 1 moved it from {found:?} to {lower:?}");
    }
    Ok(())
}

/// The first boundary is created; there is no second, and the error says why.
async fn nothing_is_retired(clients: &[TableStore]) -> Result<(), Failure> {
    let Some(client) = clients.first() else { return Ok(()) };
    let first = client.raise_retired(MetadataVersion(1)).await;
    match (first, client.raise_retired(MetadataVersion(2)).await) {
        (
            Ok(MetadataVersion(1)) | Err(StoreError::Unsupported { .. }),
            Err(error @ StoreError::Unsupported { .. }),
        ) => {
            ensure!(!error.is_retryable(), "{error} may be repeated");
            ensure!(client.retired().await? <= MetadataVersion(1), "it was raised all the same");
            Ok(())
        }
        other => Err(Failure::new(format_args!("raised without conditional replacement: {other:?}"))),
    }
}

/// Files carry the store's time; so does what is told as its time now.
pub(super) async fn store_time_fits_the_times_of_files(subject: &Subject) -> Result<(), Failure> {
    let (store, file) = (subject.fresh().await?, path("data/f")?);
    let before = store.store_time_ms().await?;
    store.put(&file, content(1, 10)).await?;
    let written = store.info(&file).await?.modified_ms;
    let after = store.store_time_ms().await?;
    let step = subject.abilities().time_step_ms;
    ensure!(
        before <= written.saturating_add(step) && written <= after.saturating_add(step),
        "written at {written}, between {before} and {after}"
    );
    let left = store.list_page(Some(&path("metadata")?), None, 10).await?;
    ensure!(left.is_empty(), "asking for the time left {left:?}");
    Ok(())
}
