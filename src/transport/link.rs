//! One TCP connection, clear or protected: opening, closing, state. Reading, sending and handshakes are beside it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::tap::Tap;
use crate::tls;
use crate::trace::{Channel, ConnectionStart, DataPath, Direction, EventKind, Recorder, TcpEnd};

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
    /// The peer broke TLS; reading may go on, and gives what the record layer makes of it: a record that cannot be
    /// opened is skipped, data behind close_notify comes as `Bytes`, and behind bytes that are no TLS only `Fin` or
    /// `Reset` comes (until [`Link::stop_tls`]).
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

impl LinkError {
    pub(super) fn new(kind: LinkErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

/// The answer to [`Link::raw_probe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// What came, 64 KiB at most.
    pub bytes: Vec<u8>,
    /// Why it ends there.
    pub ended: RawEnd,
}

/// How the answer to a raw probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawEnd {
    /// The caller has enough.
    Complete,
    /// The peer sent FIN.
    Fin,
    /// The peer reset the connection.
    Reset,
    /// Nothing more within the time allowed.
    TimedOut,
    /// More than 64 KiB.
    Limit,
}

/// One TCP connection, clear or protected. Records what happens on its channel; every wait has a deadline.
///
/// Only [`Link::receive`] reads. It is cancel-safe: dropping its future loses nothing. So are the sending methods in
/// this sense: what was sealed and not yet written is written first by the next call.
#[derive(Debug)]
pub struct Link {
    /// None after a reset.
    pub(super) stream: Option<TcpStream>,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) channel: Channel,
    pub(super) recorder: Recorder,
    pub(super) tap: Option<Box<Tap>>,
    pub(super) protection: Protection,
    /// Clear bytes that were read and not yet given out.
    pub(super) clear: Vec<u8>,
    /// What is to be given out next.
    pub(super) queue: VecDeque<Incoming>,
    /// Bytes for the peer, sealed where TLS is on, that the kernel has not taken yet, from `written` on.
    pub(super) outbox: Vec<u8>,
    pub(super) written: usize,
    /// Events that become true when the outbox is written.
    pub(super) unrecorded: Vec<EventKind>,
    pub(super) sessions: Vec<tls::Session>,
    pub(super) ended: Ended,
    pub(super) reset_noted: bool,
    pub(super) fin_sent: bool,
    /// Writing has failed for good.
    pub(super) send_failed: bool,
    pub(super) close_notify_received: bool,
    /// Data behind close_notify is reported once.
    pub(super) late_data_reported: bool,
    /// KeyUpdates that have come.
    pub(super) key_updates: u32,
    pub(super) violation_alert: Option<u8>,
}

/// Whether bytes go through TLS.
#[derive(Debug)]
pub(super) enum Protection {
    Clear,
    Tls(Box<tls::Connection>),
    /// A handshake failed: records of the dead TLS connection are told from clear text.
    Failed,
}

/// Whether the peer's side is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    No,
    Fin,
    Reset,
}

impl Link {
    /// Connects to `peer` from `source` (any address when none); records `Connected` or `ConnectFailed`.
    ///
    /// # Errors
    /// Refused, timed out, or local trouble.
    pub async fn connect(
        peer: SocketAddr,
        source: Option<IpAddr>,
        path: Option<DataPath>,
        deadline: Duration,
        channel: Channel,
        recorder: Recorder,
    ) -> Result<Self, LinkError> {
        let source = source.map(|address| SocketAddr::new(address, 0));
        Self::connect_from(peer, source, path, deadline, channel, recorder).await
    }

    /// As [`Link::connect`], from a port of our choice where `source` has one; several connections to different peers can
    /// share it.
    ///
    /// # Errors
    /// As [`Link::connect`].
    pub async fn connect_from(
        peer: SocketAddr,
        source: Option<SocketAddr>,
        path: Option<DataPath>,
        deadline: Duration,
        channel: Channel,
        recorder: Recorder,
    ) -> Result<Self, LinkError> {
        let outcome = match timeout(deadline, open(peer, source)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(LinkError::new(LinkErrorKind::TimedOut, "timed out")),
        };
        match outcome.and_then(|stream| Self::from_stream(stream, peer, channel.clone(), recorder.clone())) {
            Ok(mut link) => {
                link.record_connected(path, true);
                Ok(link)
            }
            Err(error) => {
                let reason = error.detail.clone();
                recorder.record(
                    &channel,
                    EventKind::ConnectFailed {
                        peer: peer.to_string(),
                        reason,
                    },
                );
                Err(error)
            }
        }
    }

    pub(super) fn from_stream(
        stream: TcpStream,
        peer: SocketAddr,
        channel: Channel,
        recorder: Recorder,
    ) -> Result<Self, LinkError> {
        stream.set_nodelay(true).map_err(|error| local_trouble(&error))?;
        let local = stream.local_addr().map_err(|error| local_trouble(&error))?;
        Ok(Self {
            stream: Some(stream),
            local,
            peer,
            channel,
            recorder,
            tap: None,
            protection: Protection::Clear,
            clear: Vec::new(),
            queue: VecDeque::new(),
            outbox: Vec::new(),
            written: 0,
            unrecorded: Vec::new(),
            sessions: Vec::new(),
            ended: Ended::No,
            reset_noted: false,
            fin_sent: false,
            send_failed: false,
            close_notify_received: false,
            late_data_reported: false,
            key_updates: 0,
            violation_alert: None,
        })
    }

