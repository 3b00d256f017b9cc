//! Commands: what a client says on the control connection, from bytes to [`Command`] and back.
//!
//! RFC 959 sections 4.1 and 5.3, with the verbs of RFC 775, 1639, 2228, 2389, 2428, 2640, 3659, 4217 and 7151; Telnet
//! commands before a verb are those of RFC 854. Does not know which arguments a verb takes; see `endpoint` for
//! addresses.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::line::{Ending, LineBuffer, bounded, has_control, has_telnet, split_ending, telnet_prefix};
pub use super::verb::{Verb, VerbError};

/// How many bytes of a line that is no command an error keeps.
const ERROR_LINE_LIMIT: usize = 256;
/// How many bytes may wait beyond one line before [`CommandParser::push`] drops.
const WAITING_LIMIT: usize = 64 * 1024;

/// What is odd about a command line. Facts, not verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandViolation {
    /// A CR inside the line that neither LF nor NUL follows (RFC 854).
    BareCarriageReturn,
    /// The line ends with LF alone.
    BareLineFeed,
    /// A control character other than CR, NUL and tab.
    ControlCharacter,
    /// The argument is not UTF-8 (RFC 2640).
    NonUtf8,
    /// A NUL byte that does not follow a CR (RFC 2640 section 3.1 has CR NUL in path names).
    Nul,
    /// A Telnet command inside the argument; those before the verb are in [`Command::telnet`].
    TelnetIac,
}

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The first word.
    pub verb: Verb,
    /// Everything behind exactly one space (RFC 3659 section 2.2); `None` without a space.
    pub argument: Option<Vec<u8>>,
    /// Telnet commands that stood before the verb (RFC 854), as received.
    pub telnet: Vec<u8>,
    /// All bytes as received, line end included.
    pub raw: Vec<u8>,
    /// What is odd, each kind once, in alphabetical order.
    pub violations: Vec<CommandViolation>,
}

impl Command {
    /// A command as a well-behaved client writes it.
    #[must_use]
    pub fn new(verb: Verb, argument: Option<&[u8]>) -> Self {
        let raw = render_command(&verb, argument);
        Self {
            verb,
            argument: argument.map(<[u8]>::to_vec),
            telnet: Vec::new(),
            raw,
            violations: Vec::new(),
        }
    }

    /// The argument as text; bytes that are not UTF-8 become U+FFFD. Empty without an argument.
    #[must_use]
    pub fn argument_text(&self) -> String {
        String::from_utf8_lossy(self.argument.as_deref().unwrap_or_default()).into_owned()
    }

    /// The argument as a path name: CR NUL stands for CR (RFC 2640 section 3.1).
    #[must_use]
    pub fn pathname(&self) -> Option<Vec<u8>> {
        let argument = self.argument.as_deref()?;
        let mut name = Vec::with_capacity(argument.len());
        let mut after_return = false;
        for byte in argument {
            if !(after_return && *byte == 0) {
                name.push(*byte);
            }
            after_return = *byte == b'\r';
        }
        Some(name)
    }
}

/// Shows verb and argument on one line, escaped; the argument of PASS and ACCT as `***`.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.argument {
            None => write!(f, "{}", self.verb),
            Some(_) if self.verb.has_secret_argument() => write!(f, "{} ***", self.verb),
            Some(argument) => write!(f, "{} {}", self.verb, crate::base::escape_peer(argument)),
        }
    }
}

/// The bytes of a command line: verb, one space and the argument if there is one, CRLF. The argument is written as it
/// is.
#[must_use]
pub fn render_command(verb: &Verb, argument: Option<&[u8]>) -> Vec<u8> {
    let mut raw = verb.as_str().as_bytes().to_vec();
    if let Some(argument) = argument {
        raw.push(b' ');
        raw.extend_from_slice(argument);
    }
    raw.extend_from_slice(b"\r\n");
    raw
}

/// How long a command may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandLimits {
    /// Bytes of one line before its LF.
    pub line: usize,
}

impl Default for CommandLimits {
    /// 8 KiB.
    fn default() -> Self {
        Self { line: 8192 }
    }
}

