//! Replies: what a server says on the control connection, from bytes to [`Reply`] and back.
//!
//! RFC 959 section 4.2 (codes, multi-line replies) and RFC 1123 section 4.1.2.11. Lenient: framing follows the RFC, oddities
//! are noted as [`ReplyViolation`]. Does not know which reply belongs to which command, and does not judge.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::line::{Ending, LineBuffer, bounded, has_control, has_telnet, split_ending, telnet_prefix};

/// How many bytes of a line that is no reply an error keeps.
const ERROR_LINE_LIMIT: usize = 256;

/// Three digits at the start of a reply, RFC 959 section 4.2.1.
///
/// Any three digits can be represented; those outside of 100 to 599 are noted as [`ReplyViolation::CodeOutOfRange`].
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

/// What is odd about a reply. Facts, not verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyViolation {
    /// A CR that no LF follows (RFC 959 section 4.2, RFC 854).
    BareCarriageReturn,
    /// A line ends with LF alone.
    BareLineFeed,
    /// The code is below 100 or above 599.
    CodeOutOfRange,
    /// A control character other than CR, NUL and tab in the text.
    ControlCharacter,
    /// An inner line starts with another code and a space: a less careful reader takes it for the last line.
    InnerLineLooksLikeLast,
    /// A multi-line reply was given up, and its last line carries another code and a space ([`ReplyParser::finish`]).
    LastLineCodeDiffers,
    /// A multi-line reply was given up without anything that looks like a last line ([`ReplyParser::finish`]).
    LastLineMissing,
    /// The last line does not end at all ([`ReplyParser::finish`]).
    LineEndMissing,
    /// A single-line reply has a code and no text.
    MissingText,
    /// The text is not UTF-8.
    NonUtf8,
    /// A NUL byte.
    Nul,
    /// The second digit is above 5.
    SecondDigitOutOfRange,
    /// Something else than a space or a hyphen follows the code, or a last line is the code alone.
    SeparatorNotSpace,
    /// A Telnet command (IAC and a byte from 240).
    TelnetIac,
}

impl ReplyViolation {
    /// The name in kebab-case, as serde writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BareCarriageReturn => "bare-carriage-return",
            Self::BareLineFeed => "bare-line-feed",
            Self::CodeOutOfRange => "code-out-of-range",
            Self::ControlCharacter => "control-character",
            Self::InnerLineLooksLikeLast => "inner-line-looks-like-last",
            Self::LastLineCodeDiffers => "last-line-code-differs",
            Self::LastLineMissing => "last-line-missing",
            Self::LineEndMissing => "line-end-missing",
            Self::MissingText => "missing-text",
            Self::NonUtf8 => "non-utf8",
            Self::Nul => "nul",
            Self::SecondDigitOutOfRange => "second-digit-out-of-range",
            Self::SeparatorNotSpace => "separator-not-space",
            Self::TelnetIac => "telnet-iac",
        }
    }
}

impl fmt::Display for ReplyViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One reply, single-line or multi-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code of the first line.
    pub code: ReplyCode,
    /// The text of each line without line end. First and last line: without code and separator. Inner lines: as received.
    pub lines: Vec<Vec<u8>>,
    /// All bytes as received, line ends included.
    pub raw: Vec<u8>,
    /// What is odd, each kind once, in alphabetical order.
    pub violations: Vec<ReplyViolation>,
}

impl Reply {
    /// The text of all lines joined by LF; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|line| String::from_utf8_lossy(line))
            .collect();
        lines.join("\n")
    }

    /// Whether the reply has more than one line.
    #[must_use]
    pub fn is_multiline(&self) -> bool {
        self.lines.len() > 1
    }

    /// Whether `violation` was noted.
    #[must_use]
    pub fn has_violation(&self, violation: ReplyViolation) -> bool {
        self.violations.contains(&violation)
    }
}

