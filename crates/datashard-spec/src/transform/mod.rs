//! Partition transforms: from a source value to a partition value.
//!
//! Every transform maps null to null. A transform that this version does not know is kept by name: it can be read past,
//! but not computed.

pub mod bucket;
mod human;
pub mod temporal;
pub mod truncate;

use std::borrow::Cow;
use std::fmt;

pub use human::url_encode;

use crate::schema::{PrimitiveType, Type};
use crate::value::{Value, ValueError, error};

/// How a partition value or sort key is made from a source column.
///
/// # Spec
/// "Partition Transforms".
///
/// # Examples
/// ```
/// use datashard_spec::transform::Transform;
/// use datashard_spec::value::Value;
///
/// let bucket = Transform::parse("bucket[16]")?;
/// assert_eq!(bucket.apply(Some(&Value::from("iceberg")))?, Some(Value::Int(9)));
/// assert_eq!(bucket.to_string(), "bucket[16]");
/// assert_eq!(Transform::Year.to_human_string(Some(&Value::Int(-1))), "1969");
/// # Ok::<(), datashard_spec::value::ValueError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transform {
    /// The value itself.
    Identity,
    /// Hash of the value, modulo this many buckets.
    Bucket(u32),
    /// The value cut to this width.
    Truncate(u32),
    /// Years since 1970.
    Year,
    /// Months since 1970-01.
    Month,
    /// Days since 1970-01-01.
    Day,
    /// Hours since 1970-01-01T00.
    Hour,
    /// Always null.
    Void,
    /// A transform of a newer version: kept, tolerated when reading, never written with.
    Unknown(Box<str>),
}

/// The most buckets, and the greatest width: the format's numbers are 32-bit signed.
const MAX_WIDTH: u32 = i32::MAX.unsigned_abs();

impl Transform {
    /// Reads the name of a transform, upper and lower case alike. A name that this version does not know becomes
    /// [`Unknown`](Self::Unknown), letter by letter.
    ///
    /// # Errors
    /// `InvalidData` if the name is `bucket` or `truncate` with a number that is not 1 to 2147483647: whatever it was
    /// meant to be, reading it as unknown would hide the mistake.
    pub fn parse(name: &str) -> Result<Self, ValueError> {
        let width = |function: &str| {
            let (head, rest) = name.split_at_checked(function.len())?;
            let digits = rest.strip_prefix('[')?.strip_suffix(']')?;
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            (head.eq_ignore_ascii_case(function) && is_number).then_some(digits)
        };
        let checked = |digits: &str| {
            let number = digits.parse().ok().filter(|width| (1..=MAX_WIDTH).contains(width));
            number.ok_or_else(|| error::text("transform with a number from 1 to 2147483647", name))
        };
        if let Some(digits) = width("bucket") {
            return checked(digits).map(Self::Bucket);
        }
        if let Some(digits) = width("truncate") {
            return checked(digits).map(Self::Truncate);
        }
        let known = [Self::Identity, Self::Year, Self::Month, Self::Day, Self::Hour, Self::Void];
        let known = known.into_iter().find(|transform| transform.to_string().eq_ignore_ascii_case(name));
        Ok(known.unwrap_or_else(|| Self::Unknown(name.into())))
    }

    /// The type of the values it makes of a source of this type; `None` if it does not take such a source.
    ///
    /// The result of an unknown transform is `string`, as the format asks of readers.
    pub fn result_type(&self, source: &Type) -> Option<Type> {
        use PrimitiveType as P;
        let dated = matches!(
            source,
            Type::Primitive(P::Date | P::Timestamp | P::Timestamptz | P::TimestampNs | P::TimestamptzNs)
        );
        match (self, source) {
            (Self::Void, _) => Some(source.clone()),
            (Self::Unknown(_), _) => Some(P::String.into()),
            (Self::Identity, Type::Primitive(P::Geometry(_) | P::Geography(..))) => None,
            (Self::Identity, Type::Primitive(_)) => Some(source.clone()),
            (Self::Bucket(_), Type::Primitive(primitive)) => bucket::allows(primitive).then(|| P::Int.into()),
            (Self::Truncate(_), Type::Primitive(primitive)) => {
                truncate::allows(primitive).then(|| source.clone())
            }
            (Self::Hour, Type::Primitive(P::Date)) => None,
            (Self::Day, _) if dated => Some(P::Date.into()),
            (Self::Year | Self::Month | Self::Hour, _) if dated => Some(P::Int.into()),
            _ => None,
        }
    }

