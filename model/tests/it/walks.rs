//! Random ways through settings that are too large to be explored; the seeds are fixed.

use datashard_model::{Commits, Walked, walk};
use datashard_txn::Mutation;

use crate::setting;

fn walked(text: &str, mutation: Option<Mutation>, seed: u64, walks: u64) -> Walked {
    walk(&Commits::new(setting(text).without(mutation)), seed, walks)
}

fn check(text: &str, seed: u64) -> Walked {
    let found = walked(text, None, seed, 300);
    assert_eq!(found.violated, None, "{text}, seed {seed}");
    assert!(found.ended > 250 && found.acknowledged > 1_000, "{text}, seed {seed}: {found:?}");
    found
}

#[test]
fn d2_many_faults_at_once() {
    let found = check("w=3,ops=3,l=2,v=20,lost=3,dup=2,foreign=2,reads=2", 7);
    assert!(found.unknown > 0, "history is retired: {found:?}");
    check("intents=0,w=4,ops=3,l=2,v=24,lost=4,dup=3,foreign=2,reads=1", 17);
    check("w=3,ops=4,l=3,v=24,lost=4,dup=3,foreign=2,reads=1,pipe=1", 13);
}

#[test]
fn b2_nothing_stays_unknown_while_history_is_kept() {
    let found = check("w=3,ops=3,l=1,v=24,lost=4,dup=3,foreign=2,gc=0", 5);
    assert_eq!(found.unknown, 0);
    let found = check("clone=1,w=4,ops=3,l=1,v=24,lost=4,dup=3,gc=0", 6);
    assert_eq!(found.unknown, 0);
}

#[test]
fn d17_keys_leave_nothing_unknown() {
    let found = check("w=3,ops=3,l=3,v=16,lost=3,dup=2,crash=3,foreign=2,idemp=1", 11);
    assert_eq!(found.unknown, 0);
}

#[test]
fn d16_clones_and_lost_state_and_small_maps() {
    check("clone=1,w=4,ops=3,l=3,v=24,lost=4,dup=3", 19);
    check("w=4,ops=3,cap=2,l=8,v=24,lost=4,dup=3,foreign=3,drop=1", 23);
}

/// Walks of one large setting find every rule that is missing, so they would find one that nobody thought of dropping.
#[test]
fn walks_notice_each_dropped_rule() {
    let large = "w=3,ops=3,l=2,v=20,lost=3,dup=2,foreign=2,reads=2,pipe=1";
    for (name, mutation) in Mutation::ALL {
        // Files are of the other model; conflicts and history segments are checked by the simulation.
        let elsewhere =
            [Mutation::IgnoreFileFloor, Mutation::LateView, Mutation::SkipValidation, Mutation::DropSegment];
        let is_here = !elsewhere.contains(&mutation);
        let found = walked(large, Some(mutation), 3, 2_000);
        assert_eq!(found.violated.is_some(), is_here, "{name}: {found:?}");
    }
}
