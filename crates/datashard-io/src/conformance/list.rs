//! Listings: every name once, in the order of its bytes, and nothing of the neighbours.

use futures_util::TryStreamExt;
use futures_util::future::join_all;

use super::sample::{content, names, path};
use super::{Failure, Subject, ensure};
use crate::store::TableStore;

/// Files that a case writes side by side.
const AT_ONCE: usize = 16;

/// Writes files of one byte, in no order.
pub(super) async fn fill(store: &TableStore, names: &[String]) -> Result<(), Failure> {
    for names in names.chunks(AT_ONCE) {
        let paths = names.iter().map(|name| path(name)).collect::<Result<Vec<_>, _>>()?;
        for put in join_all(paths.iter().map(|path| store.put(path, content(1, 1)))).await {
            put?;
        }
    }
    Ok(())
}

pub(super) async fn empty_folder_lists_nothing(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    for folder in [None, Some("data"), Some("data/deeper")] {
        let found = names(&store, folder, None).await?;
        ensure!(found.is_empty(), "in {folder:?} of a new table: {found:?}");
    }
    fill(&store, &["data/a".to_owned()]).await?;
    // A file is no folder, and where all files are gone, there is none left.
    let found = names(&store, Some("data/a"), None).await?;
    ensure!(found.is_empty(), "below a file: {found:?}");
    store.delete(&path("data/a")?).await?;
    let found = names(&store, None, None).await?;
    ensure!(found.is_empty(), "after the last deletion: {found:?}");
    Ok(())
}

/// By bytes: upper case before lower, digits as text, `-` and `.` before `/`.
const UNSORTED: [&str; 12] = [
    "data/b",
    "data/a/x",
    "data/a-b/x",
    "data/a.b",
    "data/A",
    "data/10",
    "data/9",
    "data/ä",
    "data/a",
    "data/a0",
    "data/_",
    "data/~",
];

/// In a folder nothing can be a file and a folder at once, nor on servers that keep folders, so there `data/a` is left out.
fn unsorted(subject: &Subject, store: &TableStore) -> Vec<String> {
    let folders =
        store.location().scheme() == crate::location::Scheme::File || !subject.abilities().lists_by_bytes;
    UNSORTED.iter().filter(|name| !folders || **name != "data/a").map(|name| (*name).to_owned()).collect()
}

pub(super) async fn listing_is_sorted_and_whole(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let mut expected = unsorted(subject, &store);
    fill(&store, &expected).await?;
    if subject.abilities().lists_by_bytes {
        expected.sort_unstable();
    } else {
        // SeaweedFS goes from folder to folder: all of `a` before `a-b`.
        expected.sort_unstable_by(|one, other| one.split('/').cmp(other.split('/')));
    }
    for folder in [None, Some("data")] {
        let found = names(&store, folder, None).await?;
        ensure!(found == expected, "in {folder:?}: {found:?}, not {expected:?}");
    }
    Ok(())
}

/// After a name that is there, one between two, one before all, one after all, and one that is a folder.
pub(super) async fn listing_starts_after_a_name(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let mut all = unsorted(subject, &store);
    fill(&store, &all).await?;
    all.sort_unstable();
    let mut starts = all.clone();
    starts.push("data/a".to_owned());
    for between in ["data/0", "data/a-", "data/a/", "data/a/y", "data/a.a", "data/zzz", "data/ö", "a"] {
        starts.push(between.trim_end_matches('/').to_owned());
    }
    if !subject.abilities().lists_by_bytes {
        // Without the names on whose order stores differ: SeaweedFS leaves a folder out if `start_after` comes before the folder's files
        // and after the folder.
        for name in ["data/a/x", "data/a-b/x", "data/a.b", "data/a"] {
            store.delete(&path(name)?).await?;
            all.retain(|kept| kept != name);
            starts.retain(|start| start != name);
        }
    }
    for start in starts {
        let expected: Vec<String> = all.iter().filter(|name| **name > start).cloned().collect();
        let found = names(&store, Some("data"), Some(&path(&start)?)).await?;
        ensure!(found == expected, "after `{start}`: {found:?}, not {expected:?}");
    }
    Ok(())
}

