//! Total order, equality and hash of values.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::Value;

impl Value {
    /// Where values of different types stand relative to each other.
    fn rank(&self) -> u8 {
        match self {
            Self::Boolean(_) => 0,
            Self::Int(_) => 1,
            Self::Long(_) => 2,
            Self::Float(_) => 3,
            Self::Double(_) => 4,
            Self::Decimal(_) => 5,
            Self::Date(_) => 6,
            Self::Time(_) => 7,
            Self::Timestamp(_) => 8,
            Self::Timestamptz(_) => 9,
            Self::TimestampNs(_) => 10,
            Self::TimestamptzNs(_) => 11,
            Self::String(_) => 12,
            Self::Uuid(_) => 13,
            Self::Fixed(_) => 14,
            Self::Binary(_) => 15,
            Self::Geometry(_) => 16,
            Self::Geography(_) => 17,
            Self::Struct(_) => 18,
            Self::List(_) => 19,
            Self::Map(_) => 20,
        }
    }
}

/// All NaNs as one, so that they are equal and greatest.
fn canonical_f32(value: f32) -> f32 {
    if value.is_nan() { f32::NAN.copysign(1.0) } else { value }
}

/// All NaNs as one, so that they are equal and greatest.
fn canonical_f64(value: f64) -> f64 {
    if value.is_nan() { f64::NAN.copysign(1.0) } else { value }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) | (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Long(a), Self::Long(b))
            | (Self::Time(a), Self::Time(b))
            | (Self::Timestamp(a), Self::Timestamp(b))
            | (Self::Timestamptz(a), Self::Timestamptz(b))
            | (Self::TimestampNs(a), Self::TimestampNs(b))
            | (Self::TimestamptzNs(a), Self::TimestamptzNs(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => canonical_f32(*a).total_cmp(&canonical_f32(*b)),
            (Self::Double(a), Self::Double(b)) => canonical_f64(*a).total_cmp(&canonical_f64(*b)),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            // The format compares UUIDs as unsigned big-endian bytes.
            (Self::Uuid(a), Self::Uuid(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Self::Fixed(a), Self::Fixed(b))
            | (Self::Binary(a), Self::Binary(b))
            | (Self::Geometry(a), Self::Geometry(b))
            | (Self::Geography(a), Self::Geography(b)) => a.cmp(b),
            (Self::Struct(a), Self::Struct(b)) | (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Map(a), Self::Map(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Boolean(v) => v.hash(state),
            Self::Int(v) | Self::Date(v) => v.hash(state),
            Self::Long(v)
            | Self::Time(v)
            | Self::Timestamp(v)
            | Self::Timestamptz(v)
            | Self::TimestampNs(v)
            | Self::TimestamptzNs(v) => v.hash(state),
            Self::Float(v) => canonical_f32(*v).to_bits().hash(state),
            Self::Double(v) => canonical_f64(*v).to_bits().hash(state),
            Self::Decimal(v) => v.hash(state),
            Self::String(v) => v.hash(state),
            Self::Uuid(v) => v.hash(state),
            Self::Fixed(v) | Self::Binary(v) | Self::Geometry(v) | Self::Geography(v) => v.hash(state),
            Self::Struct(v) | Self::List(v) => v.hash(state),
            Self::Map(v) => v.hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_totally_ordered_with_one_nan_at_the_end() {
        let ordered = [f64::NEG_INFINITY, -1.0, -0.0, 0.0, 1.0, f64::INFINITY, f64::NAN].map(Value::Double);
        assert!(ordered.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Value::Double(f64::NAN), Value::Double(-f64::NAN));
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    }

    #[test]
    fn null_sorts_before_any_value() {
        assert!(None < Some(Value::Int(i32::MIN)));
    }
}
