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
        Kind::Byte | Kind::Short | Kind::Int => integers(|number| i32::try_from(number).ok().map(Value::Int)),
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
            let number =
                |text: Option<&String>| Some(Value::Decimal(Decimal::parse(text?).ok()?.rescale(scale)?));
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
        // Writers disagree on whether the spaces at the end count.
        Kind::Char
        | Kind::Binary
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

/// The C++ and Java writers compare with `<`: a NaN that comes first stays minimum and maximum of its row group, and where row groups are
/// added up, one with such bounds is passed over, so that bounds of the stripe leave out its values without a trace but in the sum.
/// 0.0 and -0.0 are the same to them.
fn doubles(statistics: &ColumnStatistics, kind: Kind, to: &PrimitiveType) -> (Option<Value>, Option<Value>) {
    let found = statistics.double_statistics.as_ref();
    let (Some(minimum), Some(maximum)) =
        (found.and_then(|found| found.minimum), found.and_then(|found| found.maximum))
    else {
        return (None, None);
    };
    let sum = found.and_then(|found| found.sum);
    if minimum.is_nan() || maximum.is_nan() || sum.is_none_or(f64::is_nan) {
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
#[expect(
    clippy::as_conversions,
    reason = "there is no other way to narrow; what does not come back is dropped"
)]
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

#[cfg(test)]
mod tests {
    use orc_rust::proto::{DecimalStatistics, DoubleStatistics, IntegerStatistics, StringStatistics};

    use super::*;

    fn check(
        statistics: &ColumnStatistics,
        kind: Kind,
        to: &PrimitiveType,
        lower: Option<Value>,
        upper: Option<Value>,
    ) {
        let found = metrics(statistics, kind, to, 10, true);
        let bytes = |value: Option<Value>| value.map(|value| value.to_binary().unwrap());
        assert_eq!((found.lower, found.upper), (bytes(lower), bytes(upper)));
    }

    fn doubles(minimum: f64, maximum: f64, sum: Option<f64>) -> ColumnStatistics {
        let double = DoubleStatistics { minimum: Some(minimum), maximum: Some(maximum), sum };
        ColumnStatistics { double_statistics: Some(double), ..ColumnStatistics::default() }
    }

    #[test]
    fn nan_says_nothing_and_zero_is_of_both_signs() {
        let (kind, to) = (Kind::Double, PrimitiveType::Double);
        check(&doubles(f64::NAN, f64::NAN, Some(f64::NAN)), kind, &to, None, None);
        check(&doubles(1.0, 2.0, Some(f64::NAN)), kind, &to, None, None);
        check(&doubles(1.0, 2.0, None), kind, &to, None, None);
        let value = |number| Some(Value::Double(number));
        check(&doubles(0.0, 0.0, Some(0.0)), kind, &to, value(-0.0), value(0.0));
        check(&doubles(-0.0, -0.0, Some(0.0)), kind, &to, value(-0.0), value(0.0));
        let infinite = doubles(f64::NEG_INFINITY, 1.5, Some(f64::NEG_INFINITY));
        check(
            &infinite,
            Kind::Float,
            &PrimitiveType::Float,
            Some(Value::Float(f32::NEG_INFINITY)),
            Some(Value::Float(1.5)),
        );
        // A number that is no float is no bound of floats.
        check(
            &doubles(0.1, 1.5, Some(1.6)),
            Kind::Float,
            &PrimitiveType::Float,
            None,
            Some(Value::Float(1.5)),
        );
    }

    #[test]
    fn times_have_whole_milliseconds_of_utc() {
        let found = |minimum, maximum| {
            let times = TimestampStatistics {
                minimum: Some(1),
                maximum: Some(1),
                minimum_utc: minimum,
                maximum_utc: maximum,
                ..TimestampStatistics::default()
            };
            ColumnStatistics { timestamp_statistics: Some(times), ..ColumnStatistics::default() }
        };
        let kind = Kind::Timestamp { instant: true, nanos: false };
        let value = |micros| Some(Value::Timestamptz(micros));
        check(&found(Some(5), Some(7)), kind, &PrimitiveType::Timestamptz, value(5_000), value(7_999));
        check(&found(Some(-5), Some(7)), kind, &PrimitiveType::Timestamptz, value(-1_005_000), value(7_999));
        check(&found(None, None), kind, &PrimitiveType::Timestamptz, None, None);
        let nanos = |nanos| Some(Value::TimestamptzNs(nanos));
        check(
            &found(Some(5), Some(7)),
            kind,
            &PrimitiveType::TimestamptzNs,
            nanos(5_000_000),
            nanos(7_999_999),
        );
        // What nanoseconds cannot hold is no bound.
        check(
            &found(Some(-9_223_372_036_855), Some(7)),
            kind,
            &PrimitiveType::TimestamptzNs,
            None,
            nanos(7_999_999),
        );
        let local = Kind::Timestamp { instant: false, nanos: false };
        let elsewhere = metrics(&found(Some(5), Some(7)), local, &PrimitiveType::Timestamp, 10, false);
        let day = ZONE_MICROS;
        assert_eq!(elsewhere.lower, Value::Timestamp(5_000 - day).to_binary().ok());
        assert_eq!(elsewhere.upper, Value::Timestamp(7_999 + day).to_binary().ok());
    }

    #[test]
    fn decimals_are_exact_and_text_may_be_cut() {
        let decimal =
            DecimalStatistics { minimum: Some("-1.5".into()), maximum: Some("2.125".into()), sum: None };
        let found = ColumnStatistics { decimal_statistics: Some(decimal), ..ColumnStatistics::default() };
        let kind = Kind::Decimal { precision: 9, scale: 2 };
        let to = PrimitiveType::Decimal { precision: 12, scale: 2 };
        check(&found, kind, &to, Some(Value::decimal(-150, 2)), None);
        let text = StringStatistics {
            lower_bound: Some("a".into()),
            maximum: Some("c".into()),
            ..Default::default()
        };
        let found = ColumnStatistics { string_statistics: Some(text), ..ColumnStatistics::default() };
        let value = |text: &str| Some(Value::String(text.to_owned()));
        check(&found, Kind::Text, &PrimitiveType::String, value("a"), value("c"));
        check(&found, Kind::Char, &PrimitiveType::String, None, None);
    }

    #[test]
    fn integers_are_of_the_type_of_the_table_and_in_order() {
        let found = |minimum, maximum| {
            let integers = IntegerStatistics { minimum: Some(minimum), maximum: Some(maximum), sum: None };
            ColumnStatistics { int_statistics: Some(integers), ..ColumnStatistics::default() }
        };
        let long = PrimitiveType::Long;
        check(&found(-3, 4), Kind::Int, &long, Some(Value::Long(-3)), Some(Value::Long(4)));
        check(&found(4, -3), Kind::Int, &long, None, None);
        check(&found(-3, 1 << 40), Kind::Int, &long, Some(Value::Long(-3)), None);
        check(&found(-3, 4), Kind::Int, &PrimitiveType::String, None, None);
    }

    #[test]
    fn nulls_are_counted_where_counts_agree() {
        let count = |values, has_null| {
            let found =
                ColumnStatistics { number_of_values: values, has_null, ..ColumnStatistics::default() };
            metrics(&found, Kind::Binary, &PrimitiveType::Binary, 10, true).null_count
        };
        assert_eq!(count(Some(7), Some(true)), Some(3));
        assert_eq!(count(Some(10), None), Some(0));
        assert_eq!(count(Some(10), Some(true)), None);
        assert_eq!(count(Some(11), None), None);
        assert_eq!(count(None, Some(false)), None);
    }
}
