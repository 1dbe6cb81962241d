//! Many seeds, and those that once failed.

use datashard_txn::Rules;

use crate::world::{Outcome, run};

/// Runs these seeds; the first that fails ends it.
fn run_all(seeds: impl Iterator<Item = u64>) -> Outcome {
    let mut all = Outcome::default();
    for seed in seeds {
        match run(seed, Rules::all()) {
            Ok(outcome) => all += outcome,
            Err(what) => panic!("{what}\nreplay: cargo xtask sim --from {seed} --seeds 1"),
        }
    }
    all
}

#[test]
fn a_thousand_worlds_hold_what_was_promised() {
    let all = run_all(0..1_000);
    println!("{all:?}");
}

/// The seeds that the environment asks for, as `cargo xtask sim` does; without it a few that no other test has.
#[test]
fn seeds_asked_for_hold_what_was_promised() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let from = number("DATASHARD_SIM_FROM", 1_000);
    let all = run_all(from..from + number("DATASHARD_SIM_SEEDS", 10));
    println!("{all:?}");
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in [3, 17, 40] {
        let trace = || run(seed, Rules::all()).unwrap().trace;
        assert_eq!(trace(), trace(), "seed {seed}");
    }
}
