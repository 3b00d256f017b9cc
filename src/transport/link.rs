//! One TCP connection, clear or protected.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::tls;
use crate::trace::{Channel, DataPath, HandshakeFacts, HandshakeFailure, Recorder};

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Bytes, decrypted when TLS is on. Never empty.
    Bytes(Vec<u8>),
    /// close_notify; more may follow.
    CloseNotify,
    /// Another alert.
    Alert {
        /// Whether its level is fatal.
        fatal: bool,
        /// Description number.
        description: u8,
    },
    /// A ticket arrived; its session is in [`Link::take_sessions`].
    Ticket,
    /// The peer sent FIN: nothing more will come.
    Fin,
    /// The connection was reset.
    Reset,
    /// The peer broke TLS; reading may go on, and gives what the record layer makes of it.
    TlsViolation(String),
}

/// How TCP is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpClose {
    /// Half-close: FIN is sent, reading stays possible.
    Fin,
    /// RST (SO_LINGER 0 and drop). The link is gone afterwards.
    Reset,
}

/// A connection could not be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct LinkError {
    /// What kind of trouble.
    pub kind: LinkErrorKind,
    /// One lower-case sentence.
    pub detail: String,
}

/// Kinds of trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkErrorKind {
    /// Refused, unreachable, or no such address.
    Refused,
    /// Not within the time allowed.
    TimedOut,
    /// The peer closed or reset the connection.
    Closed,
    /// Local trouble: no port, no descriptor. The harness's fault.
    Local,
}

/// One TCP connection, clear or protected. Records what happens on its channel; every wait has a deadline.
///
/// Only [`Link::receive`] reads. It is cancel-safe: dropping its future loses nothing.
#[derive(Debug)]
pub struct Link {}

impl Link {
    /// Connects to `peer` from `source` (any address when none); records `Connected` or `ConnectFailed`.
    ///
    /// # Errors
    /// Refused, timed out, or local trouble.
    pub async fn connect(
        _peer: SocketAddr,
        _source: Option<IpAddr>,
        _path: Option<DataPath>,
        _deadline: Duration,
        _channel: Channel,
        _recorder: Recorder,
    ) -> Result<Self, LinkError> {
        todo!()
    }

    /// Our address.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        todo!()
    }

    /// The peer's address.
    #[must_use]
    pub fn peer_address(&self) -> SocketAddr {
        todo!()
    }

    /// The channel it records on.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        todo!()
    }

    /// Whether TLS is on.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        todo!()
    }

    /// A TLS client handshake. Bytes that were received and not yet taken are given to TLS; `unread` (clear bytes that a
    /// parser above still holds) is put in front of them only when the caller wants that.
    /// Records `HandshakeStarted` and `HandshakeFinished` or `HandshakeFailed`.
    ///
    /// # Errors
    /// The failure, already recorded. The link stays usable for reading and closing.
    pub async fn start_tls_client(
        &mut self,
        _context: &tls::ClientContext,
        _options: &tls::ClientOptions,
        _deadline: Duration,
    ) -> Result<HandshakeFacts, HandshakeFailure> {
        todo!()
    }

    /// A TLS server handshake; also gives the label of the resumed session's control connection.
    /// `first` are bytes that were read before (peeked at) and belong to the handshake.
    ///
    /// # Errors
    /// The failure, already recorded; our alert has been sent.
    pub async fn start_tls_server(
        &mut self,
        _context: &tls::ServerContext,
        _options: &tls::ServerOptions,
        _first: &[u8],
        _deadline: Duration,
    ) -> Result<(HandshakeFacts, Option<u64>), HandshakeFailure> {
        todo!()
    }

    /// The next thing that arrives. Waits for ever: wrap it in a timeout or select. After `Fin` or `Reset` it never
    /// returns anything else. Records tickets, alerts, close_notify, FIN, RST, violations, and on data channels the
    /// bytes; replies are recorded by the layer above.
    pub async fn receive(&mut self) -> Incoming {
        todo!()
    }

    /// Sends bytes, through TLS when it is on; records `DataSent` on data channels.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send(&mut self, _bytes: &[u8], _deadline: Duration) -> Result<(), LinkError> {
        todo!()
    }

    /// Like [`Self::send`], in TLS records of at most `record_size` bytes; with `corrupt` a bit of the last record's
    /// tag is flipped.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_records(
        &mut self,
        _bytes: &[u8],
        _record_size: usize,
        _corrupt: bool,
        _deadline: Duration,
    ) -> Result<(), LinkError> {
        todo!()
    }

    /// Sends these bytes as they are, past TLS, in one TCP segment where the kernel allows (TCP_NODELAY is set).
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_clear(&mut self, _bytes: &[u8], _deadline: Duration) -> Result<(), LinkError> {
        todo!()
    }

    /// Sends close_notify; does nothing on a clear link. Records it.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_close_notify(&mut self, _deadline: Duration) -> Result<(), LinkError> {
        todo!()
    }

    /// Sends an alert; does nothing on a clear link. Records it.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_alert(
        &mut self,
        _fatal: bool,
        _description: u8,
        _deadline: Duration,
    ) -> Result<(), LinkError> {
        todo!()
    }

    /// Sends the first half of a record that holds `bytes`.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_half_record(&mut self, _bytes: &[u8], _deadline: Duration) -> Result<(), LinkError> {
        todo!()
    }

    /// Sessions that arrived since the last call (client side).
    pub fn take_sessions(&mut self) -> Vec<tls::Session> {
        todo!()
    }

    /// Drops TLS and goes on in clear; what came behind the peer's close_notify is read next. Records `TlsStopped`.
    /// Sending close_notify first, and waiting for the peer's, is the caller's business.
    pub fn stop_tls(&mut self) {
        todo!()
    }

    /// Ends TCP. Records `FinSent` or `ResetSent`. After `Reset` the link only reports `Reset`.
    pub fn close(&mut self, _how: TcpClose) {
        todo!()
    }
}
