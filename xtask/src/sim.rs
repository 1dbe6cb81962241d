//! `cargo xtask sim --seeds N --from S [--mutation NAME]`: simulated worlds of the commit protocol, more of them than the tests run.

use std::path::Path;

use crate::{Outcome, process};

/// The test that runs what the environment asks for.
const TEST: &str = "seeds::seeds_asked_for_hold_what_was_promised";

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    let wanted = Wanted::parse(arguments)?;
    let mut cargo = process::cargo(root);
    cargo.args([
        "test",
        "--release",
        "-p",
        "datashard-txn",
        "--features",
        "mutations",
        "--test",
        "sim",
        "--",
    ]);
    cargo.args(["--exact", TEST, "--nocapture"]);
    cargo
        .env("DATASHARD_SIM_FROM", wanted.from.to_string())
        .env("DATASHARD_SIM_SEEDS", wanted.seeds.to_string());
    if let Some(mutation) = wanted.mutation {
        cargo.env("DATASHARD_SIM_MUTATION", mutation);
    }
    process::run(&mut cargo)
}

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    from: u64,
    seeds: u64,
    mutation: Option<String>,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut wanted = Self { from: 0, seeds: 10_000, mutation: None };
        let mut left = arguments.iter();
        while let Some(name) = left.next() {
            let value = left.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            let number = || value.parse().map_err(|_| format!("`{name}` needs a number, not `{value}`"));
            match name.as_str() {
                "--from" => wanted.from = number()?,
                "--seeds" => wanted.seeds = number()?,
                "--mutation" => wanted.mutation = Some(value.clone()),
                other => return Err(format!("`sim` does not know `{other}`")),
            }
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Wanted, String> {
        Wanted::parse(&arguments.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_understood_in_any_order() {
        assert_eq!(parse(""), Ok(Wanted { from: 0, seeds: 10_000, mutation: None }));
        let expected = Wanted { from: 7, seeds: 1, mutation: Some("no-history".to_owned()) };
        assert_eq!(parse("--mutation no-history --from 7 --seeds 1"), Ok(expected));
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert!(parse("--from x").unwrap_err().contains("`x`"));
        assert!(parse("--seeds").unwrap_err().contains("--seeds"));
        assert!(parse("--seed 1").unwrap_err().contains("`--seed`"));
    }
}
