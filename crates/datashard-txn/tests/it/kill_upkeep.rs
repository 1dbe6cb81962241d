//! Row A14: children that are killed while they rewrite manifests, expire and clean up, at one in three calls of the file system.

use std::path::Path;
use std::time::Duration;

use datashard_txn::action::{ExpireSnapshots, RewriteManifests};
use datashard_txn::maintain::{RetireOptions, SweepOptions};
use datashard_txn::{CommitError, CommitOptions, Committer};

use crate::disk_child::{job, say};
use crate::disk_watched::Moment;
use crate::kill_points::Point;
use crate::kill_support::{Left, audited, block_on, kill, store};
use crate::support::costs;
use crate::support::rows::{row, table};

const ROWS: [&str; 3] = ["one", "two", "three"];

#[derive(Debug, Clone, Copy)]
enum Work {
    /// Puts all files into one manifest.
    Rewrite,
    /// Expires all snapshots but the last, and deletes what nobody needs.
    CleanUp,
}

impl Work {
    async fn run(self, committer: &Committer) -> Result<(), CommitError> {
        match self {
            Self::Rewrite => {
                committer.refresh().await?;
                committer.commit(RewriteManifests::new(), None).await.map(|_| ())
            }
            Self::CleanUp => {
                let expire = ExpireSnapshots::new().older_than_ms(i64::MAX).keep_last(1);
                committer.commit(expire, None).await?;
                committer.retire(&RetireOptions::default()).await?;
                committer.sweep(&SweepOptions::default().with_grace(Duration::ZERO)).await.map(|_| ())
            }
        }
    }
}

/// A child's part of a test; `None` for the parent.
fn as_child(work: Work) -> Option<()> {
    let (point, folder) = job()?;
    let store = store(Path::new(&folder), Some(point.parse().unwrap()));
    block_on(async {
        let (options, kept) = costs::kept();
        let committer = Committer::open(store, options).await.unwrap();
        work.run(&committer).await.unwrap();
        say("committed");
        kept.run().await;
    });
    say("finished");
    Some(())
}

/// Kills a child at this point. All rows are there once, others go on, and the same work done again comes to its end.
fn killed(test: &str, work: Work, point: &Point) -> Left {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), None);
    block_on(async {
        let (options, kept) = costs::kept();
        let (committer, _) = Committer::create(store.clone(), table(), options).await.unwrap();
        for name in ROWS {
            committer.append(row(&committer, name, "0")).await.unwrap();
        }
        kept.run().await;
    });
    let before = block_on(Committer::open(store.clone(), CommitOptions::default())).unwrap();
    let before = before.base().unwrap().version;
    let mut left = kill(test, point, folder.path());
    block_on(async {
        let found = audited(&store, &ROWS, point).await;
        left.committed = found.version > before.0;
        let committer = Committer::open(store.clone(), CommitOptions::default()).await.unwrap();
        match work.run(&committer).await {
            Ok(()) => {}
            // There is one manifest left.
            Err(CommitError::Conflict(_) | CommitError::Rejected { .. }) if left.committed => {}
            Err(error) => panic!("{point}: {error}"),
        }
        committer.append(row(&committer, "after", "0")).await.unwrap();
        audited(&store, &["one", "two", "three", "after"], point).await;
    });
    left
}

/// Before one call in three and after the next one, until one lives to the end. Returns how often the work was part of the table.
fn killed_here_and_there(killed: impl Fn(&Point) -> Left) -> (u64, u64) {
    let (mut calls, mut committed) = (0, 0);
    loop {
        let mut finished = false;
        for (moment, call) in [(Moment::Before, calls), (Moment::After, calls + 1)] {
            let left = killed(&Point::Numbered(moment, call));
            committed += u64::from(left.committed);
            finished = left.finished;
        }
        if finished {
            return (calls, committed);
        }
        calls += 3;
    }
}

#[test]
fn a14_killed_at_calls_of_a_rewrite_of_manifests_all_rows_are_there_once() {
    const TEST: &str = "kill_upkeep::a14_killed_at_calls_of_a_rewrite_of_manifests_all_rows_are_there_once";
    if as_child(Work::Rewrite).is_some() {
        return;
    }
    let (calls, committed) = killed_here_and_there(|point| killed(TEST, Work::Rewrite, point));
    assert!(calls > 30, "{calls} calls are too few");
    assert!(committed > 3 && committed < calls, "{committed} were committed, in {calls} calls");
}

#[test]
fn a14_killed_at_calls_of_an_expiry_and_the_clean_up_after_it_all_rows_are_there_once() {
    const TEST: &str =
        "kill_upkeep::a14_killed_at_calls_of_an_expiry_and_the_clean_up_after_it_all_rows_are_there_once";
    if as_child(Work::CleanUp).is_some() {
        return;
    }
    let (calls, committed) = killed_here_and_there(|point| killed(TEST, Work::CleanUp, point));
    assert!(calls > 30, "{calls} calls are too few");
    assert!(committed > 3 && committed < calls, "{committed} were committed, in {calls} calls");
}
