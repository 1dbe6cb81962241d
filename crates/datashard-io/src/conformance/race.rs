//! The one conditional write, many writers at once: each a client of its own, all started before any is answered.

use bytes::Bytes;
use futures_util::future::{join, join_all};

use super::sample::{LIMIT_BYTES, content, create_new, holds, names, path, version};
use super::{Failure, Subject, ensure};
use crate::error::StoreError;
use crate::path::TablePath;
use crate::store::{Created, TableStore};

/// Bytes that nobody else in the race sends.
fn bytes_of(client: usize, round: usize) -> Bytes {
    let length = client.saturating_mul(977).saturating_add(200);
    content(client.saturating_add(round.saturating_mul(1_000)), length)
}

/// All clients create `path` at once; the number of the one that was told `Yes`.
async fn race(
    clients: &[TableStore],
    path: &TablePath,
    bytes: impl Fn(usize) -> Bytes,
) -> Result<usize, Failure> {
    let answers = clients.iter().enumerate().map(|(n, client)| client.create(path, bytes(n)));
    let mut winners = Vec::new();
    for (n, answer) in join_all(answers).await.into_iter().enumerate() {
        match answer? {
            Created::Yes => winners.push(n),
            Created::No => {}
            Created::Unclear(error) => {
                return Err(Failure::new(format_args!("client {n} was left in doubt: {error}")));
            }
        }
    }
    match winners.as_slice() {
        [winner] => Ok(*winner),
        _ => Err(Failure::new(format_args!("`{path}` was created by clients {winners:?}"))),
    }
}

pub(super) async fn race_of_clients_on_one_name_has_exactly_one_yes(
    subject: &Subject,
) -> Result<(), Failure> {
    let clients = subject.racers().await?;
    for round in 1..=subject.sizes().rounds {
        let path = version(round)?;
        let winner = race(&clients, &path, |n| bytes_of(n, round)).await?;
        for client in &clients {
            let found = client.read(&path, LIMIT_BYTES).await?;
            ensure!(
                found == bytes_of(winner, round),
                "`{path}` was created by {winner}, but another's bytes are read"
            );
        }
    }
    Ok(())
}

/// Equal bytes make it no less a race: a store that compares contents would tell two of them `Yes`.
pub(super) async fn race_with_equal_bytes_has_exactly_one_yes(subject: &Subject) -> Result<(), Failure> {
    let clients = subject.racers().await?;
    race(&clients, &version(1)?, |_| content(1, 300)).await?;
    match clients.first() {
        Some(client) => holds(client, &version(1)?, &content(1, 300)).await,
        None => Ok(()),
    }
}

pub(super) async fn race_on_different_names_lets_everybody_win(subject: &Subject) -> Result<(), Failure> {
    let clients = subject.racers().await?;
    let paths: Vec<TablePath> =
        (0..clients.len()).map(|n| path(&format!("data/{n}.parquet"))).collect::<Result<_, _>>()?;
    let creates = clients.iter().zip(&paths).enumerate().map(|(n, (client, path))| async move {
        create_new(client, path, &bytes_of(n, 0)).await?;
        holds(client, path, &bytes_of(n, 0)).await
    });
    join_all(creates).await.into_iter().collect()
}

/// What a store remembers of a deleted name must not let two writers in.
pub(super) async fn race_after_delete_has_exactly_one_yes(subject: &Subject) -> Result<(), Failure> {
    let clients = subject.racers().await?;
    let path = version(1)?;
    for (round, client) in clients.iter().enumerate().take(2) {
        let winner = race(&clients, &path, |n| bytes_of(n, round)).await?;
        holds(client, &path, &bytes_of(winner, round)).await?;
        client.delete(&path).await?;
    }
    Ok(())
}

/// A file is there whole or not at all, while it is written and while others are refused.
pub(super) async fn readers_beside_a_race_see_nothing_or_the_winner(
    subject: &Subject,
) -> Result<(), Failure> {
    const BYTES: usize = 200_000;
    let clients = subject.racers().await?;
    let path = version(1)?;
    let look = |client: TableStore| {
        let path = path.clone();
        async move {
            let mut seen = Vec::new();
            for _ in 0..10 {
                match client.read(&path, LIMIT_BYTES).await {
                    Ok(bytes) => seen.push(bytes),
                    Err(StoreError::NotFound { .. }) => {}
                    Err(error) => return Err(Failure::from(error)),
                }
            }
            Ok(seen)
        }
    };
    let readers = clients.iter().take(4).cloned().map(look);
    let writers = race(&clients, &path, |n| content(n, BYTES));
    let (winner, seen) = join(writers, join_all(readers)).await;
    let expected = content(winner?, BYTES);
    for seen in seen {
        for bytes in seen? {
            ensure!(bytes == expected, "a reader saw {} bytes that are not the winner's", bytes.len());
        }
    }
    Ok(())
}

/// The shape of commits: everybody tries the next version until it is theirs.
pub(super) async fn races_for_consecutive_versions_leave_no_gap(subject: &Subject) -> Result<(), Failure> {
    let mut clients = subject.racers().await?;
    clients.truncate(4);
    let commits = clients.iter().enumerate().map(|(n, client)| async move {
        let mut mine = Vec::new();
        for next in 1..=100_usize {
            if mine.len() == 3 {
                break;
            }
            match client.create(&version(next)?, bytes_of(n, next)).await? {
                Created::Yes => mine.push(next),
                Created::No => {}
                Created::Unclear(error) => {
                    return Err(Failure::new(format_args!("client {n} was left in doubt: {error}")));
                }
            }
        }
        for version_of_mine in &mine {
            holds(client, &version(*version_of_mine)?, &bytes_of(n, *version_of_mine)).await?;
        }
        Ok(mine)
    });
    let mut all = Vec::new();
    for mine in join_all(commits).await {
        all.extend(mine?);
    }
    all.sort_unstable();
    let expected: Vec<usize> = (1..=12).collect();
    ensure!(all == expected, "committed versions: {all:?}");
    if let Some(client) = clients.first() {
        let found = names(client, Some("metadata"), None).await?;
        ensure!(found.len() == 12, "listed: {found:?}");
    }
    Ok(())
}
