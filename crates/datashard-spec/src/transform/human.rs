//! Partition values as text for paths. Cosmetic: nothing is ever read back from a path.

use std::fmt::Write as _;

use super::Transform;
use crate::value::Value;
use crate::value::datetime::CivilDate;

impl Transform {
    /// A value that this transform made as people read it in a path, not yet [url-encoded](url_encode): `1969`,
    /// `1969-12`, `1969-12-31`, `1969-12-31-23`, text as it is, bytes in base64, and `null`.
    ///
    /// # Spec
    /// Not in the format; as the reference implementation names directories.
    pub fn to_human_string(&self, value: Option<&Value>) -> String {
        match (self, value) {
            (_, None) => "null".to_owned(),
            (Self::Year, Some(Value::Int(years))) => format!("{:04}", years_since_zero(*years)),
            (Self::Month, Some(Value::Int(months))) => {
                let year = years_since_zero(months.div_euclid(12));
                format!("{year:04}-{:02}", months.rem_euclid(12).saturating_add(1))
            }
            (Self::Day, Some(Value::Int(days))) | (_, Some(Value::Date(days))) => date(*days),
            (Self::Hour, Some(Value::Int(hours))) => {
                format!("{}-{:02}", date(hours.div_euclid(24)), hours.rem_euclid(24))
            }
            (_, Some(Value::String(text))) => text.clone(),
            (_, Some(Value::Fixed(bytes) | Value::Binary(bytes))) => base64(bytes),
            (_, Some(value)) => value.to_string(),
        }
    }
}

fn years_since_zero(years: i32) -> i64 {
    i64::from(years).saturating_add(1970)
}

/// As `yyyy-MM-dd` without the sign of ISO 8601 for years beyond 9999.
fn date(days: i32) -> String {
    let CivilDate { year, month, day } = CivilDate::from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = usize::try_from(bits >> shift & 0x3f).ok().and_then(|digit| DIGITS.get(digit));
            let digit = digit.filter(|_| at <= group.len()).unwrap_or(&b'=');
            text.push(char::from(*digit));
        }
    }
    text
}

/// Text as a part of a path: UTF-8 bytes other than ASCII letters, digits and `.-*_` become `%XX`, a blank `+`.
///
/// This is the encoding of HTML forms, which the reference implementation uses for the names and values of partition
/// fields.
///
/// # Examples
/// ```
/// use datashard_spec::transform::url_encode;
///
/// assert_eq!(url_encode("a/b é"), "a%2Fb+%C3%A9");
/// ```
pub fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            _ => {
                let _ = write!(encoded, "%{byte:02X}"); // writing to a string cannot fail
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(transform: &Transform, value: impl Into<Value>, expect: &str) {
        assert_eq!(transform.to_human_string(Some(&value.into())), expect);
    }

    #[test]
    fn temporal_values_read_as_calendar_parts() {
        check(&Transform::Year, -1, "1969");
        check(&Transform::Year, 54, "2024");
        check(&Transform::Year, -1969, "0001");
        check(&Transform::Month, -19, "1968-06");
        check(&Transform::Month, -12, "1969-01");
        check(&Transform::Month, -1, "1969-12");
        check(&Transform::Month, 649, "2024-02");
        check(&Transform::Day, Value::Date(-1), "1969-12-31");
        check(&Transform::Day, 17_501, "2017-12-01");
        check(&Transform::Hour, -13_554, "1968-06-15-06");
        check(&Transform::Hour, -1, "1969-12-31-23");
        check(&Transform::Hour, 474_781, "2024-02-29-13");
        for transform in [Transform::Year, Transform::Month, Transform::Day, Transform::Hour] {
            for value in [i32::MIN, i32::MAX] {
                assert!(!transform.to_human_string(Some(&value.into())).is_empty());
            }
        }
    }

    #[test]
    fn other_values_read_as_themselves_and_bytes_as_base64() {
        check(&Transform::Identity, Value::Date(-141_428), "1582-10-14");
        check(&Transform::Identity, Value::Timestamp(-1), "1969-12-31T23:59:59.999999");
        check(&Transform::Identity, true, "true");
        check(&Transform::Identity, i64::MIN, "-9223372036854775808");
        check(&Transform::Truncate(10), Value::decimal(-10, 2), "-0.10");
        check(&Transform::Identity, "a \"b\"", "a \"b\"");
        check(&Transform::Truncate(10), Value::Binary(vec![]), "");
        check(&Transform::Truncate(10), Value::Binary(vec![0xff]), "/w==");
        check(&Transform::Truncate(10), Value::Binary(vec![1, 2]), "AQI=");
        check(
            &Transform::Truncate(10),
            Value::Binary(b"\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad".to_vec()),
            "3q2+796tvu/erQ==",
        );
        check(&Transform::Identity, Value::Fixed(vec![0, 0, 0]), "AAAA");
        check(&Transform::Bucket(16), 7, "7");
        assert_eq!(Transform::Identity.to_human_string(None), "null");
        assert_eq!(Transform::Void.to_human_string(None), "null");
    }

    #[test]
    fn paths_are_encoded_as_forms_are() {
        for (text, expect) in [
            ("p q", "p+q"),
            ("ключ=1", "%D0%BA%D0%BB%D1%8E%D1%87%3D1"),
            ("日本", "%E6%97%A5%E6%9C%AC"),
            ("..", ".."),
            ("", ""),
            ("a%2Fb", "a%252Fb"),
            ("a'b", "a%27b"),
            ("a+b", "a%2Bb"),
            ("a:b", "a%3Ab"),
            ("a\\b", "a%5Cb"),
            ("q?#[]", "q%3F%23%5B%5D"),
            ("~*-_.", "%7E*-_."),
            ("😀", "%F0%9F%98%80"),
        ] {
            assert_eq!(url_encode(text), expect);
        }
    }
}
