//! The engine: a user-PI and user-DTP that may misbehave (RFC 959 section 2.3).
//!
//! Does what an [`Action`](crate::scenario::model::Action) says and records what happens. It never decides whether
//! something is right, and never refuses to send something illegal. Knows nothing about checks and verdicts.
//!
//! [`Engine`] holds the named sessions of one case. A session has a control connection, at most one current data
//! connection and the TLS sessions that both received. Every wait has a deadline and watches both connections at
//! once, so that a reply is recorded when it arrives.

mod clear_password;
mod close;
mod content;
mod control;
mod data;
mod engine;
mod escapes;
mod examine;
mod open;
mod probe;
mod problem;
mod progress;
mod reach;
mod read;
mod record;
mod session;
mod settings;
mod start_tls;
#[cfg(test)]
mod tests;
mod transfer;
mod wait;
mod write;

pub use content::{ContentFacts, ContentStream, content_facts};
pub use engine::{Engine, FinalReply, Seen, WantedReply};
pub use settings::{Credentials, IdentitySource, KeyLog, Settings, Timeouts};
