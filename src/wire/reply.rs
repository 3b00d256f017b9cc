//! Replies: what a server says on the control connection, from bytes to [`Reply`] and back.
//!
//! RFC 959 section 4.2 (codes, multi-line replies) and RFC 1123 section 4.1.2.11. Lenient: framing follows the RFC,
//! oddities are noted as [`ReplyViolation`]. Does not know which reply belongs to which command, and does not judge.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::line::{Ending, LineBuffer, bounded, has_control, has_telnet, split_ending, telnet_prefix};
pub use super::reply_code::{NotAReplyCode, ReplyClass, ReplyCode};

/// How many bytes of a line that is no reply an error keeps.
const ERROR_LINE_LIMIT: usize = 256;

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
    /// The text of each line without line end. First and last line: without code and separator. Inner lines: as
    /// received.
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

/// The bytes of a reply: one line as `250 text`, more as `250-first`, inner lines and `250 last` (RFC 959 section
/// 4.2).
///
/// An inner line that starts with a digit gets a space before it, so that it cannot end the reply. Texts are written
/// as they are: one that holds CR or LF makes a broken reply, which is the caller's choice. No line gives `250 `.
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

    /// Takes bytes that arrived. Call [`next`](Self::next) until it gives `Ok(None)` before pushing more: bytes that
    /// come while more than [`ReplyLimits::total`] bytes wait, or after a final error, are dropped.
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
    /// A line that is no reply is skipped and reported once. A limit that was reached is reported on every call from
    /// then on.
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
    /// [`ReplyViolation::LineEndMissing`], [`ReplyViolation::LastLineCodeDiffers`] or
    /// [`ReplyViolation::LastLineMissing`]. Call it after [`next`](Self::next) gave `Ok(None)`; whole replies that
    /// were not taken come first.
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

    /// Which limit the line from `start` (to `end`, if it has one) breaks first. Depends on the bytes, not on how
    /// they were cut: of two broken limits the one that was reached at the earlier byte counts.
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

/// Feeds any bytes to the parser and checks what must hold for all of them: no panic, the same replies however the bytes are
/// cut, every byte accounted for. For fuzzing and property tests.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    const UNLIMITED: ReplyLimits = ReplyLimits {
        line: usize::MAX,
        lines: usize::MAX,
        total: usize::MAX,
    };
    let tight = ReplyLimits {
        line: 48,
        lines: 6,
        total: 160,
    };
    for limits in [ReplyLimits::default(), tight] {
        let whole = parse_in_pieces(data, limits, data.len().max(1));
        for size in [1, 2, 7] {
            assert_eq!(
                whole,
                parse_in_pieces(data, limits, size),
                "pieces of {size} bytes"
            );
        }
        for reply in whole.iter().flatten() {
            assert!(reply.raw.len() <= limits.total && reply.lines.len() <= limits.lines);
            if reply.violations.is_empty() {
                let written = render_reply(reply.code, &reply.lines);
                let again = parse_in_pieces(&written, UNLIMITED, written.len());
                assert!(
                    matches!(again.as_slice(), [Ok(again)] if again.code == reply.code
                        && again.lines.len() == reply.lines.len()),
                    "a clean reply can be written and read again"
                );
            }
        }
    }
}

