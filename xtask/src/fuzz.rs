//! `cargo xtask fuzz <target>|all [--seconds N]`: libFuzzer on the stable toolchain.
//!
//! What cargo-fuzz would set on nightly is set here by hand: LLVM's coverage pass, counters the fuzzer reads, and comparisons
//! it learns from. Seeds come from `testdata` and from `fuzz/seeds/<target>`; what the fuzzer finds new goes to `fuzz/corpus/<target>`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, process};

const DEFAULT_SECONDS: u32 = 60;

const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// An input that takes longer than this, in seconds, or more memory, in MB, is a finding.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=2048"];

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    let (wanted, seconds) = parse(arguments)?;
    let known = targets(root)?;
    let chosen: Vec<&String> = known.iter().filter(|target| wanted == "all" || **target == wanted).collect();
    if chosen.is_empty() {
        return Err(format!("no fuzz target `{wanted}`; there are {}", known.join(", ")));
    }
    let host = host_triple(root)?;
    for target in chosen {
        build(root, target, &host)?;
        let seeds = collect_seeds(root, target)?;
        let corpus = root.join("fuzz/corpus").join(target);
        fs::create_dir_all(&corpus)
            .map_err(|error| format!("cannot create {}: {error}", corpus.display()))?;
        let artifacts = root.join("fuzz/artifacts").join(target);
        fs::create_dir_all(&artifacts)
            .map_err(|error| format!("cannot create {}: {error}", artifacts.display()))?;
        println!("== {target} for {seconds} s");
        let binary = root.join("fuzz/target").join(&host).join("release").join(target);
        process::run(
            Command::new(binary)
                .arg(format!("-max_total_time={seconds}"))
                .arg(format!("-artifact_prefix={}/", artifacts.display()))
                .args(LIMITS)
                .arg(corpus)
                .arg(seeds),
        )?;
    }
    Ok(())
}

/// Runs every target once on each of its seeds, without fuzzing: what once was a finding stays mended.
pub(crate) fn replay(root: &Path) -> Outcome {
    const BUILD: [&str; 5] =
        ["build", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz-replay"];
    process::run(process::cargo(root).args(BUILD))?;
    for target in targets(root)? {
        let mut seeds = Vec::new();
        files_below(&collect_seeds(root, &target)?, &mut seeds)?;
        if seeds.is_empty() {
            return Err(format!("fuzz target `{target}` has no seeds"));
        }
        let log = root.join("target/fuzz-seeds").join(format!("{target}.log"));
        let file =
            fs::File::create(&log).map_err(|error| format!("cannot create {}: {error}", log.display()))?;
        let binary = root.join("target/fuzz-replay/debug").join(&target);
        // libFuzzer names each input on the error stream; only the last one is of interest.
        let replayed = process::run(Command::new(binary).args(&seeds).stderr(file));
        if replayed.is_err() {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let end: Vec<&str> = text.lines().rev().take(30).collect();
            return Err(format!(
                "fuzz target `{target}` fails on the last input named here:\n{}",
                end.into_iter().rev().collect::<Vec<_>>().join("\n")
            ));
        }
    }
    Ok(())
}

/// Target (or `all`) and seconds for each.
fn parse(arguments: &[String]) -> Result<(String, u32), String> {
    let (mut target, mut seconds) = (None, DEFAULT_SECONDS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let value = rest.next().ok_or("--seconds wants a number")?;
            seconds = value.parse().map_err(|_| format!("--seconds wants a number, found `{value}`"))?;
        } else if argument.starts_with('-') || target.is_some() {
            return Err(format!("`fuzz` does not know `{argument}`"));
        } else {
            target = Some(argument.clone());
        }
    }
    Ok((target.ok_or("name a fuzz target, or `all`")?, seconds))
}

/// The binaries of the fuzz workspace.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    if !root.join("fuzz/Cargo.toml").exists() {
        return Err("there is no fuzz/Cargo.toml".to_owned());
    }
    let text = process::output(process::cargo(root).args([
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--manifest-path",
        "fuzz/Cargo.toml",
    ]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(binaries(&metadata))
}

fn binaries(metadata: &serde_json::Value) -> Vec<String> {
    let list = |value: &serde_json::Value, key: &str| -> Vec<serde_json::Value> {
        value.get(key).and_then(|found| found.as_array().cloned()).unwrap_or_default()
    };
    let mut names: Vec<String> = list(metadata, "packages")
        .iter()
        .flat_map(|package| list(package, "targets"))
        .filter(|target| list(target, "kind").iter().any(|kind| kind == "bin"))
        .filter_map(|target| target.get("name").and_then(|name| name.as_str()).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn build(root: &Path, target: &str, host: &str) -> Outcome {
    process::run(
        process::cargo(root)
            .env("RUSTFLAGS", COVERAGE)
            .args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "fuzz/target"])
            .args(["--bin", target, "--target", host]),
    )
}

/// The triple of this machine. Naming it keeps the coverage flags away from build scripts.
fn host_triple(root: &Path) -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = process::output(Command::new(rustc).arg("-vV").current_dir(root))?;
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "`rustc -vV` names no host".to_owned())
}

