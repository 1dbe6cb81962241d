//! One form for the spellings of a local path: writers mix `/p`, `file:/p` and `file:///p` within a table.

/// The location without `file:`, if it is an absolute local path; else as it is.
pub(super) fn unspelled(location: &str) -> &str {
    let rest = match location.strip_prefix("file:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None => return location,
    };
    // `file://host/p` is no local path, and `file:p` is a relative one.
    if rest.starts_with('/') { rest } else { location }
}

/// All spellings of a location, given in the one form.
pub(super) fn spellings(unspelled: &str) -> Vec<String> {
    match unspelled.starts_with('/') {
        true => vec![unspelled.to_owned(), format!("file:{unspelled}"), format!("file://{unspelled}")],
        false => vec![unspelled.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_spellings_are_one_path_and_others_stay_apart() {
        for spelling in spellings("/a/b") {
            assert_eq!(unspelled(&spelling), "/a/b");
        }
        for other in ["s3://b/a", "file://host/a", "file:a", "a/b", "", "file:", "file://"] {
            assert_eq!(unspelled(other), other);
            assert_eq!(spellings(other), [other]);
        }
    }
}
