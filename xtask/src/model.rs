//! `cargo xtask model [--minutes N] [part]`: the full runs of the model in `model/`, one after another, and a table of what they found.
//!
//! Each run is a process of its own, so that one that needs more memory than there is ends alone. What did not fit into the time is named.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::clock::{now, seconds};
use crate::{Outcome, process};

/// The most address space of a run, in KiB.
const MOST_MEMORY_KIB: u32 = 12_000_000;

/// Gives way to everything else that runs, and keeps to the memory.
const LIMITED: &str = r#"ulimit -v "$1" && shift && exec nice -n 15 "$@""#;

/// What the model answers when a property is violated.
const VIOLATED: i32 = 2;

#[derive(Debug, Default, PartialEq)]
struct Wanted {
    minutes: Option<u64>,
    /// Only runs that contain this.
    part: String,
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    let wanted = parse(arguments)?;
    process::run(process::cargo(root).args(["build", "--release", "-p", "datashard-model"]))?;
    let program = root.join("target/release/datashard-model");
    let list = process::output(Command::new(&program).arg("list"))?;
    let runs: Vec<&str> = list.lines().filter(|run| run.contains(&wanted.part)).collect();
    if runs.is_empty() {
        return Err(format!("no run contains `{}`", wanted.part));
    }
    let span = wanted.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    let begun = now();
    let mut violated = Vec::new();
    let mut left_out = Vec::new();
    println!("{HEAD}");
    for run in runs {
        if span.is_some_and(|span| begun.elapsed() >= span) {
            left_out.push(run);
            continue;
        }
        let run_begun = now();
        let found = one(&program, run)?;
        println!("{}", row(run, &found, &seconds(run_begun.elapsed())));
        if found.is_violated {
            println!("{}", found.text);
            violated.push(run);
        }
    }
    left_out.iter().for_each(|run| println!("not run, the time is up: {run}"));
    if violated.is_empty() { Ok(()) } else { Err(format!("violated in: {}", violated.join("; "))) }
}

fn parse(arguments: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--minutes" {
            let value = rest.next().ok_or("--minutes wants a number")?;
            let minutes = value.parse().map_err(|_| format!("--minutes wants a number, found `{value}`"))?;
            wanted.minutes = Some(minutes);
        } else if argument.starts_with('-') || !wanted.part.is_empty() {
            return Err(format!("`model` does not know `{argument}`"));
        } else {
            wanted.part.clone_from(argument);
        }
    }
    Ok(wanted)
}

/// What a run printed, and how it ended.
#[derive(Debug)]
struct Found {
    text: String,
    is_violated: bool,
    /// Whether it came to an end by itself.
    has_ended: bool,
}

fn one(program: &Path, run: &str) -> Result<Found, String> {
    let mut command = Command::new("sh");
    command.args(["-c", LIMITED, "sh"]).arg(MOST_MEMORY_KIB.to_string()).arg(program).args(run.split(' '));
    let shown = process::shown(&command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    Ok(Found {
        text: String::from_utf8_lossy(&output.stdout).into_owned(),
        is_violated: output.status.code() == Some(VIOLATED),
        has_ended: output.status.success() || output.status.code() == Some(VIOLATED),
    })
}

const HEAD: &str = "| run | transitions or steps | states or walks | depth | time | result |\n\
                    | --- | ---: | ---: | ---: | ---: | --- |";

fn row(run: &str, found: &Found, time: &str) -> String {
    let value = |key: &str| {
        let mut values = found.text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        values.next()
    };
    let all = |key: &str| -> Vec<&str> {
        let lines = found.text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        lines.map(|name| name.split(' ').next().unwrap_or(name)).collect()
    };
    let setting = run.split(' ').nth(1).unwrap_or(run);
    let result = if !found.has_ended {
        "ended by the memory limit".to_owned()
    } else if found.is_violated {
        format!("VIOLATED {}", all("violated").join(" "))
    } else if run.starts_with("walk") {
        let unknown = value("unknown").unwrap_or("0");
        format!(
            "holds; {} acknowledged, {unknown} walks with an unknown",
            value("acknowledged").unwrap_or("0")
        )
    } else {
        let seen = if value("complete") == Some("true") { "all seen" } else { "part seen" };
        format!("holds, {seen}; reached {}", all("reached").join(" "))
    };
    let steps = value("transitions").or(value("steps")).unwrap_or("-");
    let states = value("states").or(value("walks")).unwrap_or("-");
    format!("| {setting} | {steps} | {states} | {} | {time} | {result} |", value("depth").unwrap_or("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &str) -> Result<Wanted, String> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        parse(&arguments)
    }

    fn found(text: &str, is_violated: bool, has_ended: bool) -> Found {
        Found { text: text.to_owned(), is_violated, has_ended }
    }

    #[test]
    fn arguments_are_minutes_and_a_part() {
        assert_eq!(parsed("").unwrap(), Wanted::default());
        let expect = Wanted { minutes: Some(5), part: "clone=1".to_owned() };
        assert_eq!(parsed("clone=1 --minutes 5").unwrap(), expect);
        assert!(parsed("--minutes").unwrap_err().contains("wants a number"));
        assert!(parsed("--minutes soon").unwrap_err().contains("`soon`"));
        assert!(parsed("a b").unwrap_err().contains("`b`"));
    }

    #[test]
    fn a_row_tells_what_was_found() {
        let text =
            "transitions 12\nstates 5\ndepth 3\ncomplete true\nholds S1 a b\nreached R1 c\nunreached R2 d\n";
        let expect = "| w=2 | 12 | 5 | 3 | 1 s | holds, all seen; reached R1 |";
        assert_eq!(row("explore w=2 99", &found(text, false, true), "1 s"), expect);
        let text = text.replace("true", "false");
        assert!(row("explore w=2 99", &found(&text, false, true), "1 s").contains("part seen"));
        let expect = "| w=2 | 12 | 5 | 3 | 1 s | VIOLATED S3 |";
        let text = text.replace("holds S1", "violated S3");
        assert_eq!(row("explore w=2 99", &found(&text, true, true), "1 s"), expect);
        assert!(row("explore w=2 99", &found("", false, false), "1 s").contains("ended by the memory limit"));
        let text = "walks 4\nsteps 9\nacknowledged 7\nended 4\nunknown 1\n";
        let expect = "| w=3 | 9 | 4 | - | 1 s | holds; 7 acknowledged, 1 walks with an unknown |";
        assert_eq!(row("walk w=3 7 4", &found(text, false, true), "1 s"), expect);
    }

    #[test]
    fn a_run_that_needs_too_much_memory_is_told_from_one_that_is_violated() {
        let ended = one(Path::new("sh"), "-c true").unwrap();
        assert!(ended.has_ended && !ended.is_violated);
        let violated = one(Path::new("false"), "x").unwrap();
        assert!(!violated.has_ended && !violated.is_violated);
    }
}
