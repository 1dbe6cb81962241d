//! The commit state as text: round trips, damage at every byte, hostile values.

use std::collections::BTreeMap;

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::protocol::{COMMIT_STATE, ChainHash, SessionEntry, StateError};

const VERSION: u64 = 41;

/// A small state with everything in it, and its text.
fn sample() -> (CommitState, String) {
    let mut state = CommitState::new(Generation(0xfe));
    state.commit = CommitId(0x1234);
    state.parent = CommitId(u128::MAX);
    (state.intent_floor, state.file_floor) = (v(39), v(41));
    let entry = SessionEntry { last: 3, version: v(40), chain: ChainHash(0xabc) };
    state.sessions.insert(session(0x77), entry);
    state.apps.insert("load \"x\"".to_owned(), 12);
    let text = state.to_text();
    (state, text)
}

fn parse(text: &str) -> Result<CommitState, StateError> {
    CommitState::parse(text, v(VERSION))
}

#[test]
fn the_text_is_what_the_protocol_writes_down() {
    let (state, text) = sample();
    let expect = concat!(
        r#"{"p":1,"gen":"000000000000000000000000000000fe","i":"00000000000000000000000000001234","#,
        r#""pi":"ffffffffffffffffffffffffffffffff","f":39,"g":41,"#,
        r#""s":{"0000000000000077":[3,40,"0000000000000abc"]},"a":{"load \"x\"":12}}"#
    );
    assert_eq!(text, expect);
    assert_eq!(parse(&text).unwrap(), state);
}

#[test]
fn f1_a_text_cut_anywhere_is_damaged() {
    let (_, text) = sample();
    for end in 0..text.len() {
        let cut = text.get(..end).unwrap();
        assert!(matches!(parse(cut), Err(StateError::Damaged { .. })), "{cut}");
    }
}

/// Whatever a changed byte leaves is either refused or another well-formed state, which reads back as itself.
#[test]
fn f2_a_changed_byte_is_damage_or_another_state() {
    let (_, text) = sample();
    for place in 0..text.len() {
        for byte in
            [b'0', b'9', b'f', b'g', b'"', b'{', b'}', b'[', b',', b':', b'-', b'.', b' ', b'\\', 0, 0x7f]
        {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            if let Ok(state) = parse(&changed) {
                assert_eq!(parse(&state.to_text()), Ok(state), "{changed}");
            }
        }
    }
}

#[test]
fn f3_f10_hostile_values_are_damaged() {
    let (_, text) = sample();
    let cases = [
        ("\"f\":39", "\"f\":42"),
        ("\"g\":41", "\"g\":42"),
        ("\"f\":39", "\"f\":41"),
        ("\"f\":39", "\"f\":-1"),
        ("\"f\":39", "\"f\":39.5"),
        ("\"f\":39", "\"f\":\"39\""),
        ("\"f\":39", "\"f\":18446744073709551616"),
        ("\"f\":39", "\"f\":1e400"),
        ("\"f\":39,", ""),
        ("\"f\":39", "\"f\":39,\"f\":39"),
        ("\"f\":39", "\"f\":39,\"x\":1"),
        ("[3,40,", "[0,40,"),
        ("[3,40,", "[3,42,"),
        ("[3,40,", "[3,38,"),
        ("[3,40,", "[-3,40,"),
        ("[3,40,", "[3,40,1,"),
        ("[3,40,", "[3,"),
        ("0000000000000077", "77"),
        ("0000000000000077", "00000000000000777"),
        ("0000000000000077", "000000000000007G"),
        ("0000000000000077", "000000000000007A"),
        ("0000000000000077", "+000000000000077"),
        ("0000000000000077", "00000000000000é"),
        ("0000000000000abc", "abc"),
        ("000000000000000000000000000000fe", "fe"),
        ("00000000000000000000000000001234", ""),
        ("ffffffffffffffffffffffffffffffff", "fffffffffffffffffffffffffffffffff"),
        ("\":12", "\":-12"),
        ("\":12", "\":null"),
        // One name twice: which of the two counts is anybody's guess.
        ("\"a\":{", "\"a\":{\"load \\\"x\\\"\":13,"),
        ("\"s\":{", "\"s\":{\"0000000000000077\":[2,40,\"0000000000000abc\"],"),
        ("{\"p\":1", "[{\"p\":1"),
        ("\"p\":1", "\"p\":1.0"),
        ("\"p\":1,", ""),
    ];
    for (from, to) in cases {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(matches!(parse(&changed), Err(StateError::Damaged { .. })), "{changed}");
    }
    for other in ["", " ", "null", "1", "[]", "{}", "\u{feff}{}", &format!("{text} x"), &"[".repeat(100_000)]
    {
        assert!(matches!(parse(other), Err(StateError::Damaged { .. })), "{other:.40}");
    }
}