pub(super) async fn listing_holds_nested_folders(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let all: Vec<String> = ["a/b/c/d/e/f", "a/b/c/g", "a/h", "i"].map(|s| format!("data/{s}")).into();
    fill(&store, &all).await?;
    for (folder, count) in [("data", 4), ("data/a", 3), ("data/a/b", 2), ("data/a/b/c/d/e", 1), ("data/b", 0)]
    {
        let found = names(&store, Some(folder), None).await?;
        ensure!(found.len() == count, "in {folder}: {found:?}");
        ensure!(found.iter().all(|name| name.starts_with(folder)), "in {folder}: {found:?}");
    }
    Ok(())
}

/// A folder's name is a whole segment: `data2` is not in `data`.
pub(super) async fn listing_leaves_out_sibling_folders(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let all: Vec<String> =
        ["data", "data2", "data-old", "dat", "metadata", "xdata"].map(|folder| format!("{folder}/f")).into();
    fill(&store, &all).await?;
    let found = names(&store, Some("data"), None).await?;
    ensure!(found == ["data/f"], "in data: {found:?}");
    let found = names(&store, None, None).await?;
    ensure!(found.len() == all.len(), "in all: {found:?}");
    Ok(())
}

pub(super) async fn listing_shows_the_last_write_and_delete(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    for n in 10..30 {
        let file = path(&format!("data/{n}"))?;
        store.put(&file, content(1, 1)).await?;
        let found = names(&store, Some("data"), None).await?;
        ensure!(found == [file.as_str()], "after writing {n}: {found:?}");
        store.delete(&file).await?;
        let found = names(&store, Some("data"), None).await?;
        ensure!(found.is_empty(), "after deleting {n}: {found:?}");
    }
    Ok(())
}

pub(super) async fn listing_tells_sizes_and_times(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    for length in [0, 1, 70_000] {
        store.put(&path(&format!("data/{length}"))?, content(1, length)).await?;
    }
    let files: Vec<_> = store.list(Some(&path("data")?), None).try_collect().await?;
    let sizes: Vec<u64> = files.iter().map(|file| file.size_bytes).collect();
    ensure!(sizes == [0, 1, 70_000], "sizes: {sizes:?}");
    for file in files {
        let alone = store.info(&file.path).await?;
        let apart = alone.modified_ms.abs_diff(file.modified_ms);
        ensure!(
            i64::try_from(apart).is_ok_and(|apart| apart <= subject.abilities().time_step_ms),
            "listed {file:?}, alone {alone:?}"
        );
    }
    Ok(())
}

/// Across pages: no name twice, none missing, from any start, and as many requests as pages.
pub(super) async fn long_listing_has_every_name_once(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let count = subject.sizes().listed;
    let all: Vec<String> = (0..count).map(|n| format!("data/{n:06}")).collect();
    let shuffled: Vec<String> = {
        let (odd, even): (Vec<_>, Vec<_>) =
            all.iter().cloned().enumerate().partition(|(n, _)| n.is_multiple_of(2));
        odd.into_iter().rev().chain(even).map(|(_, name)| name).collect()
    };
    fill(&store, &shuffled).await?;
    let before = store.counts();
    let found = names(&store, Some("data"), None).await?;
    ensure!(found == all, "{} names of {count}, or in another order", found.len());
    let pages = u64::try_from(count).unwrap_or(u64::MAX).div_ceil(subject.abilities().names_per_page);
    let lists = store.counts().since(&before).list;
    ensure!(lists == pages, "{lists} LIST requests for {pages} pages");
    for start in [0, 500, 998, 999, 1_000, 1_001, count.saturating_sub(2), count.saturating_sub(1)] {
        let Some(name) = all.get(start) else { continue };
        let found = names(&store, Some("data"), Some(&path(name)?)).await?;
        ensure!(
            found.iter().eq(all.iter().skip(start.saturating_add(1))),
            "{} names after {name}",
            found.len()
        );
    }
    let page = store.list_page(Some(&path("data")?), None, 7).await?;
    let page: Vec<&str> = page.iter().map(|file| file.path.as_str()).collect();
    ensure!(page.iter().eq(all.iter().take(7)), "the first seven: {page:?}");
    Ok(())
}
