//! Lawful habits of the embedded server, a closed list: other ways to be right than the usual one.
//!
//! No RFC judges them; properties tell them apart. What breaks a rule is a [`Fault`](super::Fault) instead.

use std::fmt;
use std::str::FromStr;

use crate::wire::command::Verb;

macro_rules! habits {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// One way to be right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Habit {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Habit {
            /// Every habit, in alphabetical order of the names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The kebab-case name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What the server does, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

habits! {
    /// Sends the final reply of a download while the data connection is still open.
    CompletesBeforeClose = "completes-before-close",
    /// Makes a full handshake on every data connection, whatever session is offered.
    DoesNotResumeOnData = "does-not-resume-on-data",
    /// Chooses no ALPN protocol, whatever is offered.
    IgnoresAlpn = "ignores-alpn",
    /// Protects data connections behind AUTH SSL without PROT.
    ImpliesPrivateForAuthSsl = "implies-private-for-auth-ssl",
    /// REIN ends the login and not TLS.
    KeepsTlsAcrossRein = "keeps-tls-across-rein",
    /// Has no CCC.
    LacksCcc = "lacks-ccc",
    /// Has no EPSV.
    LacksEpsv = "lacks-epsv",
    /// Has no HOST.
    LacksHost = "lacks-host",
    /// Has no MLSD and no MLST.
    LacksMlsd = "lacks-mlsd",
    /// Has neither PORT nor EPRT.
    LacksPort = "lacks-port",
    /// Has no REIN.
    LacksRein = "lacks-rein",
    /// Ends the data connection of an upload without answering the client's close_notify (TLS 1.3 allows that).
    LeavesCloseNotifyUnanswered = "leaves-close-notify-unanswered",
    /// Data connections of implicit TLS are clear until PROT P.
    StartsImplicitInClear = "starts-implicit-in-clear",
}

impl Habit {
    /// Whether the server does not have `verb`.
    #[must_use]
    pub fn lacks(self, verb: &Verb) -> bool {
        match self {
            Self::LacksCcc => matches!(verb, Verb::Ccc),
            Self::LacksEpsv => matches!(verb, Verb::Epsv),
            Self::LacksHost => matches!(verb, Verb::Host),
            Self::LacksMlsd => matches!(verb, Verb::Mlsd | Verb::Mlst),
            Self::LacksPort => matches!(verb, Verb::Port | Verb::Eprt),
            Self::LacksRein => matches!(verb, Verb::Rein),
            Self::CompletesBeforeClose
            | Self::DoesNotResumeOnData
            | Self::IgnoresAlpn
            | Self::ImpliesPrivateForAuthSsl
            | Self::KeepsTlsAcrossRein
            | Self::LeavesCloseNotifyUnanswered
            | Self::StartsImplicitInClear => false,
        }
    }
}

impl fmt::Display for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Habit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|habit| habit.name() == text)
            .ok_or_else(|| format!("unknown habit `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_read_back() {
        let names: Vec<&str> = Habit::ALL.iter().map(|habit| habit.name()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for habit in Habit::ALL {
            assert_eq!(habit.name().parse::<Habit>(), Ok(*habit));
            assert!(habit.meaning().ends_with('.'));
        }
    }
}
