//! The client side: one context per FTP session, one [`Connection`] per TLS connection.

use std::sync::Arc;

use super::{ClientOptions, ClientTrust, Connection, Identity, TlsSetupError};
use crate::trace::Channel;

/// Trust and client certificate of one FTP session; the connections made from it can resume each other's sessions.
#[derive(Clone, Debug)]
pub struct ClientContext {}

impl ClientContext {
    /// A context. `key_log` receives NSS key log lines (for captures).
    ///
    /// # Errors
    /// When the authorities or the identity cannot be read.
    pub fn new(
        _trust: &ClientTrust,
        _identity: Option<&Identity>,
        _key_log: Option<Arc<dyn Fn(&str) + Send + Sync>>,
    ) -> Result<Self, TlsSetupError> {
        todo!()
    }

    /// A connection about to start; its ClientHello is in the output. `channel` becomes the origin of its sessions.
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn connect(&self, _options: &ClientOptions, _channel: &Channel) -> Result<Connection, TlsSetupError> {
        todo!()
    }
}
