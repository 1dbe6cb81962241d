//! `cargo xtask bench [name] [-- arguments]`: the benchmarks of `benches/`, which end up in `target/criterion`.

use std::path::Path;

use crate::{Outcome, process};

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    process::run(process::cargo(root).args(cargo_arguments(arguments)?))
}

/// What cargo is told: a leading name picks one benchmark, what follows `--` goes to criterion.
fn cargo_arguments(arguments: &[String]) -> Result<Vec<String>, String> {
    let (name, rest) = match arguments.split_first() {
        Some((first, rest)) if !first.starts_with('-') => (Some(first), rest),
        _ => (None, arguments),
    };
    if let Some(first) = rest.first().filter(|first| *first != "--") {
        return Err(format!("`bench` does not know `{first}`; arguments for criterion follow `--`"));
    }
    let mut cargo: Vec<String> = ["bench", "-p", "datashard-benches"].map(str::to_owned).into();
    match name {
        Some(name) => cargo.extend(["--bench".to_owned(), name.clone()]),
        None => cargo.push("--benches".to_owned()),
    }
    cargo.extend(rest.iter().cloned());
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &str, expect: Result<&str, &str>) {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        match (cargo_arguments(&arguments), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found.join(" "), expect),
            (Err(found), Err(expect)) => assert!(found.contains(expect), "{found}"),
            (found, expect) => panic!("found {found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn arguments_reach_cargo_and_criterion() {
        check("", Ok("bench -p datashard-benches --benches"));
        check("manifest", Ok("bench -p datashard-benches --bench manifest"));
        check("manifest -- --quick", Ok("bench -p datashard-benches --bench manifest -- --quick"));
        check("-- --quick", Ok("bench -p datashard-benches --benches -- --quick"));
        check("--quick", Err("--quick"));
        check("manifest metadata", Err("metadata"));
    }
}
