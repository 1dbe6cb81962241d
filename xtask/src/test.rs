//! `cargo xtask test`: all that must pass before a commit, cheapest first, the tests last.
//!
//! Everything that builds the whole workspace uses one feature set (`--workspace --all-features`), so that clippy, docs and
//! tests share what is compiled. What needs other feature sets (a crate alone, a combination of features) is only checked, never
//! built; cargo keeps its artefacts beside the others, so a second run finds both warm.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Outcome, expect_no_arguments, fuzz, process, tidy};

/// The crate that users may take without its default features, and the combinations that are checked.
const FEATURED_CRATE: &str = "datashard-spec";
const COMBINATIONS: [&str; 5] = ["", "avro", "avro,zstd", "puffin", "puffin,zstd"];

/// One step: what it is called and what it does.
#[derive(Debug, PartialEq)]
struct Step {
    name: String,
    what: What,
    environment: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, PartialEq)]
enum What {
    /// The rules of the workspace, checked in this process.
    Tidy,
    /// Every fuzz target on each of its seeds.
    FuzzSeeds,
    /// Cargo with these arguments.
    Cargo(Vec<String>),
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    expect_no_arguments("test", arguments)?;
    let crates = tidy::published_crates(root)?;
    let steps = steps(&crates, root.join("fuzz/Cargo.toml").exists());
    let begun = now();
    let last = steps.len();
    for (number, step) in (1..).zip(&steps) {
        // The tests' own summary ends the output, so the time of the steps before them is told here.
        if number == last {
            println!("== all checks before the tests: {}", seconds(begun.elapsed()));
        }
        println!("== {number}/{last} {}", step.name);
        let step_begun = now();
        let outcome = match &step.what {
            What::Tidy => tidy::run(root, &[]),
            What::FuzzSeeds => fuzz::replay(root),
            What::Cargo(arguments) => process::run(&mut command(root, step, arguments)),
        };
        let took = seconds(step_begun.elapsed());
        outcome.map_err(|message| {
            format!("step {number}/{last} ({}) failed after {took}: {message}", step.name)
        })?;
        if number != last {
            println!("== {number}/{last} {}: {took}", step.name);
        }
    }
    Ok(())
}

/// All steps in the order they run.
fn steps(crates: &[String], with_fuzz: bool) -> Vec<Step> {
    let mut steps = vec![
        step("format", "fmt --all --check"),
        Step { name: "tidy".to_owned(), what: What::Tidy, environment: Vec::new() },
    ];
    if with_fuzz {
        steps.push(step("format of fuzz", "fmt --manifest-path fuzz/Cargo.toml --check"));
    }
    steps.push(step("clippy", "clippy --workspace --all-features --all-targets -- -D warnings"));
    for features in COMBINATIONS {
        let name = if features.is_empty() { "no features" } else { features };
        let features = if features.is_empty() { String::new() } else { format!(" --features {features}") };
        steps.push(step(
            &format!("{FEATURED_CRATE} with {name}"),
            &format!("clippy -p {FEATURED_CRATE} --no-default-features{features} -- -D warnings"),
        ));
    }
    for name in crates {
        steps.push(step(&format!("{name} alone"), &format!("check -p {name}")));
    }
    if with_fuzz {
        let name = "seeds of the fuzz targets".to_owned();
        steps.push(Step { name, what: What::FuzzSeeds, environment: Vec::new() });
    }
    let mut docs = step("documentation", "doc --no-deps --workspace --all-features");
    docs.environment.push(("RUSTDOCFLAGS", "-D warnings"));
    steps.push(docs);
    steps.push(step("tests", "test --workspace --all-features --no-fail-fast"));
    steps
}

fn step(name: &str, cargo: &str) -> Step {
    Step {
        name: name.to_owned(),
        what: What::Cargo(cargo.split_whitespace().map(str::to_owned).collect()),
        environment: Vec::new(),
    }
}

fn command(root: &Path, step: &Step, arguments: &[String]) -> Command {
    let mut command = process::cargo(root);
    command.args(arguments).envs(step.environment.iter().copied());
    command
}

#[expect(clippy::disallowed_methods, reason = "times of steps for the terminal; nothing is replayed here")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(with_fuzz: bool) -> Vec<String> {
        steps(&["a".to_owned(), "b".to_owned()], with_fuzz).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn format_comes_first_and_tests_last() {
        let names = names(true);
        assert_eq!(names.first().unwrap(), "format");
        assert_eq!(names.last().unwrap(), "tests");
    }

    #[test]
    fn every_crate_is_checked_alone() {
        let names = names(false);
        assert!(names.contains(&"a alone".to_owned()) && names.contains(&"b alone".to_owned()), "{names:?}");
    }

    #[test]
    fn fuzz_targets_are_replayed_where_they_exist() {
        let has_fuzz = |names: Vec<String>| names.iter().any(|name| name.contains("fuzz"));
        assert!(has_fuzz(names(true)));
        assert!(!has_fuzz(names(false)));
    }

    fn arguments(step: &Step) -> &[String] {
        match &step.what {
            What::Cargo(arguments) => arguments,
            What::Tidy | What::FuzzSeeds => &[],
        }
    }

    #[test]
    fn warnings_fail_wherever_clippy_or_rustdoc_runs() {
        for step in steps(&[], true) {
            let denied = arguments(&step).ends_with(&["-D".to_owned(), "warnings".to_owned()])
                || step.environment.contains(&("RUSTDOCFLAGS", "-D warnings"));
            let must = arguments(&step).first().is_some_and(|verb| verb == "clippy" || verb == "doc");
            assert_eq!(denied, must, "{step:?}");
        }
    }

    #[test]
    fn all_but_the_rules_and_the_seeds_is_cargo() {
        let own: Vec<String> = steps(&[], true)
            .into_iter()
            .filter(|step| arguments(step).is_empty())
            .map(|step| step.name)
            .collect();
        assert_eq!(own, ["tidy", "seeds of the fuzz targets"]);
    }

    #[test]
    fn no_features_means_no_feature_argument() {
        let steps = steps(&[], false);
        let step = steps.iter().find(|step| step.name.ends_with("no features")).unwrap();
        assert!(!arguments(step).contains(&"--features".to_owned()), "{step:?}");
    }
}
