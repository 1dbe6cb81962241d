//! [`continues`], [`counts`] and [`must_check_boundary`].

use std::time::Duration;

use super::*;
use crate::protocol::{Broken, SAFE_SPAN, continues, counts, must_check_boundary};

fn pair() -> (CommitState, CommitState) {
    let mut before = CommitState::new(GENERATION);
    before.commit = CommitId(1);
    before.intent_floor = v(4);
    before.file_floor = v(3);
    let after = advance(Some(&before), 9, &[], Limits::default()).unwrap().state;
    (before, after)
}

#[test]
fn r1_what_advance_makes_continues_its_base() {
    let (before, after) = pair();
    assert_eq!(continues(Some(&before), Some(&after)), Ok(()));
}

#[test]
fn r1_a15_another_parent_is_a_break_that_names_both() {
    let (mut before, after) = pair();
    before.commit = CommitId(2);
    let broken = continues(Some(&before), Some(&after)).unwrap_err();
    assert_eq!(broken, Broken::Parent { expected: CommitId(2), found: CommitId(1) });
    let text = broken.to_string();
    assert!(text.contains(&CommitId(1).to_string()) && text.contains(&CommitId(2).to_string()), "{text}");
}

#[test]
fn r1_the_order_of_two_versions_matters() {
    let (before, after) = pair();
    assert!(continues(Some(&after), Some(&before)).is_err());
}

#[test]
fn r4_a_floor_that_fell_is_a_break() {
    let (before, mut after) = pair();
    after.intent_floor = v(3);
    assert_eq!(continues(Some(&before), Some(&after)), Err(Broken::Floor));
    let (before, mut after) = pair();
    after.file_floor = v(2);
    assert_eq!(continues(Some(&before), Some(&after)), Err(Broken::Floor));
}

#[test]
fn a_foreign_version_carries_the_state_or_drops_it() {
    let (before, after) = pair();
    assert_eq!(continues(Some(&before), Some(&before)), Ok(()));
    assert_eq!(continues(Some(&before), None), Ok(()));
    assert_eq!(continues(None, Some(&after)), Ok(()));
    assert_eq!(continues(None, None), Ok(()));
}

/// It names no parent, because the version before had no state of which it knew.
#[test]
fn r9_a_new_generation_continues_anything() {
    let (before, mut after) = pair();
    after.generation = Generation(8);
    after.parent = CommitId(0);
    assert_eq!(continues(Some(&before), Some(&after)), Ok(()));
}

#[test]
fn r2_versions_count_from_the_boundary_on() {
    for (version, retired, expect) in
        [(0, 0, true), (4, 5, false), (5, 5, true), (6, 5, true), (0, u64::MAX, false), (u64::MAX, 0, true)]
    {
        assert_eq!(counts(v(version), v(retired)), expect, "{version} and boundary {retired}");
    }
}

#[test]
fn r2_the_boundary_is_left_unread_only_within_the_safe_span() {
    let nearly = SAFE_SPAN.checked_sub(Duration::from_nanos(1)).unwrap();
    for (elapsed, strict, expect) in [
        (None, false, true),
        (Some(Duration::ZERO), false, false),
        (Some(nearly), false, false),
        (Some(SAFE_SPAN), false, true),
        (Some(Duration::MAX), false, true),
        (Some(Duration::ZERO), true, true),
    ] {
        assert_eq!(must_check_boundary(elapsed, strict), expect, "{elapsed:?}, strict {strict}");
    }
}
