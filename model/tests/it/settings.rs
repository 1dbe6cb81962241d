//! All rules in force: every property holds in every state, and what should be reachable is reached, so that this says something.

use crate::{explored, short};

/// Every state is seen, S1 to S7 hold, and exactly these of R1 to R5 are reached.
fn check(setting: &str, reached: &[&str]) {
    let found = explored(setting);
    assert!(found.violated.is_empty(), "{setting}: {:?}", found.violated);
    assert_eq!(short(&found.held), ["S1", "S2", "S3", "S4", "S5", "S6", "S7"], "{setting}");
    assert_eq!(short(&found.reached), reached, "{setting}: {} states", found.states);
}

#[test]
fn b1_b2_b3_answers_that_are_lost_or_late() {
    check("v=4,lost=1", &["R1", "R2"]);
    check("intents=0,ops=2,v=4,lost=1", &["R1", "R3", "R4"]);
}

#[test]
fn b4_requests_that_act_twice() {
    check("v=3,dup=1", &["R1", "R2"]);
    check("v=3,l=2,dup=1,lost=1,del=0", &["R1", "R2"]);
}

#[test]
fn a4_a7_writers_that_crash() {
    check("v=3,crash=1,lost=1,del=0", &["R1", "R2"]);
}

#[test]
fn b5_foreign_commits_in_between() {
    check("v=3,foreign=1,lost=1,del=0,probe=0", &["R1", "R2", "R3"]);
    check("intents=0,v=4,lost=1,dup=1,foreign=1", &["R1", "R3"]);
}

#[test]
fn d17_keys_hold_over_crashes_and_restarts() {
    check("v=3,idemp=1,crash=1,lost=1,del=0", &["R1", "R2", "R4"]);
}

#[test]
fn c4_c5_readers_that_wake_below_the_boundary() {
    check("v=3,reads=2,del=0", &["R1", "R2"]);
    check("v=3,reads=1,foreign=1,intents=0", &["R1", "R3"]);
}

#[test]
fn d16_clones_of_one_session() {
    check("clone=1,v=3,lost=1,dup=1,del=0", &["R1", "R4"]);
    check("clone=1,ops=2,v=4,intents=0,lost=1", &["R1", "R3", "R4"]);
}

/// Two ways to an operation that is applied twice lead through this one: a clone's entry that hides one's own, and a session that goes on
/// from its clone's operation.
#[test]
fn d16_clones_that_meet_again_after_their_entry_was_dropped() {
    check("clone=1,w=3,ops=2,v=6,intents=0,lost=1,gc=0", &["R1", "R4"]);
}

#[test]
fn d3_writers_that_found_a_table_at_once() {
    check("found=1,v=3,lost=1,del=0", &["R1", "R4", "R5"]);
    check("found=1,intents=0,v=4,lost=1,dup=1", &["R1", "R4", "R5"]);
}

#[test]
fn r9_a_foreign_commit_that_drops_the_commit_state() {
    check("intents=0,v=4,lost=1,foreign=1,drop=1", &["R1", "R3", "R4", "R5"]);
    check("v=3,foreign=1,drop=1,del=0,probe=0", &["R1", "R2", "R3", "R4", "R5"]);
}

#[test]
fn h6_a_session_map_that_is_too_small() {
    check("cap=1,l=3,v=4,lost=1,del=0", &["R1", "R2", "R3"]);
    check("cap=1,l=4,ops=2,v=5,intents=0,lost=1", &["R1", "R3", "R4"]);
}

#[test]
fn operations_staged_before_the_answer_to_the_one_before() {
    check("w=1,ops=3,l=2,v=4,pipe=1,lost=1,del=0", &["R1", "R2"]);
    check("ops=2,v=3,pipe=1,del=0,gc=0", &["R1", "R2"]);
}

/// What a foreign writer overwrites cannot be kept from it, but the chain shows that it is torn (R1).
#[test]
fn a_foreign_writer_that_overwrites_tears_the_chain() {
    let found = explored("intents=0,v=3,foreign=1,over=1");
    assert!(found.violates("S7"), "{:?}", found.violated);
}
