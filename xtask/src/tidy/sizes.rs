//! File sizes: most sources are short, none is huge.

use std::fmt;

use super::{Problem, TextFile};

const SHORT_LINES: usize = 300;
const LONGEST_LINES: usize = 1000;
const LEAST_SHORT_PERCENT: usize = 50;

/// Lines of every source file, longest first.
pub(super) struct Sizes(Vec<(usize, String)>);

pub(super) fn report(files: &[TextFile]) -> Sizes {
    let sources = files.iter().filter(|file| file.path.ends_with(".rs"));
    let mut sizes: Vec<_> = sources.map(|file| (file.text.lines().count(), file.path.clone())).collect();
    sizes.sort_by(|a, b| b.cmp(a));
    Sizes(sizes)
}

impl Sizes {
    /// Share of files under [`SHORT_LINES`], in percent; 100 when there are none.
    fn short_percent(&self) -> usize {
        let short = self.0.iter().filter(|(lines, _)| *lines < SHORT_LINES).count();
        short.saturating_mul(100).checked_div(self.0.len()).unwrap_or(100)
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: usize = self.0.iter().map(|(lines, _)| lines).sum();
        let percent = self.short_percent();
        write!(
            f,
            "{} sources, {lines} lines, {percent} % under {SHORT_LINES} lines; longest:",
            self.0.len()
        )?;
        self.0.iter().take(3).try_for_each(|(lines, path)| write!(f, " {path} ({lines})"))
    }
}

pub(super) fn problems(sizes: &Sizes) -> Vec<Problem> {
    let too_long = sizes.0.iter().filter(|(lines, _)| *lines > LONGEST_LINES);
    let mut problems: Vec<_> = too_long
        .map(|(lines, path)| {
            Problem::new(path, 0, format!("{lines} lines, at most {LONGEST_LINES}; split it by idea"))
        })
        .collect();
    let percent = sizes.short_percent();
    if percent < LEAST_SHORT_PERCENT {
        let what = format!(
            "{percent} % of them under {SHORT_LINES} lines, at least {LEAST_SHORT_PERCENT} % should be"
        );
        problems.push(Problem::new("all sources", 0, what));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::tests::file;
    use super::*;

    fn check(line_counts: &[usize], expect: &[&str]) {
        let files: Vec<TextFile> =
            line_counts.iter().map(|lines| file("a.rs", &"x\n".repeat(*lines))).collect();
        let found: Vec<String> = problems(&report(&files)).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for (found, expect) in found.iter().zip(expect) {
            assert!(found.contains(expect), "{found} should contain {expect}");
        }
    }

    #[test]
    fn a_huge_file_is_refused() {
        check(&[1000, 10, 10], &[]);
        check(&[1001, 10, 10], &["1001 lines"]);
    }

    #[test]
    fn half_of_the_files_must_be_short() {
        check(&[], &[]);
        check(&[300, 299], &[]);
        check(&[300, 300, 299], &["33 % of them"]);
    }

    #[test]
    fn only_sources_count_and_the_longest_are_named() {
        let files = [file("a.md", &"x\n".repeat(2000)), file("b.rs", "x\n"), file("c.rs", "x\nx\n")];
        assert_eq!(
            report(&files).to_string(),
            "2 sources, 3 lines, 100 % under 300 lines; longest: c.rs (2) b.rs (1)"
        );
    }
}
