//! Dates, times and timestamps as text and as calendar parts.
//!
//! All are counts from 1970-01-01T00:00 or from midnight, and all arithmetic floors, so that instants before 1970 are as
//! right as those after. A year outside 0000 to 9999 is written with its sign, as ISO 8601 asks: `+10000-01-01`,
//! `-0001-12-31`.

use std::fmt;

pub use super::calendar::CivilDate;
use super::{ValueError, error};
use crate::error::excerpt;

/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Nanoseconds of a day.
pub const NANOS_PER_DAY: i64 = 86_400_000_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// What a timestamp counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum TimeUnit {
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

/// Whether a timestamp is an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum Zone {
    /// A reading of a clock somewhere: `timestamp`, `timestamp_ns`.
    None,
    /// An instant, kept as UTC: `timestamptz`, `timestamptz_ns`.
    Utc,
}

/// How much freedom text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextForm {
    /// The form of JSON single values: `T` between date and time, seconds written out, offset exactly `+00:00` with a
    /// zone and none without.
    Strict,
    /// What people type: also a blank for `T`, no seconds, no time at all, and with a zone `Z`, any offset, or none for
    /// UTC. Without a zone an offset is refused all the same, since ignoring it would change the meaning.
    Lenient,
}

impl TimeUnit {
    fn per_second(self) -> i64 {
        match self {
            Self::Micros => 1_000_000,
            Self::Nanos => NANOS_PER_SECOND,
        }
    }

    fn fraction_digits(self) -> usize {
        match self {
            Self::Micros => 6,
            Self::Nanos => 9,
        }
    }

    fn type_name(self, zone: Zone) -> &'static str {
        match (self, zone) {
            (Self::Micros, Zone::None) => "timestamp",
            (Self::Micros, Zone::Utc) => "timestamptz",
            (Self::Nanos, Zone::None) => "timestamp_ns",
            (Self::Nanos, Zone::Utc) => "timestamptz_ns",
        }
    }
}

/// Reads an ISO date as days since 1970-01-01.
///
/// # Errors
/// `InvalidData` if the text is no date; `InvalidInput` if the day does not fit 32 bits.
///
/// # Examples
/// ```
/// use datashard_spec::value::datetime::parse_date;
///
/// assert_eq!(parse_date("2017-11-16")?, 17_486);
/// assert!(parse_date("2017-02-30").is_err());
/// # Ok::<(), datashard_spec::value::ValueError>(())
/// ```
pub fn parse_date(text: &str) -> Result<i32, ValueError> {
    let mut scan = Scanner(text);
    let date = scan.date().filter(|_| scan.0.is_empty()).ok_or_else(|| error::text("date", text))?;
    days_of(date, "date", text)
}

/// Reads an ISO time of day as microseconds since midnight. Seconds may be left out in the lenient form.
///
/// # Errors
/// `InvalidData` if the text is no time of day, or has digits beyond the microsecond.
pub fn parse_time(text: &str, form: TextForm) -> Result<i64, ValueError> {
    let mut scan = Scanner(text);
    let nanos = scan.time(form).filter(|nanos| scan.0.is_empty() && nanos.rem_euclid(1000) == 0);
    nanos.map(|nanos| nanos.div_euclid(1000)).ok_or_else(|| error::text("time", text))
}

