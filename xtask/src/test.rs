//! `cargo xtask test`: all that must pass before a commit, cheapest first, the tests last.
//!
//! Everything that builds the whole workspace uses one feature set (`--workspace --all-features`), so that clippy, docs and
//! tests share what is compiled. What needs other feature sets (a crate alone, a combination of features) is only checked, never
//! built; cargo keeps its artefacts beside the others, so a second run finds both warm.
//!
//! The tests run with real stores beside them. What those need is installed early, so that a machine that cannot have them says so
//! in the first minute; they are started when all is compiled, and stopped whatever comes of the tests.

use std::path::Path;
use std::process::Command;

use crate::clock::{now, seconds};
use crate::{Outcome, fuzz, interop, process, stores, tidy};

/// The crates that users may take without their default features, and the combinations that are checked.
///
/// Those of a crate that use the same features of what it depends on stand together: cargo then checks little but the crate.
const COMBINATIONS: [(&str, &[&str]); 2] = [
    ("datashard-spec", &["", "avro", "avro,zstd", "puffin", "puffin,zstd"]),
    (
        "datashard-io",
        &["", "local", "conformance", "sim", "s3", "gcs", "azure", "arrow", "parquet", "avro-data", "orc"],
    ),
];

/// Leaves out the tests that need servers or other readers, for machines that cannot install them.
const WITHOUT_STORES: &str = "--without-stores";

const TESTS: &str = "test --workspace --all-features --no-fail-fast";

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
    /// The programs of the stores.
    InstallStores,
    /// The other implementations that read our data files.
    InstallReaders,
    /// Data files of ours, read by them.
    Interop,
    /// Cargo with these arguments.
    Cargo(Vec<String>),
    /// The same, while the stores run.
    CargoWithStores(Vec<String>),
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    let with_stores = parse(arguments)?;
    let crates = tidy::published_crates(root)?;
    let steps = steps(&crates, root.join("fuzz/Cargo.toml").exists(), with_stores);
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
            What::InstallStores => stores::install(root),
            What::InstallReaders => interop::install(root),
            What::Interop => interop::run(root, &[]),
            What::Cargo(arguments) => process::run(&mut command(root, step, arguments)),
            What::CargoWithStores(arguments) => stores::Session::begin(root).and_then(|session| {
                let mut command = command(root, step, arguments);
                command.envs(session.variables().iter().map(|(name, value)| (name, value)));
                process::run(command.env(stores::REQUIRE, "1"))
            }),
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

/// Whether the tests run with stores.
fn parse(arguments: &[String]) -> Result<bool, String> {
    match arguments {
        [] => Ok(true),
        [only] if only == WITHOUT_STORES => Ok(false),
        [first, ..] => Err(format!("`test` takes {WITHOUT_STORES} or nothing, found `{first}`")),
    }
}

/// All steps in the order they run.
fn steps(crates: &[String], with_fuzz: bool, with_stores: bool) -> Vec<Step> {
    let mut steps = vec![step("format", "fmt --all --check"), own("tidy", What::Tidy)];
    if with_stores {
        steps.push(own("programs of the stores", What::InstallStores));
        steps.push(own("other readers of data files", What::InstallReaders));
    }
    if with_fuzz {
        steps.push(step("format of fuzz", "fmt --manifest-path fuzz/Cargo.toml --check"));
    }
    steps.push(step("clippy", "clippy --workspace --all-features --all-targets -- -D warnings"));
    for (name, features) in COMBINATIONS.iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one)))
    {
        let shown = if features.is_empty() { "no features" } else { features };
        let features = if features.is_empty() { String::new() } else { format!(" --features {features}") };
        steps.push(step(
            &format!("{name} with {shown}"),
            &format!("clippy -p {name} --no-default-features{features} -- -D warnings"),
        ));
    }
    for name in crates {
        steps.push(step(&format!("{name} alone"), &format!("check -p {name}")));
    }
    if with_fuzz {
        steps.push(own("seeds of the fuzz targets", What::FuzzSeeds));
    }
    let mut docs = step("documentation", "doc --no-deps --workspace --all-features");
    docs.environment.push(("RUSTDOCFLAGS", "-D warnings"));
    steps.push(docs);
    steps.push(step("build of the tests", &format!("{TESTS} --no-run")));
    if with_stores {
        steps.push(own("data files read by others", What::Interop));
    }
    steps.push(own(
        "tests",
        if with_stores { What::CargoWithStores(words(TESTS)) } else { What::Cargo(words(TESTS)) },
    ));
    steps
}

fn step(name: &str, cargo: &str) -> Step {
    own(name, What::Cargo(words(cargo)))
}

fn own(name: &str, what: What) -> Step {
    Step { name: name.to_owned(), what, environment: Vec::new() }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn command(root: &Path, step: &Step, arguments: &[String]) -> Command {
    let mut command = process::cargo(root);
    command.args(arguments).envs(step.environment.iter().copied());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(with_fuzz: bool) -> Vec<String> {
        steps(&["a".to_owned(), "b".to_owned()], with_fuzz, true).into_iter().map(|step| step.name).collect()
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
            What::Cargo(arguments) | What::CargoWithStores(arguments) => arguments,
            What::Tidy | What::FuzzSeeds | What::InstallStores | What::InstallReaders | What::Interop => &[],
        }
    }

    #[test]
    fn warnings_fail_wherever_clippy_or_rustdoc_runs() {
        for step in steps(&[], true, true) {
            let denied = arguments(&step).ends_with(&["-D".to_owned(), "warnings".to_owned()])
                || step.environment.contains(&("RUSTDOCFLAGS", "-D warnings"));
            let must = arguments(&step).first().is_some_and(|verb| verb == "clippy" || verb == "doc");
            assert_eq!(denied, must, "{step:?}");
        }
    }

    #[test]
    fn all_but_the_rules_the_stores_and_the_seeds_is_cargo() {
        let own: Vec<String> = steps(&[], true, true)
            .into_iter()
            .filter(|step| arguments(step).is_empty())
            .map(|step| step.name)
            .collect();
        let expected = [
            "tidy",
            "programs of the stores",
            "other readers of data files",
            "seeds of the fuzz targets",
            "data files read by others",
        ];
        assert_eq!(own, expected);
    }

    #[test]
    fn no_features_means_no_feature_argument() {
        let steps = steps(&[], false, true);
        let step = steps.iter().find(|step| step.name.ends_with("no features")).unwrap();
        assert!(!arguments(step).contains(&"--features".to_owned()), "{step:?}");
    }

    #[test]
    fn each_feature_of_storage_is_checked_alone() {
        let names = names(false);
        for features in ["no features", "local", "s3", "gcs", "azure", "sim", "conformance", "parquet", "orc"]
        {
            assert!(names.contains(&format!("datashard-io with {features}")), "{features}: {names:?}");
        }
    }

    #[test]
    fn tests_run_with_stores_unless_told_otherwise() {
        assert_eq!(parse(&[]), Ok(true));
        assert_eq!(parse(&["--without-stores".to_owned()]), Ok(false));
        assert!(parse(&["--fast".to_owned()]).unwrap_err().contains("`--fast`"));
        let stores_in = |steps: Vec<Step>| {
            steps
                .iter()
                .filter(|step| matches!(step.what, What::InstallStores | What::CargoWithStores(_)))
                .count()
        };
        assert_eq!(stores_in(steps(&[], true, true)), 2);
        assert_eq!(stores_in(steps(&[], true, false)), 0);
        assert!(matches!(steps(&[], true, true).last().unwrap().what, What::CargoWithStores(_)));
    }
}