/// The bytes of a reply: one line as `250 text`, more as `250-first`, inner lines and `250 last` (RFC 959 section 4.2).
///
/// An inner line that starts with a digit gets a space before it, so that it cannot end the reply. Texts are written as
/// they are: one that holds CR or LF makes a broken reply, which is the caller's choice. No line gives `250 `.
#[must_use]
pub fn render_reply(code: ReplyCode, lines: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut raw = Vec::new();
    let last = lines.len().saturating_sub(1);
    if lines.is_empty() {
        raw.extend_from_slice(format!("{code} \r\n").as_bytes());
    }
    for (index, line) in lines.iter().enumerate() {
        let line = line.as_ref();
        if index == last {
            raw.extend_from_slice(format!("{code} ").as_bytes());
        } else if index == 0 {
            raw.extend_from_slice(format!("{code}-").as_bytes());
        } else if line.first().is_some_and(u8::is_ascii_digit) {
            raw.push(b' ');
        }
        raw.extend_from_slice(line);
        raw.extend_from_slice(b"\r\n");
    }
    raw
}

/// How much one reply may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Bytes of one line before its LF.
    pub line: usize,
    /// Lines of one reply.
    pub lines: usize,
    /// Bytes of one reply, line ends included.
    pub total: usize,
}

impl Default for ReplyLimits {
    /// 8 KiB a line, 10 000 lines, 1 MiB in all.
    fn default() -> Self {
        Self {
            line: 8192,
            lines: 10_000,
            total: 1 << 20,
        }
    }
}

/// Why bytes are not a reply. The fault of the peer, always.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ReplyError {
    /// What went wrong.
    pub kind: ReplyErrorKind,
}

impl ReplyError {
    /// Whether the parser has given up. Otherwise the bad line was skipped and parsing goes on behind it.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        !matches!(self.kind, ReplyErrorKind::NotAReply { .. })
    }
}

/// The ways in which bytes fail to be a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyErrorKind {
    /// A line is longer than [`ReplyLimits::line`]. Final.
    #[error("the peer sent a reply line that is longer than the limit")]
    LineTooLong,
    /// A line where a reply should start does not start with three digits. The line was skipped.
    #[error(
        "the peer sent a line that is not a reply: `{}`",
        crate::base::escape_peer(line)
    )]
    NotAReply {
        /// The line without its line end, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// A reply is longer than [`ReplyLimits::total`]. Final.
    #[error("the peer sent a reply that is longer than the limit")]
    TooLong,
    /// A multi-line reply has more lines than [`ReplyLimits::lines`]. Final.
    #[error("the peer sent a reply with more lines than the limit")]
    TooManyLines,
}

/// A multi-line reply under way.
#[derive(Clone, Debug)]
struct Partial {
    code: ReplyCode,
    lines: Vec<Vec<u8>>,
    violations: BTreeSet<ReplyViolation>,
    /// Whether the line before looked like a last line with another code.
    ends_differently: bool,
}

/// Turns bytes of a control connection into replies. Bounded: see [`ReplyLimits`].
///
/// ```
/// use ftpspec::wire::reply::{ReplyLimits, ReplyParser};
/// let mut parser = ReplyParser::new(ReplyLimits::default());
/// parser.push(b"211-Features\r\n PBSZ\r\n211 End\r\n220");
/// let reply = parser.next()?.expect("a whole reply");
/// assert_eq!(reply.code.value(), 211);
/// assert_eq!(parser.next()?, None);
/// assert_eq!(parser.pending(), b"220");
/// # Ok::<(), ftpspec::wire::reply::ReplyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReplyParser {
    limits: ReplyLimits,
    buffer: LineBuffer,
    /// Unread offset of the first line that was not looked at.
    read: usize,
    partial: Option<Partial>,
    overflowed: bool,
    failed: Option<ReplyErrorKind>,
}

impl Default for ReplyParser {
    fn default() -> Self {
        Self::new(ReplyLimits::default())
    }
}

impl ReplyParser {
    /// A parser that has seen nothing.
    #[must_use]
    pub fn new(limits: ReplyLimits) -> Self {
        Self {
            limits,
            buffer: LineBuffer::default(),
            read: 0,
            partial: None,
            overflowed: false,
            failed: None,
        }
    }