/// Reads an ISO timestamp as microseconds or nanoseconds since 1970-01-01T00:00.
///
/// # Errors
/// `InvalidData` if the text is no such timestamp, has digits beyond the unit, or an offset where none is allowed or none
/// where one is needed; `InvalidInput` if it does not fit 64 bits.
///
/// # Examples
/// ```
/// use datashard_spec::value::datetime::{TextForm, TimeUnit, Zone, parse_timestamp};
///
/// let micros = parse_timestamp("2017-11-16 14:31:08-08:00", TimeUnit::Micros, Zone::Utc, TextForm::Lenient)?;
/// assert_eq!(micros, 1_510_871_468_000_000);
/// # Ok::<(), datashard_spec::value::ValueError>(())
/// ```
pub fn parse_timestamp(text: &str, unit: TimeUnit, zone: Zone, form: TextForm) -> Result<i64, ValueError> {
    let type_name = unit.type_name(zone);
    let (date, nanos, offset) =
        timestamp_parts(text, zone, form).ok_or_else(|| error::text(type_name, text))?;
    let nanos_per_unit = i64::from(unit == TimeUnit::Micros).saturating_mul(999).saturating_add(1);
    if nanos.checked_rem(nanos_per_unit) != Some(0) {
        return Err(error::text(type_name, text));
    }
    // In 128 bits nothing can overflow before the one check at the end: days have 32 bits.
    let days = i128::from(days_of(date, type_name, text)?);
    let nanos = i128::from(nanos).saturating_sub(i128::from(offset).saturating_mul(NANOS_PER_SECOND.into()));
    let total = days.saturating_mul(NANOS_PER_DAY.into()).saturating_add(nanos);
    let count = total.checked_div(nanos_per_unit.into()).and_then(|count| i64::try_from(count).ok());
    count.ok_or_else(|| error::out_of_range(type_name, excerpt(text)))
}

/// Writes days since 1970-01-01 as an ISO date.
pub fn format_date(days: i32) -> String {
    CivilDate::from_days(days).to_string()
}

/// Writes microseconds since midnight as an ISO time with six fraction digits.
pub fn format_time(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    format!("{}.{fraction:06}", Clock(seconds))
}

/// Writes a timestamp in the strict form: six or nine fraction digits, `+00:00` after it with a zone.
///
/// # Examples
/// ```
/// use datashard_spec::value::datetime::{TimeUnit, Zone, format_timestamp};
///
/// assert_eq!(format_timestamp(-1, TimeUnit::Micros, Zone::None), "1969-12-31T23:59:59.999999");
/// assert_eq!(format_timestamp(0, TimeUnit::Nanos, Zone::Utc), "1970-01-01T00:00:00.000000000+00:00");
/// ```
pub fn format_timestamp(count: i64, unit: TimeUnit, zone: Zone) -> String {
    let seconds = count.div_euclid(unit.per_second());
    let fraction = count.rem_euclid(unit.per_second());
    let days = i32::try_from(seconds.div_euclid(86_400)).unwrap_or_default(); // at most 2^63 / 8.64e10
    let offset = if zone == Zone::Utc { "+00:00" } else { "" };
    let clock = Clock(seconds.rem_euclid(86_400));
    let digits = unit.fraction_digits();
    format!("{}T{clock}.{fraction:0digits$}{offset}", CivilDate::from_days(days))
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        match year {
            0..=9999 => write!(f, "{year:04}-{month:02}-{day:02}"),
            _ => write!(f, "{year:+05}-{month:02}-{day:02}"),
        }
    }
}

/// Seconds since midnight as `hh:mm:ss`.
struct Clock(i64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, rest) = (self.0.div_euclid(3600), self.0.rem_euclid(3600));
        write!(f, "{hour:02}:{:02}:{:02}", rest.div_euclid(60), rest.rem_euclid(60))
    }
}

fn days_of(date: (i64, u8, u8), type_name: &str, text: &str) -> Result<i32, ValueError> {
    let (year, month, day) = date;
    // The calendar repeats every 400 years: this tells a day that never exists from one out of range.
    let like_year = i32::try_from(year.rem_euclid(400)).unwrap_or_default();
    if (CivilDate { year: like_year, month, day }).to_days().is_none() {
        return Err(error::text(type_name, text));
    }
    let date = i32::try_from(year).ok().and_then(|year| CivilDate { year, month, day }.to_days());
    date.ok_or_else(|| error::out_of_range(type_name, excerpt(text)))
}

