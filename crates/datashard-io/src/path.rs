//! [`TablePath`]: the name of a file below the table's location, checked once.
//!
//! Paths come from metadata that others wrote. What could lead out of the table, or means different files in different
//! stores, is refused here, before any store sees it.

use std::fmt;
use std::sync::Arc;

use datashard_spec::error::ErrorKind;

/// The longest path, in bytes: what S3 and GCS allow for a key, less room for the table's own prefix.
const MAX_BYTES: usize = 900;
/// The longest segment, in bytes: what file systems allow for a name.
const MAX_SEGMENT_BYTES: usize = 255;

/// A path that may not name a file of a table. Paths are cut to a sane length in messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path `{path}`: {reason}")]
#[non_exhaustive]
pub struct PathError {
    /// The path, escaped and cut to a sane length.
    pub path: String,
    /// The rule that it breaks.
    pub reason: &'static str,
}

impl PathError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// The name of a file below a table's location: segments joined by `/`, none of them empty, `.` or `..`.
///
/// Segments have at most 255 bytes and no control characters or backslashes; the whole has at most 900 bytes. Nothing is percent-decoded:
/// `%2E%2E` is four characters more than `..` and names a file of that name.
///
/// # Examples
/// ```
/// use datashard_io::path::TablePath;
///
/// let path = TablePath::parse("metadata/v1.metadata.json")?;
/// assert_eq!((path.folder(), path.name()), ("metadata", "v1.metadata.json"));
/// for bad in ["", "/etc/passwd", "data/../../x", "data//x", "a\0b", "data/"] {
///     assert!(TablePath::parse(bad).is_err());
/// }
/// # Ok::<(), datashard_io::path::PathError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TablePath(Arc<str>);

impl TablePath {
    /// Checks a path.
    ///
    /// # Errors
    /// `InvalidInput` naming the rule that it breaks.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        match check(path) {
            Ok(()) => Ok(Self(path.into())),
            Err(reason) => Err(PathError { path: excerpt(path), reason }),
        }
    }

    /// The path as text, with `/` between segments.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Everything before the last `/`; empty if the file lies in the table's folder itself.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// This path with `more` below it.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn join(&self, more: &str) -> Result<Self, PathError> {
        Self::parse(&format!("{}/{more}", self.0))
    }
}

fn check(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("is empty");
    }
    if path.len() > MAX_BYTES {
        return Err("is longer than 900 bytes");
    }
    for segment in path.split('/') {
        match segment {
            "" => return Err("has an empty segment: `/` at an end or twice in a row"),
            "." | ".." => return Err("has a segment `.` or `..`"),
            _ if segment.len() > MAX_SEGMENT_BYTES => return Err("has a segment longer than 255 bytes"),
            _ if segment.chars().any(char::is_control) => return Err("has a control character"),
            _ if segment.contains('\\') => {
                return Err("has a backslash, which separates folders on some systems");
            }
            _ => {}
        }
    }
    Ok(())
}

impl fmt::Display for TablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TablePath({:?})", &*self.0)
    }
}

impl AsRef<str> for TablePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Cuts text that came from outside to a length fit for a message, with control characters escaped.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 160;
    let mut cut = String::new();
    for c in text.chars().take(MAX_CHARS) {
        if c.is_control() { cut.extend(c.escape_debug()) } else { cut.push(c) }
    }
    if text.chars().nth(MAX_CHARS).is_some() {
        cut.push_str("...");
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_name_a_file_of_a_table_are_kept_as_they_are() {
        for path in [
            "a",
            "metadata/v1.metadata.json",
            "data/day=2024-01-01/x y#1%2F+ü.parquet",
            "data/%2e%2e/x",
            "...",
            &format!("d/{}", "x".repeat(255)),
        ] {
            assert_eq!(TablePath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn paths_that_lead_out_or_differ_between_stores_are_refused() {
        let check = |path: &str, reason: &str| {
            let error = TablePath::parse(path).unwrap_err();
            assert!(error.reason.contains(reason), "{path:?}: {error}");
        };
        check("", "is empty");
        for path in ["/a", "a/", "a//b", "/"] {
            check(path, "empty segment");
        }
        for path in ["..", "a/../b", "./a", "a/."] {
            check(path, "`.` or `..`");
        }
        for path in ["a\0b", "a\nb", "a\u{7f}"] {
            check(path, "control character");
        }
        check("a\\b", "backslash");
        check(&"x".repeat(256), "longer than 255");
        check(&"x/".repeat(500), "longer than 900");
    }

    #[test]
    fn long_paths_are_cut_in_messages() {
        let error = TablePath::parse(&"x".repeat(1_000_000)).unwrap_err();
        assert!(error.to_string().len() < 300);
    }
}
