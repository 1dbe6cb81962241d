//! Values as people read them, in messages and logs. Not a form that is stored or read back.

use std::fmt;

use super::Value;
use super::datetime::{TimeUnit, Zone, format_date, format_time, format_timestamp};
use crate::error::excerpt;

/// Bytes shown of binary values.
const MAX_BYTES: usize = 32;
/// Parts shown of nested values.
const MAX_PARTS: usize = 16;

impl fmt::Display for Value {
    /// Dates and times in ISO form, text in quotes, bytes in hexadecimal. Long values are cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(v) => v.fmt(f),
            Self::Int(v) => v.fmt(f),
            Self::Long(v) => v.fmt(f),
            Self::Float(v) => write!(f, "{v:?}"),
            Self::Double(v) => write!(f, "{v:?}"),
            Self::Decimal(v) => v.fmt(f),
            Self::Date(v) => f.write_str(&format_date(*v)),
            Self::Time(v) => f.write_str(&format_time(*v)),
            Self::Timestamp(v) => f.write_str(&format_timestamp(*v, TimeUnit::Micros, Zone::None)),
            Self::Timestamptz(v) => f.write_str(&format_timestamp(*v, TimeUnit::Micros, Zone::Utc)),
            Self::TimestampNs(v) => f.write_str(&format_timestamp(*v, TimeUnit::Nanos, Zone::None)),
            Self::TimestamptzNs(v) => f.write_str(&format_timestamp(*v, TimeUnit::Nanos, Zone::Utc)),
            Self::String(v) => write!(f, "\"{}\"", excerpt(v)),
            Self::Uuid(v) => v.fmt(f),
            Self::Fixed(v) | Self::Binary(v) | Self::Geometry(v) | Self::Geography(v) => hex(v, f),
            Self::Struct(values) => parts(f, ["{", "}"], values, |f, value| optional(f, value.as_ref())),
            Self::List(values) => parts(f, ["[", "]"], values, |f, value| optional(f, value.as_ref())),
            Self::Map(pairs) => parts(f, ["{", "}"], pairs, |f, (key, value)| {
                write!(f, "{key}: ")?;
                optional(f, value.as_ref())
            }),
        }
    }
}

fn optional(f: &mut fmt::Formatter<'_>, value: Option<&Value>) -> fmt::Result {
    match value {
        Some(value) => fmt::Display::fmt(value, f),
        None => f.write_str("null"),
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    for byte in bytes.iter().take(MAX_BYTES) {
        write!(f, "{byte:02x}")?;
    }
    f.write_str(if bytes.len() > MAX_BYTES { "..." } else { "" })
}

fn parts<T>(
    f: &mut fmt::Formatter<'_>,
    [open, close]: [&str; 2],
    items: &[T],
    each: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (i, item) in items.iter().take(MAX_PARTS).enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        each(f, item)?;
    }
    f.write_str(if items.len() > MAX_PARTS { ", ..." } else { "" })?;
    f.write_str(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well_and_long_ones_are_cut() {
        for (value, expect) in [
            (Value::Double(1.0), "1.0".to_owned()),
            (Value::Float(f32::NAN), "NaN".to_owned()),
            (Value::decimal(-5, 2), "-0.05".to_owned()),
            (Value::Date(-1), "1969-12-31".to_owned()),
            (Value::Timestamptz(0), "1970-01-01T00:00:00.000000+00:00".to_owned()),
            (Value::from("a\"\n"), "\"a\\\"\\n\"".to_owned()),
            (Value::Binary(vec![0, 255]), "0x00ff".to_owned()),
            (Value::Binary(vec![0; 33]), format!("0x{}...", "00".repeat(32))),
            (Value::Struct(vec![Some(1.into()), None]), "{1, null}".to_owned()),
            (Value::Map(vec![("k".into(), Some(true.into()))]), "{\"k\": true}".to_owned()),
            (Value::List(vec![None; 17]), format!("[{}...]", "null, ".repeat(16))),
        ] {
            assert_eq!(value.to_string(), expect);
        }
    }
}