    /// Takes bytes that arrived. Call [`next`](Self::next) until it gives `Ok(None)` before pushing more: bytes that come
    /// while more than [`ReplyLimits::total`] bytes wait, or after a final error, are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() || self.overflowed || bytes.is_empty() {
            return;
        }
        if self.buffer.unread().len() > self.limits.total {
            self.overflowed = true;
            return;
        }
        self.buffer.push(bytes);
    }

    /// The next whole reply; `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// A line that is no reply is skipped and reported once. A limit that was reached is reported on every call from then on.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end for good where this needs more bytes"
    )]
    pub fn next(&mut self) -> Result<Option<Reply>, ReplyError> {
        if let Some(kind) = &self.failed {
            return Err(ReplyError { kind: kind.clone() });
        }
        loop {
            let start = self.read;
            let end = self.buffer.line_end(start);
            if let Some(kind) = self.broken_limit(start, end) {
                return Err(self.fail(kind));
            }
            let Some(end) = end else {
                if self.overflowed {
                    return Err(self.fail(ReplyErrorKind::TooLong));
                }
                return Ok(None);
            };
            self.read = end;
            let line = self.buffer.range(start, end).to_vec();
            if let Some(reply) = self.accept_line(&line)? {
                return Ok(Some(reply));
            }
        }
    }

    /// What there is when no more bytes will come: a reply without its end, if one had begun. It carries
    /// [`ReplyViolation::LineEndMissing`], [`ReplyViolation::LastLineCodeDiffers`] or [`ReplyViolation::LastLineMissing`].
    /// Call it after [`next`](Self::next) gave `Ok(None)`; whole replies that were not taken come first.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn finish(&mut self) -> Result<Option<Reply>, ReplyError> {
        if let Some(reply) = self.next()? {
            return Ok(Some(reply));
        }
        let rest = self.buffer.range(self.read, self.buffer.unread().len()).to_vec();
        if !rest.is_empty() {
            self.read = self.buffer.unread().len();
            if let Some(reply) = self.accept_line(&rest)? {
                return Ok(Some(reply));
            }
        }
        let Some(mut partial) = self.partial.take() else {
            return Ok(None);
        };
        partial.violations.insert(if partial.ends_differently {
            ReplyViolation::LastLineCodeDiffers
        } else {
            ReplyViolation::LastLineMissing
        });
        Ok(Some(self.complete(partial)))
    }

    /// The bytes that arrived and are in no reply that [`next`](Self::next) returned: what an upgrade to TLS must not
    /// keep.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// Like [`pending`](Self::pending), and forgets them. An error that was final stays.
    pub fn take_pending(&mut self) -> Vec<u8> {
        self.read = 0;
        self.partial = None;
        self.buffer.take()
    }

    /// Which limit the line from `start` (to `end`, if it has one) breaks first. Depends on the bytes, not on how they were
    /// cut: of two broken limits the one that was reached at the earlier byte counts.
    fn broken_limit(&self, start: usize, end: Option<usize>) -> Option<ReplyErrorKind> {
        let seen = end.unwrap_or(self.buffer.unread().len());
        let content = end.map_or(seen, |end| end.saturating_sub(1));
        let line_bound = start.saturating_add(self.limits.line);
        let line_broken = content > line_bound;
        let total_broken = seen > self.limits.total;
        if line_broken && (!total_broken || line_bound <= self.limits.total) {
            Some(ReplyErrorKind::LineTooLong)
        } else if total_broken {
            Some(ReplyErrorKind::TooLong)
        } else {
            None
        }
    }

    fn fail(&mut self, kind: ReplyErrorKind) -> ReplyError {
        self.buffer.truncate(self.limits.total);
        self.partial = None;
        self.read = 0;
        self.failed = Some(kind.clone());
        ReplyError { kind }
    }

    /// Looks at one line (with its end); gives the reply when the line is its last.
    fn accept_line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let (content, ending) = split_ending(line);
        match self.partial.take() {
            None => self.accept_first(content, ending),
            Some(partial) => self.accept_further(partial, content, ending),
        }
    }

    fn accept_first(&mut self, content: &[u8], ending: Ending) -> Result<Option<Reply>, ReplyError> {
        let stripped = content.get(telnet_prefix(content)..).unwrap_or_default();
        let Some(code) = ReplyCode::from_line(stripped) else {
            self.buffer.consume(self.read);
            self.read = 0;
            return Err(ReplyError {
                kind: ReplyErrorKind::NotAReply {
                    line: bounded(content, ERROR_LINE_LIMIT),
                },
            });
        };
        let mut violations = BTreeSet::new();
        note_line(content, ending, &mut violations);
        if stripped.len() < content.len() {
            violations.insert(ReplyViolation::TelnetIac);
        }
        if !(100..=599).contains(&code.value()) {
            violations.insert(ReplyViolation::CodeOutOfRange);
        }
        if code.group() > 5 {
            violations.insert(ReplyViolation::SecondDigitOutOfRange);
        }
        let rest = stripped.get(3..).unwrap_or_default();
        let (text, is_multiline) = match rest {
            [b'-', text @ ..] => (text, true),
            [b' ', text @ ..] => (text, false),
            [] => (rest, false),
            [_, ..] => {
                violations.insert(ReplyViolation::SeparatorNotSpace);
                (rest, false)
            }
        };
        let partial = Partial {
            code,
            lines: vec![text.to_vec()],
            violations,
            ends_differently: false,
        };
        if is_multiline {
            return self.go_on(partial);
        }
        let mut reply = self.complete(partial);
        if text.is_empty() {
            reply.violations.push(ReplyViolation::MissingText);
            reply.violations.sort_unstable();
        }
        Ok(Some(reply))
    }

    fn accept_further(
        &mut self,
        mut partial: Partial,
        content: &[u8],
        ending: Ending,
    ) -> Result<Option<Reply>, ReplyError> {
        note_line(content, ending, &mut partial.violations);
        let code = ReplyCode::from_line(content);
        let rest = content.get(3..).unwrap_or_default();
        let is_own = code == Some(partial.code);
        match rest {
            [b' ', text @ ..] if is_own => {
                partial.lines.push(text.to_vec());
                Ok(Some(self.complete(partial)))
            }
            [] if is_own => {
                partial.violations.insert(ReplyViolation::SeparatorNotSpace);
                partial.lines.push(Vec::new());
                Ok(Some(self.complete(partial)))
            }
            _ => {
                partial.ends_differently = code.is_some() && rest.first() == Some(&b' ');
                if partial.ends_differently {
                    partial.violations.insert(ReplyViolation::InnerLineLooksLikeLast);
                }
                partial.lines.push(content.to_vec());
                self.go_on(partial)
            }
        }
    }

    fn go_on(&mut self, partial: Partial) -> Result<Option<Reply>, ReplyError> {
        if partial.lines.len() >= self.limits.lines {
            return Err(self.fail(ReplyErrorKind::TooManyLines));
        }
        self.partial = Some(partial);
        Ok(None)
    }

    fn complete(&mut self, partial: Partial) -> Reply {
        let raw = self.buffer.consume(self.read);
        self.read = 0;
        Reply {
            code: partial.code,
            lines: partial.lines,
            raw,
            violations: partial.violations.into_iter().collect(),
        }
    }
}

/// Notes what is odd in one line.
fn note_line(content: &[u8], ending: Ending, violations: &mut BTreeSet<ReplyViolation>) {
    match ending {
        Ending::Crlf => {}
        Ending::LineFeed => {
            violations.insert(ReplyViolation::BareLineFeed);
        }
        Ending::None => {
            violations.insert(ReplyViolation::LineEndMissing);
        }
    }
    let found = [
        (content.contains(&b'\r'), ReplyViolation::BareCarriageReturn),
        (content.contains(&0), ReplyViolation::Nul),
        (has_control(content), ReplyViolation::ControlCharacter),
        (has_telnet(content), ReplyViolation::TelnetIac),
        (std::str::from_utf8(content).is_err(), ReplyViolation::NonUtf8),
    ];
    for (is_found, violation) in found {
        if is_found {
            violations.insert(violation);
        }
    }
}
