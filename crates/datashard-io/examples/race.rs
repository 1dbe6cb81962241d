//! Writers race to create the same versions of a table; each version gets exactly one winner, whatever the store answers.
//!
//! `race [URL] [writers] [versions]`: a folder (default: a new one), or a bucket by `s3://..` or `gs://..` with the usual environment.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::process::ExitCode;

use datashard_io::{Bytes, Created, StoreOptions, TablePath, TableStore};
use futures_util::future::try_join_all;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    match race().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("race: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn race() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let new = tempfile::tempdir()?;
    let url = arguments.next().unwrap_or_else(|| new.path().join("events").display().to_string());
    let writers: u32 = arguments.next().map_or(Ok(8), |n| n.parse())?;
    let versions: u64 = arguments.next().map_or(Ok(25), |n| n.parse())?;

    let store = TableStore::open(&url, StoreOptions::from_env()).await?;
    let first = store.find_head().await?.map_or(1, |head| head.version.0.saturating_add(1));
    let won = try_join_all((0..writers).map(|writer| write(store.clone(), writer, first, versions))).await?;
    let total: u64 = won.iter().sum();
    println!("{writers} writers at {}: versions won {won:?}", store.location());
    if total != versions {
        return Err(format!("{versions} versions were created, {total} were won").into());
    }

    let head = store.find_head().await?.ok_or("no version")?;
    // It helps readers that trust it; that it fails harms nobody.
    let _ = store.advance_hint(head.version).await;
    println!("newest: v{}, {}", head.version, String::from_utf8_lossy(&head.metadata).trim());
    println!("requests: {:?}", store.counts());
    Ok(())
}

/// Tries to create each version once; tells how many it won.
async fn write(store: TableStore, writer: u32, first: u64, versions: u64) -> Outcome<u64> {
    let mut won: u64 = 0;
    for version in first..first.saturating_add(versions) {
        let path = TablePath::parse(&format!("metadata/v{version}.metadata.json"))?;
        // Nobody else writes these bytes: that is how one's own file is known.
        let bytes =
            Bytes::from(format!("{{\"writer\": {writer}, \"id\": \"{}\"}}\n", store.context().ids.uuid()));
        let mine = match store.create(&path, bytes.clone()).await? {
            Created::Yes => true,
            // An answer is advice; the file tells.
            Created::No | Created::Unclear(_) => store.read(&path, 1_000).await? == bytes,
        };
        won = won.saturating_add(u64::from(mine));
    }
    Ok(won)
}
