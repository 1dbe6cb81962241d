//! Files written ahead of their names, and files written together: on a folder a way of their own, everywhere the same promises.

use datashard_spec::id::MetadataVersion;
use futures_util::future::join_all;

use super::sample::{content, create_new, create_taken, holds, is_absent, names, path, version};
use super::{Failure, Subject, ensure};
use crate::error::StoreError;
use crate::store::Created;

/// Nobody sees a staged file, dropped it is gone, and one whose name was taken meanwhile changes nothing.
pub(super) async fn staged_file_is_seen_once_it_is_created(subject: &Subject) -> Result<(), Failure> {
    let (store, first) = (subject.fresh().await?, version(1)?);
    drop(store.stage(&first, content(1, 100)).await?);
    let staged = store.stage(&first, content(2, 200)).await?;
    let late = store.stage(&first, content(3, 300)).await?;
    is_absent(&store, &first).await?;
    let found = names(&store, None, None).await?;
    ensure!(found.is_empty(), "before anything was created: {found:?}");
    ensure!(*staged.path() == first, "staged as `{}`", staged.path());
    match staged.create().await? {
        Created::Yes => holds(&store, &first, &content(2, 200)).await?,
        other => return Err(Failure::new(format_args!("create of a staged file: {other:?}, not Yes"))),
    }
    subject.pause(&store).await;
    match late.create().await? {
        Created::No => holds(&store, &first, &content(2, 200)).await?,
        other => return Err(Failure::new(format_args!("create of a staged file too late: {other:?}"))),
    }
    create_taken(&store, &first, &content(4, 10)).await?;
    let found = names(&store, None, None).await?;
    ensure!(found == [first.as_str()], "in the end: {found:?}");
    Ok(())
}

pub(super) async fn race_of_staged_files_has_exactly_one_yes(subject: &Subject) -> Result<(), Failure> {
    let (clients, path) = (subject.racers().await?, version(1)?);
    let mut staged = Vec::new();
    for (n, client) in clients.iter().enumerate() {
        staged.push(client.stage(&path, content(n, n.saturating_mul(977).saturating_add(200))).await?);
    }
    let mut winners = Vec::new();
    for (n, answer) in
        join_all(staged.into_iter().map(|staged| staged.create())).await.into_iter().enumerate()
    {
        match answer? {
            Created::Yes => winners.push(n),
            Created::No => {}
            Created::Unclear(error) => {
                return Err(Failure::new(format_args!("client {n} was left in doubt: {error}")));
            }
        }
    }
    let [winner] = winners.as_slice() else {
        return Err(Failure::new(format_args!("`{path}` was created by clients {winners:?}")));
    };
    let bytes = content(*winner, winner.saturating_mul(977).saturating_add(200));
    for client in &clients {
        holds(client, &path, &bytes).await?;
    }
    Ok(())
}

/// In folders old and new, over what was there, and the same name nowhere else.
pub(super) async fn files_put_together_are_all_whole(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    store.put_all(Vec::new()).await?;
    let found = names(&store, None, None).await?;
    ensure!(found.is_empty(), "of no files: {found:?}");
    store.put(&path("data/05.parquet")?, content(9, 5_000)).await?;
    subject.pause(&store).await;
    let mut files = Vec::new();
    for n in 0..40 {
        let name = if n % 4 == 0 { format!("metadata/{n:02}.avro") } else { format!("data/{n:02}.parquet") };
        files.push((path(&name)?, content(n, n.saturating_mul(333))));
    }
    files.push((path("data/day=1/hour=2/f.parquet")?, content(50, 10)));
    let before = store.counts();
    store.put_all(files.clone()).await?;
    let cost = store.counts().since(&before);
    ensure!(cost.total() == 41 && cost.put == 41, "41 files took {cost:?}");
    for (path, bytes) in &files {
        holds(&store, path, bytes).await?;
    }
    let found = names(&store, None, None).await?;
    ensure!(found.len() == files.len(), "41 files are listed as {found:?}");
    Ok(())
}

/// Asked for at any time, also when nothing was written yet; whoever relies on a name that another gave may ask, too.
pub(super) async fn flushing_succeeds_and_changes_nothing(subject: &Subject) -> Result<(), Failure> {
    let table = subject.fresh_name();
    let (one, other) = (subject.client(&table).await?, subject.client(&table).await?);
    one.flush().await?;
    let file = path("data/f.parquet")?;
    one.put(&file, content(1, 1_000)).await?;
    one.flush().await?;
    other.make_name_durable(&file).await?;
    other.flush().await?;
    holds(&other, &file, &content(1, 1_000)).await?;
    let found = names(&one, None, None).await?;
    ensure!(found == [file.as_str()], "after flushes: {found:?}");
    Ok(())
}

/// What others would take for our versions, or for a catalog's, is seen by its name.
pub(super) async fn metadata_of_others_is_told_to_writers(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    store.check_layout(MetadataVersion(0)).await?;
    for n in 1..=3 {
        create_new(&store, &version(n)?, &content(n, 100)).await?;
    }
    // Neither is a version, nor the sign of one.
    store.put(&path("metadata/snap-1-1-0b9c.avro")?, content(1, 10)).await?;
    store.put(&path("metadata/v2.gz.metadata.json")?, content(1, 10)).await?;
    store.check_layout(MetadataVersion(3)).await?;
    for name in ["v4.gz.metadata.json", "v3.metadata.json.gz", "00003-2c5ea75f-07ba.metadata.json"] {
        let file = path(&format!("metadata/{name}"))?;
        store.put(&file, content(1, 10)).await?;
        match store.check_layout(MetadataVersion(3)).await {
            Err(error @ StoreError::MixedLayout { .. }) => {
                ensure!(error.to_string().contains(name), "`{name}` is told as: {error}");
            }
            other => return Err(Failure::new(format_args!("with `{name}` beside: {other:?}"))),
        }
        store.delete(&file).await?;
        store.check_layout(MetadataVersion(3)).await?;
    }
    Ok(())
}
