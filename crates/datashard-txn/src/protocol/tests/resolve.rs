//! [`resolve`] and [`look_back`]: what presence and absence prove, and where they prove nothing.

use super::*;
use crate::protocol::{
    AppKey, ChainHash, Found, LookBack, Pending, SessionEntry, Standing, look_back, resolve,
};

const MINE: SessionId = SessionId(0xa);
const TAG: OperationTag = OperationTag(1);
const CLONES: OperationTag = OperationTag(2);
const GO_ON: Standing = Standing::Uncommitted { new_session: false };
const ANEW: Standing = Standing::Uncommitted { new_session: true };

/// The first operation of the session, not committed as of version 5.
fn pending() -> Pending {
    let mut pending = Pending::new(MINE, 1, ChainHash::default(), TAG);
    pending.known_uncommitted(v(5), Some(&CommitState::new(GENERATION)), GENERATION);
    pending
}

/// A state with this floor, and this entry of the session: number, version and the tags of its operations.
fn state(floor: u64, entry: Option<(u64, u64, &[OperationTag])>) -> CommitState {
    let mut state = CommitState::new(GENERATION);
    state.intent_floor = v(floor);
    if let Some((last, version, tags)) = entry {
        let chain = tags.iter().fold(ChainHash::default(), |chain, tag| chain.then(*tag));
        state.sessions.insert(MINE, SessionEntry { last, version: v(version), chain });
    }
    state
}

fn as_of_nine(pending: &Pending, state: &CommitState) -> Standing {
    resolve(pending, v(9), Some(state), Limits::default())
}

fn committed_in(version: u64) -> Found {
    Found::Session { version: v(version) }
}

#[test]
fn b1_b2_b5_the_entry_proves_that_it_is_committed_whatever_the_floor() {
    for floor in [0, 6, 7] {
        let found = as_of_nine(&pending(), &state(floor, Some((1, 7, &[TAG]))));
        assert_eq!(found, Standing::Committed(committed_in(7)));
    }
}

#[test]
fn r5_absence_proves_up_to_the_floor_that_has_not_passed() {
    for (floor, expect) in [(0, GO_ON), (6, GO_ON), (7, Standing::AskHistory), (9, Standing::AskHistory)] {
        assert_eq!(as_of_nine(&pending(), &state(floor, None)), expect, "floor {floor}");
    }
}

#[test]
fn r5_a_session_that_was_dropped_and_began_long_ago_begins_anew() {
    let chain = ChainHash::default().then(OperationTag(3));
    let mut second = Pending::new(MINE, 2, chain, TAG);
    second.known_uncommitted(v(5), Some(&state(0, Some((1, 3, &[OperationTag(3)])))), GENERATION);
    assert_eq!(as_of_nine(&second, &state(0, Some((1, 3, &[OperationTag(3)])))), GO_ON);
    assert_eq!(as_of_nine(&second, &state(6, None)), ANEW);
}

#[test]
fn an_operation_never_sent_needs_no_proof() {
    let new = Pending::new(MINE, 1, ChainHash::default(), TAG);
    assert_eq!(as_of_nine(&new, &state(9, None)), GO_ON);
    assert_eq!(resolve(&new, v(9), None, Limits::default()), GO_ON);
    // A session of which there is nothing, one that is elsewhere, one that a clone has used.
    let chain = ChainHash::default().then(TAG);
    let second = Pending::new(MINE, 2, chain, OperationTag(5));
    assert_eq!(as_of_nine(&second, &state(9, None)), ANEW);
    assert_eq!(as_of_nine(&second, &state(9, Some((2, 9, &[TAG, CLONES])))), ANEW);
    assert_eq!(as_of_nine(&second, &state(9, Some((1, 9, &[CLONES])))), ANEW);
    assert_eq!(as_of_nine(&second, &state(9, Some((1, 9, &[TAG])))), GO_ON);
}

#[test]
fn d16_a_clones_entry_proves_only_while_the_floor_has_not_passed() {
    let entry: Option<(u64, u64, &[OperationTag])> = Some((1, 9, &[CLONES]));
    assert_eq!(as_of_nine(&pending(), &state(6, entry)), ANEW);
    // The own entry may have been dropped before the clone began anew with number 1.
    assert_eq!(as_of_nine(&pending(), &state(7, entry)), Standing::AskHistory);
    assert_eq!(look_back(&pending(), v(8), Some(&state(6, entry))), LookBack::Uncommitted);
    assert_eq!(look_back(&pending(), v(8), Some(&state(7, entry))), LookBack::Older);
}

