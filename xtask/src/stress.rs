//! `cargo xtask stress`: a long race of processes that append to one table, are killed at random and started again.
//!
//! In a folder, or on the S3 or GCS server that [`stores`] starts, behind a network that spoils requests. It prints how many
//! appends a second were acknowledged, how long they took, and fails if the table does not hold each acknowledged row once.

use std::path::Path;

use crate::{Outcome, process, stores};

/// The places that need a server.
const SERVERS: [&str; 2] = ["s3", "gcs"];

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    let session = if needs_server(arguments) { Some(stores::Session::begin(root)?) } else { None };
    let mut command = process::cargo(root);
    command.args(cargo(arguments));
    if let Some(session) = &session {
        command.envs(session.variables().iter().map(|(name, value)| (name, value)));
    }
    process::run(&mut command)
}

fn needs_server(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| SERVERS.contains(&argument.as_str()))
}

/// What cargo is told; everything else is for the race itself, which knows its options.
fn cargo(arguments: &[String]) -> Vec<String> {
    let test = "test --release -p datashard-txn --all-features --test stores -- stress";
    test.split(' ').map(str::to_owned).chain(arguments.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn servers_are_started_for_races_on_servers_only() {
        assert!(needs_server(&words("s3 --processes 4")) && needs_server(&words("gcs")));
        assert!(!needs_server(&[]) && !needs_server(&words("folder --durability none")));
    }

    #[test]
    fn options_reach_the_race_as_they_are() {
        let told = cargo(&words("gcs --rows 7"));
        assert!(told.ends_with(&words("stress gcs --rows 7")), "{told:?}");
    }
}
