//! Tests of the tests: a library that drops a rule is found out within a fixed number of worlds.

use datashard_txn::{Mutation, Rules};

use crate::world::run;

/// The first seed whose world shows that the rule is not in force, and what it shows.
fn found(mutation: Mutation, seeds: u64) -> (u64, String) {
    let shown =
        (0..seeds).find_map(|seed| run(seed, Rules::without(mutation)).err().map(|what| (seed, what)));
    shown.unwrap_or_else(|| panic!("{mutation:?} went unnoticed in {seeds} worlds"))
}

/// What an audit says when the protocol was broken, and not that a world did not come to its end.
const VIOLATIONS: [&str; 7] = [
    "is not serial",
    "once is enough",
    "its sender was told",
    "was told, and",
    "its token says",
    "is named and not there",
    "its files are not in the table",
];

fn check(mutation: Mutation, seeds: u64) {
    let (seed, what) = found(mutation, seeds);
    println!("{mutation:?}: seed {seed}: {}", what.lines().next().unwrap_or_default());
    assert!(VIOLATIONS.iter().any(|violation| what.contains(violation)), "{mutation:?}: {what}");
}

#[test]
fn answers_taken_at_their_word_are_noticed() {
    check(Mutation::AnswersAreTruth, 50);
}

#[test]
fn a_missing_session_map_is_noticed() {
    check(Mutation::NoSessionMap, 100);
}

#[test]
fn entries_that_are_dropped_at_once_are_noticed() {
    check(Mutation::DropUntouched, 200);
}

#[test]
fn absence_that_counts_as_proof_is_noticed() {
    check(Mutation::NoHistory, 1_000);
}

#[test]
fn a_create_that_counts_below_the_boundary_is_noticed() {
    check(Mutation::NoCheckAfterCreate, 1_000);
}

#[test]
fn files_below_the_file_floor_are_noticed() {
    check(Mutation::IgnoreFileFloor, 200);
}

#[test]
fn operations_that_are_not_held_against_what_others_committed_are_noticed() {
    check(Mutation::SkipValidation, 50);
}

#[test]
fn a_sweep_by_an_old_view_is_noticed() {
    check(Mutation::LateView, 500);
}

#[test]
fn a_history_segment_that_is_dropped_is_noticed() {
    check(Mutation::DropSegment, 200);
}
