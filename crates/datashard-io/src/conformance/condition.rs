//! What is found out about the store's conditions, what that costs, and that a store without them is refused.

use super::sample::{content, create_new, names, path, version};
use super::{Failure, Subject, ensure};
use crate::error::StoreError;
use crate::path::TablePath;

/// The most requests of one round of the probe: two creates, a read, a deletion.
const MOST_REQUESTS: u64 = 4;

/// The first create may cost a probe, the second costs itself; nothing is left of the probe.
pub(super) async fn conditional_create_is_found_out_once(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    create_new(&store, &version(1)?, &content(1, 10)).await?;
    let first = store.counts();
    // The probe writes one name twice, which GCS throttles; it is then repeated.
    let throttled = subject.abilities().write_pause_ms > 0 && first.get == 1 && first.delete == 1;
    ensure!(throttled || first.total() <= MOST_REQUESTS.saturating_add(1), "the first create took {first:?}");
    ensure!(store.check_capabilities().await?.conditional_create, "a create succeeded without conditions");
    create_new(&store, &version(2)?, &content(2, 10)).await?;
    let second = store.counts().since(&first);
    ensure!(second.total() == 1 && second.put == 1, "the second create took {second:?}");
    let probes = left_of_probes(&store).await?;
    ensure!(probes.is_empty(), "left of the probe: {probes:?}");
    Ok(())
}

pub(super) async fn reading_never_tries_the_store(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let path = version(1)?;
    let _ = store.info(&path).await;
    let _ = store.read(&path, 10).await;
    let _ = names(&store, Some("metadata"), None).await?;
    let counts = store.counts();
    ensure!(counts.put == 0 && counts.delete == 0 && counts.total() == 3, "reading only took {counts:?}");
    Ok(())
}

/// A store that ignores conditions takes no file, and says why.
pub(super) async fn create_is_refused(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    match store.create(&path, content(1, 10)).await {
        Err(error @ StoreError::ConditionsIgnored { .. }) => {
            ensure!(!error.is_retryable() && error.definitely_not_done(), "{error} may be repeated");
        }
        other => {
            return Err(Failure::new(format_args!("create on a store that ignores conditions: {other:?}")));
        }
    }
    let found = names(&store, None, None).await?;
    ensure!(found.is_empty(), "a refused create left {found:?}");
    let probes = left_of_probes(&store).await?;
    ensure!(probes.is_empty(), "left of the probe: {probes:?}");
    Ok(())
}

async fn left_of_probes(store: &crate::TableStore) -> Result<Vec<TablePath>, Failure> {
    let folder = path("metadata/_datashard")?;
    let files = store.list_page(Some(&folder), None, 1_000).await?;
    Ok(files.into_iter().map(|file| file.path).filter(|path| path.name().starts_with("probe")).collect())
}
