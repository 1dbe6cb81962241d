//! The one conditional write, one writer at a time.

use super::sample::{content, create_new, create_taken, holds, names, version};
use super::{Failure, Subject, ensure};

/// The second create is told `No`, and what is read is the first's.
pub(super) async fn create_is_exclusive(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    create_new(&store, &path, &content(1, 500)).await?;
    create_taken(&store, &path, &content(2, 500)).await?;
    holds(&store, &path, &content(1, 500)).await
}

pub(super) async fn create_keeps_an_empty_file(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    create_new(&store, &path, &content(1, 0)).await?;
    create_taken(&store, &path, &content(2, 1)).await?;
    holds(&store, &path, &content(1, 0)).await
}

pub(super) async fn create_keeps_a_single_byte(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    create_new(&store, &path, &content(1, 1)).await?;
    create_taken(&store, &path, &content(2, 0)).await?;
    holds(&store, &path, &content(1, 1)).await
}

/// The condition is decided on one request, so the whole file has to fit into one.
pub(super) async fn create_keeps_a_large_metadata_file_whole(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    let bytes = content(1, subject.sizes().metadata_bytes);
    create_new(&store, &path, &bytes).await?;
    create_taken(&store, &path, &content(2, 10)).await?;
    holds(&store, &path, &bytes).await
}

pub(super) async fn create_after_delete_succeeds(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    create_new(&store, &path, &content(1, 100)).await?;
    store.delete(&path).await?;
    create_new(&store, &path, &content(2, 50)).await?;
    create_taken(&store, &path, &content(3, 100)).await?;
    holds(&store, &path, &content(2, 50)).await
}

/// A name that begins like another, or continues it, is another name.
pub(super) async fn create_beside_other_names_succeeds(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    for (seed, n) in [1, 11, 111, 2, 20].into_iter().enumerate() {
        create_new(&store, &version(n)?, &content(seed, 64)).await?;
    }
    for (seed, n) in [1, 11, 111, 2, 20].into_iter().enumerate() {
        holds(&store, &version(n)?, &content(seed, 64)).await?;
    }
    Ok(())
}

pub(super) async fn create_below_a_new_folder_succeeds(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let path = super::sample::path("metadata/a/b/c/d/file")?;
    create_new(&store, &path, &content(1, 64)).await?;
    create_taken(&store, &path, &content(2, 64)).await?;
    holds(&store, &path, &content(1, 64)).await
}

/// The condition is about the name, not about how the file got there.
pub(super) async fn create_is_refused_where_a_plain_write_was_first(
    subject: &Subject,
) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    store.put(&path, content(1, 64)).await?;
    create_taken(&store, &path, &content(2, 64)).await?;
    holds(&store, &path, &content(1, 64)).await
}

/// Nothing below compares contents: whether equal bytes are one's own is for the caller to know.
pub(super) async fn same_bytes_do_not_make_a_second_create_succeed(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    create_new(&store, &path, &content(1, 64)).await?;
    create_taken(&store, &path, &content(1, 64)).await
}

pub(super) async fn refused_create_changes_neither_bytes_nor_size(subject: &Subject) -> Result<(), Failure> {
    let (store, path) = (subject.fresh().await?, version(1)?);
    create_new(&store, &path, &content(1, 1_000)).await?;
    for length in [0, 1, 999, 1_000, 1_001, 100_000] {
        create_taken(&store, &path, &content(2, length)).await?;
        holds(&store, &path, &content(1, 1_000)).await?;
    }
    Ok(())
}

pub(super) async fn created_file_is_read_and_listed_at_once(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let mut expected = Vec::new();
    for n in 1..=9 {
        let path = version(n)?;
        create_new(&store, &path, &content(n, 64)).await?;
        expected.push(path.as_str().to_owned());
        holds(&store, &path, &content(n, 64)).await?;
        let found = names(&store, Some("metadata"), None).await?;
        ensure!(found == expected, "listed {found:?}, created {expected:?}");
    }
    Ok(())
}
