//! The proleptic Gregorian calendar: days since 1970-01-01 to year, month and day, and back.
//!
//! Years count from March here, so that the leap day is the last of its year; 400 years (146097 days) are one period.

/// A day of the proleptic Gregorian calendar. Year 0 is the year before year 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "year, month and day are what a date is")]
pub struct CivilDate {
    /// The year, negative before year 0.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

const DAYS_PER_PERIOD: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

impl CivilDate {
    /// The date this many days after 1970-01-01.
    ///
    /// # Examples
    /// ```
    /// use datashard_spec::value::datetime::CivilDate;
    ///
    /// let date = CivilDate::from_days(-1);
    /// assert_eq!((date.year, date.month, date.day), (1969, 12, 31));
    /// assert_eq!(date.to_days(), Some(-1));
    /// ```
    #[expect(clippy::arithmetic_side_effects, reason = "days are 32-bit numbers, computed with 64 bits")]
    pub fn from_days(days: i32) -> Self {
        let shifted = i64::from(days) + EPOCH;
        let period = shifted.div_euclid(DAYS_PER_PERIOD);
        let day_of_period = shifted.rem_euclid(DAYS_PER_PERIOD);
        // A leap day closes every 4th year, but not the 100th, but the 400th.
        let year_of_period =
            (day_of_period - day_of_period / 1460 + day_of_period / 36_524 - day_of_period / 146_096) / 365;
        let day_of_year = day_of_period - (365 * year_of_period + year_of_period / 4 - year_of_period / 100);
        // Five months from March, and again from August, have 153 days.
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = period * 400 + year_of_period + i64::from(month <= 2);
        Self {
            year: i32::try_from(year).unwrap_or_default(),
            month: u8::try_from(month).unwrap_or_default(),
            day: u8::try_from(day).unwrap_or_default(),
        }
    }

    /// Days since 1970-01-01; `None` if there is no such month or day, or the days do not fit 32 bits.
    #[expect(clippy::arithmetic_side_effects, reason = "the parts have 32 bits at most, computed with 64")]
    pub fn to_days(self) -> Option<i32> {
        if self.day == 0 || self.day > days_in_month(self.year, self.month)? {
            return None;
        }
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let period = year.div_euclid(400);
        let year_of_period = year.rem_euclid(400);
        let month_from_march = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let day_of_period = year_of_period * 365 + year_of_period / 4 - year_of_period / 100 + day_of_year;
        i32::try_from(period * DAYS_PER_PERIOD + day_of_period - EPOCH).ok()
    }
}

/// Days of the month; `None` if there is no such month.
fn days_in_month(year: i32, month: u8) -> Option<u8> {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if leap => Some(29),
        2 => Some(28),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(days: i32, year: i32, month: u8, day: u8) {
        let date = CivilDate { year, month, day };
        assert_eq!(CivilDate::from_days(days), date);
        assert_eq!(date.to_days(), Some(days));
    }

    #[test]
    fn known_days_convert_both_ways() {
        check(0, 1970, 1, 1);
        check(-1, 1969, 12, 31);
        check(17_486, 2017, 11, 16);
        check(-719_162, 1, 1, 1);
        check(-719_163, 0, 12, 31);
        check(-719_528, 0, 1, 1);
        check(-719_529, -1, 12, 31);
        check(11_016, 2000, 2, 29);
        check(2_932_896, 9999, 12, 31);
        check(2_932_897, 10_000, 1, 1);
        check(i32::MAX, 5_881_580, 7, 11);
        check(i32::MIN, -5_877_641, 6, 23);
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 4, 31),
            (2024, 0, 1),
            (2024, 13, 1),
            (2024, 1, 0),
            (5_881_580, 7, 12),
            (i32::MAX, 1, 1),
            (i32::MIN, 1, 1),
        ] {
            assert_eq!(CivilDate { year, month, day }.to_days(), None, "{year}-{month}-{day}");
        }
    }

    proptest! {
        #[test]
        fn every_day_converts_back(days in any::<i32>()) {
            prop_assert_eq!(CivilDate::from_days(days).to_days(), Some(days));
        }

        #[test]
        fn the_next_day_is_greater(days in i32::MIN..i32::MAX) {
            prop_assert!(CivilDate::from_days(days) < CivilDate::from_days(days + 1));
        }
    }
}
