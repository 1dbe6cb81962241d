//! `cargo xtask tidy`: rules of the workspace that the compiler does not know.
//!
//! Reading (files, `cargo metadata`, `cargo tree`) happens here; each rule is a pure function in a file beside this one and
//! returns the [`Problem`]s it sees.

mod dependencies;
mod layout;
mod sizes;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Outcome, expect_no_arguments, process};

/// A text file of the workspace; the path is relative to its top, with `/` between the parts.
#[derive(Debug)]
pub(crate) struct TextFile {
    path: String,
    text: String,
}

/// A rule that is not met, and where. Lines count from 1; 0 is the file as a whole.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    path: String,
    line: usize,
    what: String,
}

impl Problem {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Outcome {
    expect_no_arguments("tidy", arguments)?;
    let metadata = metadata(root)?;
    let files = text_files(root)?;
    let sizes = sizes::report(&files);
    let mut problems = dependencies::edges(&metadata);
    for ban in &dependencies::BANS {
        let tree = process::output(process::cargo(root).args(ban.tree_arguments()))?;
        problems.extend(ban.broken(&tree));
    }
    problems.extend(layout::problems(&files));
    problems.extend(words::problems(&files));
    problems.extend(sizes::problems(&sizes));
    println!("{sizes}");
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        count => Err(format!("tidy found {count} problems")),
    }
}

/// Names of the crates in `crates/`, in the order of their layers.
pub(crate) fn published_crates(root: &Path) -> Result<Vec<String>, String> {
    Ok(dependencies::layers_present(&metadata(root)?))
}

fn metadata(root: &Path) -> Result<Value, String> {
    let text = process::output(process::cargo(root).args(["metadata", "--format-version=1", "--no-deps"]))?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))
}

/// All text that people write here: sources, manifests, documents, scripts. Not what tools and other engines wrote.
fn text_files(root: &Path) -> Result<Vec<TextFile>, String> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(folder: &Path, path: &str, files: &mut Vec<TextFile>) -> Outcome {
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if !is_generated(&path) {
                walk(&entry.path(), &path, files)?;
            }
        } else if is_text(&path) {
            let text =
                fs::read_to_string(entry.path()).map_err(|error| format!("cannot read {path}: {error}"))?;
            files.push(TextFile { path, text });
        }
    }
    Ok(())
}

fn is_generated(path: &str) -> bool {
    let top = [".git", "target", "fuzz/target", "fuzz/corpus", "fuzz/artifacts", "fuzz/seeds"];
    top.contains(&path) || path.starts_with("testdata/")
}

fn is_text(path: &str) -> bool {
    let extensions = ["rs", "py", "toml", "md", "sh", "yml", "yaml", "lock"];
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extensions.contains(&extension))
        || ["LICENSE", layout::CI].contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as the rules see it.
    pub(super) fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn foreign_tables_and_build_output_are_not_read() {
        for path in ["target", "fuzz/target", "testdata/iceberg-java", ".git"] {
            assert!(is_generated(path), "{path}");
        }
        for path in ["crates", "testdata", "fuzz", "crates/datashard-spec/src/target"] {
            assert!(!is_generated(path), "{path}");
        }
    }

    #[test]
    fn sources_documents_and_scripts_are_text() {
        for path in ["a/b.rs", "a/b.py", "Cargo.lock", "README.md", "LICENSE", ".ci/run"] {
            assert!(is_text(path), "{path}");
        }
        for path in ["a/b.avro", "crates/run", ".gitignore"] {
            assert!(!is_text(path), "{path}");
        }
    }

    #[test]
    fn a_problem_names_file_line_and_rule() {
        assert_eq!(Problem::new("a.rs", 3, "wrong").to_string(), "a.rs:3: wrong");
        assert_eq!(Problem::new("a.rs", 0, "wrong").to_string(), "a.rs: wrong");
    }
}