/// Date, nanoseconds of the day, offset in seconds.
fn timestamp_parts(text: &str, zone: Zone, form: TextForm) -> Option<((i64, u8, u8), i64, i64)> {
    let mut scan = Scanner(text);
    let date = scan.date()?;
    if scan.0.is_empty() && form == TextForm::Lenient {
        return Some((date, 0, 0));
    }
    let separated = match form {
        TextForm::Strict => scan.skip("T"),
        TextForm::Lenient => scan.skip("T") || scan.skip("t") || scan.skip(" "),
    };
    if !separated {
        return None;
    }
    let nanos = scan.time(form)?;
    let offset = match (zone, form) {
        (Zone::None, _) => 0,
        (Zone::Utc, TextForm::Strict) => scan.skip("+00:00").then_some(0)?,
        (Zone::Utc, TextForm::Lenient) => scan.offset()?,
    };
    scan.0.is_empty().then_some((date, nanos, offset))
}

/// Text that is left to read.
struct Scanner<'t>(&'t str);

impl Scanner<'_> {
    fn skip(&mut self, prefix: &str) -> bool {
        let rest = self.0.strip_prefix(prefix);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes as many digits as there are, at most `max`: their value and count.
    fn digits(&mut self, max: usize) -> Option<(i64, usize)> {
        let count = self.0.bytes().take(max).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some((digits.parse().ok()?, count))
    }

    /// Takes exactly two digits.
    fn two(&mut self) -> Option<u8> {
        let (number, count) = self.digits(2)?;
        (count == 2).then(|| u8::try_from(number).ok())?
    }

    /// Year, month and day. Four digits of year, more only after a sign.
    fn date(&mut self) -> Option<(i64, u8, u8)> {
        let (plus, minus) = (self.skip("+"), self.skip("-"));
        let (year, count) = match (plus, minus) {
            (true, true) => return None,
            (false, false) => self.digits(4).filter(|(_, count)| *count == 4)?,
            _ => self.digits(10).filter(|(_, count)| *count >= 4)?,
        };
        // A sign says something only where four digits do not: `+2024` and `-0000` are mistakes.
        if (plus && count == 4) || (minus && year == 0) {
            return None;
        }
        let month = self.skip("-").then(|| self.two())??;
        let day = self.skip("-").then(|| self.two())??;
        Some((if minus { year.checked_neg()? } else { year }, month, day))
    }

    /// Nanoseconds since midnight.
    fn time(&mut self, form: TextForm) -> Option<i64> {
        let hour = self.two().filter(|hour| *hour < 24)?;
        let minute = self.skip(":").then(|| self.two())?.filter(|minute| *minute < 60)?;
        let seconds_follow = self.skip(":");
        if !seconds_follow && form == TextForm::Strict {
            return None;
        }
        // No leap second: the format counts days of 86400 seconds.
        let second = if seconds_follow { self.two().filter(|second| *second < 60)? } else { 0 };
        let fraction = if seconds_follow && self.skip(".") { self.fraction()? } else { 0 };
        let minutes = i64::from(hour).checked_mul(60)?.checked_add(minute.into())?;
        let seconds = minutes.checked_mul(60)?.checked_add(second.into())?;
        seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(fraction)
    }

    /// One to nine digits after the point, as nanoseconds.
    fn fraction(&mut self) -> Option<i64> {
        let (digits, count) = self.digits(9)?;
        let missing = u32::try_from(9_usize.checked_sub(count)?).ok()?;
        digits.checked_mul(10_i64.checked_pow(missing)?)
    }

    /// `Z`, `+hh:mm`, `+hhmm`, `+hh`, or nothing for UTC; in seconds.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.skip("Z") || self.skip("z") {
            return Some(0);
        }
        let negative = self.skip("-");
        if !negative && !self.skip("+") {
            return None;
        }
        let hours = self.two().filter(|hours| *hours <= 18)?;
        let minutes = if self.0.is_empty() {
            0
        } else {
            self.skip(":");
            self.two().filter(|minutes| *minutes < 60)?
        };
        let minutes = i64::from(hours).checked_mul(60)?.checked_add(minutes.into())?;
        minutes.checked_mul(if negative { -60 } else { 60 })
    }
}

#[cfg(test)]
mod tests;
