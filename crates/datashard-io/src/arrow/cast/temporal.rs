//! Dates, times and timestamps: units, zones, and dates as timestamps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, PrimitiveArray};
use arrow::datatypes::{
    ArrowTimestampType, DataType, Date32Type, Date64Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datashard_spec::schema::PrimitiveType;
use datashard_spec::value::datetime::{MICROS_PER_DAY, NANOS_PER_DAY, format_date};

use super::number::each;
use super::{At, counts};
use crate::arrow::to_schema::UTC;
use crate::data_error::DataError;

const MILLIS_PER_DAY: i64 = 86_400_000;

pub(super) fn to_date(array: &ArrayRef, at: &At<'_>) -> Result<Option<ArrayRef>, DataError> {
    if let Some(millis) = array.as_primitive_opt::<Date64Type>() {
        let days = |millis: i64| {
            let whole = millis.checked_rem_euclid(MILLIS_PER_DAY) == Some(0);
            whole.then(|| i32::try_from(millis.div_euclid(MILLIS_PER_DAY)).ok()).flatten()
        };
        let reason =
            |millis| format!("{millis} milliseconds since 1970 are no whole day that a date can hold");
        return Ok(Some(Arc::new(each::<Date64Type, Date32Type>(millis, at, days, reason)?)));
    }
    // Files without annotation: a date is stored as an int of days.
    Ok(match array.as_primitive_opt::<Int32Type>() {
        Some(days) if at.is_stored() => Some(Arc::new(days.reinterpret_cast::<Date32Type>())),
        _ => None,
    })
}

pub(super) fn to_time(array: &ArrayRef, at: &At<'_>) -> Result<Option<ArrayRef>, DataError> {
    let factor = |factor: i64| move |value: i32| i64::from(value).checked_mul(factor);
    let reason = |value: i32| format!("{value} is no time of day");
    let micros: PrimitiveArray<Time64MicrosecondType> = match array.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            each(array.as_primitive::<Time32SecondType>(), at, factor(1_000_000), reason)?
        }
        DataType::Time32(TimeUnit::Millisecond) => {
            each(array.as_primitive::<Time32MillisecondType>(), at, factor(1000), reason)?
        }
        DataType::Time64(TimeUnit::Nanosecond) if at.is_stored() => {
            array.as_primitive::<Time64NanosecondType>().unary(|nanos| nanos.div_euclid(1000))
        }
        // ORC has no times: they are longs of microseconds there.
        DataType::Int64 if at.is_stored() => array.as_primitive::<Int64Type>().reinterpret_cast(),
        _ => return Ok(None),
    };
    let micros: ArrayRef = Arc::new(micros);
    check_time(&micros, at)?;
    Ok(Some(micros))
}

/// Checks that times lie between midnight and midnight, which Arrow does not.
pub(super) fn check_time(array: &ArrayRef, at: &At<'_>) -> Result<(), DataError> {
    let Some(times) = array.as_primitive_opt::<Time64MicrosecondType>() else {
        return Err(at.internal("times of another unit"));
    };
    let day = 0..MICROS_PER_DAY;
    if times.values().iter().all(|micros| day.contains(micros)) {
        return Ok(());
    }
    let counting = at.counting(array);
    let mut unfit = times.values().iter().enumerate().filter(|(_, micros)| !day.contains(*micros));
    match unfit.find(|(row, _)| counts(counting.as_ref(), *row)) {
        Some((row, micros)) => Err(at.bad_value(row, format!("{micros} microseconds are no time of day"))),
        None => Ok(()),
    }
}

/// A timestamp type of the table.
struct Target {
    unit: TimeUnit,
    is_zoned: bool,
}

impl Target {
    fn of(to: &PrimitiveType) -> Option<Self> {
        let (unit, is_zoned) = match to {
            PrimitiveType::Timestamp => (TimeUnit::Microsecond, false),
            PrimitiveType::Timestamptz => (TimeUnit::Microsecond, true),
            PrimitiveType::TimestampNs => (TimeUnit::Nanosecond, false),
            PrimitiveType::TimestamptzNs => (TimeUnit::Nanosecond, true),
            _ => return None,
        };
        Some(Self { unit, is_zoned })
    }

    fn named(&self, ticks: Int64Array) -> ArrayRef {
        if self.unit == TimeUnit::Nanosecond {
            self.zoned(ticks.reinterpret_cast::<TimestampNanosecondType>())
        } else {
            self.zoned(ticks.reinterpret_cast::<TimestampMicrosecondType>())
        }
    }

    fn zoned<T: ArrowTimestampType>(&self, timestamps: PrimitiveArray<T>) -> ArrayRef {
        Arc::new(timestamps.with_timezone_opt(self.is_zoned.then_some(UTC)))
    }
}

/// Timestamps of any unit that is no finer than the column's; from files, of any unit and zone: there, values without a zone are UTC in a
/// column of instants, as INT96 always is.
pub(super) fn to_timestamp(
    array: &ArrayRef,
    to: &PrimitiveType,
    at: &At<'_>,
) -> Result<Option<ArrayRef>, DataError> {
    let Some(target) = Target::of(to) else { return Ok(None) };
    let (unit, zone) = match array.data_type() {
        DataType::Timestamp(unit, zone) => (*unit, zone),
        DataType::Date32 if !target.is_zoned => return from_date(array, &target, to, at),
        _ => return Ok(None),
    };
    if zone.is_some() != target.is_zoned && !at.is_stored() {
        return Ok(None);
    }
    let ticks: Int64Array = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().reinterpret_cast(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().reinterpret_cast(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().reinterpret_cast(),
    };
    let (from, to_nanos) = (nanos_per(unit), nanos_per(target.unit));
    let ticks = if from == to_nanos {
        ticks
    } else if from > to_nanos {
        let factor = from.checked_div(to_nanos).unwrap_or(1);
        let reason = |ticks| format!("{ticks} {}s since 1970 are outside the range of {to}", name(unit));
        each::<Int64Type, Int64Type>(&ticks, at, |ticks| ticks.checked_mul(factor), reason)?
    } else if at.is_stored() {
        let divisor = to_nanos.checked_div(from).unwrap_or(1);
        ticks.unary(|ticks| ticks.checked_div_euclid(divisor).unwrap_or(ticks))
    } else {
        return Ok(None);
    };
    Ok(Some(target.named(ticks)))
}

fn from_date(
    array: &ArrayRef,
    target: &Target,
    to: &PrimitiveType,
    at: &At<'_>,
) -> Result<Option<ArrayRef>, DataError> {
    let per_day = if target.unit == TimeUnit::Nanosecond { NANOS_PER_DAY } else { MICROS_PER_DAY };
    let convert = |days: i32| i64::from(days).checked_mul(per_day);
    let reason = |days| format!("{} is outside the range of {to}", format_date(days));
    let ticks = each::<Date32Type, Int64Type>(array.as_primitive(), at, convert, reason)?;
    Ok(Some(target.named(ticks)))
}

fn nanos_per(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1000,
        TimeUnit::Nanosecond => 1,
    }
}

fn name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "second",
        TimeUnit::Millisecond => "millisecond",
        TimeUnit::Microsecond => "microsecond",
        TimeUnit::Nanosecond => "nanosecond",
    }
}
