//! What must be where: a first line that explains each file, lints in each crate, licence, change log, the test command.

use super::{Problem, TextFile};

/// The script that the build machine runs.
pub(super) const CI: &str = ".ci/run";
const TEST_COMMAND: &str = "cargo xtask test";

/// Text that a file of the workspace must hold, and why.
const MUST_HOLD: [(&str, &str, &str); 4] = [
    ("LICENSE", "Apache License", "the licence text"),
    ("CHANGELOG.md", "## Unreleased", "a section `## Unreleased`"),
    ("README.md", TEST_COMMAND, "the test command"),
    (CI, TEST_COMMAND, "the test command of the README"),
];

/// Module names that say nothing about their content.
const EMPTY_NAMES: [&str; 3] = ["util", "utils", "common"];

pub(super) fn problems(files: &[TextFile]) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        files.iter().filter(|file| file.path.ends_with(".rs")).flat_map(source).collect();
    problems.extend(files.iter().filter(|file| file.path.ends_with("Cargo.toml")).filter_map(inherits_lints));
    problems.extend(MUST_HOLD.iter().filter_map(|(path, needle, what)| must_hold(files, path, needle, what)));
    problems
}

fn source(file: &TextFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !file.text.starts_with("//! ") {
        problems.push(Problem::new(
            &file.path,
            1,
            "the first line is no `//!` that says what the file holds",
        ));
    }
    let parts = file.path.trim_end_matches(".rs").split('/');
    for name in parts.filter(|part| EMPTY_NAMES.contains(part)) {
        problems.push(Problem::new(
            &file.path,
            0,
            format!("`{name}` says nothing; name the module after its content"),
        ));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        let mut words = line.trim_start().split([' ', ';', '{']);
        if words.by_ref().any(|word| word == "mod")
            && let Some(name) = words.next().filter(|name| EMPTY_NAMES.contains(name))
        {
            let what = format!("`{name}` says nothing; name the module after its content");
            problems.push(Problem::new(&file.path, number, what));
        }
    }
    problems
}

/// A crate (not the workspace's top) takes the lints of the workspace. The fuzz workspace has none to take.
fn inherits_lints(file: &TextFile) -> Option<Problem> {
    let is_member = file.text.contains("[package]") && !file.path.starts_with("fuzz/");
    let inherits = file
        .text
        .split("[lints]")
        .nth(1)
        .is_some_and(|rest| rest.trim_start().starts_with("workspace = true"));
    (is_member && !inherits).then(|| Problem::new(&file.path, 0, "no `[lints] workspace = true`"))
}

fn must_hold(files: &[TextFile], path: &str, needle: &str, what: &str) -> Option<Problem> {
    match files.iter().find(|file| file.path == path) {
        None => Some(Problem::new(path, 0, "does not exist")),
        Some(file) if !file.text.contains(needle) => Some(Problem::new(path, 0, format!("lacks {what}"))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::file;
    use super::*;

    /// The files every workspace must have.
    fn required() -> Vec<TextFile> {
        MUST_HOLD.iter().map(|(path, needle, _)| file(path, needle)).collect()
    }

    fn check(path: &str, text: &str, expect: &[&str]) {
        let mut files = required();
        files.push(file(path, text));
        let found: Vec<String> = problems(&files).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for (found, expect) in found.iter().zip(expect) {
            assert!(found.contains(expect), "{found} should contain {expect}");
        }
    }

    #[test]
    fn a_source_opens_with_its_purpose() {
        check("a.rs", "//! Values.\nfn f() {}\n", &[]);
        check("a.rs", "use std::fmt;\n", &["a.rs:1: the first line"]);
        check("a.rs", "", &["a.rs:1: the first line"]);
        check("a.rs", "//!\n//! Values.\n", &["a.rs:1: the first line"]);
    }

    #[test]
    fn modules_have_telling_names() {
        check("src/utils/hash.rs", "//! Hash.\n", &["`utils`"]);
        check("src/common.rs", "//! Things.\n", &["`common`"]);
        check("src/lib.rs", concat!("//! Things.\npub(crate) mod ut", "il;\n"), &["src/lib.rs:2: `util`"]);
        check("src/lib.rs", concat!("//! Things.\nmod ut", "ils {}\n"), &["src/lib.rs:2: `utils`"]);
        check("src/uncommon.rs", "//! Things.\nmod utility;\n", &[]);
    }

    #[test]
    fn a_crate_inherits_the_lints() {
        check("crates/a/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n", &[]);
        check("crates/a/Cargo.toml", "[package]\nname = \"a\"\n", &["crates/a/Cargo.toml: no `[lints]"]);
        check("Cargo.toml", "[workspace]\n", &[]);
        check("fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\n", &[]);
    }

    #[test]
    fn each_required_text_is_missed_when_absent() {
        for (path, _, _) in MUST_HOLD {
            let mut files = required();
            files.retain(|file| file.path != path);
            assert_eq!(problems(&files), [Problem::new(path, 0, "does not exist")]);
            files.push(file(path, "something else"));
            let found = problems(&files);
            assert!(found.len() == 1 && found[0].what.starts_with("lacks"), "{found:?}");
        }
    }
}
