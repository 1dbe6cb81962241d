//! Timestamps: seconds from the start of 2015 in one stream, nanoseconds in another.

use std::sync::Arc;

use arrow::array::{Array, AsArray, TimestampSecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Time32SecondType, TimeUnit, TimestampSecondType};

use super::super::fault::Fault;
use super::super::rle::IntegerReader;
use super::number::long;

/// 2015-01-01T00:00 in seconds since 1970-01-01T00:00.
const EPOCH_SECONDS: i64 = 1_420_070_400;
const SECOND_NANOS: i64 = 1_000_000_000;
const SECOND_MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

#[derive(Debug)]
pub(super) struct TimestampReader {
    seconds: IntegerReader,
    nanos: IntegerReader,
    zone: Option<Zone>,
    to_nanos: bool,
}

impl TimestampReader {
    /// Timestamps of a stripe; of those without zone, `zone` is where they were written.
    pub(super) fn new(
        seconds: IntegerReader,
        nanos: IntegerReader,
        zone: Option<&str>,
        to_nanos: bool,
    ) -> Result<Self, Fault> {
        let zone = zone.filter(|zone| !is_utc(zone)).map(Zone::new).transpose()?;
        Ok(Self { seconds, nanos, zone, to_nanos })
    }

    /// Microseconds (what is finer is cut off) or nanoseconds since 1970-01-01T00:00.
    pub(super) fn read(&mut self, count: usize) -> Result<Vec<i64>, Fault> {
        let mut seconds = long(&mut self.seconds, count)?;
        let mut nanos = Vec::with_capacity(count);
        self.nanos.read(count, &mut nanos)?;
        let base = self.zone.as_ref().map_or(EPOCH_SECONDS, |zone| zone.epoch_seconds);
        for (index, (second, nano)) in seconds.iter_mut().zip(&mut nanos).enumerate() {
            *nano = unpack_nanos(*nano)?;
            let mut whole = second.checked_add(base).ok_or_else(|| beyond(index))?;
            // Writers round seconds before 1970 towards it, not down, wherever a millisecond or more is left.
            if whole < 0 && *nano > 999_999 {
                whole = whole.checked_sub(1).ok_or_else(|| beyond(index))?;
            }
            *second = whole;
        }
        if let Some(zone) = &self.zone {
            seconds = zone.clock(seconds)?;
        }
        for (index, (second, nanos)) in seconds.iter_mut().zip(nanos).enumerate() {
            // Written out, so that the division is by a number known here.
            let (factor, fraction) =
                if self.to_nanos { (SECOND_NANOS, nanos) } else { (SECOND_MICROS, nanos.div_euclid(1_000)) };
            *second = joined(*second, factor, fraction).ok_or_else(|| beyond(index))?;
        }
        Ok(seconds)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.seconds.skip(count)?;
        self.nanos.skip(count)
    }
}

/// Seconds and a fraction of one in parts of a second.
fn joined(seconds: i64, parts: i64, fraction: i64) -> Option<i64> {
    if let Some(value) = seconds.checked_mul(parts) {
        return value.checked_add(fraction);
    }
    // The first second of all begins before what 64 bits can hold.
    i64::try_from(i128::from(seconds).saturating_mul(parts.into()).saturating_add(fraction.into())).ok()
}

/// Whether clocks of this zone show UTC.
pub(in super::super) fn is_utc(zone: &str) -> bool {
    ["UTC", "GMT", "Etc/UTC", "Etc/GMT", "Z", "Zulu", "Etc/Zulu", "UCT", "Etc/UCT", "Universal"]
        .iter()
        .any(|utc| utc.eq_ignore_ascii_case(zone))
        || zone.is_empty()
}

