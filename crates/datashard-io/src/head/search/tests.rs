//! The search against a chain of files that a list of numbers stands for.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Rounds and questions of one search.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cost {
    rounds: u32,
    probes: usize,
}

/// Runs a search to its end; `exists` is told the number of the question.
fn run(mut search: Search, mut exists: impl FnMut(usize, u64) -> bool) -> (Option<u64>, Cost) {
    let mut cost = Cost::default();
    loop {
        let versions = match search.step() {
            Step::Newest(newest) => return (Some(newest), cost),
            Step::Nothing => return (None, cost),
            Step::Probe(versions) => versions,
        };
        assert!(!versions.is_empty(), "{search:?} asks for nothing");
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        assert!(versions[0] >= search.floor, "{versions:?} below the floor of {search:?}");
        cost.rounds += 1;
        assert!(cost.rounds < 64, "{search:?} does not end");
        let answers: Vec<_> = versions
            .into_iter()
            .map(|version| {
                cost.probes += 1;
                (version, exists(cost.probes, version))
            })
            .collect();
        search.answer(&answers);
    }
}

fn check(hint: Option<u64>, retired: u64, newest: u64, rounds: u32, probes: usize) {
    let (found, cost) = run(Search::new(hint, retired), |_, version| version <= newest);
    assert_eq!(found, (newest >= retired.max(1)).then_some(newest), "hint {hint:?}, retired {retired}");
    assert_eq!(cost, Cost { rounds, probes }, "hint {hint:?}, retired {retired}, newest {newest}");
}

#[test]
fn a_right_hint_costs_one_round_of_two() {
    for (hint, retired) in [(1, 0), (100_000, 0), (100_000, 99_000), (100_000, 100_000)] {
        check(Some(hint), retired, hint, 1, 2);
    }
}

#[test]
fn c02_a_hint_that_lags_costs_few_rounds() {
    check(Some(1_000), 0, 1_001, 2, 20);
    check(Some(1_000), 0, 1_100, 4, 61);
    check(Some(1_000), 0, 101_000, 5, 138);
}

#[test]
fn c03_a_hint_ahead_costs_few_rounds() {
    check(Some(1_001), 0, 1_000, 2, 23);
    check(Some(101_000), 0, 1_000, 4, 88);
    check(Some(u64::MAX - 1), 0, 100_000, 5, 203);
    check(Some(u64::MAX), 0, 1, 2, 84);
    check(Some(1_001), 1_000, 1_000, 2, 3);
}

#[test]
fn h04_a_lost_hint_costs_few_rounds() {
    check(None, 0, 1, 1, 2);
    check(None, 0, 100_000, 5, 138);
    check(None, 90_000, 100_000, 5, 104);
    check(None, 0, 1 << 40, 11, 348);
}

#[test]
fn an_empty_table_costs_one_round() {
    check(None, 0, 0, 1, 2);
    check(Some(5), 0, 0, 2, 6);
    check(None, 70, 0, 1, 2);
}

#[test]
fn numbers_at_their_end_do_not_overflow() {
    check(Some(u64::MAX), 0, u64::MAX, 1, 1);
    check(Some(u64::MAX), u64::MAX, u64::MAX, 1, 1);
    check(Some(u64::MAX - 1), 0, u64::MAX, 1, 2);
    let (found, _) = run(Search::new(Some(u64::MAX - 5), 0), |_, _| true);
    assert_eq!(found, Some(u64::MAX));
    let (found, _) = run(Search::above(u64::MAX), |_, _| true);
    assert_eq!(found, Some(u64::MAX));
}

#[test]
fn above_a_known_version_its_successor_is_asked_for_alone() {
    assert_eq!(Search::above(7).step(), Step::Probe(vec![8]));
    let (found, cost) = run(Search::above(7), |_, version| version <= 7);
    assert_eq!((found, cost), (Some(7), Cost { rounds: 1, probes: 1 }));
    let (found, cost) = run(Search::above(7), |_, version| version <= 107);
    assert_eq!((found, cost), (Some(107), Cost { rounds: 4, probes: 60 }));
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..20_u64, 0..2_000_u64, 0..300_000_u64, 0..u64::MAX / 2]
}

proptest! {
    /// Gaps, of any shape, lie below the boundary only.
    #[test]
    fn the_newest_is_found_whatever_the_hint(
        hint in proptest::option::of(prop_oneof![number(), Just(u64::MAX)]),
        retired in 0..60_u64,
        above in 0..300_000_u64,
        below in proptest::collection::btree_set(1..60_u64, 0..20),
    ) {
        let newest = retired.max(1) + above;
        let left: BTreeSet<u64> = below.into_iter().filter(|version| *version < retired).collect();
        let exists = |version| (retired.max(1)..=newest).contains(&version) || left.contains(&version);
        let (found, cost) = run(Search::new(hint, retired), |_, version| exists(version));
        prop_assert_eq!(found, Some(newest));
        prop_assert!(cost.rounds <= 7, "{:?}", cost);
        prop_assert!(cost.probes <= 210, "{:?}", cost);
    }

    #[test]
    fn any_distance_takes_rounds_by_its_logarithm(hint in number(), newest in number()) {
        let newest = newest.max(1);
        let (found, cost) = run(Search::new(Some(hint), 0), |_, version| version <= newest);
        prop_assert_eq!(found, Some(newest));
        let bits = u64::BITS - newest.abs_diff(hint).leading_zeros();
        // A round of 40 takes more than 5 bits of what is open.
        prop_assert!(cost.rounds <= 3 + bits.div_ceil(5), "{} bits, {:?}", bits, cost);
        prop_assert!(cost.probes <= 2 + 83 + 40 * 13, "{:?}", cost);
    }

    /// `created[i]` versions appear after question i.
    #[test]
    fn versions_created_during_the_search_do_not_mislead_it(
        hint in proptest::option::of(0..3_000_u64),
        retired in 0..1_000_u64,
        above in 0..2_000_u64,
        created in proptest::collection::vec(prop_oneof![4 => Just(0_u64), 2 => 1..3_u64, 1 => 1..500_u64], 0..200),
    ) {
        let before = retired.max(1) + above;
        let mut newest = before;
        let (found, _) = run(Search::new(hint, retired), |question, version| {
            let exists = version <= newest;
            newest += created.get(question).copied().unwrap_or(0);
            exists
        });
        let found = found.unwrap();
        prop_assert!(before <= found && found <= newest, "{before} <= {found} <= {newest}");
    }

    /// Answers of one round arrive in any order: what matters is when each question was looked at.
    #[test]
    fn a_table_that_is_created_during_the_search_is_found_or_not(
        hint in proptest::option::of(0..50_u64),
        at in 0..60_usize,
        size in 1..30_u64,
    ) {
        let mut asked = 0;
        let (found, _) = run(Search::new(hint, 0), |question, version| {
            asked = question;
            question > at && version <= size
        });
        match found {
            Some(found) => prop_assert!(found <= size && asked > at),
            None => prop_assert!(hint.is_some() || at >= 1),
        }
    }
}