    /// Records that it is open; `from_here` when we connected.
    pub(super) fn record_connected(&mut self, path: Option<DataPath>, from_here: bool) {
        if let Some(capture) = self.recorder.capture() {
            let start = ConnectionStart {
                channel: self.channel.clone(),
                local: self.local,
                peer: self.peer,
                from_here,
            };
            let connection = capture.open(self.recorder.elapsed(), start);
            self.tap = connection.map(|connection| {
                let is_data = self.channel.is_data();
                Box::new(Tap::new(&self.recorder, capture.clone(), connection, is_data))
            });
        }
        self.record(EventKind::Connected {
            local: self.local.to_string(),
            peer: self.peer.to_string(),
            path,
        });
    }

    /// Our address.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The peer's address.
    #[must_use]
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// The channel it records on.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Whether TLS is on.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        matches!(self.protection, Protection::Tls(_))
    }

    /// How many records of application data without content have come through TLS.
    #[must_use]
    pub fn empty_records(&self) -> u32 {
        match &self.protection {
            Protection::Tls(connection) => connection.empty_records(),
            Protection::Clear | Protection::Failed => 0,
        }
    }

    /// How many KeyUpdates have come.
    #[must_use]
    pub fn key_updates(&self) -> u32 {
        self.key_updates
    }

    /// Whether TLS 1.3 is on.
    #[must_use]
    pub fn is_tls13(&self) -> bool {
        matches!(&self.protection, Protection::Tls(connection) if connection.is_tls13())
    }

    /// Whether the peer's close_notify has arrived on the running TLS connection.
    #[must_use]
    pub fn has_received_close_notify(&self) -> bool {
        self.close_notify_received
    }

    /// The alert (description number) that answers the last [`Incoming::TlsViolation`].
    #[must_use]
    pub fn violation_alert(&self) -> Option<u8> {
        self.violation_alert
    }

    /// Sessions that arrived since the last call (client side).
    pub fn take_sessions(&mut self) -> Vec<tls::Session> {
        std::mem::take(&mut self.sessions)
    }

    /// Drops TLS and goes on in clear; what came behind the peer's close_notify is read next. Records `TlsStopped`.
    /// Sending close_notify first, and waiting for the peer's, is the caller's business.
    pub fn stop_tls(&mut self) {
        let Protection::Tls(connection) = &mut self.protection else {
            return;
        };
        let unread = connection.take_unread();
        self.clear.extend(unread);
        self.protection = Protection::Clear;
        self.close_notify_received = false;
        self.late_data_reported = false;
        self.record(EventKind::TlsStopped);
    }

    /// Ends TCP. Records `FinSent` or `ResetSent`. After `Reset` the link only reports `Reset`.
    pub fn close(&mut self, how: TcpClose) {
        match how {
            TcpClose::Fin => self.send_fin(),
            TcpClose::Reset => self.send_reset(),
        }
    }

    fn send_fin(&mut self) {
        if self.fin_sent {
            return;
        }
        // Without waiting: what the kernel does not take now is lost, as with any close.
        self.flush_now();
        let Some(stream) = &self.stream else {
            return;
        };
        self.fin_sent = true;
        match SockRef::from(stream).shutdown(Shutdown::Write) {
            Ok(()) => {
                self.record(EventKind::FinSent);
                self.tap_end(Direction::Sent, TcpEnd::Fin);
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => self.note_reset(),
            Err(_) => {}
        }
    }

    fn send_reset(&mut self) {
        let Some(stream) = self.stream.take() else {
            return;
        };
        let was_over = self.reset_noted;
        self.ended = Ended::Reset;
        self.reset_noted = true;
        self.fin_sent = true;
        self.outbox = Vec::new();
        self.queue.clear();
        self.clear = Vec::new();
        // Without the option the close below would send FIN.
        let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        drop(stream);
        if linger.is_ok() && !was_over {
            self.record(EventKind::ResetSent);
            self.tap_end(Direction::Sent, TcpEnd::Reset);
        }
    }

    fn tap_end(&self, direction: Direction, end: TcpEnd) {
        if let Some(tap) = &self.tap {
            tap.ended(direction, end);
        }
    }

    pub(super) fn record(&self, kind: EventKind) {
        self.recorder.record(&self.channel, kind);
    }

    /// Notes that the peer reset the connection; recorded once.
    pub(super) fn note_reset(&mut self) {
        if self.ended == Ended::No {
            self.ended = Ended::Reset;
        }
        if !self.reset_noted {
            self.reset_noted = true;
            self.record(EventKind::ResetReceived);
            self.tap_end(Direction::Received, TcpEnd::Reset);
        }
    }

    /// Notes that the peer sent FIN; recorded once.
    pub(super) fn note_fin(&mut self) {
        if self.ended == Ended::No {
            self.ended = Ended::Fin;
            self.record(EventKind::FinReceived);
            self.tap_end(Direction::Received, TcpEnd::Fin);
        }
    }
}

async fn open(peer: SocketAddr, source: Option<SocketAddr>) -> Result<TcpStream, LinkError> {
    let socket = match peer {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }
    .map_err(|error| local_trouble(&error))?;
    if let Some(source) = source {
        if source.port() != 0 {
            socket
                .set_reuseaddr(true)
                .map_err(|error| local_trouble(&error))?;
        }
        socket.bind(source).map_err(|error| {
            LinkError::new(
                LinkErrorKind::Local,
                format!("cannot connect from {}: {error}", source.ip()),
            )
        })?;
    }
    socket.connect(peer).await.map_err(|error| connect_error(&error))
}

fn connect_error(error: &io::Error) -> LinkError {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => LinkErrorKind::TimedOut,
        io::ErrorKind::AddrInUse | io::ErrorKind::OutOfMemory => LinkErrorKind::Local,
        _ => LinkErrorKind::Refused,
    };
    LinkError::new(kind, error.to_string().to_lowercase())
}

pub(super) fn local_trouble(error: &io::Error) -> LinkError {
    LinkError::new(LinkErrorKind::Local, error.to_string().to_lowercase())
}
