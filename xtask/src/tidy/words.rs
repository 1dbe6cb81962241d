//! Words that must not be left in a file: unfinished work, tests that do not run, places of one machine, package registries.

use super::{Problem, TextFile};

/// What is searched for is put together here, so that this file does not find itself.
const UNFINISHED: [&str; 7] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("#[ig", "nore"),
    concat!("```ig", "nore"),
    concat!("```rust,ig", "nore"),
];
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/t", "mp/")];
const REGISTRIES: [&str; 5] = [
    concat!("crates", ".io"),
    concat!("sparse", "+http"),
    concat!("py", "pi.org"),
    concat!("npm", "js.org"),
    concat!("[sou", "rce."),
];

/// Where the tables of `testdata` say that they lie; tests and the catalogue may name it.
const TABLES: &str = concat!("/t", "mp/iceberg-fixtures");
/// The only place a dependency may come from.
const LOCKED_SOURCE: &str = concat!("\"registry+https://github.com/rust-lang/crates", ".io-index\"");

pub(super) fn problems(files: &[TextFile]) -> Vec<Problem> {
    files
        .iter()
        .flat_map(|file| if file.path.ends_with(".lock") { locked_sources(file) } else { words(file) })
        .collect()
}

fn words(file: &TextFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        if let Some(word) = UNFINISHED.iter().find(|word| holds_word(line, word)) {
            problems.push(Problem::new(&file.path, number, format!("`{word}`: finish it, or leave it out")));
        }
        let rest = if may_name_tables(&file.path) { line.replace(TABLES, "") } else { line.to_owned() };
        if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| holds_word(&rest, folder)) {
            problems.push(Problem::new(&file.path, number, format!("`{folder}` is a place of one machine")));
        }
        if let Some(registry) = REGISTRIES.iter().find(|registry| line.contains(*registry)) {
            problems.push(Problem::new(&file.path, number, format!("`{registry}` names a package registry")));
        }
    }
    problems
}

/// Whether `line` holds `word` with no letter or digit just before it, nor after it where the word ends with one.
fn holds_word(line: &str, word: &str) -> bool {
    let ends_open = word.ends_with(|last: char| last.is_alphanumeric());
    line.match_indices(word).any(|(at, found)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at.saturating_add(found.len())..).and_then(|text| text.chars().next());
        !(before.is_some_and(char::is_alphanumeric) || ends_open && after.is_some_and(char::is_alphanumeric))
    })
}

fn may_name_tables(path: &str) -> bool {
    path.split('/').any(|part| ["testdata", "tests", "tests.rs"].contains(&part))
}

fn locked_sources(file: &TextFile) -> Vec<Problem> {
    let lines = (1..).zip(file.text.lines());
    lines
        .filter_map(|(number, line)| line.strip_prefix("source = ").map(|source| (number, source)))
        .filter(|(_, source)| *source != LOCKED_SOURCE)
        .map(|(number, source)| Problem::new(&file.path, number, format!("a dependency from {source}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::file;
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        problems(&[file(path, text)]).len()
    }

    #[test]
    fn each_forbidden_word_is_found_with_its_line() {
        for word in UNFINISHED.iter().chain(&MACHINE_FOLDERS).chain(&REGISTRIES) {
            let found = problems(&[file("src/a.rs", &format!("//! A.\n// {word} here\n"))]);
            assert!(
                found.len() == 1 && found[0].line == 2 && found[0].what.contains(word),
                "{word}: {found:?}"
            );
        }
    }

    #[test]
    fn a_word_inside_another_is_no_finding() {
        assert_eq!(count("a.rs", concat!("let mas", "TO", "DO", "n = 1;")), 0);
        assert_eq!(count("a.rs", concat!("AUTO", "DO", "C")), 0);
        assert_eq!(count("a.md", concat!("s3://bucket/net", "wo", "rk/data")), 0);
        assert_eq!(count("a.md", concat!("s3://bucket/wo", "rk/data")), 0);
    }

    #[test]
    fn the_place_of_the_tables_is_named_only_by_tests_and_the_catalogue() {
        let text = format!("see {TABLES}/v2_basic");
        assert_eq!(count("testdata/README.md", &text), 0);
        assert_eq!(count("crates/datashard-spec/tests/it/main.rs", &text), 0);
        assert_eq!(count("crates/datashard-spec/src/manifest/tests.rs", &text), 0);
        assert_eq!(count("crates/datashard-spec/src/lib.rs", &text), 1);
        assert_eq!(count("testdata/README.md", concat!("/t", "mp/elsewhere")), 1);
    }

    #[test]
    fn the_lock_file_names_one_source() {
        assert_eq!(count("Cargo.lock", &format!("name = \"a\"\nsource = {LOCKED_SOURCE}\n")), 0);
        assert_eq!(count("Cargo.lock", "name = \"a\"\nsource = \"git+https://example.org/a\"\n"), 1);
    }
}
