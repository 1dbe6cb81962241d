//! Checks and chores of the workspace: `cargo xtask test` is the one command that must pass.
//!
//! Each command is a file; this one only finds it by name.
#![expect(clippy::print_stdout, reason = "a tool for the terminal says what it does")]

mod bench;
mod clock;
mod fuzz;
mod interop;
mod model;
mod process;
mod python;
mod sim;
mod stores;
mod stress;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a command answers: nothing, or one message for the terminal.
pub(crate) type Outcome = Result<(), String>;

/// A command: its name, how it is called, what it does, and the function.
struct Command {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(root: &Path, arguments: &[String]) -> Outcome,
}

const COMMANDS: [Command; 10] = [
    Command {
        name: "test",
        usage: "test [--without-stores]",
        about: "everything that must pass, in order",
        run: test::run,
    },
    Command { name: "tidy", usage: "tidy", about: "rules of the workspace alone", run: tidy::run },
    Command {
        name: "fuzz",
        usage: "fuzz <target>|all [--seconds N]",
        about: "feed a decoder hostile bytes, 60 seconds by default",
        run: fuzz::run,
    },
    Command {
        name: "bench",
        usage: "bench [name] [-- criterion arguments]",
        about: "run the benchmarks, or one of them",
        run: bench::run,
    },
    Command {
        name: "interop",
        usage: "interop [--keep]",
        about: "data files of ours, read by pyarrow, DuckDB and fastavro",
        run: interop::run,
    },
    Command {
        name: "model",
        usage: "model [--minutes N] [part of a run]",
        about: "the full runs of the exhaustive model of commits; about an hour",
        run: model::run,
    },
    Command {
        name: "sim",
        usage: "sim [--seeds N] [--from S] [--mutation NAME]",
        about: "simulated worlds of the commit protocol",
        run: sim::run,
    },
    Command {
        name: "stores",
        usage: "stores start|stop|env|status",
        about: "object stores on this machine for the tests that speak HTTP",
        run: stores::run,
    },
    Command {
        name: "stress",
        usage: "stress [folder|s3|gcs] [--processes N] [--rows N] [--kills N] [--faults N] [--durability D]",
        about: "processes that race, are killed and started again; every acknowledged row once",
        run: stress::run,
    },
    Command { name: "help", usage: "help", about: "print this list", run: help },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", arguments.as_slice()),
    };
    match workspace_root().and_then(|root| dispatch(&root, name, rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(root: &Path, name: &str, arguments: &[String]) -> Outcome {
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(root, arguments),
        None => Err(format!("no command `{name}`; `cargo xtask help` lists them")),
    }
}

fn help(_: &Path, _: &[String]) -> Outcome {
    for command in &COMMANDS {
        println!("cargo xtask {:40} {}", command.usage, command.about);
    }
    Ok(())
}

/// The folder above this crate; cargo tells where the crate lies.
fn workspace_root() -> Result<PathBuf, String> {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    own.as_deref()
        .and_then(Path::parent)
        .map(Path::to_path_buf)
        .ok_or_else(|| "run it through cargo: `cargo xtask`".to_owned())
}

/// Refuses arguments where a command takes none.
pub(crate) fn expect_no_arguments(name: &str, arguments: &[String]) -> Outcome {
    match arguments.first() {
        None => Ok(()),
        Some(first) => Err(format!("`{name}` takes no arguments, found `{first}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_named_in_the_error() {
        let error = dispatch(Path::new("."), "tets", &[]).unwrap_err();
        assert!(error.contains("`tets`"), "{error}");
    }

    #[test]
    fn usage_of_every_command_starts_with_its_name() {
        for command in &COMMANDS {
            assert!(command.usage.starts_with(command.name), "{}", command.usage);
        }
    }

    #[test]
    fn surplus_arguments_are_refused() {
        assert!(expect_no_arguments("tidy", &[]).is_ok());
        assert!(expect_no_arguments("tidy", &["--fix".to_owned()]).unwrap_err().contains("--fix"));
    }
}
