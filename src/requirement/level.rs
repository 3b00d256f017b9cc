//! How strongly a text asks (level) and what breaking it costs (grade).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the text says (RFC 2119 words, or our reading where a text has none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// MUST.
    Must,
    /// MUST NOT.
    MustNot,
    /// SHOULD.
    Should,
    /// SHOULD NOT.
    ShouldNot,
    /// MAY; the check is about what happens when the option is taken.
    May,
    /// No RFC says it; good practice does.
    SecurityPractice,
    /// No RFC says it; peers expect it.
    DeFacto,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "must",
            Self::MustNot => "must-not",
            Self::Should => "should",
            Self::ShouldNot => "should-not",
            Self::May => "may",
            Self::SecurityPractice => "security-practice",
            Self::DeFacto => "de-facto",
        })
    }
}

/// What breaking a check costs. Ordered: `Info < Warn < Fail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Reported as a property.
    Info,
    /// Reported as a warning; fails only with `--strict`.
    Warn,
    /// The case fails.
    Fail,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// Whom a requirement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Servers.
    Server,
    /// Clients.
    Client,
}
