//! That the catalogue of failures in `tests/README.md` tells the truth: each test that it names exists, and each row has one or says where.

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

/// Whether a word has the form of a row in front: `b3_`.
fn names_a_row(word: &str) -> bool {
    let number = word.strip_prefix(|row: char| ('a'..='h').contains(&row)).unwrap_or_default();
    let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (1..=2).contains(&digits) && number[digits..].starts_with('_')
}

#[test]
fn every_test_that_the_catalogue_names_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&here.join("src"), &mut text);
    sources(&here.join("tests"), &mut text);
    // A function, a test made by a macro, or the name of a trial on a server. A word in a comment is no test.
    let known: BTreeSet<&str> = ["fn ", "\"", "::", "!(\n    "]
        .iter()
        .flat_map(|before| text.split(before).skip(1))
        .filter_map(|after| after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next())
        .filter(|word| names_a_row(word))
        .collect();
    let readme = std::fs::read_to_string(here.join("tests/README.md")).unwrap();
    let rows: Vec<&str> = readme
        .lines()
        .filter(|line| {
            line.starts_with("| A")
                || line.starts_with("| B")
                || line.starts_with("| C")
                || line.starts_with("| D")
                || line.starts_with("| E")
                || line.starts_with("| H")
        })
        .collect();
    assert!(rows.len() > 10, "the catalogue has rows");
    for line in rows {
        let named: Vec<&str> = line.split('`').filter(|word| names_a_row(word)).collect();
        assert!(!named.is_empty(), "a row names no test: {line}");
        for name in named {
            assert!(known.contains(name), "`{name}` does not exist: {line}");
        }
    }
}
