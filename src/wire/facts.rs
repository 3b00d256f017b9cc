//! Facts about files: MLST and MLSD entries, times and sizes.
//!
//! RFC 3659 section 2.3 (times), 3 (MDTM), 4 (SIZE) and 7 (MLST, MLSD). Names are bytes, never decoded. LIST output has no grammar and
//! is not read here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::line::{Ending, bounded, split_ending};

/// How many bytes of a bad entry an error keeps.
const ERROR_LINE_LIMIT: usize = 256;
/// How many digits a fraction of a second may have.
const FRACTION_LIMIT: usize = 32;

/// Why bytes are not an entry, a time or a size. The fault of the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// A fact without `=`.
    #[error("the entry has a fact without `=`: `{}`", crate::base::escape_peer(line))]
    FactWithoutValue {
        /// The line, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// An entry without the space that separates facts and name.
    #[error(
        "the entry has no space before the name: `{}`",
        crate::base::escape_peer(line)
    )]
    MissingSpace {
        /// The line, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// An entry without a name.
    #[error("the entry has no name: `{}`", crate::base::escape_peer(line))]
    MissingName {
        /// The line, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// Not decimal digits, or more than 64 bits.
    #[error("the size is not a decimal number: `{}`", crate::base::escape_peer(text.as_bytes()))]
    Size {
        /// The text, cut to 256 bytes.
        text: String,
    },
    /// Not fourteen digits with an optional fraction.
    #[error("the time does not have the form `YYYYMMDDHHMMSS`: `{}`", crate::base::escape_peer(text.as_bytes()))]
    TimeForm {
        /// The text, cut to 256 bytes.
        text: String,
    },
    /// The right form, but no such day or hour.
    #[error("the time does not exist: `{}`", crate::base::escape_peer(text.as_bytes()))]
    TimeRange {
        /// The text, cut to 256 bytes.
        text: String,
    },
}

/// What is odd about an entry that could be read all the same. Facts, not verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryViolation {
    /// The line ends with LF alone.
    BareLineFeed,
    /// A character in a fact that RFC 3659 section 7.2 does not allow there.
    FactCharacter,
    /// The same fact twice.
    FactRepeated,
    /// The last line of a listing does not end.
    LineEndMissing,
    /// No semicolon behind the last fact.
    MissingSemicolon,
    /// No space before the entry in an MLST reply (RFC 3659 section 7.2).
    MissingReplySpace,
}

/// One MLST or MLSD entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactEntry {
    /// Fact names as sent and values, in the order of the entry.
    pub facts: Vec<(String, String)>,
    /// The name: everything behind the one space, as bytes.
    pub name: Vec<u8>,
    /// What is odd, each kind once, in alphabetical order.
    pub violations: Vec<EntryViolation>,
}

/// The value of the `type` fact, RFC 3659 section 7.5.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// The listed directory itself.
    Cdir,
    /// A directory.
    Dir,
    /// A file.
    File,
    /// Something that only the server's operating system knows, `OS.name=type`; the whole value.
    Os(String),
    /// A value that RFC 3659 does not have.
    Other(String),
    /// The parent of the listed directory.
    Pdir,
}

