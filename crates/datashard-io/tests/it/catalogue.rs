//! That the catalogue of failures in `tests/README.md` tells the truth: each row has tests, and each test that it names exists.

use std::collections::BTreeSet;
use std::path::Path;

/// Sources of tests, as one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Whether a word has the form of a row in front: `b03_`.
fn names_a_row(word: &str) -> bool {
    matches!(word.as_bytes(), [b'a'..=b'g', b'0'..=b'9', b'0'..=b'9', b'_', ..])
}

#[test]
fn every_row_has_tests_and_every_test_named_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&here.join("src"), &mut text);
    sources(&here.join("tests"), &mut text);
    // A function, or the name of a trial on a server. A word in a comment is no test.
    let known: BTreeSet<&str> = ["fn ", "\"", "::"]
        .iter()
        .flat_map(|before| text.split(before).skip(1))
        .filter_map(|after| after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next())
        .filter(|word| names_a_row(word))
        .collect();
    let readme = std::fs::read_to_string(here.join("tests/README.md")).unwrap();
    let rows = ["A5", "A6", "A15"]
        .map(str::to_owned)
        .into_iter()
        .chain((1..=19).map(|n| format!("B{n}")))
        .chain((1..=11).map(|n| format!("C{n}")))
        .chain((1..=9).map(|n| format!("G{n}")));
    for row in rows {
        let line = readme.lines().find(|line| line.starts_with(&format!("| {row} |")));
        let line = line.unwrap_or_else(|| panic!("no row {row}"));
        let named: Vec<&str> = line.split('`').filter(|word| names_a_row(word)).collect();
        assert!(!named.is_empty(), "row {row} names no test");
        for name in named {
            assert!(known.contains(name), "row {row} names `{name}`, which does not exist");
        }
    }
}
