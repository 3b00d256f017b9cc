//! TCP with deadlines, TLS on top when it is started, and every fact recorded.
//!
//! [`Link`] is what `client` and `mock` talk through. It knows connections, not FTP.

mod link;
mod listener;

pub use link::{Incoming, Link, LinkError, LinkErrorKind, TcpClose};
pub use listener::Listener;
