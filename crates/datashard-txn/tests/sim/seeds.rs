//! Many seeds, and those that once failed.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use datashard_txn::Rules;

use crate::world::{Outcome, run};

/// Failures that are told of one run; the run then ends.
const MOST: usize = 10;

/// Runs so many seeds. Gives what came of them, and the first failures.
fn run_all(from: u64, seeds: u64, rules: Rules) -> (Outcome, Vec<(u64, String)>) {
    let next = AtomicU64::new(from);
    let results = Mutex::new((Outcome::default(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed - from >= seeds || results.lock().unwrap().1.len() >= MOST {
                return;
            }
            let outcome = run(seed, rules);
            let mut results = results.lock().unwrap();
            match outcome {
                Ok(outcome) => results.0 += outcome,
                Err(what) => results.1.push((seed, what)),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(work);
        }
    });
    let (outcome, mut failures) = results.into_inner().unwrap();
    failures.sort();
    (outcome, failures)
}

fn expect_none(failures: &[(u64, String)]) {
    for (seed, what) in failures {
        eprintln!("{what}\nreplay: cargo xtask sim --seeds 1 --from {seed}\n");
    }
    assert!(
        failures.is_empty(),
        "{} worlds failed: {:?}",
        failures.len(),
        failures.iter().map(|(seed, _)| seed).collect::<Vec<_>>()
    );
}

#[test]
fn a_thousand_worlds_hold_what_was_promised() {
    let (all, failures) = run_all(0, 1_000, Rules::all());
    expect_none(&failures);
    println!("{all:?}");
    // What is to be survived does happen.
    assert!(all.committed > 10_000 && all.failed > 500 && all.unclear > 100, "{all:?}");
    assert!(all.duplicates > 100 && all.retired > 1_000 && all.reads > 1_000 && all.forgotten > 0, "{all:?}");
    assert!(all.swept > 1_000, "{all:?}");
}

/// The seeds that the environment asks for, as `cargo xtask sim` does; without it a few that no other test has. Under a mutation, what is
/// expected is that it is noticed.
#[test]
fn seeds_asked_for_hold_what_was_promised() {
    let asked = |name: &str| std::env::var(format!("DATASHARD_SIM_{name}")).ok();
    let number =
        |name: &str, otherwise: u64| asked(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let from = number("FROM", 1_000);
    let rules = asked("MUTATION").map(|name| without(&name));
    let (all, failures) = run_all(from, number("SEEDS", 10), rules.unwrap_or_default());
    println!("{all:?}");
    match (rules, failures.first()) {
        (None, _) => expect_none(&failures),
        (Some(_), Some((_, what))) => println!("noticed: {what}"),
        (Some(_), None) => panic!("the mutation went unnoticed"),
    }
}

#[cfg(feature = "mutations")]
fn without(name: &str) -> Rules {
    let names = datashard_txn::Mutation::ALL.map(|(name, _)| name);
    Rules::without(
        datashard_txn::Mutation::by_name(name).unwrap_or_else(|| panic!("`{name}` is none of {names:?}")),
    )
}

#[cfg(not(feature = "mutations"))]
fn without(name: &str) -> Rules {
    panic!("`{name}` needs the feature `mutations`")
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in [3, 17, 40] {
        let trace = || run(seed, Rules::all()).unwrap().trace;
        assert_eq!(trace(), trace(), "seed {seed}");
    }
}
