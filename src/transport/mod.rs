//! TCP with deadlines, TLS on top when it is started, and every fact recorded.
//!
//! [`Link`] is what `client` and `mock` talk through. It knows connections, not FTP.

mod handshake;
mod link;
mod listener;
mod receive;
mod send;
mod tap;

#[cfg(test)]
mod tests;

pub use link::{Incoming, Link, LinkError, LinkErrorKind, RawAnswer, RawEnd, TcpClose};
pub use listener::{Listener, Reservation};
