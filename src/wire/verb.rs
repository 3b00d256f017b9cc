//! Verbs: the first word of a command.
//!
//! RFC 959 section 5.3 with RFC 775, 1639, 2228, 2389, 2428, 2640, 3659, 4217 and 7151. Any other word that could be
//! a verb is kept; whether a server must know a verb is not decided here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many characters a verb may have to be one.
const VERB_LIMIT: usize = 32;

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
