//! The server side, for the embedded server: one context per server, one [`Connection`] per TLS connection.

use super::{Connection, ServerPolicy, TlsSetupError};

/// Policy, certificate and session store of one server.
#[derive(Clone, Debug)]
pub struct ServerContext {}

/// One server handshake.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// The control connection this TLS connection belongs to: its sessions carry this label, and a resumed session's
    /// label is reported (`HandshakeStep::Finished::resumed_label`), TLS 1.2 and 1.3, ids and tickets.
    pub label: u64,
    /// Overrides the number of TLS 1.3 tickets of the policy.
    pub tls13_tickets: Option<usize>,
    /// Refuse to resume (full handshakes only).
    pub never_resume: bool,
    /// Shows another certificate than the policy's.
    pub identity: Option<super::Identity>,
    /// Overrides the versions of the policy.
    pub versions: Option<Vec<crate::trace::TlsVersion>>,
}

impl ServerContext {
    /// A context.
    ///
    /// # Errors
    /// When certificate, key or authorities cannot be read.
    pub fn new(_policy: &ServerPolicy) -> Result<Self, TlsSetupError> {
        todo!()
    }

    /// A connection that waits for a ClientHello.
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn accept(&self, _options: &ServerOptions) -> Result<Connection, TlsSetupError> {
        todo!()
    }

    /// Forgets every session (fault injection).
    pub fn forget_sessions(&self) {
        todo!()
    }
}
