//! Locations that are folders: paths and `file:` URLs, made absolute, and the names of files below them.

use std::path::Path;

/// The path of a `file:` URL, from what follows the colon.
pub(super) fn path_of_url(rest: &str) -> Result<String, String> {
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, _) = rest.split_once('/').ok_or("names no path after the host")?;
            if !(host.is_empty() || host.eq_ignore_ascii_case("localhost")) {
                return Err(format!(
                    "names another machine, `{host}`; a folder of this one is written `file:///path`",
                    host = crate::path::excerpt(host)
                ));
            }
            rest.get(host.len()..).unwrap_or_default()
        }
        None => rest,
    };
    if !path.starts_with('/') {
        return Err("has a relative path after `file:`; write it as a path".to_owned());
    }
    if path.contains(['?', '#']) {
        return Err("has a query or a fragment; write these characters as %3F and %23".to_owned());
    }
    let path = decode(path)?;
    if is_drive(path.trim_start_matches('/')) {
        return Err("looks like a path of Windows, which is not supported".to_owned());
    }
    Ok(path)
}

/// The absolute path, without `.`, `..`, doubled slashes or one at the end; empty for the root.
pub(super) fn absolute(path: &str) -> Result<String, String> {
    if path.contains('\\') {
        return Err("has a backslash, which separates folders on some systems: use `/`".to_owned());
    }
    if is_drive(path) {
        return Err("looks like a path of Windows, which is not supported".to_owned());
    }
    if path == "~" || path.starts_with("~/") {
        return Err(
            "begins with `~`, which only a shell resolves: write the folder out, or as `./~`".to_owned()
        );
    }
    let absolute = std::path::absolute(path).map_err(|e| e.to_string())?;
    let text = absolute.to_str().ok_or("lies in a folder whose name is not UTF-8")?;
    // `a/..` is not where one was before if `a` is a link. Only the system knows.
    match split_after_last_parent(text) {
        None => Ok(clean(text)),
        Some((before, after)) => {
            let before = std::fs::canonicalize(Path::new(before))
                .map_err(|e| format!("has a `..` that leads nowhere: {e}"))?;
            let before = before.to_str().ok_or("leads to a folder whose name is not UTF-8")?;
            Ok(clean(&format!("{before}/{after}")))
        }
    }
}

/// The path below `root` of a file that is named by a path or a `file:` URL.
pub(super) fn below(root: &str, file: &str) -> Option<String> {
    let Some(rest) = file.strip_prefix("file:") else { return strip(root, file) };
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest),
        None => rest,
    };
    strip(root, path).or_else(|| strip(root, &decode(path).ok()?))
}

fn strip(root: &str, path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    let path = if path.ends_with('/') { format!("{}/", clean(path)) } else { clean(path) };
    path.strip_prefix(root)?.strip_prefix('/').map(str::to_owned)
}

/// An absolute path without doubled slashes, `.` and a slash at the end. A `..` stays.
fn clean(path: &str) -> String {
    path.split('/').filter(|segment| !matches!(*segment, "" | ".")).fold(
        String::new(),
        |mut clean, segment| {
            clean.push('/');
            clean.push_str(segment);
            clean
        },
    )
}

/// The path up to and with the last segment `..`, and the rest.
fn split_after_last_parent(path: &str) -> Option<(&str, &str)> {
    let end = if path.ends_with("/..") { path.len() } else { path.rfind("/../")?.checked_add(3)? };
    path.split_at_checked(end)
}

/// Resolves escapes. One that stands for a slash or a NUL would make another path of it, and is refused.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let digit = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        let byte = match (digit(0), digit(1)) {
            (Some(high), Some(low)) => u8::try_from(high.saturating_mul(16).saturating_add(low)).ok(),
            _ => None,
        };
        match byte {
            None => return Err("has a `%` that begins no escape; write it as %25".to_owned()),
            Some(b'/' | b'\\') => return Err("has an escaped slash".to_owned()),
            Some(byte) if byte.is_ascii_control() => {
                return Err("has an escaped control character".to_owned());
            }
            Some(byte) => bytes.push(byte),
        }
        rest = after.get(2..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_err(|_| "has escapes that are not UTF-8".to_owned())
}

fn is_drive(path: &str) -> bool {
    let mut chars = path.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':')
}