    /// Whether it takes a source of this type.
    pub fn allows_source(&self, source: &Type) -> bool {
        self.result_type(source).is_some()
    }

    /// The partition value of a source value.
    ///
    /// `void` and unknown transforms make null of everything: an unknown one cannot be computed, and its values in files
    /// are left alone.
    ///
    /// # Errors
    /// `InvalidInput` if the transform does not take values of this type, its number is 0, or the result does not fit (the
    /// hour of a timestamp beyond the year 246,953).
    pub fn apply(&self, source: Option<&Value>) -> Result<Option<Value>, ValueError> {
        let Some(source) = source else { return Ok(None) };
        let value = match self {
            Self::Void | Self::Unknown(_) => return Ok(None),
            Self::Identity => match source {
                Value::Geometry(_)
                | Value::Geography(_)
                | Value::Struct(_)
                | Value::List(_)
                | Value::Map(_) => None,
                _ => Some(source.clone()),
            },
            Self::Bucket(buckets) => match bucket::hash(source) {
                Some(hash) => Some(Value::Int(bucket::index(hash, *buckets).ok_or_else(|| self.no_width())?)),
                None => None,
            },
            Self::Truncate(width) => {
                let width = std::num::NonZeroU32::new(*width).ok_or_else(|| self.no_width())?;
                truncate::truncate(source, width)
            }
            Self::Year => temporal::year(source).map(Value::Int),
            Self::Month => temporal::month(source).map(Value::Int),
            Self::Day => temporal::day(source).map(Value::Date),
            Self::Hour => match temporal::hour(source) {
                Some(hour) => Some(Value::Int(
                    i32::try_from(hour).map_err(|_| error::out_of_range("the transform hour", source))?,
                )),
                None => None,
            },
        };
        value.map(Some).ok_or_else(|| error::not_transformable(self, source))
    }

    fn no_width(&self) -> ValueError {
        error::out_of_range("transforms, whose number starts at 1", self)
    }

    /// Whether values in order have results in order, so that a range of values is a range of results.
    pub fn preserves_order(&self) -> bool {
        match self {
            Self::Identity | Self::Truncate(_) | Self::Year | Self::Month | Self::Day | Self::Hour => true,
            Self::Bucket(_) | Self::Void | Self::Unknown(_) => false,
        }
    }

    /// Whether rows ordered by this transform of a column are also ordered by the other transform of it.
    pub fn satisfies_order_of(&self, other: &Self, source: &Type) -> bool {
        if self == other {
            return true;
        }
        match (self, other) {
            (Self::Identity, _) => other.preserves_order(),
            // A longer prefix orders the shorter one; a finer grid of numbers orders a coarser one that it contains.
            (Self::Truncate(fine), Self::Truncate(coarse)) => match source {
                Type::Primitive(PrimitiveType::String | PrimitiveType::Binary) => fine >= coarse,
                _ => coarse.checked_rem(*fine) == Some(0) && *coarse > 0,
            },
            (Self::Hour, Self::Day | Self::Month | Self::Year)
            | (Self::Day, Self::Month | Self::Year)
            | (Self::Month, Self::Year) => true,
            _ => false,
        }
    }

    /// What two partition fields of one column may not have in common: all of year, month, day and hour are `time`,
    /// anything else is its own name.
    ///
    /// # Spec
    /// "Partitioning": no redundant partition fields.
    pub fn dedup_name(&self) -> Cow<'static, str> {
        match self {
            Self::Year | Self::Month | Self::Day | Self::Hour => Cow::Borrowed("time"),
            _ => Cow::Owned(self.to_string()),
        }
    }
}

impl fmt::Display for Transform {
    /// The name as the format writes it; that of an unknown transform as it was read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Bucket(buckets) => write!(f, "bucket[{buckets}]"),
            Self::Truncate(width) => write!(f, "truncate[{width}]"),
            Self::Year => f.write_str("year"),
            Self::Month => f.write_str("month"),
            Self::Day => f.write_str("day"),
            Self::Hour => f.write_str("hour"),
            Self::Void => f.write_str("void"),
            Self::Unknown(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests;