#[test]
fn a_later_protocol_is_named_even_if_nothing_else_is_understood() {
    for text in ["{\"p\":2}", "{\"p\":2,\"new\":{\"x\":[1]}}"] {
        let error = parse(text).unwrap_err();
        assert_eq!(error, StateError::Protocol { found: 2 });
        assert!(error.to_string().contains("protocol 2"), "{error}");
    }
    assert_eq!(parse("{\"p\":0}"), Err(StateError::Protocol { found: 0 }));
}

#[test]
fn f4_a_text_beyond_all_measure_is_refused_unread() {
    let text = " ".repeat((8 << 20) + 1);
    let StateError::Damaged { reason } = parse(&text).unwrap_err() else { panic!("damaged") };
    assert!(reason.contains("8388609 bytes"), "{reason}");
}

#[test]
fn the_state_is_one_table_property() {
    let (state, text) = sample();
    let mut properties = BTreeMap::from([("owner".to_owned(), "x".to_owned())]);
    assert_eq!(CommitState::of_properties(&properties, v(VERSION)), Ok(None));
    properties.insert(COMMIT_STATE.to_owned(), text);
    assert_eq!(CommitState::of_properties(&properties, v(VERSION)), Ok(Some(state)));
    properties.insert(COMMIT_STATE.to_owned(), String::new());
    assert!(CommitState::of_properties(&properties, v(VERSION)).is_err());
}

/// A state is of the version that carries it: as of an older one it speaks of what is not there yet.
#[test]
fn a_state_on_an_older_version_is_damaged() {
    let (_, text) = sample();
    assert!(CommitState::parse(&text, v(VERSION + 100)).is_ok());
    assert!(CommitState::parse(&text, v(VERSION - 1)).is_err());
}

fn any_state() -> impl Strategy<Value = CommitState> {
    let entry = (1..=u64::MAX, 0..=VERSION, any::<u64>());
    let sessions = btree_map(any::<u64>(), entry, 0..20);
    let apps = btree_map(".{0,8}", any::<u64>(), 0..5);
    (any::<[u128; 3]>(), 0..=VERSION, 0..=VERSION, sessions, apps).prop_map(
        |([generation, commit, parent], intent_floor, file_floor, sessions, apps)| {
            let mut state = CommitState::new(Generation(generation));
            (state.commit, state.parent) = (CommitId(commit), CommitId(parent));
            (state.intent_floor, state.file_floor) = (v(intent_floor), v(file_floor));
            state.apps = apps;
            state.sessions = sessions
                .into_iter()
                .filter(|(_, (_, version, _))| *version >= intent_floor)
                .map(|(id, (last, version, chain))| {
                    (session(id), SessionEntry { last, version: v(version), chain: ChainHash(chain) })
                })
                .collect();
            state
        },
    )
}

proptest! {
    #[test]
    fn every_state_reads_back_as_it_was(state in any_state()) {
        prop_assert_eq!(parse(&state.to_text()), Ok(state));
    }

    #[test]
    fn f2_no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn f2_no_value_makes_it_panic(place in any::<prop::sample::Index>(), value in "[0-9a-f\\[\\]{}\",:eE.+-]{0,6}") {
        let (_, text) = sample();
        let place = place.index(text.len());
        let (before, after) = text.split_at(place);
        let changed = format!("{before}{value}{after}");
        if let Ok(state) = parse(&changed) {
            prop_assert_eq!(parse(&state.to_text()), Ok(state));
        }
    }
}
