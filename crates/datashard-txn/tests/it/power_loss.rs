//! What a table in a folder holds after the power was lost at any moment of its life.
//!
//! Several processes commit on a simulated disk that records each call. The disk is then rebuilt as it may look when the power goes after
//! each of those calls, with any part of what was not flushed, and the table is opened again, looked at whole, and gone on with.

use std::sync::Arc;

use datashard_io::Durability;
use datashard_txn::{CommitError, Committer};

use crate::disk_support::{block_on, sim_store, store_on};
use crate::disk_watched::{Moment, Seen, Watched};
use crate::power_loss_support::{History, other_process_appends, three_writers};
use crate::support::audit::audit;
use crate::support::costs;
use crate::support::rows::row;

#[test]
fn a6_full_durability_keeps_every_acknowledged_commit_and_no_later_version_without_an_earlier_one() {
    let history = block_on(three_writers(Durability::Full, false));
    let looked_at = history.replay(
        3,
        |_| true,
        |moment, disk, told| history.check_full(moment, disk, told, moment % 4 == 0),
    );
    assert!(looked_at > 200, "{looked_at} disks are too few");
}

/// Two processes commit between any two calls that another makes of the file system. That one may have given its version a name and not
/// flushed it: whatever they build on it must not outlive it.
#[test]
fn a15_full_durability_leaves_no_gap_when_others_commit_at_any_call_of_a_commit() {
    let (mut calls, mut number) = (None, 0);
    while calls.is_none_or(|calls| number < calls) {
        let mut history = block_on(History::begin(Durability::Full));
        history.settle();
        let history = Arc::new(history);
        let between = Arc::clone(&history);
        let watcher = move |moment, seen: &Seen<'_>| {
            if (moment, seen.number) == (Moment::Before, number) {
                let commits = || (2..4).for_each(|process| other_process_appends(&between, process));
                std::thread::scope(|scope| scope.spawn(commits).join()).unwrap();
            }
        };
        let watched = Watched::new(Arc::new(history.disk.process(1)), Arc::new(watcher));
        block_on(async {
            let store = store_on(Arc::new(watched.clone()), Durability::Full);
            let writer = history.writer_on(store).await;
            history.append(&writer, "watched").await;
        });
        calls = Some(watched.calls());
        // Together the rounds look at every moment, and at those around the others' commits in many of them.
        history.replay(
            3,
            |moment| (moment as u64 + number).is_multiple_of(5),
            |moment, disk, told| {
                history.check_full(moment, disk, &format!("others at call {number}, {told}"), false);
            },
        );
        number += 1;
    }
    assert!(number > 20, "{number} calls are too few");
}

/// Without flushes, a loss of power may leave anything of what was not flushed. What is promised: whatever is opened is a table with rows
/// that somebody appended, each once; else it is an error that says what is damaged. What was flushed is there, or the damage is told. What is in a data file is its
/// format's to check: files with zeros in the place of rows are counted.
#[test]
fn a15_without_full_durability_a_commit_is_there_or_absent_or_its_damage_is_told() {
    for durability in [Durability::group(), Durability::None] {
        let history = block_on(three_writers(durability, true));
        let (mut sound, mut torn, mut damaged, mut absent) = (0, 0, 0, 0);
        history.replay(
            8,
            |_| true,
            |moment, disk, told| {
                block_on(async {
                    let store = sim_store(disk, durability);
                    match audit(&store).await {
                        Ok(audited) => {
                            sound += 1;
                            torn += history.check_begun(moment, &audited, told);
                            for row in history.flushed(moment) {
                                assert!(audited.rows.contains_key(&row), "{row} was flushed: {told}");
                            }
                        }
                        Err(damage) if damage == "there is no table" => {
                            absent += 1;
                            assert!(history.flushed(moment).is_empty(), "{told}");
                        }
                        Err(_) => damaged += 1,
                    }
                });
            },
        );
        let seen = [sound, torn, damaged, absent];
        assert!(
            seen.iter().all(|count| *count > 0),
            "{durability:?}: sound, torn, damaged, absent: {seen:?}"
        );
    }
}

/// The version before the newest was lost, and somebody makes another one in its place. Nobody goes on from what does not continue it:
/// neither who made it nor who opens the table later.
#[test]
fn a15_a_version_that_does_not_continue_the_one_before_it_is_corrupt_for_everybody() {
    for hint in ["3", "5"] {
        let (lost, newer) = ("metadata/v4.metadata.json", "metadata/v5.metadata.json");
        let history = block_on(History::begin(Durability::None));
        block_on(async {
            let writer = history.writer(1, Durability::None).await;
            for number in 0..4 {
                history.append(&writer, &number.to_string()).await;
            }
            let store = sim_store(&history.disk, Durability::None);
            let path = datashard_io::TablePath::parse(lost).unwrap();
            store.delete(&path).await.unwrap();
            let path = datashard_io::TablePath::parse("metadata/version-hint.text").unwrap();
            store.put(&path, hint.into()).await.unwrap();

            let (options, _) = costs::kept();
            let corrupt = |outcome: Result<(), CommitError>| match outcome {
                Err(CommitError::Corrupt { path, .. }) => assert_eq!(path.as_str(), newer),
                other => panic!("hint {hint}: {other:?}"),
            };
            match Committer::open(store.clone(), options.clone()).await {
                Ok(committer) => {
                    // The lost version cannot be seen to be lost. Its slot is filled, and what comes after it shows.
                    let first = committer.append(row(&committer, "in its place", "0")).await;
                    assert_eq!(first.unwrap().version.0, 4, "hint {hint}");
                    corrupt(committer.append(row(&committer, "on top", "0")).await.map(drop));
                }
                Err(error) => corrupt(Err(error)),
            }
            corrupt(Committer::open(store, options).await.map(drop));
        });
    }
}
