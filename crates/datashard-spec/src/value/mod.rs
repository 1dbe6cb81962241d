//! Typed values: partition values, bounds, defaults, literals.
//!
//! A [`Value`] is never null; where null is possible it is an `Option<Value>`.

mod binary;
mod calendar;
mod convert;
pub mod datetime;
pub mod decimal;
mod display;
pub(crate) mod error;
pub(crate) mod json;
mod order;
#[cfg(test)]
pub(crate) mod testing;

pub use error::ValueError;
use uuid::Uuid;

/// A value of an Iceberg type. Never null.
///
/// Values are totally ordered and hashable, floats included (by IEEE total order with all NaNs equal and greatest, -0.0
/// before 0.0). Values of different types compare by type first; that order has no meaning, but is stable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// A boolean.
    Boolean(bool),
    /// An int.
    Int(i32),
    /// A long.
    Long(i64),
    /// A float.
    Float(f32),
    /// A double.
    Double(f64),
    /// A decimal.
    Decimal(Decimal),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01T00:00, without zone.
    Timestamp(i64),
    /// Microseconds since 1970-01-01T00:00 UTC.
    Timestamptz(i64),
    /// Nanoseconds since 1970-01-01T00:00, without zone.
    TimestampNs(i64),
    /// Nanoseconds since 1970-01-01T00:00 UTC.
    TimestamptzNs(i64),
    /// Text.
    String(String),
    /// A UUID.
    Uuid(Uuid),
    /// Bytes of a fixed length.
    Fixed(Vec<u8>),
    /// Bytes.
    Binary(Vec<u8>),
    /// A geometry in WKB.
    Geometry(Vec<u8>),
    /// A geography in WKB.
    Geography(Vec<u8>),
    /// A struct: one value per field, in the order of the type. `None` is null.
    Struct(Vec<Option<Value>>),
    /// A list. `None` is null.
    List(Vec<Option<Value>>),
    /// A map, in the order given. `None` is null.
    Map(Vec<(Value, Option<Value>)>),
}

/// A fixed-point number: `unscaled` x 10^-`scale`.
///
/// Equality and order are numeric only between decimals of one scale, which is all the format ever compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the two numbers are what a decimal is")]
pub struct Decimal {
    /// Digits after the point.
    pub scale: u8,
    /// The number without its point.
    pub unscaled: i128,
}

/// A partition tuple, or any row of values by position: one value per field, `None` is null.
pub type Tuple = Vec<Option<Value>>;
