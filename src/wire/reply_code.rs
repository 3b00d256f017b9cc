//! Reply codes and their classes.
//!
//! RFC 959 section 4.2.1, RFC 1123 section 4.1.2.11. Does not know what a single code means; patterns such as `5yz`
//! are in `scenario`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Three digits at the start of a reply, RFC 959 section 4.2.1.
///
/// Any three digits can be represented; those outside of 100 to 599 are noted as
/// [`ReplyViolation::CodeOutOfRange`](super::ReplyViolation::CodeOutOfRange).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// A code; nothing when `value` has more than three digits.
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        if value <= 999 { Some(Self(value)) } else { None }
    }

    /// The code as a number, 0 to 999.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// The class that the first digit names.
    #[must_use]
    pub const fn class(self) -> ReplyClass {
        match self.0 / 100 {
            1 => ReplyClass::Preliminary,
            2 => ReplyClass::Completion,
            3 => ReplyClass::Intermediate,
            4 => ReplyClass::TransientNegative,
            5 => ReplyClass::PermanentNegative,
            _ => ReplyClass::Other,
        }
    }

    /// The second digit, the function group: 0 syntax, 1 information, 2 connections, 3 authentication, 4 unspecified,
    /// 5 file system.
    #[must_use]
    pub const fn group(self) -> u16 {
        self.0 / 10 % 10
    }

    /// The code that the first three bytes of `line` spell, if they are digits.
    #[must_use]
    pub fn from_line(line: &[u8]) -> Option<Self> {
        let [a, b, c, ..] = line else { return None };
        let mut value = 0;
        for digit in [a, b, c] {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value * 10 + u16::from(digit - b'0');
        }
        Self::new(value)
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl From<ReplyCode> for u16 {
    fn from(code: ReplyCode) -> Self {
        code.0
    }
}

impl TryFrom<u16> for ReplyCode {
    type Error = NotAReplyCode;

    fn try_from(value: u16) -> Result<Self, NotAReplyCode> {
        Self::new(value).ok_or(NotAReplyCode)
    }
}

impl FromStr for ReplyCode {
    type Err = NotAReplyCode;

    fn from_str(text: &str) -> Result<Self, NotAReplyCode> {
        match text.len() {
            3 => Self::from_line(text.as_bytes()).ok_or(NotAReplyCode),
            _ => Err(NotAReplyCode),
        }
    }
}

/// A number or text that is not a reply code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reply code has three digits")]
pub struct NotAReplyCode;

/// What the first digit of a reply code says, RFC 959 section 4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReplyClass {
    /// `1yz`: begun, another reply follows.
    #[serde(rename = "1yz")]
    Preliminary,
    /// `2yz`: done.
    #[serde(rename = "2yz")]
    Completion,
    /// `3yz`: accepted, another command is needed.
    #[serde(rename = "3yz")]
    Intermediate,
    /// `4yz`: not done, may work later.
    #[serde(rename = "4yz")]
    TransientNegative,
    /// `5yz`: not done, will not work like this.
    #[serde(rename = "5yz")]
    PermanentNegative,
    /// A first digit that RFC 959 does not have.
    #[serde(rename = "other")]
    Other,
}

impl ReplyClass {
    /// Whether no further reply to the same command follows (`2yz` to `5yz`).
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Preliminary)
    }

    /// Whether the command was refused (`4yz`, `5yz`).
    #[must_use]
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::TransientNegative | Self::PermanentNegative)
    }

    /// The name as patterns write it: `1yz` to `5yz`, or `other`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preliminary => "1yz",
            Self::Completion => "2yz",
            Self::Intermediate => "3yz",
            Self::TransientNegative => "4yz",
            Self::PermanentNegative => "5yz",
            Self::Other => "other",
        }
    }

    /// The class called `name` (`1yz` to `5yz`).
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        [
            Self::Preliminary,
            Self::Completion,
            Self::Intermediate,
            Self::TransientNegative,
            Self::PermanentNegative,
        ]
        .into_iter()
        .find(|class| class.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for ReplyClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
