//! What the embedded server saw of its data connections, for tests that drive it with real clients.

use crate::trace::{DataPath, TlsVersion};

/// How many observations a server keeps; later ones are dropped.
pub(super) const OBSERVATION_LIMIT: usize = 100_000;

/// One transfer command that got as far as its data connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The control connection, counted from 1 in the order of arrival.
    pub session: u32,
    /// The data connection, counted from 1 on its control connection.
    pub number: u32,
    /// The command: `RETR`, `STOR`, `LIST`, …
    pub verb: String,
    /// How the data connection came about.
    pub path: DataPath,
    /// The handshake; none in clear, and when it did not finish.
    pub handshake: Option<DataHandshake>,
    /// How the connection ended.
    pub end: DataEnd,
    /// Bytes of payload moved.
    pub bytes: u64,
    /// The final reply; 0 when none was sent.
    pub reply: u16,
}

/// A finished handshake on a data connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataHandshake {
    /// TLS version.
    pub version: TlsVersion,
    /// Where the resumed session came from; none for a full handshake.
    pub resumed: Option<ResumedFrom>,
}

/// The connection whose session was resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumedFrom {
    /// This control connection.
    Control,
    /// The data connection of this number, of this control connection.
    Data(u32),
    /// Another control connection, or one of its data connections, or this one's before REIN.
    Other,
}

/// How a data connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEnd {
    /// ABOR, or the control connection went away.
    Aborted,
    /// The peer sent a fatal alert.
    Alert,
    /// The peer ended an upload with close_notify.
    CloseNotify,
    /// The peer ended with FIN and no close_notify; right for uploads in clear, a truncation under TLS.
    Fin,
    /// No handshake.
    HandshakeFailed,
    /// No data connection.
    NotConnected,
    /// A policy of the server refused the connection: reuse, peer address.
    Refused,
    /// The peer reset the connection.
    Reset,
    /// Everything was sent (downloads and listings).
    Sent,
    /// Nothing moved.
    TimedOut,
    /// More than the store takes.
    TooLarge,
    /// The peer broke TLS.
    Violation,
}
