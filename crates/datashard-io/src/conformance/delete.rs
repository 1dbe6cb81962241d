//! Deletions: exactly what was named, and no complaint of what is gone already.

use super::list::fill;
use super::sample::{content, holds, is_absent, names, path};
use super::{Failure, Subject, ensure};

pub(super) async fn delete_removes_one_file(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let (gone, stays) = (path("data/a")?, path("data/ab")?);
    store.put(&gone, content(1, 10)).await?;
    store.put(&stays, content(2, 10)).await?;
    store.delete(&gone).await?;
    is_absent(&store, &gone).await?;
    holds(&store, &stays, &content(2, 10)).await
}

/// Some stores tell and some do not, so nobody may depend on it.
pub(super) async fn delete_of_a_missing_file_succeeds(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    store.delete(&path("data/never/was")?).await?;
    store.put(&path("data/a")?, content(1, 10)).await?;
    store.delete(&path("data/a")?).await?;
    store.delete(&path("data/a")?).await?;
    // A folder is no file: what lies in it stays.
    store.put(&path("data/folder/a")?, content(1, 10)).await?;
    let _ = store.delete(&path("data/folder")?).await;
    holds(&store, &path("data/folder/a")?, &content(1, 10)).await
}

pub(super) async fn delete_all_removes_exactly_what_it_is_given(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let count = subject.sizes().deleted;
    let doomed: Vec<String> = (0..count).map(|n| format!("data/{n:05} +%2F&<ü>")).collect();
    let kept = ["data/00000", "data/00001 +%2F&<ü>.keep", "data2/00000 +%2F&<ü>"].map(str::to_owned);
    fill(&store, &doomed).await?;
    fill(&store, &kept).await?;
    let before = store.counts();
    let paths = doomed.iter().map(|name| path(name)).collect::<Result<Vec<_>, _>>()?;
    let report = store.delete_all(paths).await;
    ensure!(
        report.is_complete() && report.deleted_count == u64::try_from(count).unwrap_or(u64::MAX),
        "{report:?}"
    );
    let cost = store.counts().since(&before);
    let least = u64::try_from(count).unwrap_or(u64::MAX).div_ceil(subject.abilities().names_per_delete);
    ensure!(cost.delete == least, "{} DELETE requests for {count} names, not {least}", cost.delete);
    let found = names(&store, None, None).await?;
    ensure!(found == kept, "left: {} names, among them {:?}", found.len(), found.first());
    Ok(())
}

pub(super) async fn delete_all_takes_missing_names(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let report = store.delete_all([]).await;
    ensure!(report.is_complete() && report.deleted_count == 0, "{report:?}");
    fill(&store, &["data/a".to_owned(), "data/b".to_owned()]).await?;
    let paths = ["data/x", "data/a", "data/y/z", "data/b"].map(path);
    let report = store.delete_all(paths.into_iter().collect::<Result<Vec<_>, _>>()?).await;
    ensure!(report.is_complete() && report.deleted_count == 4, "{report:?}");
    let found = names(&store, None, None).await?;
    ensure!(found.is_empty(), "left: {found:?}");
    Ok(())
}
