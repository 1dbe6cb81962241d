//! [`advance`]: order, floors, keys, the session map's size, generations.

use super::*;
use crate::protocol::{AppKey, ChainHash, Fate, SessionEntry};

const A: u64 = 0xa;
const B: u64 = 0xb;

fn direct(session: u64, number: u64) -> Member {
    Member::direct(SessionId(session), number, OperationTag(number))
}

/// One operation on version 9 whose state is this: what comes of it.
fn on_nine(
    change: impl FnOnce(&mut CommitState),
    member: Member,
    limits: Limits,
) -> Result<CommitState, Ineligible> {
    let mut base = CommitState::new(GENERATION);
    change(&mut base);
    advance(Some(&base), 9, &[member], limits).map(|advanced| advanced.state).map_err(|(_, why)| why)
}

fn entry(last: u64, version: u64, chain: ChainHash) -> SessionEntry {
    SessionEntry { last, version: v(version), chain }
}

#[test]
fn r3_a_number_enters_only_after_the_one_before() {
    for (number, last) in [(1, 1), (3, 1), (0, 1), (2, 2), (u64::MAX, 1), (1, u64::MAX)] {
        let have = |base: &mut CommitState| {
            base.sessions.insert(session(A), entry(last, 9, ChainHash(5)));
        };
        let found = on_nine(have, direct(A, number).after(ChainHash(5)), Limits::default());
        assert_eq!(found.unwrap_err(), Ineligible::OutOfOrder { last }, "{number} after {last}");
    }
    let have = |base: &mut CommitState| {
        base.sessions.insert(session(A), entry(1, 9, ChainHash(5)));
    };
    let state = on_nine(have, direct(A, 2).after(ChainHash(5)), Limits::default()).unwrap();
    assert_eq!(state.sessions[&session(A)], entry(2, 10, ChainHash(5).then(OperationTag(2))));
}

#[test]
fn r3_an_unknown_session_begins_with_number_one() {
    assert!(on_nine(|_| {}, direct(A, 1), Limits::default()).is_ok());
    for number in [0, 2, u64::MAX] {
        let found = on_nine(|_| {}, direct(A, number), Limits::default());
        assert_eq!(found.unwrap_err(), Ineligible::OutOfOrder { last: 0 });
    }
}

#[test]
fn r3_d16_an_operation_does_not_go_on_from_that_of_a_clone() {
    let have = |base: &mut CommitState| {
        base.sessions.insert(session(A), entry(1, 9, ChainHash(5)));
    };
    let found = on_nine(have, direct(A, 2).after(ChainHash(6)), Limits::default());
    assert_eq!(found.unwrap_err(), Ineligible::OutOfOrder { last: 1 });
    let found = on_nine(|_| {}, direct(A, 1).after(ChainHash(6)), Limits::default());
    assert_eq!(found.unwrap_err(), Ineligible::OutOfOrder { last: 0 });
}

#[test]
fn r3_operations_of_one_session_enter_together_in_order() {
    let base = CommitState::new(GENERATION);
    let first = direct(A, 1);
    let second = direct(A, 2).after(ChainHash::default().then(first.tag));
    let advanced = advance(Some(&base), 9, &[first.clone(), second.clone()], Limits::default()).unwrap();
    assert_eq!(advanced.fates, [Fate::Applied, Fate::Applied]);
    assert_eq!(advanced.state.last_of(session(A)), 2);
    let found = advance(Some(&base), 9, &[second, first], Limits::default());
    assert_eq!(found.unwrap_err(), (0, Ineligible::OutOfOrder { last: 0 }));
}

#[test]
fn the_first_operation_that_may_not_enter_is_named() {
    let base = CommitState::new(GENERATION);
    let found = advance(Some(&base), 9, &[direct(A, 1), direct(B, 2), direct(B, 3)], Limits::default());
    assert_eq!(found.unwrap_err(), (1, Ineligible::OutOfOrder { last: 0 }));
}

#[test]
fn r4_an_intent_enters_only_at_or_above_the_floor_of_the_new_version() {
    let limits = Limits::default().with_floor_distance(3);
    for staged in 0..=9 {
        let found = on_nine(|_| {}, direct(A, 1).staged_on(v(staged)), limits);
        let expect = if staged < 7 { Err(Ineligible::StagedBelowFloor { floor: v(7) }) } else { Ok(()) };
        assert_eq!(found.map(|_| ()), expect, "staged on {staged}");
    }
    // The base's floor may be higher than the distance asks for.
    let found = on_nine(|base| base.intent_floor = v(9), direct(A, 1).staged_on(v(8)), limits);
    assert_eq!(found.unwrap_err(), Ineligible::StagedBelowFloor { floor: v(9) });
    // What its owner commits was staged nowhere.
    assert!(on_nine(|base| base.intent_floor = v(9), direct(A, 1), limits).is_ok());
}

#[test]
fn r4_e1_a_file_enters_only_at_or_above_the_file_floor() {
    for epoch in 0..=9 {
        let member = direct(A, 1).with_oldest_epoch(Some(v(epoch)));
        let found = on_nine(|base| base.file_floor = v(5), member, Limits::default());
        let expect = if epoch < 5 { Err(Ineligible::FilesBelowFloor { floor: v(5) }) } else { Ok(()) };
        assert_eq!(found.map(|_| ()), expect, "epoch {epoch}");
    }
    assert!(on_nine(|base| base.file_floor = v(5), direct(A, 1), Limits::default()).is_ok());
}