/// Why a line is not a command. The fault of the client, always; the line was skipped and parsing can go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A line with nothing in it (or nothing but Telnet commands).
    #[error("the client sent an empty line")]
    Empty,
    /// A line longer than [`CommandLimits::line`]; reported once, the rest up to the line end is skipped.
    #[error("the client sent a command line that is longer than the limit")]
    LineTooLong,
    /// The line does not start with a verb.
    #[error(
        "the client sent a line that does not start with a verb: `{}`",
        crate::base::escape_peer(line)
    )]
    NotAVerb {
        /// The line without its line end, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// Bytes were pushed and never taken until more than a line and 64 KiB waited; what came after that is lost.
    #[error("the client sent more commands ahead than the limit")]
    TooMuchWaiting,
}

/// Turns bytes of a control connection into commands. Bounded: see [`CommandLimits`].
#[derive(Clone, Debug)]
pub struct CommandParser {
    limits: CommandLimits,
    buffer: LineBuffer,
    /// Inside of a line that was too long: everything up to its end is dropped.
    skipping: bool,
    overflowed: bool,
}

impl Default for CommandParser {
    fn default() -> Self {
        Self::new(CommandLimits::default())
    }
}

impl CommandParser {
    /// A parser that has seen nothing.
    #[must_use]
    pub fn new(limits: CommandLimits) -> Self {
        Self {
            limits,
            buffer: LineBuffer::default(),
            skipping: false,
            overflowed: false,
        }
    }

    /// Takes bytes that arrived. Call [`next`](Self::next) until it gives `Ok(None)` before pushing more: bytes that
    /// come while more than a line and 64 KiB wait are dropped and reported as [`CommandError::TooMuchWaiting`].
    pub fn push(&mut self, bytes: &[u8]) {
        if self.overflowed || bytes.is_empty() {
            return;
        }
        if self.buffer.unread().len() > self.limits.line.saturating_add(WAITING_LIMIT) {
            self.overflowed = true;
            return;
        }
        self.buffer.push(bytes);
    }

    /// The next command; `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// A line that is no command. It was skipped; the next call looks at the next line.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end for good where this needs more bytes"
    )]
    pub fn next(&mut self) -> Result<Option<Command>, CommandError> {
        loop {
            let end = self.buffer.line_end(0);
            if self.skipping {
                let Some(end) = end else {
                    self.buffer.clear();
                    return self.starved();
                };
                self.buffer.consume(end);
                self.skipping = false;
                continue;
            }
            let content = end.map_or(self.buffer.unread().len(), |end| end.saturating_sub(1));
            if content > self.limits.line {
                // Found again by the search for the line end on the next call.
                self.skipping = true;
                return Err(CommandError::LineTooLong);
            }
            let Some(end) = end else {
                return self.starved();
            };
            let line = self.buffer.consume(end);
            return parse_command(&line).map(Some);
        }
    }

    /// The bytes that arrived and are in no command that [`next`](Self::next) returned: what an upgrade to TLS must
    /// not keep.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// Like [`pending`](Self::pending), and forgets them.
    pub fn take_pending(&mut self) -> Vec<u8> {
        self.skipping = false;
        self.overflowed = false;
        self.buffer.take()
    }

    /// Forgets everything that arrived and was not taken.
    pub fn clear(&mut self) {
        self.skipping = false;
        self.overflowed = false;
        self.buffer.clear();
    }

    fn starved(&mut self) -> Result<Option<Command>, CommandError> {
        if self.overflowed {
            self.clear();
            return Err(CommandError::TooMuchWaiting);
        }
        Ok(None)
    }
}

/// One command line, with or without its line end.
///
/// # Errors
///
/// [`CommandError::Empty`] and [`CommandError::NotAVerb`].
pub fn parse_command(line: &[u8]) -> Result<Command, CommandError> {
    let (content, ending) = split_ending(line);
    let telnet = content.get(..telnet_prefix(content)).unwrap_or_default();
    let stripped = content.get(telnet.len()..).unwrap_or_default();
    if stripped.is_empty() {
        return Err(CommandError::Empty);
    }
    let mut words = stripped.splitn(2, |byte| *byte == b' ');
    let verb = words.next().unwrap_or_default();
    let argument = words.next();
    let Some(verb) = Verb::from_bytes(verb) else {
        return Err(CommandError::NotAVerb {
            line: bounded(content, ERROR_LINE_LIMIT),
        });
    };
    Ok(Command {
        verb,
        argument: argument.map(<[u8]>::to_vec),
        telnet: telnet.to_vec(),
        raw: line.to_vec(),
        violations: violations(stripped, ending),
    })
}

