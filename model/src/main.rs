//! `datashard-model`: one run of the model, as `cargo xtask model` starts them; it prints what it found as lines of `key value`.
//!
//! - `list` names the full runs: `explore <setting> <transitions>` and `walk <setting> <seed> <walks>`.
//! - `explore <setting> <transitions> [mutation]` sees all states, up to so many transitions.
//! - `walk <setting> <seed> <walks> [mutation]` follows random ways.
#![expect(clippy::print_stdout, reason = "a tool for the terminal says what it found")]

use std::process::ExitCode;

use datashard_model::{Commits, Explored, Files, Setting, Unruly, Walked, explore, suite, walk};
use datashard_txn::Mutation;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["list"] => {
            list();
            Ok(true)
        }
        ["explore", setting, most] => explored(setting, most, None),
        ["explore", setting, most, mutation] => explored(setting, most, Some(mutation)),
        ["walk", setting, seed, walks] => walked(setting, seed, walks, None),
        ["walk", setting, seed, walks, mutation] => walked(setting, seed, walks, Some(mutation)),
        _ => Err(
            "list | explore <setting> <transitions> [mutation] | walk <setting> <seed> <walks> [mutation]"
                .to_owned(),
        ),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(message) => {
            eprintln!("datashard-model: {message}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for run in suite::RUNS {
        println!("explore {} {}", run.setting, run.most_transitions);
    }
    for (setting, seed, walks) in suite::WALKS {
        println!("walk {setting} {seed} {walks}");
    }
}

/// Whether all properties hold.
fn explored(setting: &str, most: &str, mutation: Option<&str>) -> Result<bool, String> {
    let most: usize = number(most)?;
    let found = match setting.strip_prefix("files=") {
        Some(parties) => {
            let (writers, collectors) = parties.split_once('x').unwrap_or((parties, "1"));
            let named =
                |name| Unruly::ALL.iter().find(|(known, _)| *known == name).map(|(_, unruly)| *unruly);
            let unruly =
                mutation.map(|name| named(name).ok_or(format!("no mutation `{name}`"))).transpose()?;
            let files = Files::new(number(writers)?, unruly).with_collectors(number(collectors)?);
            explore(files, most, unruly.is_some())
        }
        None => {
            let setting = parse(setting, mutation)?;
            let ends_at_violation = setting.mutation.is_some();
            explore(Commits::new(setting), most, ends_at_violation)
        }
    };
    print_explored(&found);
    Ok(found.violated.is_empty())
}

fn print_explored(found: &Explored) {
    println!("transitions {}", found.transitions);
    println!("states {}", found.states);
    println!("depth {}", found.depth);
    println!("complete {}", found.is_complete);
    found.held.iter().for_each(|name| println!("holds {name}"));
    found.reached.iter().for_each(|name| println!("reached {name}"));
    found.unreached.iter().for_each(|name| println!("unreached {name}"));
    for (name, way) in &found.violated {
        println!("violated {name}");
        way.iter().for_each(|action| println!("  {action}"));
    }
}

fn walked(setting: &str, seed: &str, walks: &str, mutation: Option<&str>) -> Result<bool, String> {
    let found = walk(&Commits::new(parse(setting, mutation)?), number(seed)?, number(walks)?);
    print_walked(&found);
    Ok(found.violated.is_none())
}

fn print_walked(found: &Walked) {
    println!("walks {}", found.walks);
    println!("steps {}", found.steps);
    println!("acknowledged {}", found.acknowledged);
    println!("ended {}", found.ended);
    println!("unknown {}", found.unknown);
    if let Some((name, way)) = &found.violated {
        println!("violated {name}");
        way.iter().for_each(|action| println!("  {action}"));
    }
}

fn parse(setting: &str, mutation: Option<&str>) -> Result<Setting, String> {
    let setting: Setting = setting.parse().map_err(|error| format!("{error}"))?;
    let mutation = mutation
        .map(|name| Mutation::by_name(name).ok_or_else(|| format!("no mutation `{name}`")))
        .transpose()?;
    Ok(setting.without(mutation))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number that fits"))
}
