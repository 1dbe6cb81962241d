//! Bounds of a column, cut to a length as column metrics ask for.
//!
//! A cut lower bound is a prefix, so it is still below every value. A cut upper bound has its last position raised, so
//! that it is still above every value; where nothing can be raised there is none. Cut bounds are limits and nothing else:
//! they need not occur in the file.

use crate::value::Value;

/// A lower bound of at most `length` code points (of a string) or bytes (of a binary or fixed). Other values are kept.
///
/// # Spec
/// Column metrics mode `truncate(length)`.
///
/// # Examples
/// ```
/// use datashard_spec::expr::{truncate_lower, truncate_upper};
/// use datashard_spec::value::Value;
///
/// let value = Value::String("iceberg".to_owned());
/// assert_eq!(truncate_lower(&value, 3), Value::String("ice".to_owned()));
/// assert_eq!(truncate_upper(&value, 3), Some(Value::String("icf".to_owned())));
/// assert_eq!(truncate_upper(&Value::Binary(vec![255, 255, 0]), 2), None);
/// ```
pub fn truncate_lower(value: &Value, length: usize) -> Value {
    match value {
        Value::String(text) => Value::String(prefix(text, length).to_owned()),
        Value::Binary(bytes) => Value::Binary(bytes.iter().take(length).copied().collect()),
        Value::Fixed(bytes) => Value::Fixed(bytes.iter().take(length).copied().collect()),
        other => other.clone(),
    }
}

/// An upper bound of at most `length` code points (of a string) or bytes (of a binary or fixed); `None` if there is none
/// so short. Other values are kept.
///
/// # Spec
/// Column metrics mode `truncate(length)`.
pub fn truncate_upper(value: &Value, length: usize) -> Option<Value> {
    match value {
        Value::String(text) => raise_text(text, length).map(Value::String),
        Value::Binary(bytes) => raise_bytes(bytes, length).map(Value::Binary),
        Value::Fixed(bytes) => raise_bytes(bytes, length).map(Value::Fixed),
        other => Some(other.clone()),
    }
}

fn prefix(text: &str, length: usize) -> &str {
    let end = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

fn raise_text(text: &str, length: usize) -> Option<String> {
    let mut kept = prefix(text, length).to_owned();
    if kept.len() == text.len() {
        return Some(kept);
    }
    while let Some(last) = kept.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'), // surrogates are no characters
            char::MAX => None,
            other => u32::from(other).checked_add(1).and_then(char::from_u32),
        };
        if let Some(next) = next {
            kept.push(next);
            return Some(kept);
        }
    }
    None
}

fn raise_bytes(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut kept: Vec<u8> = bytes.iter().take(length).copied().collect();
    if kept.len() == bytes.len() {
        return Some(kept);
    }
    while let Some(last) = kept.pop() {
        if let Some(next) = last.checked_add(1) {
            kept.push(next);
            return Some(kept);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, length: usize, lower: &str, upper: Option<&str>) {
        let value = Value::String(text.to_owned());
        assert_eq!(truncate_lower(&value, length), Value::String(lower.to_owned()));
        assert_eq!(truncate_upper(&value, length), upper.map(|u| Value::String(u.to_owned())));
    }

    #[test]
    fn strings_are_cut_by_code_points() {
        check("abc", 3, "abc", Some("abc"));
        check("abcd", 3, "abc", Some("abd"));
        check("éé", 1, "é", Some("ê"));
        check("a\u{10ffff}x", 2, "a\u{10ffff}", Some("b"));
        check("\u{10ffff}x", 1, "\u{10ffff}", None);
        check("\u{d7ff}x", 1, "\u{d7ff}", Some("\u{e000}"));
        check("x", 0, "", None);
        check("", 0, "", Some(""));
    }

    proptest! {
        #[test]
        fn cut_bounds_enclose_the_value(text: String, bytes: Vec<u8>, length in 0_usize..6) {
            for value in [Value::String(text), Value::Binary(bytes.clone()), Value::Fixed(bytes)] {
                prop_assert!(truncate_lower(&value, length) <= value);
                if let Some(upper) = truncate_upper(&value, length) {
                    prop_assert!(upper >= value);
                }
            }
        }
    }
}
