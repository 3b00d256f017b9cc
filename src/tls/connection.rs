//! One TLS connection, client or server side, without I/O: what it is made of.
//!
//! `handshake` runs it up to its finish, `traffic` goes on from there.

use super::Session;
use super::client::ClientSide;
use super::engine::Engine;
use super::input::Input;
use super::server::ServerSide;
use super::tap::Tap;
use super::traffic::Traffic;
use crate::base::Masker;
use crate::trace::{AlertFacts, HandshakeFacts, HandshakeFailure, TicketFacts};

/// What a handshake wants next.
#[derive(Debug)]
pub enum HandshakeStep {
    /// Send what [`Connection::take_output`] holds, then feed more bytes.
    NeedsInput,
    /// Finished; send what [`Connection::take_output`] holds.
    Finished {
        /// The facts.
        facts: Box<HandshakeFacts>,
        /// Server side: the label of the control connection whose session was resumed.
        resumed_label: Option<u64>,
    },
    /// Failed; send what [`Connection::take_output`] holds (our alert), then close.
    Failed(HandshakeFailure),
}

/// What came out of one record.
#[derive(Debug)]
pub enum Opened {
    /// Application data; may be empty (an empty record).
    Data(Vec<u8>),
    /// close_notify. Later records are still opened, as they come.
    CloseNotify(AlertFacts),
    /// Another alert.
    Alert(AlertFacts),
    /// A ticket, and the session it stands for (client side).
    Ticket(TicketFacts, Option<Session>),
    /// A KeyUpdate was handled (an answer may be in the output).
    KeyUpdate,
    /// The peer asked for renegotiation (TLS 1.2); the warning no_renegotiation is in the output.
    RenegotiationRefused,
    /// TLS 1.2: the client side got a ServerHello under TLS, for a renegotiation that was asked for by hand; the server
    /// side sent one (a fault).
    RenegotiationAccepted,
    /// The peer broke TLS, e.g. `bad record mac`. A record that cannot be opened is skipped and the next one can be
    /// read; behind bytes that are no record nothing can be read.
    Violation {
        /// One lower-case sentence.
        reason: String,
        /// Alert description we should send for it.
        alert: u8,
    },
}

/// A TLS connection.
pub struct Connection {
    pub(super) side: Side,
    pub(super) phase: Phase,
    pub(super) input: Input,
    pub(super) output: Vec<u8>,
    pub(super) tap: Tap,
    /// Records of application data without content that were opened.
    pub(super) empty_records: u32,
    /// Server side: early data that was taken (a fault), until the handshake is finished.
    pub(super) early: Vec<u8>,
    /// The handshake ended by a failure that our alert answers (for the record of alerts).
    pub(super) sent_alert: Option<AlertFacts>,
    /// Secrets to look for in the records behind the handshake; none when nobody asks for them.
    pub(super) watched: Option<Masker>,
}

pub(super) enum Side {
    Client(Box<ClientSide>),
    Server(Box<ServerSide>),
}

pub(super) enum Phase {
    /// Server: the ClientHello is not complete; its records so far.
    AwaitingHello(Vec<u8>),
    /// The library works; bytes it has not used yet.
    Handshaking(Engine, Vec<u8>),
    /// Finished.
    Open(Box<Traffic>),
    /// Failed.
    Failed,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = match &self.side {
            Side::Client(_) => "client",
            Side::Server(_) => "server",
        };
        let phase = match &self.phase {
            Phase::AwaitingHello(_) => "awaiting hello",
            Phase::Handshaking(..) => "handshaking",
            Phase::Open(_) => "open",
            Phase::Failed => "failed",
        };
        write!(f, "Connection({side}, {phase})")
    }
}