/// All outcomes of `data` in pieces of `size` bytes, the last ones from [`ReplyParser::finish`].
fn parse_in_pieces(data: &[u8], limits: ReplyLimits, size: usize) -> Vec<Result<Reply, ReplyErrorKind>> {
    let mut parser = ReplyParser::new(limits);
    let mut outcomes = Vec::new();
    for piece in data.chunks(size) {
        parser.push(piece);
        loop {
            match parser.next() {
                Ok(None) => break,
                Ok(Some(reply)) => outcomes.push(Ok(reply)),
                Err(error) if error.is_fatal() => {
                    outcomes.push(Err(error.kind));
                    return outcomes;
                }
                Err(error) => outcomes.push(Err(error.kind)),
            }
        }
    }
    loop {
        match parser.finish() {
            Ok(None) => return outcomes,
            Ok(Some(reply)) => outcomes.push(Ok(reply)),
            Err(error) if error.is_fatal() => {
                outcomes.push(Err(error.kind));
                return outcomes;
            }
            Err(error) => outcomes.push(Err(error.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Vec<Result<Reply, ReplyErrorKind>> {
        parse_in_pieces(bytes, ReplyLimits::default(), bytes.len().max(1))
    }

    fn one(bytes: &[u8]) -> Reply {
        let mut parser = ReplyParser::default();
        parser.push(bytes);
        let reply = parser.next().unwrap().unwrap();
        assert_eq!(parser.pending(), b"", "everything belongs to the reply");
        reply
    }

    #[test]
    fn a_single_line_reply_is_code_and_text() {
        let reply = one(b"220 Service ready\r\n");
        assert_eq!(reply.code.value(), 220);
        assert_eq!(reply.code.class(), ReplyClass::Completion);
        assert_eq!(reply.code.group(), 2);
        assert_eq!(reply.text(), "Service ready");
        assert!(!reply.is_multiline());
        assert_eq!(reply.violations, []);
    }

    #[test]
    fn a_multi_line_reply_ends_at_its_own_code_and_a_space() {
        let raw = b"211-Features:\r\n AUTH TLS\r\n211-PBSZ\r\n 211 not yet\r\n2110 nor this\r\n211 End\r\n";
        let reply = one(raw);
        assert!(reply.is_multiline());
        assert_eq!(reply.raw, raw);
        assert_eq!(
            reply.text(),
            "Features:\n AUTH TLS\n211-PBSZ\n 211 not yet\n2110 nor this\nEnd"
        );
        assert_eq!(reply.violations, []);
    }

    #[test]
    fn an_inner_line_with_another_code_does_not_end_the_reply_but_is_noted() {
        let reply = one(b"211-a\r\n212 b\r\n211 c\r\n");
        assert_eq!(reply.lines.len(), 3);
        assert_eq!(reply.violations, [ReplyViolation::InnerLineLooksLikeLast]);
    }

    #[test]
    fn bytes_behind_a_reply_stay_pending_even_when_they_are_replies() {
        let mut parser = ReplyParser::default();
        parser.push(b"234 go on\r\n200 injected\r\n2");
        assert_eq!(parser.next().unwrap().unwrap().code.value(), 234);
        assert_eq!(parser.pending(), b"200 injected\r\n2");
        assert_eq!(parser.take_pending(), b"200 injected\r\n2");
        assert_eq!(parser.next().unwrap(), None);
        parser.push(b"220 new\r\n");
        assert_eq!(parser.next().unwrap().unwrap().text(), "new");
    }

    #[test]
    fn pending_bytes_of_a_half_reply_include_its_whole_lines() {
        let mut parser = ReplyParser::default();
        parser.push(b"211-a\r\n b\r\n");
        assert_eq!(parser.next().unwrap(), None);
        assert_eq!(parser.take_pending(), b"211-a\r\n b\r\n");
        parser.push(b"220 x\r\n");
        assert_eq!(parser.next().unwrap().unwrap().lines, [b"x"]);
    }

    #[test]
    fn oddities_are_noted() {
        use ReplyViolation as V;
        let cases: &[(&[u8], &[V])] = &[
            (b"220 x\n", &[V::BareLineFeed]),
            (b"220 a\rb\r\n", &[V::BareCarriageReturn]),
            (b"220 a\r\r\n", &[V::BareCarriageReturn]),
            (b"220 a\0b\r\n", &[V::Nul]),
            (b"220 \x1b[1m\r\n", &[V::ControlCharacter]),
            (
                b"220 \xff\xfb\x01\r\n",
                &[V::ControlCharacter, V::NonUtf8, V::TelnetIac],
            ),
            (b"220 \xe4\r\n", &[V::NonUtf8]),
            (b"220 a\tb\r\n", &[]),
            (b"220\r\n", &[V::MissingText]),
            (b"220 \r\n", &[V::MissingText]),
            (b"220Hello\r\n", &[V::SeparatorNotSpace]),
            (b"220\tHello\r\n", &[V::SeparatorNotSpace]),
            (b"211-a\r\n211\r\n", &[V::SeparatorNotSpace]),
            (b"631 x\r\n", &[V::CodeOutOfRange]),
            (b"099 x\r\n", &[V::CodeOutOfRange, V::SecondDigitOutOfRange]),
            (b"290 x\r\n", &[V::SecondDigitOutOfRange]),
        ];
        for (raw, violations) in cases {
            assert_eq!(one(raw).violations, *violations, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn telnet_commands_before_the_code_are_passed_over() {
        let reply = one(b"\xff\xfd\x06220 x\r\n");
        assert_eq!(reply.code.value(), 220);
        assert!(reply.has_violation(ReplyViolation::TelnetIac));
    }

    #[test]
    fn a_line_that_is_no_reply_is_skipped_and_reported_once() {
        let outcomes = parse(b"hello\r\n\r\n22\r\n220 x\r\n");
        let not = |line: &[u8]| Err(ReplyErrorKind::NotAReply { line: line.to_vec() });
        let [first, second, third, Ok(reply)] = outcomes.as_slice() else {
            panic!("{outcomes:?}");
        };
        assert_eq!([first, second, third], [&not(b"hello"), &not(b""), &not(b"22")]);
        assert_eq!(reply.code.value(), 220);
    }

    #[test]
    fn an_unfinished_reply_is_what_there_is_when_the_connection_ends() {
        use ReplyViolation as V;
        let cases: &[(&[u8], &[V])] = &[
            (b"220 x", &[V::LineEndMissing]),
            (b"211-a\r\n b\r\n", &[V::LastLineMissing]),
            (
                b"211-a\r\n212 b\r\n",
                &[V::InnerLineLooksLikeLast, V::LastLineCodeDiffers],
            ),
            (b"211-a\r\n211 b", &[V::LineEndMissing]),
        ];
        for (raw, violations) in cases {
            let mut parser = ReplyParser::default();
            parser.push(raw);
            assert_eq!(parser.next().unwrap(), None);
            let reply = parser.finish().unwrap().unwrap();
            assert_eq!(reply.violations, *violations, "{}", raw.escape_ascii());
            assert_eq!(reply.raw, *raw);
            assert_eq!(parser.finish().unwrap(), None);
        }
    }

    #[test]
    fn each_limit_has_its_error_and_the_error_stays() {
        let limits = ReplyLimits {
            line: 20,
            lines: 3,
            total: 40,
        };
        let cases: &[(&[u8], ReplyErrorKind)] = &[
            (
                b"220 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                ReplyErrorKind::LineTooLong,
            ),
            (
                b"211-aaaaaaaaa\r\n aaaaaaaaaaa\r\n aaaaaaaaaaaaa",
                ReplyErrorKind::TooLong,
            ),
            (b"211-a\r\n b\r\n c\r\n", ReplyErrorKind::TooManyLines),
        ];
        for (raw, kind) in cases {
            let mut parser = ReplyParser::new(limits);
            parser.push(raw);
            for _ in 0..2 {
                let error = parser.next().unwrap_err();
                assert!(error.is_fatal());
                assert_eq!(error.kind, *kind);
                parser.push(b"220 x\r\n");
            }
        }
    }

    #[test]
    fn an_endless_reply_is_refused_without_being_kept() {
        let mut parser = ReplyParser::default();
        parser.push(b"211-x\r\n");
        let piece = b" inner line\r\n".repeat(5000);
        for _ in 0..2000 {
            parser.push(&piece);
        }
        assert!(parser.pending().len() < 2 << 20);
        assert_eq!(parser.next().unwrap_err().kind, ReplyErrorKind::TooManyLines);
        parser.push(&piece);
        assert!(parser.pending().len() <= 1 << 20);
    }

    #[test]
    fn many_small_replies_that_nobody_takes_end_in_an_error_not_in_silence() {
        let mut parser = ReplyParser::default();
        let piece = b"200 x\r\n".repeat(10_000);
        for _ in 0..100 {
            parser.push(&piece);
        }
        let mut count = 0;
        while parser.next().is_ok_and(|reply| reply.is_some()) {
            count += 1;
        }
        assert!(count > 100_000);
        assert_eq!(parser.next().unwrap_err().kind, ReplyErrorKind::TooLong);
    }

    #[test]
    fn names_in_serde_are_those_of_the_types() {
        let violation = ReplyViolation::InnerLineLooksLikeLast;
        assert_eq!(serde_json::to_value(violation).unwrap(), violation.name());
        assert_eq!(
            serde_json::to_value(ReplyViolation::NonUtf8).unwrap(),
            ReplyViolation::NonUtf8.name()
        );
        assert_eq!(serde_json::to_value(ReplyClass::Intermediate).unwrap(), "3yz");
        let code: ReplyCode = serde_json::from_str("226").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "226");
        assert!(serde_json::from_str::<ReplyCode>("1000").is_err());
        assert_eq!("042".parse::<ReplyCode>().unwrap().to_string(), "042");
        assert_eq!(ReplyClass::by_name("5YZ"), Some(ReplyClass::PermanentNegative));
    }

    #[test]
    fn an_inner_line_that_could_end_the_reply_is_padded_when_written() {
        let code = ReplyCode::new(213).unwrap();
        let raw = render_reply(code, &["status", "213 End", "done"]);
        assert_eq!(raw, b"213-status\r\n 213 End\r\n213 done\r\n");
        assert_eq!(render_reply(code, &["x"]), b"213 x\r\n");
        assert_eq!(render_reply(code, &[""; 0]), b"213 \r\n");
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_replies(
            data in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'2'), Just(b'1'), Just(b' '), Just(b'-'), any::<u8>()],
                0..400,
            ),
        ) {
            fuzz_entry(&data);
        }

        #[test]
        fn what_is_written_is_read_again(
            value in 100..600_u16,
            lines in proptest::collection::vec("[ -~]{1,40}", 1..6),
        ) {
            let code = ReplyCode::new(value).unwrap();
            let reply = one(&render_reply(code, &lines));
            prop_assert_eq!(reply.code, code);
            let read: Vec<String> = reply.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            let last = lines.len() - 1;
            for (index, (read, written)) in read.iter().zip(&lines).enumerate() {
                let padded = index > 0 && index < last && written.starts_with(|c: char| c.is_ascii_digit());
                prop_assert_eq!(read.strip_prefix(' ').filter(|_| padded).unwrap_or(read), written.as_str());
            }
            prop_assert_eq!(read.len(), lines.len());
        }
    }
}
