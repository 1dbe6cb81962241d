//! SHIM, to be deleted at the merge: names and signatures of the transform module, as far as this module needs them.
//!
//! Then `use super::transform_shim::url_encode` in `path.rs` becomes `use crate::transform::url_encode`.

use std::fmt;

use crate::schema::{PrimitiveType, Type};
use crate::transform::Transform;
use crate::value::{Value, ValueError};

impl Transform {
    /// The transform with this name; names are not case-sensitive.
    pub(crate) fn parse(text: &str) -> Result<Self, ValueError> {
        let lower = text.to_lowercase();
        let parameter = |name: &str| lower.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']');
        let number = |digits: &str| match digits.parse() {
            Ok(n) if n > 0_u32 => Ok(n),
            _ => Err(ValueError::Text { expected: "transform".to_owned(), found: text.to_owned() }),
        };
        if let Some(buckets) = parameter("bucket") {
            return number(buckets).map(Self::Bucket);
        }
        if let Some(width) = parameter("truncate") {
            return number(width).map(Self::Truncate);
        }
        Ok(match lower.as_str() {
            "identity" => Self::Identity,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "void" => Self::Void,
            _ => Self::Unknown(text.into()),
        })
    }

    /// The type of the result, `None` where the transform does not take the type.
    pub(crate) fn result_type(&self, source: &Type) -> Option<Type> {
        use PrimitiveType as P;
        let Type::Primitive(primitive) = source else {
            return matches!(self, Self::Unknown(_)).then_some(Type::Primitive(P::String));
        };
        let temporal = matches!(primitive, P::Timestamp | P::Timestamptz | P::TimestampNs | P::TimestamptzNs);
        let dated = temporal || *primitive == P::Date;
        let shape = matches!(primitive, P::Geometry(_) | P::Geography(..));
        let result = match self {
            Self::Identity if !shape => primitive.clone(),
            Self::Void => primitive.clone(),
            Self::Bucket(_)
                if !shape && !matches!(primitive, P::Boolean | P::Float | P::Double | P::Unknown) =>
            {
                P::Int
            }
            Self::Truncate(_)
                if matches!(primitive, P::Int | P::Long | P::Decimal { .. } | P::String | P::Binary) =>
            {
                primitive.clone()
            }
            Self::Year | Self::Month if dated => P::Int,
            Self::Day if dated => P::Date,
            Self::Hour if temporal => P::Int,
            Self::Unknown(_) => P::String,
            _ => return None,
        };
        Some(result.into())
    }

    /// A partition value for people.
    pub(crate) fn to_human_string(&self, _result_type: &Type, value: Option<&Value>) -> String {
        match value {
            None => "null".to_owned(),
            Some(Value::Int(v)) => v.to_string(),
            Some(Value::Long(v)) => v.to_string(),
            Some(Value::String(v)) => v.clone(),
            Some(other) => format!("{other:?}"),
        }
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Bucket(n) => write!(f, "bucket[{n}]"),
            Self::Truncate(n) => write!(f, "truncate[{n}]"),
            Self::Year => f.write_str("year"),
            Self::Month => f.write_str("month"),
            Self::Day => f.write_str("day"),
            Self::Hour => f.write_str("hour"),
            Self::Void => f.write_str("void"),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

/// Escapes as in an HTML form: space is `+`.
pub(crate) fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
