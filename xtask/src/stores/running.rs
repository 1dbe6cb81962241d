//! Processes by number: whether one still is the server that was started, and how it is ended.
//!
//! Systems use numbers again. So a number is trusted only together with the moment at which its process began.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::state::{Owner, Server};
use crate::{Outcome, clock};

/// A killed process is gone within moments; one that is not hangs in the kernel.
const END_WAIT: Duration = Duration::from_secs(10);

/// What tells the process from a later one of the same number; `None` if there is none, or only its exit status is left.
pub(super) fn identity(pid: u32) -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        start_time(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let mut ps = Command::new("ps");
        let output =
            ps.args(["-o", "stat=,lstart=", "-p", &pid.to_string()]).stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (state, start) = text.trim().split_once(' ')?;
        (!state.starts_with('Z')).then(|| start.split_whitespace().collect::<Vec<_>>().join("-"))
    }
}

/// Whether the process of that number is the server that was started.
pub(super) fn lives(server: &Server) -> bool {
    identity(server.pid).is_some_and(|found| found == server.identity)
}

/// Whether the program that started servers for itself still runs.
pub(super) fn owner_lives(owner: &Owner) -> bool {
    identity(owner.pid).is_some_and(|found| found == owner.identity)
}

/// This program.
pub(super) fn this() -> Option<Owner> {
    let pid = std::process::id();
    identity(pid).map(|identity| Owner { pid, identity })
}

/// Ends the server and waits until it is gone. Another process of that number is left alone.
///
/// It is killed, not asked: nothing that it holds is kept, and some take ten seconds to put it in order.
pub(super) fn end(server: &Server) -> Outcome {
    if !lives(server) {
        return Ok(());
    }
    let sent = Command::new("sh")
        .args(["-c", "kill -KILL \"$0\"", &server.pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if let Err(error) = sent {
        return Err(format!("cannot run sh to end process {} ({}): {error}", server.pid, server.name));
    }
    if clock::wait_until(END_WAIT, || !lives(server)) {
        Ok(())
    } else {
        Err(format!("process {} ({}) does not end", server.pid, server.name))
    }
}

/// From the line that Linux keeps on a process: when it began, in ticks since the machine did. None if it has ended already.
#[cfg(target_os = "linux")]
fn start_time(stat: &str) -> Option<String> {
    // The name stands in parentheses and may hold any character, also more of them.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let state = fields.first()?;
    // Third and twenty-second of all fields; the first two are cut off.
    (!["Z", "X"].contains(state)).then(|| fields.get(19).map(|ticks| (*ticks).to_owned())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(pid: u32, identity: &str) -> Server {
        Server { name: "sleeper".to_owned(), pid, identity: identity.to_owned(), ports: vec![1] }
    }

    fn sleeper() -> std::process::Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    #[test]
    fn a_living_server_is_ended_and_then_lives_no_more() {
        let mut child = sleeper();
        let server = server(child.id(), &identity(child.id()).unwrap());
        assert!(lives(&server));
        end(&server).unwrap();
        assert!(!lives(&server));
        child.wait().unwrap();
        end(&server).unwrap();
    }

    #[test]
    fn another_process_of_the_same_number_is_left_alone() {
        let mut child = sleeper();
        let server = server(child.id(), "1");
        assert!(!lives(&server));
        end(&server).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "it must live on");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_start_is_found_behind_any_name_and_not_for_the_dead() {
        let line = |name: &str, state: &str| {
            let numbers: Vec<String> = (4..=30).map(|number: i32| number.to_string()).collect();
            format!("71 ({name}) {state} {}", numbers.join(" "))
        };
        assert_eq!(start_time(&line("weed", "S")).as_deref(), Some("22"));
        assert_eq!(start_time(&line("a ) b", "R")).as_deref(), Some("22"));
        assert_eq!(start_time(&line("weed", "Z")), None);
        assert_eq!(start_time("71 (weed) S 1 2"), None);
        assert_eq!(start_time(""), None);
    }
}
