//! Packages of Python, in pinned versions, installed once into a folder below `target`.
//!
//! Some machines have a Python that cannot make an environment of its own; there the packages go into a bare folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::process::shown;

/// The interpreter that is on the path.
pub(crate) const PYTHON: &str = "python3";

/// Packages in a folder of their own.
#[derive(Debug)]
pub(crate) struct Environment<'a> {
    /// Where they go.
    pub(crate) folder: PathBuf,
    /// What pip is asked for, each with its version.
    pub(crate) packages: &'a [&'a str],
    /// What they are for, as the subject of a sentence, and what to do without them.
    pub(crate) purpose: &'a str,
    pub(crate) without: &'a str,
}

impl Environment<'_> {
    /// Whether these very packages were installed, to the end.
    pub(crate) fn is_installed(&self) -> bool {
        fs::read_to_string(self.mark()).is_ok_and(|installed| installed == self.packages.join("\n"))
    }

    /// Installs the packages anew; `check` looks at what came, before it is believed.
    pub(crate) fn install<T>(&self, check: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        self.clear()?;
        println!("installing {} into {}", self.packages.join(", "), self.folder.display());
        self.fetch()?;
        let checked = check()?;
        // Last, so that a killed installation is begun anew.
        let mark = self.mark();
        fs::write(&mark, self.packages.join("\n"))
            .map_err(|error| format!("cannot write {}: {error}", mark.display()))?;
        Ok(checked)
    }

    /// Complains if there is no Python.
    pub(crate) fn require_python(&self) -> Result<(), String> {
        let version = said(Command::new(PYTHON).arg("--version"));
        if version.as_ref().is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        Err(format!(
            "{PYTHON} does not run ({}); {} need Python 3.9 or newer with its modules venv and pip \
             (Debian: apt-get install python3-venv); {}",
            version.map_or_else(|error| error, |output| output.status.to_string()),
            self.purpose,
            self.without
        ))
    }

    /// A command that runs Python with these packages.
    pub(crate) fn python(&self) -> Command {
        let own = self.own_python();
        if own.exists() {
            return Command::new(own);
        }
        let mut command = Command::new(PYTHON);
        command.env("PYTHONPATH", &self.folder);
        command
    }

    fn own_python(&self) -> PathBuf {
        self.folder.join("bin").join(PYTHON)
    }

    fn mark(&self) -> PathBuf {
        self.folder.join("installed")
    }

    fn clear(&self) -> Result<(), String> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .map_err(|error| format!("cannot clear {}: {error}", self.folder.display()))?;
        }
        Ok(())
    }

    /// Into an environment of its own, or, where Python comes without what makes one, into a bare folder.
    fn fetch(&self) -> Result<(), String> {
        let environment = said(Command::new(PYTHON).args(["-m", "venv"]).arg(&self.folder))?;
        if environment.status.success() {
            return self.pip(Command::new(self.own_python()).args(["-m", "pip", "install"]));
        }
        // A failed attempt may have left half an environment.
        self.clear()?;
        let has_pip = said(Command::new(PYTHON).args(["-m", "pip", "--version"]))?;
        if !has_pip.status.success() {
            return Err(format!(
                "{PYTHON} can neither make an environment nor install packages; install its modules venv or pip \
                 (Debian: apt-get install python3-venv); {}\n{}\n{}",
                self.without,
                last_lines(&environment, 3),
                last_lines(&has_pip, 3)
            ));
        }
        self.pip(Command::new(PYTHON).args(["-m", "pip", "install", "--target"]).arg(&self.folder))
    }

    fn pip(&self, command: &mut Command) -> Result<(), String> {
        let quiet = ["--no-input", "--disable-pip-version-check", "--quiet"];
        let output = said(command.args(quiet).args(self.packages))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!(
            "pip cannot install {} (there are builds for Linux and macOS; the first time needs the network): {}\n{}\n{}",
            self.packages.join(", "),
            output.status,
            last_lines(&output, 6),
            self.without
        ))
    }
}

fn said(command: &mut Command) -> Result<Output, String> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{}` could not be started: {error}", shown(command)))
}

fn last_lines(output: &Output, count: usize) -> String {
    let text = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    tail(&text, count)
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

/// All files below a folder.
pub(crate) fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files_below(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_count_as_installed_only_when_all_came_in_these_versions() {
        let folder = std::env::temp_dir().join(format!("xtask-python-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let with = |packages: &'static [&'static str]| Environment {
            folder: folder.clone(),
            packages,
            purpose: "tests",
            without: "nothing",
        };
        assert!(!with(&["a==1"]).is_installed());
        fs::write(folder.join("installed"), "a==1\nb==2").unwrap();
        assert!(with(&["a==1", "b==2"]).is_installed());
        assert!(!with(&["a==1", "b==3"]).is_installed());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_end_of_a_text_is_kept() {
        assert_eq!(tail("a\nb\nc", 2), "b\nc");
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
        assert_eq!(tail("", 2), "");
    }
}