/// Copies the seeds of a target into one folder and returns it.
fn collect_seeds(root: &Path, target: &str) -> Result<PathBuf, String> {
    let folder = root.join("target/fuzz-seeds").join(target);
    // What is left from before may be seeds no more.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("cannot clear {}: {error}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let mut found = Vec::new();
    files_below(&root.join("testdata"), &mut found)?;
    found.retain(|path| is_seed(target, &path.to_string_lossy()));
    let own = root.join("fuzz/seeds").join(target);
    if own.exists() {
        files_below(&own, &mut found)?;
    }
    found.sort();
    for (number, path) in (0..).zip(&found) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let to = folder.join(format!("{number:04}-{name}"));
        fs::copy(path, &to).map_err(|error| format!("cannot copy {}: {error}", path.display()))?;
    }
    println!("== {target}: {} seeds", found.len());
    Ok(folder)
}

/// Whether a file of `testdata` is an input of the target.
fn is_seed(target: &str, path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let list = name.starts_with("snap-");
    let avro = name.ends_with(".avro") && folder.ends_with("/metadata");
    match target {
        "metadata_json" => name.ends_with(".metadata.json") && !name.ends_with(".gz.metadata.json"),
        "manifest_avro" => avro && !list,
        "manifest_list_avro" => avro && list,
        "deletion_vector" => name.ends_with(".puffin"),
        "avro_data" => name.ends_with(".avro") && !avro,
        "orc_data" => name.ends_with(".orc"),
        "parquet_data" => name.ends_with(".parquet"),
        _ => false,
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> Outcome {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("cannot list {}: {error}", folder.display()))?.path();
        if path.is_dir() {
            files_below(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &str, expect: Result<(&str, u32), &str>) {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        match (parse(&arguments), expect) {
            (Ok((target, seconds)), Ok(expect)) => assert_eq!((target.as_str(), seconds), expect),
            (Err(found), Err(expect)) => assert!(found.contains(expect), "{found}"),
            (found, expect) => panic!("found {found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn arguments_are_a_target_and_seconds() {
        check("metadata_json", Ok(("metadata_json", DEFAULT_SECONDS)));
        check("all --seconds 5", Ok(("all", 5)));
        check("--seconds 5 all", Ok(("all", 5)));
        check("", Err("name a fuzz target"));
        check("all --seconds", Err("wants a number"));
        check("all --seconds soon", Err("`soon`"));
        check("all more", Err("`more`"));
        check("--all", Err("`--all`"));
    }

    #[test]
    fn each_target_takes_its_own_files() {
        let files = [
            ("t/metadata/v1.metadata.json", "metadata_json"),
            ("t/metadata/0a1b-m0.avro", "manifest_avro"),
            ("t/metadata/0a1b.avro", "manifest_avro"),
            ("t/metadata/snap-1-1-0a1b.avro", "manifest_list_avro"),
            ("t/data/00000-dv.puffin", "deletion_vector"),
            ("t/metadata/v2.gz.metadata.json", ""),
            ("t/data/00000-0a1b.avro", ""),
            ("t/metadata/.v1.metadata.json.crc", ""),
            ("t/expected.json", ""),
        ];
        for (path, owner) in files {
            for target in
                ["metadata_json", "manifest_avro", "manifest_list_avro", "deletion_vector", "single_value"]
            {
                assert_eq!(is_seed(target, path), target == owner, "{target} and {path}");
            }
        }
    }

    #[test]
    fn only_binaries_are_targets() {
        let metadata = serde_json::json!({"packages": [{"targets": [
            {"name": "b", "kind": ["bin"]}, {"name": "l", "kind": ["lib"]}, {"name": "a", "kind": ["bin"]},
        ]}]});
        assert_eq!(binaries(&metadata), ["a", "b"]);
        assert!(binaries(&serde_json::json!({})).is_empty());
    }
}