impl FactEntry {
    /// The value of the fact called `name`, in any case; the first one.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts
            .iter()
            .find(|(fact, _)| fact.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The `type` fact.
    #[must_use]
    pub fn entry_type(&self) -> Option<EntryType> {
        let value = self.fact("type")?;
        Some(match value.to_ascii_lowercase().as_str() {
            "cdir" => EntryType::Cdir,
            "dir" => EntryType::Dir,
            "file" => EntryType::File,
            "pdir" => EntryType::Pdir,
            lower if lower.starts_with("os.") => EntryType::Os(value.to_owned()),
            _ => EntryType::Other(value.to_owned()),
        })
    }

    /// The `size` fact, in bytes.
    #[must_use]
    pub fn size(&self) -> Option<Result<u64, FactError>> {
        self.fact("size").map(parse_size)
    }

    /// The `modify` fact.
    #[must_use]
    pub fn modify(&self) -> Option<Result<TimeVal, FactError>> {
        self.fact("modify").map(str::parse)
    }
}

/// An MLSD line, with or without its line end, or an MLST entry without its leading space.
///
/// # Errors
///
/// [`FactError::MissingSpace`], [`FactError::MissingName`] and [`FactError::FactWithoutValue`].
pub fn parse_entry(line: &[u8]) -> Result<FactEntry, FactError> {
    let (content, ending) = split_ending(line);
    let error_line = || bounded(content, ERROR_LINE_LIMIT);
    let mut parts = content.splitn(2, |byte| *byte == b' ');
    let facts = parts.next().unwrap_or_default();
    let Some(name) = parts.next() else {
        return Err(FactError::MissingSpace { line: error_line() });
    };
    if name.is_empty() {
        return Err(FactError::MissingName { line: error_line() });
    }
    let mut entry = FactEntry {
        facts: Vec::new(),
        name: name.to_vec(),
        violations: Vec::new(),
    };
    if ending == Ending::LineFeed {
        entry.violations.push(EntryViolation::BareLineFeed);
    }
    if facts.is_empty() {
        return Ok(entry);
    }
    let facts = facts.strip_suffix(b";").unwrap_or_else(|| {
        entry.violations.push(EntryViolation::MissingSemicolon);
        facts
    });
    for fact in facts.split(|byte| *byte == b';') {
        let fact = String::from_utf8_lossy(fact);
        let Some((name, value)) = fact.split_once('=') else {
            return Err(FactError::FactWithoutValue { line: error_line() });
        };
        let is_fine = !name.is_empty() && !name.contains(['"', '=']);
        if !is_fine || !name.chars().chain(value.chars()).all(is_fact_character) {
            entry.violations.push(EntryViolation::FactCharacter);
        }
        entry.facts.push((name.to_owned(), value.to_owned()));
    }
    let mut names: Vec<String> = entry
        .facts
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    if names.len() < count {
        entry.violations.push(EntryViolation::FactRepeated);
    }
    entry.violations.sort_unstable();
    entry.violations.dedup();
    Ok(entry)
}

/// SCHAR of RFC 3659 section 2.1.
fn is_fact_character(character: char) -> bool {
    character.is_ascii_graphic()
        && !matches!(
            character,
            ';' | '*' | '<' | '>' | '[' | ']' | '`' | '{' | '|' | '}' | '~'
        )
}

/// The inner line of an MLST reply: one space, then the entry.
///
/// # Errors
///
/// As [`parse_entry`]. A missing space is noted as [`EntryViolation::MissingReplySpace`].
pub fn parse_mlst_line(line: &[u8]) -> Result<FactEntry, FactError> {
    if let Some(entry) = line.strip_prefix(b" ") {
        return parse_entry(entry);
    }
    let mut entry = parse_entry(line)?;
    entry.violations.push(EntryViolation::MissingReplySpace);
    entry.violations.sort_unstable();
    Ok(entry)
}

/// The lines of an MLSD listing, each read for itself. Blank lines are errors like other lines that are no entries.
#[must_use]
pub fn parse_mlsd(listing: &[u8]) -> Vec<Result<FactEntry, FactError>> {
    listing
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let mut entry = parse_entry(line)?;
            if !line.ends_with(b"\n") {
                entry.violations.push(EntryViolation::LineEndMissing);
                entry.violations.sort_unstable();
            }
            Ok(entry)
        })
        .collect()
}

/// An entry as on the wire, without line end and without the space that MLST puts before it.
#[must_use]
pub fn render_entry(facts: &[(impl AsRef<str>, impl AsRef<str>)], name: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    for (fact, value) in facts {
        line.extend_from_slice(fact.as_ref().as_bytes());
        line.push(b'=');
        line.extend_from_slice(value.as_ref().as_bytes());
        line.push(b';');
    }
    line.push(b' ');
    line.extend_from_slice(name);
    line
}

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

fn cut(text: &str) -> String {
    text.chars().take(ERROR_LINE_LIMIT).collect()
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

/// The text of a 213 reply to SIZE: decimal digits and nothing else, in bytes (RFC 3659 section 4.2).
///
/// # Errors
///
/// [`FactError::Size`].
pub fn parse_size(text: &str) -> Result<u64, FactError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| is_number)
        .ok_or_else(|| FactError::Size { text: cut(text) })
}

/// The text of a 213 reply to MDTM: a time and nothing else (RFC 3659 section 3.2).
///
/// # Errors
///
/// [`FactError::TimeForm`] and [`FactError::TimeRange`].
pub fn parse_mdtm(text: &str) -> Result<TimeVal, FactError> {
    text.parse()
}
