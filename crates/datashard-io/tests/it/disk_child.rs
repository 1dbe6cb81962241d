//! Tests that start themselves again as a child process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const JOB: &str = "DATASHARD_IO_CRASH_JOB";
const FOLDER: &str = "DATASHARD_IO_CRASH_FOLDER";

/// The job and the folder, if this process is a child.
pub(crate) fn job() -> Option<(String, String)> {
    Some((std::env::var(JOB).ok()?, std::env::var(FOLDER).ok()?))
}

/// This binary again, running one test of it as a child.
pub(crate) fn child(test: &str, job: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(JOB, job)
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Tells the parent something, at once.
pub(crate) fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nsaid {what}").unwrap();
    out.flush().unwrap();
}

/// What a child says, line by line, until it ends.
pub(crate) fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = BufReader::new(child.stdout.take().unwrap());
    out.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("said ").map(str::to_owned))
}