#[test]
fn d16_only_history_knows_whose_a_number_was_that_the_session_is_beyond() {
    let beyond = state(0, Some((2, 8, &[CLONES, CLONES])));
    assert_eq!(as_of_nine(&pending(), &beyond), Standing::AskHistory);
    assert_eq!(look_back(&pending(), v(8), Some(&beyond)), LookBack::Older);
    // Version 6 has the clone's operation under the number: that settles it for good.
    let taken = state(0, Some((1, 6, &[CLONES])));
    let mut pending = pending();
    assert_eq!(look_back(&pending, v(6), Some(&taken)), LookBack::Uncommitted);
    pending.known_uncommitted(v(6), Some(&taken), GENERATION);
    assert!(pending.number_taken);
    assert_eq!(as_of_nine(&pending, &beyond), ANEW);
    assert_eq!(as_of_nine(&pending, &state(9, None)), ANEW);
    assert!(!pending.in_new_session(SessionId(1), TAG).number_taken);
}

#[test]
fn history_is_asked_downwards_until_a_version_tells() {
    assert_eq!(look_back(&pending(), v(8), Some(&state(8, None))), LookBack::Older);
    assert_eq!(look_back(&pending(), v(7), Some(&state(6, None))), LookBack::Uncommitted);
    let found = look_back(&pending(), v(7), Some(&state(7, Some((1, 7, &[TAG])))));
    assert_eq!(found, LookBack::Committed(committed_in(7)));
    let never_sent = Pending::new(MINE, 1, ChainHash::default(), TAG);
    assert_eq!(look_back(&never_sent, v(8), Some(&state(0, None))), LookBack::Older);
}

#[test]
fn r6_a_key_decides_alone() {
    let keyed = pending().with_key(Some(AppKey::new("load", 3)));
    let mut applied = state(9, None);
    applied.apps.insert("load".to_owned(), 4);
    assert_eq!(as_of_nine(&keyed, &applied), Standing::Committed(Found::Key));
    assert_eq!(look_back(&keyed, v(8), Some(&applied)), LookBack::Committed(Found::Key));
    applied.apps.insert("load".to_owned(), 2);
    assert_eq!(as_of_nine(&keyed, &applied), GO_ON);
    assert_eq!(look_back(&keyed, v(8), Some(&applied)), LookBack::Uncommitted);
    let mut beyond = state(9, Some((2, 9, &[CLONES, CLONES])));
    beyond.apps.insert("load".to_owned(), 2);
    assert_eq!(as_of_nine(&keyed, &beyond), ANEW);
    // Before it is sent, too: another process may have applied it.
    let new = Pending::new(MINE, 1, ChainHash::default(), TAG).with_key(Some(AppKey::new("load", 2)));
    assert_eq!(as_of_nine(&new, &applied), Standing::Committed(Found::Key));
}

#[test]
fn r9_lost_state_leaves_an_operation_unknown() {
    let other = CommitState::new(Generation(8));
    for later in [Some(&other), None] {
        assert_eq!(resolve(&pending(), v(6), later, Limits::default()), Standing::Unknown);
        assert_eq!(resolve(&pending(), v(9), later, Limits::default()), Standing::Unknown);
        assert_eq!(look_back(&pending(), v(8), later), LookBack::Older);
    }
}

/// The operation was sent to the one slot in which its generation could have begun.
#[test]
fn r9_d3_whoever_loses_the_founding_slot_begins_anew() {
    let mut founder = Pending::new(MINE, 1, ChainHash::default(), TAG);
    founder.known_uncommitted(v(0), None, GENERATION);
    let limits = Limits::default();
    assert_eq!(resolve(&founder, v(0), None, limits), GO_ON);
    let own = advance(None, 0, &[Member::direct(MINE, 1, TAG)], limits).unwrap().state;
    assert_eq!(resolve(&founder, v(1), Some(&own), limits), Standing::Committed(committed_in(1)));
    let others = CommitState::new(Generation(8));
    assert_eq!(resolve(&founder, v(1), Some(&others), limits), ANEW);
    assert_eq!(resolve(&founder, v(2), Some(&others), limits), Standing::AskHistory);
    assert_eq!(look_back(&founder, v(1), Some(&others)), LookBack::Uncommitted);
    assert_eq!(look_back(&founder, v(2), Some(&others)), LookBack::Older);
    founder.known_uncommitted(v(1), Some(&others), GENERATION);
    assert_eq!(resolve(&founder, v(2), Some(&others), limits), GO_ON);
}

#[test]
fn numbers_at_their_end_do_not_wrap() {
    let mut last = Pending::new(MINE, u64::MAX, ChainHash::default(), TAG);
    last.known_uncommitted(v(u64::MAX), Some(&state(0, None)), GENERATION);
    assert_eq!(resolve(&last, v(u64::MAX), Some(&state(0, None)), Limits::default()), ANEW);
    let full = state(0, Some((u64::MAX, 9, &[CLONES])));
    let new = Pending::new(MINE, 0, ChainHash::default().then(CLONES), TAG);
    assert_eq!(as_of_nine(&new, &full), ANEW);
}
