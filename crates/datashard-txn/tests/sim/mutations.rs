//! Tests of the tests: a library that drops a rule is found out within a fixed number of worlds.

use std::ops::Range;

use datashard_txn::{Mutation, Rules};

use crate::plan::Plan;
use crate::world::run_plan;

/// The first seed whose world shows that the rule is not in force, and what it shows.
fn found(mutation: Mutation, seeds: Range<u64>, plan: fn(u64, Rules) -> Plan) -> (u64, String) {
    let world = |seed| run_plan(plan(seed, Rules::without(mutation)));
    let shown = seeds.clone().find_map(|seed| world(seed).err().map(|what| (seed, what)));
    shown.unwrap_or_else(|| panic!("{mutation:?} went unnoticed in worlds {seeds:?}"))
}

/// What an audit says when the protocol was broken, and not that a world did not come to its end.
const VIOLATIONS: [&str; 10] = [
    "once is enough",
    "its sender was told",
    "was told, and",
    "its token says",
    "is named and not there",
    "its files are not in the table",
    "it is not serializable",
    "which others had changed before",
    "than a serial execution gives",
    "nobody asked for it",
];

/// In worlds of appends.
fn check(mutation: Mutation, seeds: u64) {
    check_in(mutation, 0..seeds, Plan::of_appends);
}

/// In worlds of which every second one mixes all operations.
fn check_mixed(mutation: Mutation, seeds: u64) {
    check_in(mutation, 0..seeds, Plan::of);
}

fn check_in(mutation: Mutation, seeds: Range<u64>, plan: fn(u64, Rules) -> Plan) {
    let (seed, what) = found(mutation, seeds, plan);
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
    // It takes a writer that stands still for hours in the moment before its create, as one world in thousands has it, and the rows D15 always.
    check_in(Mutation::NoCheckAfterCreate, 2_000..2_200, Plan::of_appends);
}

#[test]
fn files_below_the_file_floor_are_noticed() {
    check(Mutation::IgnoreFileFloor, 200);
}

#[test]
fn validation_that_is_skipped_is_noticed() {
    check_mixed(Mutation::SkipValidation, 50);
}

#[test]
fn a_sweep_by_a_view_older_than_its_floor_is_noticed() {
    check_mixed(Mutation::LateView, 200);
}

#[test]
fn a_history_segment_that_is_dropped_is_noticed() {
    check_mixed(Mutation::DropSegment, 50);
}
