//! Rules: what must have been observed, and what to say then. Values only.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Source;
use crate::requirement::Capability;
use crate::wire::{ReplyClass, ReplyCode};

/// A closed list of words, for files, messages and the command line.
macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $each:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[doc = $each])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word, in the order of the list.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The word.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// By its word.
            #[must_use]
            pub fn by_name(name: &str) -> Option<Self> {
                match name { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    /// How much a piece of advice weighs.
    Weight {
        /// Something does not work, or is not safe.
        Problem = "problem",
        /// Good to know.
        Note = "note",
    }
}

words! {
    /// Who can do something about it.
    Party {
        /// Whoever runs or writes the client.
        Client = "client",
        /// Whoever runs the firewall or the address translation.
        Network = "network",
        /// Whoever runs or writes the server.
        Server = "server",
    }
}

words! {
    /// What the client in question does or leaves out, so that its view can be taken.
    ClientPolicy {
        /// Starts TLS on a data connection before it sends the transfer command.
        HandshakeFirst = "handshake-first",
        /// Ends uploads without close_notify.
        NoCloseNotify = "no-close-notify",
        /// Never sends PBSZ and PROT.
        NoProt = "no-prot",
        /// Never resumes a TLS session on a data connection.
        NoReuse = "no-reuse",
    }
}

words! {
    /// How the client starts TLS on the control connection.
    Way {
        /// AUTH TLS.
        Explicit = "explicit",
        /// At once.
        Implicit = "implicit",
    }
}

words! {
    /// How a case ended.
    Outcome {
        /// A check of its steps did not hold.
        Broken = "broken",
        /// Everything held.
        Good = "good",
        /// Its steps were never reached.
        Unreached = "unreached",
    }
}

words! {
    /// Something in a trace.
    EventWord {
        /// An alert came; `text` is a part of its name.
        Alert = "alert",
        /// Data came in clear.
        ClearData = "clear-data",
        /// A TCP connection could not be made.
        ConnectFailed = "connect-failed",
        /// FIN came on a connection under TLS, without close_notify.
        FinWithoutCloseNotify = "fin-without-close-notify",
        /// A 227 named another host than the control connection's peer.
        ForeignAddress = "foreign-address",
        /// A full handshake was finished.
        HandshakeFull = "handshake-full",
        /// A handshake was not finished; `text` is a part of the reason.
        HandshakeRefused = "handshake-refused",
        /// A session was resumed.
        HandshakeResumed = "handshake-resumed",
        /// A reply came; `code` are its code or class, `text` is a part of it.
        Reply = "reply",
        /// A wait ran out.
        Timeout = "timeout",
    }
}

/// A code or a class of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePattern {
    /// This one.
    Code(ReplyCode),
    /// Any of this class.
    Class(ReplyClass),
}

impl CodePattern {
    /// Whether `code` is meant.
    #[must_use]
    pub fn accepts(self, code: ReplyCode) -> bool {
        match self {
            Self::Code(own) => own == code,
            Self::Class(class) => code.class() == class,
        }
    }
}

/// An event that must stand in the trace of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPattern {
    /// What.
    pub word: EventWord,
    /// On a data connection (or on the control connection); either when none.
    pub on_data: Option<bool>,
    /// Any of these; every code when empty.
    pub codes: Vec<CodePattern>,
    /// A part of the text, letter case ignored.
    pub text: Option<String>,
}

/// What must hold for a rule to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A case ended like this.
    Case {
        /// Its scenario.
        scenario: String,
        /// Only with this TLS version; any cell when none.
        tls: Option<String>,
        /// A requirement that it has broken or proven; the case as a whole when none.
        requirement: Option<String>,
        /// How.
        is: Outcome,
    },
    /// An event stands in the trace of a case.
    Event {
        /// Its scenario.
        scenario: String,
        /// Only with this TLS version; any cell when none.
        tls: Option<String>,
        /// The event.
        event: EventPattern,
    },
    /// The client in question is like this.
    Policy(ClientPolicy),
    /// The client in question starts TLS like this.
    Way(Way),
}

/// A setting of a server or an option of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setting {
    /// Key of the software.
    pub software: String,
    /// File and setting, or option.
    pub set: String,
}

/// A server of the embedded kind that shows a rule at work, or at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Its deliberate mistakes, by name.
    pub faults: Vec<String>,
    /// What its policy must have.
    pub requires: Vec<Capability>,
    /// The client in question.
    pub policy: Option<ClientPolicy>,
    /// How that client starts TLS; as the server does when none.
    pub way: Option<Way>,
    /// Whether it logs in with a wrong password.
    pub wrong_login: bool,
    /// Whether the server names an address of another network, as behind address translation.
    pub masquerade: bool,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name of its file without `.yaml`.
    pub id: String,
    /// Its file.
    pub source: Source,
    /// What is the matter, one lower-case sentence.
    pub title: String,
    /// How much it weighs.
    pub weight: Weight,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// None of these may hold.
    pub unless: Vec<Condition>,
    /// What it means, in plain words.
    pub means: String,
    /// Who must act.
    pub who: Vec<Party>,
    /// Whether turning the check off is safe; empty where there is none.
    pub safe: String,
    /// Settings of servers.
    pub server: Vec<Setting>,
    /// Options of clients.
    pub client: Vec<Setting>,
    /// A server that shows it at work.
    pub fires_on: Proof,
    /// A server that shows it at rest.
    pub silent_on: Proof,
}

/// A server or a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Software {
    /// Its name for people.
    pub title: String,
    /// It is recognised by any of these texts in a reply.
    pub says: Vec<String>,
}

/// Everything that was loaded.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The rules, sorted by id.
    pub rules: Vec<Rule>,
    /// Servers by key.
    pub servers: BTreeMap<String, Software>,
    /// Clients by key.
    pub clients: BTreeMap<String, Software>,
}

impl Rules {
    /// The scenarios that the rules look at, sorted.
    #[must_use]
    pub fn scenarios(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.rules.iter().flat_map(Rule::scenarios).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Rule {
    /// The scenarios that it looks at.
    pub fn scenarios(&self) -> impl Iterator<Item = &str> {
        let conditions = self.when.iter().chain(&self.unless);
        conditions.filter_map(|condition| match condition {
            Condition::Case { scenario, .. } | Condition::Event { scenario, .. } => Some(scenario.as_str()),
            Condition::Policy(_) | Condition::Way(_) => None,
        })
    }
}

/// What is said about a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Advice {
    /// The rule.
    pub rule: String,
    /// How much it weighs.
    pub weight: Weight,
    /// What is the matter.
    pub title: String,
    /// What was seen.
    pub observed: Vec<super::fits::Evidence>,
    /// What it means.
    pub means: String,
    /// Who must act.
    pub who: Vec<Party>,
    /// Whether turning the check off is safe; empty where there is none.
    pub safe: String,
    /// Settings of the server, of all that are known when it was not recognised.
    pub server: Vec<Setting>,
    /// Options of clients.
    pub client: Vec<Setting>,
}
