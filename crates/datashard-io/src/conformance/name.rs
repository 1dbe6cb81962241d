//! Names: whatever a [`TablePath`](crate::TablePath) may hold, the store keeps apart and gives back.

use super::sample::{content, create_new, create_taken, holds, names, path};
use super::{Failure, Subject, ensure};

/// Characters that URLs, shells and XML treat as their own.
const ODD: [&str; 18] = [
    "day=2024-01-01",
    "a b",
    "a%2Fb",
    "a%20b",
    "a+b",
    "a#b",
    "a?b=c&d",
    "a&amp;b",
    "<a>",
    "\"a\"",
    "it's",
    "a:b@c",
    "a~b!c$d(e)*f,g;h",
    "[a]{b}|c^d`e",
    "größe",
    "日本語",
    "🦀",
    "..a",
];

pub(super) async fn odd_names_are_kept_apart_and_come_back(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let mut expected = Vec::new();
    for (n, name) in ODD.iter().enumerate() {
        let file = path(&format!("data/{name}/{name}.parquet"))?;
        create_new(&store, &file, &content(n, 40)).await?;
        expected.push(file.as_str().to_owned());
    }
    for (n, name) in ODD.iter().enumerate() {
        let file = path(&format!("data/{name}/{name}.parquet"))?;
        holds(&store, &file, &content(n, 40)).await?;
        create_taken(&store, &file, &content(n, 41)).await?;
    }
    expected.sort_unstable();
    let found = names(&store, Some("data"), None).await?;
    ensure!(found == expected, "listed {found:?}, created {expected:?}");
    for (n, name) in ODD.iter().enumerate() {
        let folder = path(&format!("data/{name}"))?;
        let found = names(&store, Some(folder.as_str()), None).await?;
        ensure!(found.len() == 1, "below folder {n} `{name}`: {found:?}");
        store.delete(&folder.join(&format!("{name}.parquet"))?).await?;
    }
    let found = names(&store, Some("data"), None).await?;
    ensure!(found.is_empty(), "left after deletion: {found:?}");
    Ok(())
}

/// A name may be as long as file systems allow, also while the file is being written.
pub(super) async fn long_names_are_kept(subject: &Subject) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let files = [
        path(&format!("data/{}", "n".repeat(255)))?,
        path(&format!("data/{}", "ü".repeat(127)))?,
        path(&format!("{0}/{0}/{0}/file", "f".repeat(200)))?,
    ];
    for (n, file) in files.iter().enumerate() {
        create_new(&store, file, &content(n, 40)).await?;
        create_taken(&store, file, &content(n, 41)).await?;
        holds(&store, file, &content(n, 40)).await?;
        store.put(file, content(n, 42)).await?;
        holds(&store, file, &content(n, 42)).await?;
    }
    let found = names(&store, None, None).await?;
    ensure!(found.len() == files.len(), "listed {found:?}");
    Ok(())
}

pub(super) async fn names_that_only_differ_late_are_different_files(
    subject: &Subject,
) -> Result<(), Failure> {
    let store = subject.fresh().await?;
    let stem = "x".repeat(250);
    for n in 0..5 {
        create_new(&store, &path(&format!("data/{stem}{n}"))?, &content(n, 40)).await?;
    }
    for n in 0..5 {
        holds(&store, &path(&format!("data/{stem}{n}"))?, &content(n, 40)).await?;
    }
    Ok(())
}
