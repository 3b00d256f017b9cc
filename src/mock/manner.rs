//! Lawful ways to serve a transfer that differ from the usual ones of the embedded server, a closed list.
//!
//! RFC 959 sections 4.2.2 and 5.4 and RFC 4217 section 12.7 leave open when the replies around a transfer come, and which of
//! two codes. No manner is a mistake: every scenario has to hold with each of them, so none may demand what is only usual.

use std::fmt;
use std::str::FromStr;

use super::Fault;

macro_rules! manners {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// One lawful way to do it differently.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Manner {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Manner {
            /// Every manner, in alphabetical order of the names.
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

manners! {
    /// Sends the final reply of a transfer before it ends its side of the data connection.
    CompletesBeforeClosing = "completes-before-closing",
    /// Begins transfers (but not MLSD) with 125, once the data connection is there, and completes them with 250.
    Replies125And250 = "replies-125-and-250",
    /// Sends 150 only when the data connection is there and, where it is private, its handshake is done.
    Sends150AfterHandshake = "sends-150-after-handshake",
    /// Sends 150 and the final reply of a small download in one segment; like `sends-150-after-handshake` otherwise.
    SendsRepliesTogether = "sends-replies-together",
}

impl Manner {
    /// The fault that does the same. Scenarios that detect it ask for more than the RFCs do, and warn of this manner.
    #[must_use]
    pub fn counterpart(self) -> Option<Fault> {
        match self {
            Self::Sends150AfterHandshake | Self::SendsRepliesTogether => {
                Some(Fault::Sends150AfterDataHandshake)
            }
            Self::CompletesBeforeClosing | Self::Replies125And250 => None,
        }
    }
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|manner| manner.name() == text)
            .ok_or_else(|| format!("unknown manner `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_read_back() {
        assert!(Manner::ALL.windows(2).all(|pair| match pair {
            [before, behind] => before.name() < behind.name(),
            _ => true,
        }));
        for manner in Manner::ALL {
            assert_eq!(manner.name().parse::<Manner>(), Ok(*manner));
        }
    }
}
