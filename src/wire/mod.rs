//! The grammar of FTP and the outside of TLS: bytes to values and back (RFC 959, 2228, 2389, 2428, 3659, 4217, 5246,
//! 8446).
//!
//! Pure: no I/O, no clock, nothing but `crate::base`. Parsers are total (any bytes give a value or a typed error),
//! lenient and honest: what is odd is noted in a list of violations, the judge decides what it is worth. Everything
//! that a peer can make grow has a limit. Does not decide what may be sent when; see `client` and `mock`.
//!
//! Incremental parsers share one shape: `push` bytes, then call `next` until it gives `Ok(None)`. Results do not
//! depend on how the bytes were cut into pieces. A caller that pushes without calling `next` runs into a limit, not
//! out of memory.

#![warn(clippy::indexing_slicing)]

pub mod command;
pub mod endpoint;
pub mod facts;
pub mod feature;
mod line;
pub mod reply;
mod reply_code;
mod time_val;
pub mod tls_record;
mod verb;

pub use command::{Command, CommandError, CommandLimits, CommandParser, CommandViolation, Verb};
pub use endpoint::{EndpointError, EprtError, EpsvArgument};
pub use facts::{FactEntry, FactError, TimeVal};
pub use feature::{Feature, Features, parse_features};
pub use reply::{
    Reply, ReplyClass, ReplyCode, ReplyError, ReplyErrorKind, ReplyLimits, ReplyParser, ReplyViolation,
};
pub use tls_record::{HelloAnswer, HelloSpec, Record, RecordError, RecordHeader, RecordReader};
