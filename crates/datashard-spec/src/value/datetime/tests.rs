//! Dates, times and timestamps as text, far from 1970 too.

use proptest::prelude::*;

use super::TextForm::{Lenient, Strict};
use super::*;
use crate::error::ErrorKind;

const MICROS: TimeUnit = TimeUnit::Micros;
const NANOS: TimeUnit = TimeUnit::Nanos;

fn check(text: &str, unit: TimeUnit, zone: Zone, form: TextForm, expect: Result<i64, ErrorKind>) {
    let found = parse_timestamp(text, unit, zone, form).map_err(|error| error.kind());
    assert_eq!(found, expect, "{text:?} as {} {form:?}", unit.type_name(zone));
}

#[test]
fn dates_read_and_write_with_a_sign_outside_four_digit_years() {
    for (text, days) in [
        ("1970-01-01", 0),
        ("2017-11-16", 17_486),
        ("0001-01-01", -719_162),
        ("0000-12-31", -719_163),
        ("-0001-12-31", -719_529),
        ("9999-12-31", 2_932_896),
        ("+10000-01-01", 2_932_897),
        ("+5881580-07-11", i32::MAX),
        ("-5877641-06-23", i32::MIN),
    ] {
        assert_eq!(parse_date(text), Ok(days), "{text}");
        assert_eq!(format_date(days), text);
    }
}

#[test]
fn text_that_is_no_date_is_refused_and_a_date_out_of_range_is_told_apart() {
    for text in [
        "",
        "2017",
        "2017-11",
        "2017-1-16",
        "17-11-16",
        "2017-11-16 ",
        " 2017-11-16",
        "2017-11-16T00",
        "2017-02-29",
        "2017-13-01",
        "2017-00-01",
        "10000-01-01",
        "+2017-01-01",
        "-0000-01-01",
        "+-2017-01-01",
        "2017/11/16",
        "２０１７-11-16",
        "+99999999999-01-01",
        "+9999999999-02-30",
    ] {
        assert_eq!(parse_date(text).map_err(|e| e.kind()), Err(ErrorKind::InvalidData), "{text}");
    }
    for text in ["+5881580-07-12", "-5877641-06-22", "+9999999999-01-01"] {
        assert_eq!(parse_date(text).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput), "{text}");
    }
}

#[test]
fn times_read_and_write_to_the_microsecond() {
    assert_eq!(parse_time("22:31:08.123456", Strict), Ok(81_068_123_456));
    assert_eq!(parse_time("22:31:08", Strict), Ok(81_068_000_000));
    assert_eq!(parse_time("22:31:08.5", Strict), Ok(81_068_500_000));
    assert_eq!(parse_time("22:31:08.123456000", Strict), Ok(81_068_123_456));
    assert_eq!(parse_time("22:31", Lenient), Ok(81_060_000_000));
    assert_eq!(format_time(81_068_123_456), "22:31:08.123456");
    assert_eq!(format_time(0), "00:00:00.000000");
    assert_eq!(format_time(MICROS_PER_DAY - 1), "23:59:59.999999");
    for text in
        ["22:31", "24:00:00", "22:60:00", "22:31:60", "22:31:08.", "22:31:08.1234567", "2:31:08", "22:31:08Z"]
    {
        assert!(parse_time(text, Strict).is_err(), "{text}");
    }
    for hostile in [i64::MIN, -1, MICROS_PER_DAY, i64::MAX] {
        assert!(!format_time(hostile).is_empty());
    }
}

#[test]
fn strict_timestamps_take_the_form_of_the_format_only() {
    let micros = 1_510_871_468_123_456;
    check("2017-11-16T22:31:08.123456", MICROS, Zone::None, Strict, Ok(micros));
    check("2017-11-16T22:31:08.123456+00:00", MICROS, Zone::Utc, Strict, Ok(micros));
    check("2017-11-16T22:31:08.123456789", NANOS, Zone::None, Strict, Ok(micros * 1000 + 789));
    check("2017-11-16T22:31:08.123456789+00:00", NANOS, Zone::Utc, Strict, Ok(micros * 1000 + 789));
    check("2017-11-16T22:31:08", MICROS, Zone::None, Strict, Ok(micros - 123_456));
    check("1969-12-31T23:59:59.999999", MICROS, Zone::None, Strict, Ok(-1));
    for (text, zone) in [
        ("2017-11-16T22:31:08.123456+00:00", Zone::None),
        ("2017-11-16T22:31:08.123456Z", Zone::None),
        ("2017-11-16T22:31:08.123456", Zone::Utc),
        ("2017-11-16T22:31:08.123456Z", Zone::Utc),
        ("2017-11-16T22:31:08.123456+01:00", Zone::Utc),
        ("2017-11-16T22:31:08.123456-00:00", Zone::Utc),
        ("2017-11-16 22:31:08.123456", Zone::None),
        ("2017-11-16", Zone::None),
        ("2017-11-16T22:31", Zone::None),
        ("2017-11-16T22:31:08.1234567", Zone::None),
        ("2017-11-16T22:31:08.1234567890", Zone::None),
        ("", Zone::None),
    ] {
        check(text, MICROS, zone, Strict, Err(ErrorKind::InvalidData));
    }
}