/// Nanoseconds as they are stored: the lowest three bits tell how many zeros were cut off, less one. The writer of Arrow C++ stores negative
/// ones before 1970.
fn unpack_nanos(stored: i64) -> Result<i64, Fault> {
    let zeros = stored & 0x07;
    let factor = match zeros {
        0 => 1,
        1 => 100,
        2 => 1_000,
        3 => 10_000,
        4 => 100_000,
        5 => 1_000_000,
        6 => 10_000_000,
        _ => 100_000_000,
    };
    (stored >> 3)
        .checked_mul(factor)
        .filter(|nanos| nanos.unsigned_abs() < SECOND_NANOS.unsigned_abs())
        .ok_or_else(|| {
            Fault::Damaged(format!("{} nanoseconds of a second, {zeros} zeros cut off", stored >> 3))
        })
}

fn beyond(index: usize) -> Fault {
    Fault::Value(index, "a timestamp that 64 bits cannot hold".to_owned())
}

/// Where timestamps without zone were written: they are stored as instants at which clocks there showed them.
#[derive(Debug)]
struct Zone {
    name: Arc<str>,
    /// When clocks there showed 2015-01-01T00:00, in seconds since 1970-01-01T00:00 UTC.
    epoch_seconds: i64,
}

impl Zone {
    fn new(name: &str) -> Result<Self, Fault> {
        let name: Arc<str> = name.into();
        let zoned = DataType::Timestamp(TimeUnit::Second, Some(Arc::clone(&name)));
        let epoch = cast(&TimestampSecondArray::from(vec![EPOCH_SECONDS]), &zoned)
            .map_err(|_| Fault::Unsupported(format!("timestamps written in the time zone `{name}`")))?;
        let epoch = epoch.as_primitive::<TimestampSecondType>();
        let epoch_seconds = epoch.iter().flatten().next().ok_or_else(|| Fault::damaged("time zone"))?;
        Ok(Self { name, epoch_seconds })
    }

    /// What clocks there showed at these instants.
    fn clock(&self, instants: Vec<i64>) -> Result<Vec<i64>, Fault> {
        let instants = TimestampSecondArray::from(instants).with_timezone(Arc::clone(&self.name));
        let part = |to: DataType| cast(&instants, &to).map_err(|error| Fault::Damaged(error.to_string()));
        let (days, seconds) = (part(DataType::Date32)?, part(DataType::Time32(TimeUnit::Second))?);
        if days.null_count() > 0 || seconds.null_count() > 0 {
            return Err(Fault::damaged("a timestamp out of all calendars"));
        }
        let (days, seconds) = (days.as_primitive::<Date32Type>(), seconds.as_primitive::<Time32SecondType>());
        Ok(days
            .values()
            .iter()
            .zip(seconds.values())
            .map(|(day, second)| {
                i64::from(*day).saturating_mul(DAY_SECONDS).saturating_add(i64::from(*second))
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_of_a_zone_change_with_its_seasons() {
        let zone = Zone::new("Europe/Berlin").unwrap();
        assert_eq!(zone.epoch_seconds, EPOCH_SECONDS - 3_600);
        // 2020-01-01T00:00Z and 2020-07-01T00:00Z.
        let clocks = zone.clock(vec![1_577_836_800, 1_593_561_600]).unwrap();
        assert_eq!(clocks, [1_577_840_400, 1_593_568_800]);
        assert!(zone.clock(vec![i64::MAX]).is_err());
        assert!(matches!(Zone::new("Mars/Olympus"), Err(Fault::Unsupported(_))));
        assert!(is_utc("utc") && !is_utc("Europe/Berlin"));
    }

    #[test]
    fn nanoseconds_lose_their_zeros_and_may_be_negative() {
        let nanos = |stored: i64| unpack_nanos(stored).ok();
        assert_eq!(nanos(1_000 << 3), Some(1_000));
        assert_eq!(nanos(1 << 3 | 2), Some(1_000));
        assert_eq!(nanos(9 << 3 | 7), Some(900_000_000));
        assert_eq!(nanos(-5 << 3 | 1), Some(-500));
        assert_eq!(nanos(10 << 3 | 7), None);
        assert_eq!(nanos(i64::MAX), None);
    }
}
