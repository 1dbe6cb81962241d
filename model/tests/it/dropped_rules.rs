//! One rule dropped: the checker finds a run that goes wrong, and says which property it breaks.

use datashard_txn::Mutation;

use crate::explored_without;

fn check(mutation: Mutation, setting: &str, violated: &str) {
    let found = explored_without(setting, mutation);
    assert!(found.violates(violated), "{setting} without {mutation:?}: {:?}", found.violated);
}

#[test]
fn r1_an_answer_taken_for_the_truth_doubles() {
    check(Mutation::AnswersAreTruth, "intents=0,v=3,lost=1", "S1");
}

#[test]
fn r2_a_retired_name_that_is_created_anew_loses_what_was_acknowledged() {
    check(Mutation::NoCheckAfterCreate, "intents=0,v=4,ops=2", "S2");
    check(Mutation::NoCheckAfterCreate, "intents=0,v=3,foreign=1", "S2");
}

#[test]
fn r2_a_reader_that_stops_at_a_version_of_nobodys_table_misses_commits() {
    check(Mutation::NoCheckAfterRead, "intents=0,v=3,reads=1,foreign=1", "S5");
}

/// The operation that was left out is not acknowledged, thanks to the digests: it stays unknown with all of history there.
#[test]
fn r3_gaps_leave_an_operation_that_nobody_can_tell_of() {
    check(Mutation::AnyNumber, "v=3,ops=2,pipe=1,del=0,gc=0", "S6");
}

#[test]
fn r3_without_the_map_one_intent_is_folded_twice() {
    check(Mutation::NoSessionMap, "l=2,v=3,del=0,gc=0", "S1");
}

#[test]
fn r4_entries_that_go_before_the_floor_double() {
    check(Mutation::DropUntouched, "intents=0,v=3,lost=1", "S1");
}

#[test]
fn r4_intents_that_live_on_below_the_floor_double() {
    check(Mutation::IgnoreIntentFloor, "ops=2,v=4,del=0,gc=0", "S1");
}

#[test]
fn r5_a_guess_instead_of_history_doubles() {
    check(Mutation::NoHistory, "intents=0,ops=2,v=4,lost=1", "S1");
}

/// Rules that are not of these models: conflicts and history segments are checked by the simulation.
const ELSEWHERE: [Mutation; 2] = [Mutation::SkipValidation, Mutation::DropSegment];

#[test]
fn every_rule_has_a_test_here_or_in_the_file_model() {
    let source = include_str!("dropped_rules.rs").to_owned() + include_str!("files.rs");
    for (name, mutation) in Mutation::ALL {
        assert!(
            source.contains(&format!("check(Mutation::{mutation:?}"))
                // Of the model of files, which has views of its own.
                || [Mutation::IgnoreFileFloor, Mutation::LateView].contains(&mutation)
                || ELSEWHERE.contains(&mutation),
            "{name}"
        );
    }
}
