//! The model of files and their collector: what is referenced exists, unless a rule is dropped.

use datashard_model::{Files, Unruly, explore};

use crate::{MOST_TRANSITIONS, short};

#[test]
fn e1_a11_referenced_files_exist_and_orphans_go() {
    let found = explore(Files::new(1, None), MOST_TRANSITIONS, false);
    assert!(found.is_complete && found.violated.is_empty(), "{:?}", found.violated);
    assert_eq!(short(&found.reached), ["G2", "G3", "G4"]);
}

/// More than fits here: the full run sees the rest.
#[test]
fn e2_two_writers_and_a_collector_as_far_as_they_go() {
    let found = explore(Files::new(2, None), 1_000_000, false);
    assert!(found.violated.is_empty(), "{:?}", found.violated);
    assert_eq!(short(&found.reached), ["G2", "G3", "G4"]);
}

#[test]
fn e2_two_collectors_at_once() {
    let found = explore(Files::new(1, None).with_collectors(2), MOST_TRANSITIONS, false);
    assert!(found.is_complete && found.violated.is_empty(), "{:?}", found.violated);
    assert_eq!(short(&found.reached), ["G2", "G3", "G4"]);
}

fn check(unruly: Unruly) {
    let found = explore(Files::new(2, Some(unruly)), MOST_TRANSITIONS, true);
    assert!(found.violates("G1"), "{unruly:?}: {:?}", found.violated);
}

#[test]
fn r4_a_commit_that_ignores_the_file_floor_refers_to_a_deleted_file() {
    check(Unruly::Commits);
}

#[test]
fn r8_a_collector_that_commits_no_floor_deletes_what_is_committed_meanwhile() {
    check(Unruly::ReadsOnly);
}

#[test]
fn r8_a_collector_that_judges_by_an_older_version_deletes_what_came_after() {
    check(Unruly::LateView);
}