fn violations(content: &[u8], ending: Ending) -> Vec<CommandViolation> {
    let mut bare_return = false;
    let mut nul = false;
    let mut before = 0x20;
    for byte in content.iter().chain([&b' ']) {
        bare_return |= before == b'\r' && *byte != 0;
        nul |= *byte == 0 && before != b'\r';
        before = *byte;
    }
    let found = [
        (bare_return, CommandViolation::BareCarriageReturn),
        (ending == Ending::LineFeed, CommandViolation::BareLineFeed),
        (has_control(content), CommandViolation::ControlCharacter),
        (std::str::from_utf8(content).is_err(), CommandViolation::NonUtf8),
        (nul, CommandViolation::Nul),
        (has_telnet(content), CommandViolation::TelnetIac),
    ];
    let set: BTreeSet<_> = found
        .into_iter()
        .filter_map(|(is_found, violation)| is_found.then_some(violation))
        .collect();
    set.into_iter().collect()
}

/// Feeds any bytes to the parser and checks what must hold for all of them: no panic, the same commands however the bytes are
/// cut. For fuzzing and property tests.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    for limits in [CommandLimits::default(), CommandLimits { line: 16 }] {
        let whole = parse_in_pieces(data, limits, data.len().max(1));
        for size in [1, 2, 7] {
            assert_eq!(
                whole,
                parse_in_pieces(data, limits, size),
                "pieces of {size} bytes"
            );
        }
        for command in whole.iter().flatten() {
            let written = render_command(&command.verb, command.argument.as_deref());
            let again = parse_command(&written);
            assert!(
                again.is_ok_and(|again| again.verb == command.verb && again.argument == command.argument)
            );
        }
    }
}

