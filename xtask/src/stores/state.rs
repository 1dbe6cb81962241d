//! The state file: which servers were started, and what tests have to be told. Lines of words, as people can read them.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::Outcome;

/// What was started.
#[derive(Debug, PartialEq, Clone, Default)]
pub(crate) struct State {
    pub(super) servers: Vec<Server>,
    /// The program that stops them when it ends; without one they run until they are told to stop.
    pub(super) owner: Option<Owner>,
    /// Environment variables with their values.
    pub(super) variables: Vec<(String, String)>,
}

/// A server as a process: a number alone may belong to another program by now.
#[derive(Debug, PartialEq, Clone)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) pid: u32,
    /// What tells this process from a later one of the same number.
    pub(super) identity: String,
    pub(super) ports: Vec<u16>,
}

/// A running `xtask`, told from a later process of the same number as a server is.
#[derive(Debug, PartialEq, Clone)]
pub(super) struct Owner {
    pub(super) pid: u32,
    pub(super) identity: String,
}

impl State {
    /// Reads the file; there is none before the first start and after a stop.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map(Some).map_err(|line| {
                format!(
                    "{} does not read as a state: `{line}`; see what runs, then remove it",
                    path.display()
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// Writes the file, so that it is there as a whole or as it was.
    pub(super) fn write(&self, path: &Path) -> Outcome {
        let new = path.with_extension("new");
        fs::write(&new, self.format())
            .and_then(|()| fs::rename(&new, path))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    fn format(&self) -> String {
        let servers = self.servers.iter().map(|server| {
            let ports: Vec<String> = server.ports.iter().map(ToString::to_string).collect();
            format!("server {} {} {} {}\n", server.name, server.pid, server.identity, ports.join(","))
        });
        let variables = self.variables.iter().map(|(name, value)| format!("variable {name} {value}\n"));
        let owner = self.owner.iter().map(|owner| format!("owner {} {}\n", owner.pid, owner.identity));
        servers.chain(owner).chain(variables).collect()
    }

    /// The state, or the line that says nothing of the kind.
    fn parse(text: &str) -> Result<Self, String> {
        let mut state = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["server", name, pid, identity, ports] => {
                    let ports: Result<Vec<u16>, _> = ports.split(',').map(str::parse).collect();
                    let (Ok(pid), Ok(ports)) = (pid.parse(), ports) else { return Err(line.to_owned()) };
                    let (name, identity) = ((*name).to_owned(), (*identity).to_owned());
                    state.servers.push(Server { name, pid, identity, ports });
                }
                ["owner", pid, identity] => {
                    let Ok(pid) = pid.parse() else { return Err(line.to_owned()) };
                    state.owner = Some(Owner { pid, identity: (*identity).to_owned() });
                }
                ["variable", name, value] => state.variables.push(((*name).to_owned(), (*value).to_owned())),
                _ => return Err(line.to_owned()),
            }
        }
        Ok(state)
    }

    /// Lines for a shell that make it set the variables.
    pub(super) fn exports(&self) -> String {
        self.variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
    }
}

/// A line for each server: its name, its process and its first port.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.servers.iter().try_for_each(|server| {
            let port = server.ports.first().copied().unwrap_or_default();
            writeln!(f, "{} on 127.0.0.1:{port}, process {}", server.name, server.pid)
        })
    }
}

/// The value as a shell takes it for one word.
fn quoted(value: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:".contains(letter);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> State {
        let server = |name: &str, pid, ports: &[u16]| Server {
            name: name.to_owned(),
            pid,
            identity: "837261".to_owned(),
            ports: ports.to_vec(),
        };
        State {
            servers: vec![server("seaweedfs", 71, &[11_000, 21_000]), server("rclone", 72, &[11_007])],
            owner: Some(Owner { pid: 70, identity: "837260".to_owned() }),
            variables: vec![("DATASHARD_TEST_S3".to_owned(), "http://127.0.0.1:11000".to_owned())],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let state = example();
        assert_eq!(State::parse(&state.format()), Ok(state));
    }

    #[test]
    fn a_file_is_read_back_and_a_missing_one_is_no_state() {
        let folder = std::env::temp_dir().join(format!("xtask-state-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("state");
        assert_eq!(State::read(&path), Ok(None));
        example().write(&path).unwrap();
        assert_eq!(State::read(&path), Ok(Some(example())));
        fs::write(&path, "server half").unwrap();
        assert!(State::read(&path).unwrap_err().contains("`server half`"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_strange_line_is_told() {
        for line in [
            "",
            "server a",
            "server a x 1 2",
            "server a 1 1 port",
            "owner x 1",
            "owner 1",
            "variable A",
            "servers a 1 1 2",
            "variable A b c",
        ] {
            assert_eq!(State::parse(&format!("variable A b\n{line}\n")), Err(line.to_owned()));
        }
        assert_eq!(State::parse(""), Ok(State::default()));
    }

    #[test]
    fn exports_are_lines_that_a_shell_takes() {
        assert_eq!(example().exports(), "export DATASHARD_TEST_S3=http://127.0.0.1:11000\n");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
