//! The parts of a location that is a URL: scheme, bucket, query; and its text without what may be secret.

use super::Scheme;
use crate::path::excerpt;

/// A location and the query after it, if it is a URL: in a path a `?` is a character like others.
pub(crate) fn split_query(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((location, query)) if scheme_of(location).is_some_and(|(name, _)| name.len() > 1) => {
            (location, Some(query))
        }
        _ => (text, None),
    }
}

/// The text before the first `:`, if it can be the scheme of a URL, and the text after it. A slash before it makes the text a path.
pub(super) fn scheme_of(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    let is_scheme = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    is_scheme.then_some((name, rest))
}

/// The bucket, and for Azure the host after it, of what stands between `//` and the path.
pub(super) fn authority_of(scheme: Scheme, authority: &str) -> Result<(String, Option<String>), String> {
    let (container, host) = match authority.split_once('@') {
        Some((container, host)) if scheme == Scheme::Azure => (container, Some(host)),
        Some(_) => return Err("has a user in it: credentials are options".to_owned()),
        None => (authority, None),
    };
    if container.is_empty() {
        return Err("names no bucket".to_owned());
    }
    if container.starts_with("arn") && container.contains(':') {
        return Err("names an access point by its ARN: use its alias, which is a bucket's name".to_owned());
    }
    if container.contains(':') {
        return Err("has a port in it: the server is given by the option `endpoint`".to_owned());
    }
    let is_name = |text: &str| {
        text.len() <= 255
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    // Old buckets and other servers have names that AWS does not allow today; what the server does not like it says itself.
    if !is_name(container) {
        return Err("its bucket may only have ASCII letters, digits, `.`, `-` and `_`".to_owned());
    }
    match host {
        Some(host) if !is_name(host) => Err("has no host after the `@`".to_owned()),
        host => Ok((container.to_owned(), host.map(str::to_ascii_lowercase))),
    }
}

/// Text for a message: without a query and a user, which may be secret.
pub(super) fn without_secrets(text: &str) -> String {
    if scheme_of(text).is_none_or(|(name, _)| name.len() == 1) {
        return excerpt(text);
    }
    let (before, query) = match text.split_once('?') {
        Some((before, _)) => (before, "?..."),
        None => (text, ""),
    };
    let (scheme, rest) = before.split_once("//").unwrap_or(("", before));
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
    // `container@account` is no secret, but `key:secret@bucket` is.
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => format!("...@{host}"),
        _ => authority.to_owned(),
    };
    let slashes = if scheme.is_empty() { "" } else { "//" };
    excerpt(&format!("{scheme}{slashes}{authority}{path}{query}"))
}
