//! The model in settings that are explored in seconds: the rules hold, and without any one of them something goes wrong.
#![expect(clippy::expect_used, reason = "a setting that is none fails the test")]

mod dropped_rules;
mod files;
mod settings;
mod walks;

use datashard_model::{Commits, Explored, Setting, explore};
use datashard_txn::Mutation;

/// More than any setting here comes to.
const MOST_TRANSITIONS: usize = 3_000_000;

fn setting(text: &str) -> Setting {
    text.parse().expect("a setting")
}

/// All states of a setting.
fn explored(text: &str) -> Explored {
    let found = explore(Commits::new(setting(text)), MOST_TRANSITIONS, false);
    assert!(found.is_complete || !found.violated.is_empty(), "{text} is too large: {}", found.transitions);
    found
}

/// States of a setting without a rule, up to the first violation.
fn explored_without(text: &str, mutation: Mutation) -> Explored {
    explore(Commits::new(setting(text).without(Some(mutation))), MOST_TRANSITIONS, true)
}

/// Names of properties as they begin: `R1`.
fn short(names: &[&'static str]) -> Vec<&'static str> {
    names.iter().map(|name| name.split(' ').next().unwrap_or(name)).collect()
}
