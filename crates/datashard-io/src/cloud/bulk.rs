//! Guards the answer to a bulk deletion: the client looks up every file that it names, and takes it for granted that it finds it.

use std::collections::BTreeSet;

/// Whether the answer names only files that the request named. Both are XML, with names between `<Key>` and `</Key>`; other dialects,
/// which have no such element, pass.
pub(super) fn names_only(answer: &[u8], request: &[u8]) -> bool {
    let request = String::from_utf8_lossy(request);
    let asked: BTreeSet<String> = keys(&request).collect();
    keys(&String::from_utf8_lossy(answer)).all(|key| asked.contains(&key))
}

fn keys(text: &str) -> impl Iterator<Item = String> {
    text.split("<Key>").skip(1).map(|rest| unescape(rest.split_once("</Key>").map_or(rest, |(key, _)| key)))
}

/// Resolves named and numeric entities; what is none stays as it is.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match after.split_once(';').and_then(|(name, tail)| Some((entity(name)?, tail))) {
            Some((character, tail)) => {
                plain.push(character);
                rest = tail;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] =
        b"<Delete><Object><Key>t/a&amp;b</Key></Object><Object><Key>t/\"c\"</Key></Object></Delete>";

    #[test]
    fn answers_may_name_what_was_asked_in_any_escaping() {
        for answer in [
            &b"<DeleteResult/>"[..],
            b"<DeleteResult><Deleted><Key>t/a&#38;b</Key></Deleted></DeleteResult>",
            b"<DeleteResult><Error><Key>t/&quot;c&#x22;</Key><Code>AccessDenied</Code></Error></DeleteResult>",
            b"",
        ] {
            assert!(names_only(answer, REQUEST), "{}", String::from_utf8_lossy(answer));
        }
    }

    #[test]
    fn answers_that_name_something_else_are_told() {
        for answer in [
            &b"<DeleteResult><Error><Key>t/x</Key><Code>AccessDenied</Code></Error></DeleteResult>"[..],
            b"<DeleteResult><Error><Key>t/a&b</Error>",
            b"<DeleteResult><Error><Key></Key></Error></DeleteResult>",
        ] {
            assert!(!names_only(answer, REQUEST), "{}", String::from_utf8_lossy(answer));
        }
    }
}
