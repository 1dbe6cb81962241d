//! Tests of the tests: a library that drops a rule is found out within a fixed number of worlds.

use std::iter::StepBy;
use std::ops::RangeFrom;

use datashard_txn::{Mutation, Rules};

use crate::world::run;

/// The seeds of all worlds; those with even numbers are worlds of appends, the others are mixed.
const ALL: fn() -> StepBy<RangeFrom<u64>> = || (0..).step_by(1);
const APPENDS: fn() -> StepBy<RangeFrom<u64>> = || (0..).step_by(2);
const MIXED: fn() -> StepBy<RangeFrom<u64>> = || (1..).step_by(2);

/// The first seed whose world shows that the rule is not in force, and what it shows.
fn found(mutation: Mutation, worlds: impl Iterator<Item = u64>, seeds: usize) -> (u64, String) {
    let shown = worlds
        .take(seeds)
        .find_map(|seed| run(seed, Rules::without(mutation)).err().map(|what| (seed, what)));
    shown.unwrap_or_else(|| panic!("{mutation:?} went unnoticed in {seeds} worlds"))
}

/// What an audit says when the protocol was broken, and not that a world did not come to its end.
const VIOLATIONS: [&str; 8] = [
    "is damaged",
    "is not serial",
    "once is enough",
    "its sender was told",
    "was told, and",
    "its token says",
    "is named and not there",
    "its files are not in the table",
];

fn check(mutation: Mutation, worlds: fn() -> StepBy<RangeFrom<u64>>, seeds: usize) {
    let (seed, what) = found(mutation, worlds(), seeds);
    println!("{mutation:?}: seed {seed}: {}", what.lines().next().unwrap_or_default());
    assert!(VIOLATIONS.iter().any(|violation| what.contains(violation)), "{mutation:?}: {what}");
}

#[test]
fn answers_taken_at_their_word_are_noticed() {
    check(Mutation::AnswersAreTruth, ALL, 50);
}

#[test]
fn a_missing_session_map_is_noticed() {
    check(Mutation::NoSessionMap, ALL, 100);
}

#[test]
fn entries_that_are_dropped_at_once_are_noticed() {
    check(Mutation::DropUntouched, ALL, 200);
}

#[test]
fn absence_that_counts_as_proof_is_noticed() {
    check(Mutation::NoHistory, APPENDS, 1_000);
}

#[test]
fn a_create_that_counts_below_the_boundary_is_noticed() {
    check(Mutation::NoCheckAfterCreate, APPENDS, 2_000);
}

#[test]
fn files_below_the_file_floor_are_noticed() {
    check(Mutation::IgnoreFileFloor, APPENDS, 200);
}

#[test]
fn operations_that_are_not_held_against_what_others_committed_are_noticed() {
    check(Mutation::SkipValidation, MIXED, 50);
}

#[test]
fn a_sweep_by_an_old_view_is_noticed() {
    check(Mutation::LateView, MIXED, 300);
}

#[test]
fn a_history_segment_that_is_dropped_is_noticed() {
    check(Mutation::DropSegment, MIXED, 100);
}
