//! One TLS connection, client or server side, without I/O.

use crate::trace::{AlertFacts, HandshakeFacts, HandshakeFailure, TicketFacts};

use super::Session;

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
    /// The peer broke TLS, e.g. `bad record mac`; nothing more can be read unless `skippable`.
    Violation {
        /// One lower-case sentence.
        reason: String,
        /// Alert description we should send for it.
        alert: u8,
    },
}

/// A TLS connection.
#[derive(Debug)]
pub struct Connection {}

impl Connection {
    /// Feeds bytes from the peer during the handshake.
    pub fn handshake(&mut self, _bytes: &[u8]) -> HandshakeStep {
        todo!()
    }

    /// Bytes to send to the peer.
    pub fn take_output(&mut self) -> Vec<u8> {
        todo!()
    }

    /// Feeds bytes from the peer after the handshake.
    pub fn feed(&mut self, _bytes: &[u8]) {
        todo!()
    }

    /// Opens the next whole record, if there is one.
    pub fn open_next(&mut self) -> Option<Opened> {
        todo!()
    }

    /// Seals application data into records of at most `record_size` bytes (16384 at most).
    ///
    /// # Errors
    /// When the sequence numbers are used up.
    pub fn seal(&mut self, _data: &[u8], _record_size: usize) -> Result<Vec<u8>, String> {
        todo!()
    }

    /// Seals an alert.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_alert(&mut self, _fatal: bool, _description: u8) -> Result<Vec<u8>, String> {
        todo!()
    }

    /// Bytes that were fed and not opened yet (after close_notify: what follows in clear, for CCC).
    pub fn take_unread(&mut self) -> Vec<u8> {
        todo!()
    }
}