#[test]
fn lenient_timestamps_take_what_people_type() {
    let micros = 1_510_871_468_000_000;
    for text in [
        "2017-11-16T14:31:08-08:00",
        "2017-11-16 14:31:08-0800",
        "2017-11-16t14:31:08.000-08",
        "2017-11-16T22:31:08Z",
        "2017-11-16 22:31:08z",
        "2017-11-16T22:31:08",
        "2017-11-17T00:31:08+02:00",
    ] {
        check(text, MICROS, Zone::Utc, Lenient, Ok(micros));
        check(text, NANOS, Zone::Utc, Lenient, Ok(micros * 1000));
    }
    check("2017-11-16 22:31:08", MICROS, Zone::None, Lenient, Ok(micros));
    check("2017-11-16 22:31", MICROS, Zone::None, Lenient, Ok(micros - 8_000_000));
    check("2017-11-16", MICROS, Zone::None, Lenient, Ok(17_486 * MICROS_PER_DAY));
    for text in [
        "2017-11-16T22:31:08Z",
        "2017-11-16T22:31:08+00:00",
        "2017-11-16T22:31:08.1234567",
        "2017-11-16T",
        "2017-11-16  22:31:08",
    ] {
        check(text, MICROS, Zone::None, Lenient, Err(ErrorKind::InvalidData));
    }
    for text in [
        "2017-11-16T22:31:08+19:00",
        "2017-11-16T22:31:08+1",
        "2017-11-16T22:31:08+01:60",
        "2017-11-16T22:31:08 Z",
    ] {
        check(text, MICROS, Zone::Utc, Lenient, Err(ErrorKind::InvalidData));
    }
}

#[test]
fn timestamps_out_of_range_are_refused_not_wrapped() {
    check("2262-04-11T23:47:16.854775807", NANOS, Zone::None, Strict, Ok(i64::MAX));
    check("1677-09-21T00:12:43.145224192", NANOS, Zone::None, Strict, Ok(i64::MIN));
    check("2262-04-11T23:47:16.854775808", NANOS, Zone::None, Strict, Err(ErrorKind::InvalidInput));
    check("1677-09-21T00:12:43.145224191", NANOS, Zone::None, Strict, Err(ErrorKind::InvalidInput));
    check("+294247-01-10T04:00:54.775807", MICROS, Zone::None, Strict, Ok(i64::MAX));
    check("-290308-12-21T19:59:05.224192", MICROS, Zone::None, Strict, Ok(i64::MIN));
    check("+294247-01-10T04:00:54.775808", MICROS, Zone::None, Strict, Err(ErrorKind::InvalidInput));
    check("+5881580-07-11T00:00:00", MICROS, Zone::None, Strict, Err(ErrorKind::InvalidInput));
}

proptest! {
    #[test]
    fn every_timestamp_reads_back(count in any::<i64>(), nanos in any::<bool>(), utc in any::<bool>()) {
        let unit = if nanos { NANOS } else { MICROS };
        let zone = if utc { Zone::Utc } else { Zone::None };
        let text = format_timestamp(count, unit, zone);
        prop_assert_eq!(parse_timestamp(&text, unit, zone, Strict), Ok(count));
        prop_assert_eq!(parse_timestamp(&text, unit, zone, Lenient), Ok(count));
    }

    #[test]
    fn every_date_and_time_reads_back(days in any::<i32>(), micros in 0..MICROS_PER_DAY) {
        prop_assert_eq!(parse_date(&format_date(days)), Ok(days));
        prop_assert_eq!(parse_time(&format_time(micros), Strict), Ok(micros));
    }

    #[test]
    fn any_text_is_answered(text in "[-+0-9T:. Zz\u{e9}]{0,40}") {
        let _ = parse_date(&text);
        let _ = parse_time(&text, Lenient);
        let _ = parse_timestamp(&text, MICROS, Zone::Utc, Lenient);
    }
}
