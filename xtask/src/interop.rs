//! `cargo xtask interop`: what we write, read by other implementations.
//!
//! An example of `datashard-io` writes files of every type, format and codec, and beside them what rows and field ids they hold, told by
//! the values that went in. A script reads each file with every reader of its format and compares.
//!
//! An example of `datashard` goes on with tables that others wrote, by every operation. A script reads the tables after every step.

use std::fs::{self, File};
use std::path::Path;

use crate::python::Environment;
use crate::{Outcome, process};

/// Readers, in the versions that were seen to work.
///
/// The last two are what fastavro reads snappy and zstandard with; Python has the latter itself since 3.14.
const PACKAGES: [&str; 13] = [
    "pyarrow==26.0.1",
    "duckdb==1.5.5",
    "pytz==2026.6",
    "fastavro==1.13.1",
    "cramjam==2.14.0",
    "backports.zstd==1.8.0; python_version < '3.14'",
    "pyiceberg==0.12.0",
    "duckdb-extensions==1.5.5",
    "duckdb-extension-iceberg==1.5.5",
    "duckdb-extension-avro==1.5.5",
    "duckdb-extension-parquet==1.5.5",
    "duckdb-extension-json==1.5.5",
    "duckdb-extension-icu==1.5.5",
];

/// Keeps the files that were written, and says where they are.
const KEEP: &str = "--keep";

/// From the workspace's folder and with all features, as the tests are built: nothing is compiled a second time.
const WRITE: &str = "run -q --all-features --example data_files --";
const CONTINUE: &str = "run -q --all-features --example continued_tables --";

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    let keep = match arguments {
        [] => false,
        [only] if only == KEEP => true,
        [first, ..] => return Err(format!("`interop` takes {KEEP} or nothing, found `{first}`")),
    };
    let readers = readers(root);
    prepare(&readers)?;
    let files = root.join("target/interop/files");
    if files.exists() {
        fs::remove_dir_all(&files).map_err(|error| format!("cannot clear {}: {error}", files.display()))?;
    }
    process::run(process::cargo(root).args(WRITE.split(' ')).arg(&files))?;
    process::run(readers.python().arg(root.join("xtask/support/read_data_files.py")).arg(&files))?;
    continued(root, &readers, &files)?;
    if keep {
        println!("the files are in {}", files.display());
        return Ok(());
    }
    fs::remove_dir_all(&files).map_err(|error| format!("cannot clear {}: {error}", files.display()))
}

/// Goes on with others' tables, which lie where their metadata says, and has them read: after every step, and after the clean-up.
fn continued(root: &Path, readers: &Environment<'_>, files: &Path) -> Outcome {
    for part in ["begin", "finish"] {
        let steps = files.join(format!("{part}.jsonl"));
        let told =
            File::create(&steps).map_err(|error| format!("cannot make {}: {error}", steps.display()))?;
        let mut example = process::cargo(root);
        example.args(CONTINUE.split(' ')).arg(root.join("testdata")).arg(part).stdout(told);
        process::run(&mut example)?;
        let script = root.join("xtask/support/read_continued_tables.py");
        // What the readers found at first is looked up in the first part.
        process::run(readers.python().arg(script).arg(&steps))?;
    }
    process::run(process::cargo(root).args(CONTINUE.split(' ')).arg(root.join("testdata")).arg("remove"))
}

/// Installs the readers, if they are not there yet.
pub(crate) fn install(root: &Path) -> Outcome {
    prepare(&readers(root))
}

fn prepare(readers: &Environment<'_>) -> Outcome {
    readers.require_python()?;
    if readers.is_installed() { Ok(()) } else { readers.install(|| Ok(())) }
}

fn readers(root: &Path) -> Environment<'static> {
    Environment {
        folder: root.join("target/interop/readers"),
        packages: &PACKAGES,
        purpose: "other readers of data files",
        without: "without them, `cargo xtask test --without-stores` checks everything else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_pinned() {
        for package in PACKAGES {
            assert!(package.contains("=="), "{package}");
        }
    }

    #[test]
    fn unknown_arguments_are_refused_before_anything_is_installed() {
        let error = run(Path::new("nowhere"), &["--kep".to_owned()]).unwrap_err();
        assert!(error.contains("--kep") && error.contains(KEEP), "{error}");
    }
}
