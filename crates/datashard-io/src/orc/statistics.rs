//! What statistics of a column say in the types of the table: counts of nulls, bounds as binary single values.
//!
//! Nothing is concluded from what is missing or odd; bounds are widened where writers are known to cut.

use orc_rust::proto::{ColumnStatistics, TimestampStatistics};

use datashard_spec::schema::PrimitiveType;
use datashard_spec::value::{Decimal, Value};

use super::types::Kind;

/// Microseconds by which clocks of two zones may differ, at least.
const ZONE_MICROS: i64 = 86_400_000_000;
/// Writers disagree on how times before 1970 are rounded.
const BEFORE_1970_MICROS: i64 = 1_000_000;

/// Counts and bounds of one column of a stripe or row group.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metrics {
    pub(super) null_count: Option<i64>,
    pub(super) lower: Option<Vec<u8>>,
    pub(super) upper: Option<Vec<u8>>,
}

/// What statistics say of a column that is read as `to`. `utc` tells that timestamps without zone were written where clocks show UTC.
pub(super) fn metrics(
    statistics: &ColumnStatistics,
    kind: Kind,
    to: &PrimitiveType,
    rows: u64,
    utc: bool,
) -> Metrics {
    let values = statistics.number_of_values;
    let null_count = values
        .and_then(|values| i64::try_from(rows.checked_sub(values)?).ok())
        .filter(|nulls| *nulls > 0 || statistics.has_null != Some(true));
    let bound = |value: Option<Value>| value?.promote(to)?.to_binary().ok();
    let (lower, upper) = bounds(statistics, kind, to, utc);
    if let (Some(lower), Some(upper)) = (&lower, &upper)
        && lower > upper
    {
        return Metrics { null_count, lower: None, upper: None };
    }
    Metrics { null_count, lower: bound(lower), upper: bound(upper) }
}

fn bounds(
    statistics: &ColumnStatistics,
    kind: Kind,
    to: &PrimitiveType,
    utc: bool,
) -> (Option<Value>, Option<Value>) {
    let integers = |value: fn(i64) -> Option<Value>| {
        let found = statistics.int_statistics.as_ref();
        let one = |number: Option<i64>| number.and_then(value);
        (found.and_then(|found| one(found.minimum)), found.and_then(|found| one(found.maximum)))
    };
    match kind {
        Kind::Boolean => booleans(statistics),
        Kind::Byte | Kind::Short | Kind::Int => {
            integers(|number| i32::try_from(number).ok().map(Value::Int))
        }
        Kind::Long => integers(|number| Some(Value::Long(number))),
        Kind::Time => integers(|number| Some(Value::Time(number))),
        Kind::Float | Kind::Double => doubles(statistics, kind, to),
        Kind::Text => {
            let found = statistics.string_statistics.as_ref();
            let text = |text: Option<&String>| text.map(|text| Value::String(text.clone()));
            (
                found.and_then(|found| text(found.minimum.as_ref().or(found.lower_bound.as_ref()))),
                found.and_then(|found| text(found.maximum.as_ref().or(found.upper_bound.as_ref()))),
            )
        }
        Kind::Decimal { scale, .. } => {
            let found = statistics.decimal_statistics.as_ref();
            let number = |text: Option<&String>| {
                Some(Value::Decimal(Decimal::parse(text?).ok()?.rescale(scale)?))
            };
            (
                found.and_then(|found| number(found.minimum.as_ref())),
                found.and_then(|found| number(found.maximum.as_ref())),
            )
        }
        Kind::Date => {
            let found = statistics.date_statistics.as_ref();
            (
                found.and_then(|found| found.minimum).map(Value::Date),
                found.and_then(|found| found.maximum).map(Value::Date),
            )
        }
        Kind::Timestamp { instant, .. } => match &statistics.timestamp_statistics {
            Some(found) => timestamps(found, to, instant || utc),
            None => (None, None),
        },
        Kind::Binary
        | Kind::Fixed(_)
        | Kind::Struct
        | Kind::Variant
        | Kind::List
        | Kind::Map
        | Kind::Union => (None, None),
    }
}

/// Writers count how often a boolean is true.
fn booleans(statistics: &ColumnStatistics) -> (Option<Value>, Option<Value>) {
    let trues = statistics.bucket_statistics.as_ref().and_then(|buckets| buckets.count.first());
    match (trues, statistics.number_of_values) {
        (Some(trues), Some(values)) if *trues <= values && values > 0 => {
            (Some(Value::Boolean(*trues == values)), Some(Value::Boolean(*trues > 0)))
        }
        _ => (None, None),
    }
}

/// A NaN that came first stays minimum and maximum for good, and says nothing. Writers hold 0.0 and -0.0 for the same.
fn doubles(
    statistics: &ColumnStatistics,
    kind: Kind,
    to: &PrimitiveType,
) -> (Option<Value>, Option<Value>) {
    let found = statistics.double_statistics.as_ref();
    let (Some(minimum), Some(maximum)) =
        (found.and_then(|found| found.minimum), found.and_then(|found| found.maximum))
    else {
        return (None, None);
    };
    if minimum.is_nan() || maximum.is_nan() {
        return (None, None);
    }
    let minimum = if minimum == 0.0 { -0.0 } else { minimum };
    let maximum = if maximum == 0.0 { 0.0 } else { maximum };
    let value = |number: f64| match to {
        PrimitiveType::Float if kind == Kind::Float => to_float(number).map(Value::Float),
        _ => Some(Value::Double(number)),
    };
    (value(minimum), value(maximum))
}

/// The float that a double is, if it is one.
#[expect(clippy::as_conversions, reason = "there is no other way to narrow; what does not come back is dropped")]
fn to_float(number: f64) -> Option<f32> {
    let float = number as f32;
    (f64::from(float).to_bits() == number.to_bits()).then_some(float)
}

/// Statistics have whole milliseconds, cut off.
fn timestamps(found: &TimestampStatistics, to: &PrimitiveType, utc: bool) -> (Option<Value>, Option<Value>) {
    let value = |micros: i64, nanos_more: i64| {
        let nanos = || micros.checked_mul(1_000)?.checked_add(nanos_more);
        match to {
            PrimitiveType::Timestamp => Some(Value::Timestamp(micros)),
            PrimitiveType::Timestamptz => Some(Value::Timestamptz(micros)),
            PrimitiveType::TimestampNs => nanos().map(Value::TimestampNs),
            PrimitiveType::TimestamptzNs => nanos().map(Value::TimestamptzNs),
            _ => None,
        }
    };
    let slack = |millis: i64| {
        let zone = if utc { 0 } else { ZONE_MICROS };
        if millis < 0 { zone.saturating_add(BEFORE_1970_MICROS) } else { zone }
    };
    let lower = || {
        let millis = found.minimum_utc?;
        value(millis.checked_mul(1_000)?.checked_sub(slack(millis))?, 0)
    };
    let upper = || {
        let millis = found.maximum_utc?;
        value(millis.checked_mul(1_000)?.checked_add(999)?.checked_add(slack(millis))?, 999)
    };
    (lower(), upper())
}
