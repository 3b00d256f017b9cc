//! Moments as FTP writes them.
//!
//! RFC 3659 section 2.3: `YYYYMMDDHHMMSS` in UTC with an optional fraction. Calendar arithmetic for comparing,
//! nothing about clocks.

use std::fmt;
use std::str::FromStr;

use super::facts::{FactError, cut};

/// How many digits a fraction of a second may have.
const FRACTION_LIMIT: usize = 32;

/// A moment in UTC, RFC 3659 section 2.3: `YYYYMMDDHHMMSS` and an optional fraction. Shown in the same form.
///
/// Fields are private, so that a value always is a day that exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeVal {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    fraction: String,
}

impl TimeVal {
    /// The moment that many seconds after 1970-01-01 UTC; `None` outside of the years 0 to 9999.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        let days = seconds.div_euclid(86_400);
        let rest = seconds.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        if !(0..=9999).contains(&year) {
            return None;
        }
        Some(Self {
            year: u16::try_from(year).ok()?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
            hour: u8::try_from(rest / 3600).ok()?,
            minute: u8::try_from(rest / 60 % 60).ok()?,
            second: u8::try_from(rest % 60).ok()?,
            fraction: String::new(),
        })
    }

    /// Seconds since 1970-01-01 UTC, the fraction dropped. A leap second counts as the second behind it.
    #[must_use]
    pub fn unix(&self) -> i64 {
        let days = days_from_civil(i64::from(self.year), i64::from(self.month), i64::from(self.day));
        days * 86_400 + i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    /// The digits behind the point; empty without one.
    #[must_use]
    pub fn fraction(&self) -> &str {
        &self.fraction
    }

    /// Year, month, day.
    #[must_use]
    pub const fn date(&self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Hour, minute, second (60 in a leap second).
    #[must_use]
    pub const fn time(&self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }
}

impl fmt::Display for TimeVal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}{:02}{:02}{:02}{:02}{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )?;
        if self.fraction.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.fraction)
        }
    }
}

impl FromStr for TimeVal {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let form = || FactError::TimeForm { text: cut(text) };
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(form()),
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 14 || !is_digits(whole) || !is_digits(fraction) || fraction.len() > FRACTION_LIMIT {
            return Err(form());
        }
        let field = |from: usize, to: usize| whole.get(from..to).and_then(|digits| digits.parse::<u8>().ok());
        let read = || {
            Some(Self {
                year: whole.get(..4)?.parse().ok()?,
                month: field(4, 6)?,
                day: field(6, 8)?,
                hour: field(8, 10)?,
                minute: field(10, 12)?,
                second: field(12, 14)?,
                fraction: fraction.to_owned(),
            })
        };
        let value = read().ok_or_else(form)?;
        let exists = (1..=12).contains(&value.month)
            && (1..=days_in_month(value.year, value.month)).contains(&value.day)
            && value.hour <= 23
            && value.minute <= 59
            && value.second <= 60;
        if exists {
            Ok(value)
        } else {
            Err(FactError::TimeRange { text: cut(text) })
        }
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a Gregorian date. The year is made to begin in March, so that the leap day is its last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + era * 400 + i64::from(month >= 10);
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_times_that_exist_are_read() {
        for text in [
            "20240229235959",
            "19700101000000.000",
            "20161231235960",
            "00000101000000",
        ] {
            assert_eq!(text.parse::<TimeVal>().unwrap().to_string(), text);
        }
        for text in [
            "20230229000000",
            "20240431000000",
            "20240001000000",
            "20240100000000",
            "20240101240000",
            "20240101006000",
            "20240101000061",
            "19000229000000",
        ] {
            assert!(
                matches!(text.parse::<TimeVal>(), Err(FactError::TimeRange { .. })),
                "{text}"
            );
        }
        // The second is what a year counted from 1900 looks like when it is written behind "19".
        for text in [
            "",
            "191240229000000",
            "20240229",
            "20240229000000.",
            "20240229000000Z",
            "2024022900000 ",
            "2024-02-29 00:00:00",
            "+2024022900000",
        ] {
            assert!(
                matches!(text.parse::<TimeVal>(), Err(FactError::TimeForm { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn seconds_count_from_1970() {
        for (text, seconds) in [
            ("19700101000000", 0),
            ("19691231235959", -1),
            ("20000301000000", 951_868_800),
            ("20240229120000", 1_709_208_000),
            ("20380119031408", 1 << 31),
        ] {
            assert_eq!(text.parse::<TimeVal>().unwrap().unix(), seconds);
            assert_eq!(TimeVal::from_unix(seconds).unwrap().to_string(), text);
        }
        assert_eq!(TimeVal::from_unix(i64::MAX), None);
        assert_eq!(TimeVal::from_unix(i64::MIN), None);
    }

    proptest! {
        #[test]
        fn every_second_of_ten_thousand_years_survives(seconds in -62_167_219_200..253_402_300_800_i64) {
            let time = TimeVal::from_unix(seconds).unwrap();
            prop_assert_eq!(time.unix(), seconds);
            prop_assert_eq!(time.to_string().parse::<TimeVal>().unwrap(), time);
        }
    }
}