#[test]
fn r4_a_commit_that_raises_the_file_floor_keeps_to_it_itself() {
    let base = CommitState::new(GENERATION);
    let raise = Step { file_floor: v(6), ..step(1) };
    let member = direct(A, 1).with_oldest_epoch(Some(v(5)));
    let found = super::super::advance(Some(&base), v(9), &[member], raise, Limits::default());
    assert_eq!(found.unwrap_err(), (0, Ineligible::FilesBelowFloor { floor: v(6) }));
    let found = super::super::advance(Some(&base), v(9), &[], raise, Limits::default()).unwrap();
    assert_eq!(found.state.file_floor, v(6));
}

#[test]
fn r4_floors_never_fall() {
    let limits = Limits::default().with_floor_distance(3);
    let base = |base: &mut CommitState| {
        base.intent_floor = v(9);
        base.file_floor = v(8);
    };
    let state = on_nine(base, direct(A, 1), limits).unwrap();
    assert_eq!((state.intent_floor, state.file_floor), (v(9), v(8)));
}

#[test]
fn r4_entries_go_once_the_floor_is_above_their_version() {
    let limits = Limits::default().with_floor_distance(3);
    let have = |base: &mut CommitState| {
        for version in 0..=9 {
            base.sessions.insert(session(version), entry(1, version, ChainHash(1)));
        }
    };
    let state = on_nine(have, direct(A, 1), limits).unwrap();
    let kept: Vec<u64> = state.sessions.keys().map(|session| session.0).collect();
    assert_eq!(kept, [7, 8, 9, A]);
}

#[test]
fn h6_a_full_session_map_raises_the_floor_by_as_little_as_it_can() {
    let limits = Limits::default().with_sessions(3);
    let have = |base: &mut CommitState| {
        for version in [2, 4, 4, 6].into_iter().zip(0..) {
            base.sessions.insert(session(version.1), entry(1, version.0, ChainHash(1)));
        }
    };
    // Five with the new one; the two oldest have to go, and with them the other one of version 4.
    let state = on_nine(have, direct(A, 1), limits).unwrap();
    assert_eq!(state.intent_floor, v(5));
    let kept: Vec<u64> = state.sessions.keys().map(|session| session.0).collect();
    assert_eq!(kept, [3, A]);
}

#[test]
fn h6_what_a_commit_adds_stays_even_beyond_the_limit() {
    let limits = Limits::default().with_sessions(1);
    let base = CommitState::new(GENERATION);
    let members = [direct(1, 1), direct(2, 1), direct(3, 1)];
    let state = advance(Some(&base), 9, &members, limits).unwrap().state;
    assert_eq!((state.sessions.len(), state.intent_floor), (3, v(10)));
}

#[test]
fn r6_d17_a_key_is_applied_once_and_later_ones_only_advance_the_session() {
    let key = |version| Some(AppKey::new("load", version));
    let base = CommitState::new(GENERATION);
    let members = [
        direct(1, 1).with_key(key(5)),
        direct(2, 1).with_key(key(5)),
        direct(3, 1).with_key(key(4)),
        direct(4, 1).with_key(key(6)),
    ];
    let advanced = advance(Some(&base), 9, &members, Limits::default()).unwrap();
    assert_eq!(advanced.fates, [Fate::Applied, Fate::AppliedBefore, Fate::AppliedBefore, Fate::Applied]);
    assert_eq!(advanced.state.sessions.len(), 4);
    assert_eq!(advanced.state.apps["load"], 6);
}

#[test]
fn r6_keys_outlive_every_floor() {
    let limits = Limits::default().with_floor_distance(0).with_sessions(1);
    let mut state = CommitState::new(GENERATION);
    let keyed = direct(1, 1).with_key(Some(AppKey::new("load", 1)));
    state = advance(Some(&state), 0, &[keyed], limits).unwrap().state;
    for version in 1..50 {
        state = advance(Some(&state), version, &[direct(100 + version, 1)], limits).unwrap().state;
        assert_eq!(state.sessions.len(), 1);
    }
    assert!(state.has_applied(&AppKey::new("load", 1)));
    assert!(!state.has_applied(&AppKey::new("load", 2)));
    assert!(!state.has_applied(&AppKey::new("unload", 1)));
}

#[test]
fn d3_the_founding_commit_begins_the_generation() {
    let advanced = advance(None, 0, &[direct(A, 1)], Limits::default()).unwrap();
    let state = advanced.state;
    assert_eq!((state.generation, state.commit, state.parent), (GENERATION, CommitId(1), CommitId(0)));
    assert_eq!(state.intent_floor, v(1));
    assert_eq!(state.sessions[&session(A)].version, v(1));
}

#[test]
fn r9_a_commit_on_lost_state_begins_a_generation_below_which_nothing_is_proved() {
    let advanced = advance(None, 41, &[direct(A, 1)], Limits::default()).unwrap();
    assert_eq!((advanced.state.generation, advanced.state.intent_floor), (GENERATION, v(42)));
    // Intents of before are dead by their floor alone.
    let found = advance(None, 41, &[direct(A, 1).staged_on(v(41))], Limits::default());
    assert_eq!(found.unwrap_err(), (0, Ineligible::StagedBelowFloor { floor: v(42) }));
}

#[test]
fn r1_the_new_state_names_its_parent_and_keeps_the_generation() {
    let mut base = CommitState::new(Generation(99));
    base.commit = CommitId(3);
    let state = advance(Some(&base), 9, &[], Limits::default()).unwrap().state;
    assert_eq!((state.generation, state.commit, state.parent), (Generation(99), CommitId(10), CommitId(3)));
}

#[test]
fn there_is_no_version_after_the_last_number() {
    let base = CommitState::new(GENERATION);
    let found = advance(Some(&base), u64::MAX - 1, &[direct(A, 1)], Limits::default());
    assert!(found.is_ok());
    let found = super::super::advance(Some(&base), v(u64::MAX), &[], step(1), Limits::default());
    assert_eq!(found.unwrap_err(), (0, Ineligible::Exhausted));
}
