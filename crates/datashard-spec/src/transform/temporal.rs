//! The transforms year, month, day and hour. All round down, also before 1970: the last microsecond of 1969 is in year -1.

use crate::value::Value;
use crate::value::datetime::{CivilDate, MICROS_PER_DAY, NANOS_PER_DAY};

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const NANOS_PER_HOUR: i64 = 3_600_000_000_000;

/// Years since 1970 of a date or timestamp; `None` for anything else.
pub fn year(value: &Value) -> Option<i32> {
    Some(year_of_days(day(value)?))
}

/// Months since 1970-01 of a date or timestamp; `None` for anything else.
pub fn month(value: &Value) -> Option<i32> {
    Some(month_of_days(day(value)?))
}

/// Days since 1970-01-01 of a date or timestamp; `None` for anything else.
pub fn day(value: &Value) -> Option<i32> {
    match value {
        Value::Date(days) => Some(*days),
        Value::Timestamp(micros) | Value::Timestamptz(micros) => Some(days_of_micros(*micros)),
        Value::TimestampNs(nanos) | Value::TimestamptzNs(nanos) => Some(days_of_nanos(*nanos)),
        _ => None,
    }
}

/// Hours since 1970-01-01T00 of a timestamp; `None` for anything else. May exceed the 32 bits that the format has for it.
pub fn hour(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp(micros) | Value::Timestamptz(micros) => Some(micros.div_euclid(MICROS_PER_HOUR)),
        Value::TimestampNs(nanos) | Value::TimestamptzNs(nanos) => Some(nanos.div_euclid(NANOS_PER_HOUR)),
        _ => None,
    }
}

/// Years since 1970 of days since 1970-01-01.
pub fn year_of_days(days: i32) -> i32 {
    CivilDate::from_days(days).year.saturating_sub(1970)
}

/// Months since 1970-01 of days since 1970-01-01.
pub fn month_of_days(days: i32) -> i32 {
    let date = CivilDate::from_days(days);
    let years = date.year.saturating_sub(1970);
    years.saturating_mul(12).saturating_add(i32::from(date.month)).saturating_sub(1)
}

/// Days since 1970-01-01 of microseconds since then.
pub fn days_of_micros(micros: i64) -> i32 {
    narrow(micros.div_euclid(MICROS_PER_DAY))
}

/// Days since 1970-01-01 of nanoseconds since then.
pub fn days_of_nanos(nanos: i64) -> i32 {
    narrow(nanos.div_euclid(NANOS_PER_DAY))
}

/// 2^63 microseconds are 10^8 days, so nothing is lost.
fn narrow(days: i64) -> i32 {
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(micros: i64, expect: (i32, i32, i32, i64)) {
        for value in [Value::Timestamp(micros), Value::Timestamptz(micros)] {
            let found = (year(&value), month(&value), day(&value), hour(&value));
            assert_eq!(found, (Some(expect.0), Some(expect.1), Some(expect.2), Some(expect.3)), "{value}");
        }
        if let Some(nanos) = micros.checked_mul(1000) {
            for value in [Value::TimestampNs(nanos), Value::TimestamptzNs(nanos + 999)] {
                let found = (year(&value), month(&value), day(&value), hour(&value));
                assert_eq!(
                    found,
                    (Some(expect.0), Some(expect.1), Some(expect.2), Some(expect.3)),
                    "{value}"
                );
            }
        }
        let date = Value::Date(expect.2);
        assert_eq!((year(&date), month(&date), hour(&date)), (Some(expect.0), Some(expect.1), None));
    }

    #[test]
    fn instants_fall_into_their_year_month_day_and_hour() {
        check(0, (0, 0, 0, 0));
        check(1_512_123_175_038_194, (47, 575, 17_501, 420_034));
    }

    #[test]
    fn trap_03_instants_before_1970_round_down() {
        check(-1, (-1, -1, -1, -1));
        check(-86_400_000_000, (-1, -1, -1, -24));
        check(-31_536_000_000_000, (-1, -12, -365, -8760));
        check(-31_539_600_000_000, (-2, -13, -366, -8761));
        check(-62_135_596_800_000_000, (-1969, -23_628, -719_162, -17_259_888));
        assert_eq!(day(&Value::TimestampNs(-1)), Some(-1));
    }

    #[test]
    fn the_ends_of_the_range_are_answered() {
        for value in [i64::MIN, i64::MAX] {
            for value in [Value::Timestamp(value), Value::TimestampNs(value)] {
                assert!(year(&value).is_some() && month(&value).is_some() && hour(&value).is_some());
            }
        }
        assert_eq!(year(&Value::Date(i32::MAX)), Some(5_879_610));
        assert_eq!(month(&Value::Date(i32::MIN)), Some((-5_877_641 - 1970) * 12 + 5));
        assert_eq!(year(&Value::Int(0)), None);
        assert_eq!(hour(&Value::Time(0)), None);
    }

    proptest! {
        #[test]
        fn coarser_parts_follow_from_finer_ones(micros in any::<i64>()) {
            let value = Value::Timestamp(micros);
            let (year, month, day) = (year(&value).unwrap(), month(&value).unwrap(), day(&value).unwrap());
            prop_assert_eq!(month.div_euclid(12), year);
            prop_assert_eq!(hour(&value).unwrap().div_euclid(24), i64::from(day));
        }
    }
}
