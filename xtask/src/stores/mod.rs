//! `cargo xtask stores start|stop|env|status`: real stores on this machine, for the tests that speak HTTP.
//!
//! One that honours conditional writes as S3 does, one as Google Cloud Storage does, and one that ignores conditions and must be
//! refused. They listen on loopback only, on ports found at run time, and hold nothing that outlives them.

mod install;
mod ports;
mod running;
mod servers;
mod state;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use self::install::Tools;
use self::servers::Plan;
use self::state::{Owner, State};
use crate::{Outcome, clock};

/// Set for tests where a store that does not run is a failure, and no reason to leave tests out.
pub(crate) const REQUIRE: &str = "DATASHARD_TEST_REQUIRE_STORES";

/// So often the servers are started anew, on other ports, if one of theirs was taken between finding and using it.
const ATTEMPTS: usize = 3;

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["start"] => {
            let stores = start(root, Lifetime::Detached)?;
            println!("{stores}set the variables with: eval \"$(cargo xtask stores env)\"");
            Ok(())
        }
        ["stop"] => stop(root),
        ["env"] => env(root),
        ["status"] => status(root),
        _ => Err(format!("`stores` takes start, stop, env or status, found `{}`", words.join(" "))),
    }
}

/// Installs the programs of the servers, if they are not there.
pub(crate) fn install(root: &Path) -> Outcome {
    let folder = Folder::of(root);
    let _lock = folder.lock()?;
    install::install(root, &folder).map(|_| ())
}

/// How long servers live that are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// Until `stores stop`; an interrupt at this terminal does not reach them.
    Detached,
    /// As long as this program: they are stopped with [`Session`], and an interrupt ends them too.
    Session,
}

/// Stores for the time of a test run. Those that it started are stopped when it is dropped; those that ran before stay, but for those
/// that a run started which was killed.
pub(crate) struct Session {
    root: PathBuf,
    state: State,
}

impl Session {
    pub(crate) fn begin(root: &Path) -> Result<Self, String> {
        let state = start(root, Lifetime::Session)?;
        print!("{state}");
        Ok(Self { root: root.to_path_buf(), state })
    }

    /// The variables that tell the tests where the stores are.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.state.variables
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(message) = stop_own(&self.root) {
            eprintln!("xtask: the stores may still be running: {message}");
        }
    }
}

/// `target/stores`: programs, state, logs and data of the servers.
#[derive(Debug, Clone)]
struct Folder(PathBuf);

impl Folder {
    fn of(root: &Path) -> Self {
        Self(root.join("target/stores"))
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// What the server said.
    fn log(&self, server: &str) -> PathBuf {
        self.0.join(format!("{server}.log"))
    }

    /// What the server keeps, also its home and its place for temporary files.
    fn data(&self, server: &str) -> PathBuf {
        self.0.join(format!("data-{server}"))
    }

    /// Held while servers are started or stopped, so that two commands do not do it at once.
    fn lock(&self) -> Result<File, String> {
        fs::create_dir_all(&self.0)
            .map_err(|error| format!("cannot create {}: {error}", self.0.display()))?;
        let path = self.0.join("lock");
        let locked = File::create(&path).and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| format!("cannot lock {}: {error}", path.display()))
    }
}

/// Starts what is not running; servers that all run already are left as they are.
fn start(root: &Path, lifetime: Lifetime) -> Result<State, String> {
    let folder = Folder::of(root);
    let _lock = folder.lock()?;
    let owner = match lifetime {
        Lifetime::Detached => None,
        Lifetime::Session => {
            Some(running::this().ok_or("this program cannot find itself among the processes")?)
        }
    };
    if let Some(mut state) = living(&folder)? {
        let next = next_owner(state.owner.clone(), owner, running::owner_lives);
        if next != state.owner {
            state.owner = next;
            state.write(&folder.state())?;
        }
        return Ok(state);
    }
    clear(&folder)?;
    let tools = install::install(root, &folder)?;
    for attempt in 1.. {
        match launch(&folder, &tools, lifetime, &owner) {
            Err(Trouble::PortTaken(message)) if attempt < ATTEMPTS => {
                println!("{message}\ntrying other ports");
            }
            Err(Trouble::PortTaken(message) | Trouble::Other(message)) => return Err(message),
            Ok(state) => return Ok(state),
        }
    }
    Err("no attempt was made".to_owned())
}

/// Who stops servers that run already, when they are asked for on behalf of `asks`.
fn next_owner(now: Option<Owner>, asks: Option<Owner>, lives: impl Fn(&Owner) -> bool) -> Option<Owner> {
    match (now, asks) {
        // Whoever was told that they run counts on them until they are told to stop.
        (None, _) | (_, None) => None,
        (Some(now), Some(_)) if lives(&now) => Some(now),
        // A test run that was killed could not stop them; the next one does.
        (Some(_), asks) => asks,
    }
}