/// All outcomes of `data` in pieces of `size` bytes.
fn parse_in_pieces(data: &[u8], limits: CommandLimits, size: usize) -> Vec<Result<Command, CommandError>> {
    let mut parser = CommandParser::new(limits);
    let mut outcomes = Vec::new();
    for piece in data.chunks(size) {
        parser.push(piece);
        while let Some(outcome) = parser.next().transpose() {
            outcomes.push(outcome);
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Vec<Result<Command, CommandError>> {
        parse_in_pieces(bytes, CommandLimits::default(), bytes.len().max(1))
    }

    fn one(bytes: &[u8]) -> Command {
        parse(bytes).pop().unwrap().unwrap()
    }

    #[test]
    fn a_command_is_a_verb_and_everything_behind_one_space() {
        let command = one(b"stor  two spaces \r\n");
        assert_eq!(command.verb, Verb::Stor);
        assert_eq!(command.argument.as_deref(), Some(b" two spaces ".as_slice()));
        assert_eq!(command.raw, b"stor  two spaces \r\n");
        assert_eq!(command.violations, []);
        assert_eq!(one(b"NOOP\r\n").argument, None);
        assert_eq!(one(b"NOOP \r\n").argument.as_deref(), Some(b"".as_slice()));
        assert_eq!(one(b"NOOP\r\n"), Command::new(Verb::Noop, None));
    }

    #[test]
    fn verbs_are_read_in_any_case_and_shown_in_upper_case() {
        assert_eq!("pAsV".parse::<Verb>().unwrap(), Verb::Pasv);
        assert_eq!("xyzzy".parse::<Verb>().unwrap(), Verb::Other("XYZZY".into()));
        assert_eq!(format!("{:6}|", Verb::Ccc), "CCC   |");
        for verb in Verb::KNOWN {
            assert_eq!(verb.as_str().parse::<Verb>().as_ref(), Ok(verb));
        }
        assert_eq!(serde_json::to_value(Verb::Epsv).unwrap(), "EPSV");
        assert_eq!(serde_json::from_str::<Verb>("\"mlsd\"").unwrap(), Verb::Mlsd);
        assert!(serde_json::from_str::<Verb>("\"a b\"").is_err());
    }

    #[test]
    fn telnet_commands_before_the_verb_are_taken_off_and_kept() {
        for telnet in [
            b"\xff\xf4\xff\xf2".as_slice(),
            b"\xff\xf4\xff",
            b"\xf2",
            b"\xff\xf4",
        ] {
            let command = one(&[telnet, b"ABOR\r\n"].concat());
            assert_eq!(command.verb, Verb::Abor);
            assert_eq!(command.telnet, telnet);
            assert_eq!(command.violations, []);
        }
    }

    #[test]
    fn oddities_are_noted() {
        use CommandViolation as V;
        let cases: &[(&[u8], &[V])] = &[
            (b"NOOP\n", &[V::BareLineFeed]),
            (b"MKD a\rb\r\n", &[V::BareCarriageReturn]),
            (b"MKD a\r\0b\r\n", &[]),
            (b"MKD a\0b\r\n", &[V::Nul]),
            (b"MKD a\x07\r\n", &[V::ControlCharacter]),
            (b"MKD \xff\r\n", &[V::NonUtf8]),
            (b"MKD \xff\xf4\r\n", &[V::NonUtf8, V::TelnetIac]),
            (b"MKD a\r\r\n", &[V::BareCarriageReturn]),
        ];
        for (raw, violations) in cases {
            assert_eq!(one(raw).violations, *violations, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn cr_nul_in_a_path_name_stands_for_cr() {
        assert_eq!(one(b"MKD a\r\0b\0\r\n").pathname().unwrap(), b"a\rb\0");
        assert_eq!(one(b"MKD\r\n").pathname(), None);
    }

    #[test]
    fn lines_that_are_no_commands_are_skipped_one_by_one() {
        let outcomes = parse(b"\r\n\xff\xf4\r\n123\r\n USER x\r\nNOOP\r\n");
        let not = |line: &[u8]| Err(CommandError::NotAVerb { line: line.to_vec() });
        assert_eq!(
            outcomes,
            [
                Err(CommandError::Empty),
                Err(CommandError::Empty),
                not(b"123"),
                not(b" USER x"),
                Ok(Command::new(Verb::Noop, None)),
            ]
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_reported_once_and_skipped_to_its_end() {
        let mut parser = CommandParser::new(CommandLimits { line: 16 });
        parser.push(b"USER aaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_eq!(parser.next(), Err(CommandError::LineTooLong));
        assert_eq!(parser.next(), Ok(None));
        parser.push(&[b'a'; 100_000]);
        assert_eq!(parser.next(), Ok(None));
        assert_eq!(parser.pending(), b"");
        parser.push(b"aaa\r\nNOOP\r\n");
        assert_eq!(parser.next(), Ok(Some(Command::new(Verb::Noop, None))));
    }

    #[test]
    fn bytes_behind_a_command_can_be_seen_and_dropped() {
        let mut parser = CommandParser::default();
        parser.push(b"AUTH TLS\r\nUSER mallory\r\nPA");
        assert_eq!(parser.next().unwrap().unwrap().verb, Verb::Auth);
        assert_eq!(parser.pending(), b"USER mallory\r\nPA");
        parser.clear();
        assert_eq!(parser.next(), Ok(None));
        parser.push(b"NOOP\r\n");
        assert_eq!(parser.next().unwrap().unwrap().verb, Verb::Noop);
    }

    #[test]
    fn a_flood_of_commands_that_nobody_takes_is_cut_and_reported() {
        let mut parser = CommandParser::default();
        let piece = b"NOOP\r\n".repeat(1000);
        for _ in 0..10_000 {
            parser.push(&piece);
        }
        assert!(parser.pending().len() < 100_000);
        while parser.next().is_ok_and(|command| command.is_some()) {}
        parser.push(b"NOOP\r\n");
        assert_eq!(parser.next().unwrap().unwrap().verb, Verb::Noop);
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(one(b"PASS hunter2\r\n").to_string(), "PASS ***");
        assert_eq!(one(b"USER a\x1bb\r\n").to_string(), "USER a\\x1bb");
        assert_eq!(one(b"QUIT\r\n").to_string(), "QUIT");
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_commands(
            data in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'A'), Just(b' '), Just(0xff), Just(0xf4), any::<u8>()],
                0..300,
            ),
        ) {
            fuzz_entry(&data);
        }

        #[test]
        fn what_is_written_is_read_again(
            verb in "[A-Za-z]{3,4}",
            argument in proptest::option::of(proptest::collection::vec(any::<u8>().prop_filter("line end", |b| *b != b'\n'), 0..50)),
        ) {
            let verb: Verb = verb.parse().unwrap();
            let command = one(&render_command(&verb, argument.as_deref()));
            prop_assert_eq!(command.verb, verb);
            prop_assert_eq!(command.argument, argument);
        }
    }
}
