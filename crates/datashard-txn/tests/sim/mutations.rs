//! Tests of the tests: a library that drops a rule is found out within a fixed number of worlds.

use datashard_txn::{Mutation, Rules};

use crate::world::run;

/// The first seed whose world shows that the rule is not in force, and what it shows.
fn found(mutation: Mutation, seeds: u64) -> (u64, String) {
    let shown =
        (0..seeds).find_map(|seed| run(seed, Rules::without(mutation)).err().map(|what| (seed, what)));
    shown.unwrap_or_else(|| panic!("{mutation:?} went unnoticed in {seeds} worlds"))
}

/// What is shown is one of these violations, and not that the world went wrong in some other way.
fn check(mutation: Mutation, seeds: u64, violations: &[&str]) {
    let (seed, what) = found(mutation, seeds);
    println!("{mutation:?}: seed {seed}: {}", what.lines().next().unwrap_or_default());
    assert!(violations.iter().any(|violation| what.contains(violation)), "{mutation:?}: {what}");
}

const DOUBLED: &str = "once is enough";
const LOST: &str = "its sender was told that it was committed";

#[test]
fn answers_taken_at_their_word_are_noticed() {
    check(Mutation::AnswersAreTruth, 200, &[DOUBLED]);
}

#[test]
fn a_missing_session_map_is_noticed() {
    check(Mutation::NoSessionMap, 200, &[DOUBLED]);
}

#[test]
fn entries_that_are_dropped_at_once_are_noticed() {
    check(Mutation::DropUntouched, 400, &[DOUBLED]);
}

#[test]
fn absence_that_counts_as_proof_is_noticed() {
    check(Mutation::NoHistory, 1_000, &[DOUBLED]);
}

#[test]
fn a_create_that_counts_below_the_boundary_is_noticed() {
    check(Mutation::NoCheckAfterCreate, 2_000, &[LOST, "was told, and"]);
}

#[test]
fn files_below_the_file_floor_are_noticed() {
    check(Mutation::IgnoreFileFloor, 1_000, &["is named and not there"]);
}