/// Why servers do not run.
enum Trouble {
    /// Somebody took a port in the moment between finding it free and using it.
    PortTaken(String),
    Other(String),
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

/// Starts all servers and waits until each answers. If one does not, none is left.
fn launch(
    folder: &Folder,
    tools: &Tools,
    lifetime: Lifetime,
    owner: &Option<Owner>,
) -> Result<State, Trouble> {
    let plan = Plan::new(folder, tools)?;
    let mut state = State { servers: Vec::new(), owner: owner.clone(), variables: plan.variables() };
    let begun = clock::now();
    let mut outcome = plan.spawn_all(lifetime, |server| {
        state.servers.push(server);
        // Written after each, so that a killed start leaves nothing that `stop` does not know.
        state.write(&folder.state())
    });
    if outcome.is_ok() {
        outcome = plan.wait_until_ready(&state);
    }
    match outcome {
        Ok(()) => {
            println!("stores ready after {}", clock::seconds(begun.elapsed()));
            Ok(state)
        }
        Err(message) => {
            let taken = plan.names_a_taken_port();
            let message = match clear(folder) {
                Ok(()) => message,
                Err(more) => format!("{message}\nand then: {more}"),
            };
            Err(if taken { Trouble::PortTaken(message) } else { Trouble::Other(message) })
        }
    }
}

/// What the state file says, if all servers it names live.
fn living(folder: &Folder) -> Result<Option<State>, String> {
    let state = State::read(&folder.state())?;
    Ok(state.filter(|state| !state.servers.is_empty() && state.servers.iter().all(running::lives)))
}

fn stop(root: &Path) -> Outcome {
    let folder = Folder::of(root);
    let _lock = folder.lock()?;
    clear(&folder)
}

/// The same, if they are this program's to stop.
fn stop_own(root: &Path) -> Outcome {
    let folder = Folder::of(root);
    let _lock = folder.lock()?;
    match State::read(&folder.state())? {
        Some(state) if state.owner.is_some() && state.owner == running::this() => clear(&folder),
        _ => Ok(()),
    }
}

/// Ends the servers that the state file names and removes what they kept. Logs stay.
fn clear(folder: &Folder) -> Outcome {
    if let Some(state) = State::read(&folder.state())? {
        for server in &state.servers {
            running::end(server)?;
        }
        for server in &state.servers {
            servers::remove_sockets(server);
        }
    }
    for server in servers::NAMES {
        let data = folder.data(server);
        if data.exists() {
            fs::remove_dir_all(&data)
                .map_err(|error| format!("cannot remove {}: {error}", data.display()))?;
        }
    }
    let state = folder.state();
    if state.exists() {
        fs::remove_file(&state).map_err(|error| format!("cannot remove {}: {error}", state.display()))?;
    }
    Ok(())
}

/// Prints what a shell has to be told.
fn env(root: &Path) -> Outcome {
    match living(&Folder::of(root))? {
        Some(state) => {
            print!("{}", state.exports());
            Ok(())
        }
        None => Err("the stores do not run; start them with `cargo xtask stores start`".to_owned()),
    }
}

fn status(root: &Path) -> Outcome {
    match State::read(&Folder::of(root).state())? {
        None => println!("no store was started"),
        Some(state) => {
            for server in &state.servers {
                let lives = if running::lives(server) { "runs" } else { "has ended" };
                println!("{} (process {}) {lives}", server.name, server.pid);
            }
            print!("{}", state.exports());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_of_a_run_that_was_killed_are_stopped_by_the_next_and_those_of_a_user_never() {
        let owner = |pid| Some(Owner { pid, identity: "1".to_owned() });
        let check = |now, asks, lives: bool| next_owner(now, asks, |_| lives);
        assert_eq!(check(owner(7), owner(8), false), owner(8));
        assert_eq!(check(owner(7), owner(8), true), owner(7));
        assert_eq!(check(None, owner(8), false), None);
        for lives in [false, true] {
            assert_eq!(check(owner(7), None, lives), None);
        }
        assert!(running::owner_lives(&running::this().unwrap()));
        assert!(!running::owner_lives(&owner(std::process::id()).unwrap()));
    }

    #[test]
    fn a_run_stops_its_own_stores_and_leaves_others() {
        let root = std::env::temp_dir().join(format!("xtask-session-{}", std::process::id()));
        let folder = Folder::of(&root);
        drop(folder.lock().unwrap());
        let other = Owner { identity: "1".to_owned(), ..running::this().unwrap() };
        for (owner, stopped) in [(None, false), (Some(other), false), (running::this(), true)] {
            let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            let identity = running::identity(child.id()).unwrap();
            let server =
                state::Server { name: "sleeper".to_owned(), pid: child.id(), identity, ports: vec![1] };
            let state = State { servers: vec![server], owner, variables: Vec::new() };
            state.write(&folder.state()).unwrap();
            drop(Session { root: root.clone(), state: state.clone() });
            assert_eq!(living(&folder).unwrap(), (!stopped).then_some(state));
            stop(&root).unwrap();
            assert_eq!(living(&folder).unwrap(), None);
            child.wait().unwrap();
        }
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn an_unknown_word_is_named_in_the_error() {
        for words in [&["restart"][..], &[], &["start", "all"]] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let error = run(Path::new("no-such-folder"), &words).unwrap_err();
            assert!(error.contains("start, stop, env or status"), "{error}");
            assert!(error.contains(&words.join(" ")), "{error}");
        }
    }
}
