//! Tests in a process of their own, with limited memory and a watchdog.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const JOB: &str = "DATASHARD_IO_DAMAGE";
/// Address space of a child: what the process itself takes, and some times the memory limit of a reader.
const ADDRESS_SPACE_BYTES: u64 = 512 << 20;
/// How long one copy of a file may take: thousands of times what it does take.
const PATIENCE: Duration = Duration::from_secs(60);

static STEP: AtomicU64 = AtomicU64::new(0);
static AT: Mutex<String> = Mutex::new(String::new());
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Says what is being tried.
pub(crate) fn now_at(what: &str) {
    STEP.fetch_add(1, Ordering::Relaxed);
    what.clone_into(&mut AT.lock().unwrap());
}

/// Runs `body` in a child process that runs the test of this name and no other. `name` is the test's full one.
pub(crate) fn contained(name: &str, body: impl FnOnce()) {
    let name = name.split_once("::").unwrap().1;
    if std::env::var(JOB).is_ok_and(|job| job == name) {
        limit_memory();
        std::thread::spawn(watch);
        // Panics that a reader stops are counted, not printed; what ends the test is printed with its place.
        std::panic::set_hook(Box::new(|panic| *LAST_PANIC.lock().unwrap() = panic.to_string()));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        let _ = std::panic::take_hook();
        if let Err(panic) = ended {
            println!("at {}: {}", AT.lock().unwrap(), LAST_PANIC.lock().unwrap());
            std::panic::resume_unwind(panic);
        }
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(JOB, name)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    println!("{out}");
    assert!(out.contains("1 passed") || !child.status.success(), "no test is called {name}");
    assert!(child.status.success(), "the child ended with {}:\n{out}\n{err}", child.status);
}

/// Ends the process if it no longer gets on.
fn watch() {
    let mut seen = u64::MAX;
    loop {
        let step = STEP.load(Ordering::Relaxed);
        if step == seen {
            println!("stuck at {}", AT.lock().unwrap());
            std::process::abort();
        }
        seen = step;
        std::thread::sleep(PATIENCE);
    }
}

#[cfg(unix)]
fn limit_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit { current: Some(ADDRESS_SPACE_BYTES), maximum: Some(ADDRESS_SPACE_BYTES) };
    setrlimit(Resource::As, limit).unwrap();
}

#[cfg(not(unix))]
fn limit_memory() {}
