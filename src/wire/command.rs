//! Commands: what a client says on the control connection, from bytes to [`Command`] and back.
//!
//! RFC 959 sections 4.1 and 5.3, with the verbs of RFC 775, 1639, 2228, 2389, 2428, 2640, 3659, 4217 and 7151; Telnet
//! commands before a verb are those of RFC 854. Does not know which arguments a verb takes; see `endpoint` for addresses.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::line::{Ending, LineBuffer, bounded, has_control, has_telnet, split_ending, telnet_prefix};

/// How many bytes of a line that is no command an error keeps.
const ERROR_LINE_LIMIT: usize = 256;
/// How many characters a verb may have to be one.
const VERB_LIMIT: usize = 32;
/// How many bytes may wait beyond one line before [`CommandParser::push`] drops.
const WAITING_LIMIT: usize = 64 * 1024;

macro_rules! verbs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The first word of a command. Compared without regard to case, shown in upper case.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Verb {
            $($(#[$doc])* $variant,)*
            /// A verb that is not in this list, in upper case. Never one that is.
            Other(String),
        }

        impl Verb {
            /// Every verb that has a name here.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The verb in upper case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            fn from_upper(name: String) -> Self {
                match name.as_str() {
                    $($name => Self::$variant,)*
                    _ => Self::Other(name),
                }
            }
        }
    };
}

verbs! {
    /// RFC 959: stop the transfer.
    Abor = "ABOR",
    /// RFC 959: account.
    Acct = "ACCT",
    /// RFC 2228: security data.
    Adat = "ADAT",
    /// RFC 959: make room.
    Allo = "ALLO",
    /// RFC 959: store at the end of a file.
    Appe = "APPE",
    /// RFC 2228, RFC 4217: choose a security mechanism.
    Auth = "AUTH",
    /// RFC 2228, RFC 4217: clear command channel.
    Ccc = "CCC",
    /// RFC 959: to the parent directory.
    Cdup = "CDUP",
    /// Not in an RFC: the client says what it is.
    Clnt = "CLNT",
    /// RFC 2228: confidential command.
    Conf = "CONF",
    /// RFC 959: change directory.
    Cwd = "CWD",
    /// RFC 959: delete a file.
    Dele = "DELE",
    /// RFC 2228: encrypted command.
    Enc = "ENC",
    /// RFC 2428: active mode with any address family.
    Eprt = "EPRT",
    /// RFC 2428: passive mode with any address family.
    Epsv = "EPSV",
    /// RFC 2389: list of extensions.
    Feat = "FEAT",
    /// RFC 959: help.
    Help = "HELP",
    /// RFC 7151: virtual host.
    Host = "HOST",
    /// RFC 2640: language of replies.
    Lang = "LANG",
    /// RFC 959: listing for people.
    List = "LIST",
    /// RFC 1639: active mode with long addresses.
    Lprt = "LPRT",
    /// RFC 1639: passive mode with long addresses.
    Lpsv = "LPSV",
    /// RFC 3659: time of last change.
    Mdtm = "MDTM",
    /// Not in an RFC: sets the time of last change.
    Mfmt = "MFMT",
    /// RFC 2228: integrity-protected command.
    Mic = "MIC",
    /// RFC 959: make a directory.
    Mkd = "MKD",
    /// RFC 3659: listing for programs.
    Mlsd = "MLSD",
    /// RFC 3659: facts about one file.
    Mlst = "MLST",
    /// RFC 959: transfer mode.
    Mode = "MODE",
    /// RFC 959: names only.
    Nlst = "NLST",
    /// RFC 959: nothing.
    Noop = "NOOP",
    /// RFC 2389: options of an extension.
    Opts = "OPTS",
    /// RFC 959: password.
    Pass = "PASS",
    /// RFC 959: passive mode.
    Pasv = "PASV",
    /// RFC 2228, RFC 4217: protection buffer size.
    Pbsz = "PBSZ",
    /// RFC 959: active mode.
    Port = "PORT",
    /// RFC 2228, RFC 4217: protection level of data connections.
    Prot = "PROT",
    /// RFC 959: current directory.
    Pwd = "PWD",
    /// RFC 959: log out and close.
    Quit = "QUIT",
    /// RFC 959: log out and stay.
    Rein = "REIN",
    /// RFC 959, RFC 3659: restart.
    Rest = "REST",
    /// RFC 959: download.
    Retr = "RETR",
    /// RFC 959: remove a directory.
    Rmd = "RMD",
    /// RFC 959: rename from.
    Rnfr = "RNFR",
    /// RFC 959: rename to.
    Rnto = "RNTO",
    /// RFC 959: specific to the site.
    Site = "SITE",
    /// RFC 3659: size of a file.
    Size = "SIZE",
    /// RFC 959: mount.
    Smnt = "SMNT",
    /// RFC 959: status.
    Stat = "STAT",
    /// RFC 959: upload.
    Stor = "STOR",
    /// RFC 959: upload under a name of the server's choice.
    Stou = "STOU",
    /// RFC 959: file structure.
    Stru = "STRU",
    /// RFC 959: operating system.
    Syst = "SYST",
    /// RFC 959: transfer type.
    Type = "TYPE",
    /// RFC 959: user name.
    User = "USER",
    /// RFC 775: older CDUP.
    Xcup = "XCUP",
    /// RFC 775: older CWD.
    Xcwd = "XCWD",
    /// RFC 775: older MKD.
    Xmkd = "XMKD",
    /// RFC 775: older PWD.
    Xpwd = "XPWD",
    /// RFC 775: older RMD.
    Xrmd = "XRMD",
}

impl Verb {
    /// The verb that `bytes` spell in any case: a letter, then letters, digits, hyphens or underscores, 32 at most.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_verb = bytes.len() <= VERB_LIMIT
            && bytes.first().is_some_and(u8::is_ascii_alphabetic)
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_verb {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        Some(Self::from_upper(text.to_ascii_uppercase()))
    }

    /// Whether the argument must never be shown (PASS, ACCT).
    #[must_use]
    pub const fn has_secret_argument(&self) -> bool {
        matches!(self, Self::Pass | Self::Acct)
    }

    /// Whether the command opens or uses a data connection to move bytes (RETR, STOR, STOU, APPE, LIST, NLST, MLSD).
    #[must_use]
    pub const fn is_transfer(&self) -> bool {
        matches!(
            self,
            Self::Retr | Self::Stor | Self::Stou | Self::Appe | Self::List | Self::Nlst | Self::Mlsd
        )
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Verb {
    type Err = VerbError;

    fn from_str(text: &str) -> Result<Self, VerbError> {
        Self::from_bytes(text.as_bytes()).ok_or(VerbError)
    }
}

impl TryFrom<String> for Verb {
    type Error = VerbError;

    fn try_from(text: String) -> Result<Self, VerbError> {
        text.parse()
    }
}

impl From<Verb> for String {
    fn from(verb: Verb) -> Self {
        verb.as_str().to_owned()
    }
}

/// A text that cannot be a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a verb is a letter followed by letters, digits or hyphens")]
pub struct VerbError;

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

/// The bytes of a command line: verb, one space and the argument if there is one, CRLF. The argument is written as it is.
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

    /// Takes bytes that arrived. Call [`next`](Self::next) until it gives `Ok(None)` before pushing more: bytes that come
    /// while more than a line and 64 KiB wait are dropped and reported as [`CommandError::TooMuchWaiting`].
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

    /// The bytes that arrived and are in no command that [`next`](Self::next) returned: what an upgrade to TLS must not keep.
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
