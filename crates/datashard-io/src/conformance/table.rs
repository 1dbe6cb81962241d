//! Several tables in one place, and several handles on one table.

use super::list::fill;
use super::sample::{content, holds, is_absent, names, path};
use super::{Failure, Subject, ensure};
use crate::store::TableStore;

pub(super) async fn tables_in_one_bucket_do_not_see_each_other(subject: &Subject) -> Result<(), Failure> {
    let (one, other) = (subject.fresh().await?, subject.fresh().await?);
    are_apart(&one, &other).await
}

/// `tbl` and `tbl2`, which a listing by prefix takes for one.
pub(super) async fn tables_whose_names_begin_alike_do_not_see_each_other(
    subject: &Subject,
) -> Result<(), Failure> {
    let name = subject.fresh_name();
    let one = subject.client(&name).await?;
    for ending in ["2", "-old", ".bak"] {
        let other = subject.client(&format!("{name}{ending}")).await?;
        are_apart(&one, &other).await?;
        are_apart(&other, &one).await?;
    }
    Ok(())
}

/// What is written to, and deleted from, the one is nothing to the other.
async fn are_apart(one: &TableStore, other: &TableStore) -> Result<(), Failure> {
    let file = path("data/f")?;
    one.put(&file, content(1, 10)).await?;
    is_absent(other, &file).await?;
    let found = names(other, None, None).await?;
    ensure!(found.is_empty(), "{other:?} has files of {one:?}: {found:?}");
    other.put(&file, content(2, 20)).await?;
    holds(one, &file, &content(1, 10)).await?;
    let found = names(one, None, None).await?;
    ensure!(found == ["data/f"], "{one:?} has files of {other:?}: {found:?}");
    other.delete(&file).await?;
    holds(one, &file, &content(1, 10)).await?;
    one.delete(&file).await?;
    Ok(())
}

pub(super) async fn two_handles_see_each_others_writes(subject: &Subject) -> Result<(), Failure> {
    let name = subject.fresh_name();
    let (one, other) = (subject.client(&name).await?, subject.client(&name).await?);
    fill(&one, &["data/a".to_owned(), "data/b".to_owned()]).await?;
    let found = names(&other, Some("data"), None).await?;
    ensure!(found == ["data/a", "data/b"], "the other handle sees {found:?}");
    other.put(&path("data/a")?, content(2, 20)).await?;
    holds(&one, &path("data/a")?, &content(2, 20)).await?;
    other.delete(&path("data/b")?).await?;
    is_absent(&one, &path("data/b")?).await
}
