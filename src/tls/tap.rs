//! Listens to the clear part of a handshake and keeps the facts that the TLS library does not tell.
//!
//! TLS 1.2: until ChangeCipherSpec; TLS 1.3: until the ServerHello. Bounded; what it cannot read it leaves alone.

use super::hello::{ClientHello, Input, ServerHello};

/// Bytes of one direction kept at most while a message is incomplete.
const TAP_LIMIT: usize = 128 * 1024;

const RECORD_CHANGE_CIPHER_SPEC: u8 = 20;
const RECORD_HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 5;
const MESSAGE_CLIENT_HELLO: u8 = 1;
const MESSAGE_SERVER_HELLO: u8 = 2;
const MESSAGE_NEW_SESSION_TICKET: u8 = 4;

/// A TLS 1.2 NewSessionTicket (RFC 5077 section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls12Ticket {
    /// Lifetime hint in seconds.
    pub(super) lifetime: u32,
    /// The ticket.
    pub(super) ticket: Vec<u8>,
}

/// What the clear handshake said.
#[derive(Debug, Default)]
pub(super) struct Tap {
    client: Direction,
    server: Direction,
    /// The newest ClientHello (the second one after a HelloRetryRequest).
    pub(super) client_hello: Option<ClientHello>,
    /// The ServerHello that counts.
    pub(super) server_hello: Option<ServerHello>,
    /// Whether a HelloRetryRequest was seen.
    pub(super) retried: bool,
    /// The TLS 1.2 ticket; an empty one is no ticket.
    pub(super) tls12_ticket: Option<Tls12Ticket>,
}

impl Tap {
    /// Bytes from the client.
    pub(super) fn client(&mut self, bytes: &[u8]) {
        for (kind, body) in self.client.messages(bytes) {
            if kind == MESSAGE_CLIENT_HELLO
                && let Some(hello) = ClientHello::parse(&body)
            {
                self.client_hello = Some(hello);
            }
        }
    }

    /// Bytes from the server.
    pub(super) fn server(&mut self, bytes: &[u8]) {
        for (kind, body) in self.server.messages(bytes) {
            match kind {
                MESSAGE_SERVER_HELLO => self.take_server_hello(&body),
                MESSAGE_NEW_SESSION_TICKET => self.take_ticket(&body),
                _ => {}
            }
        }
    }

    fn take_server_hello(&mut self, body: &[u8]) {
        let Some(hello) = ServerHello::parse(body) else {
            return;
        };
        if hello.retry {
            self.retried = true;
            return;
        }
        self.server.finished = hello.tls13;
        self.server_hello = Some(hello);
    }

    fn take_ticket(&mut self, body: &[u8]) {
        let mut input = Input(body);
        if let (Some(lifetime), Some(ticket)) = (input.number32(), input.vector16())
            && !ticket.is_empty()
        {
            self.tls12_ticket = Some(Tls12Ticket {
                lifetime,
                ticket: ticket.to_vec(),
            });
        }
    }
}

/// One direction: records in, handshake messages out.
#[derive(Debug, Default)]
struct Direction {
    records: Vec<u8>,
    handshake: Vec<u8>,
    finished: bool,
}

impl Direction {
    fn messages(&mut self, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        if self.finished {
            return Vec::new();
        }
        self.records.extend_from_slice(bytes);
        let mut used = 0;
        while let Some((kind, length)) = record_header(self.records.get(used..).unwrap_or_default()) {
            let start = used + RECORD_HEADER;
            let Some(content) = self.records.get(start..start + length) else {
                break;
            };
            match kind {
                RECORD_HANDSHAKE => self.handshake.extend_from_slice(content),
                RECORD_CHANGE_CIPHER_SPEC => self.finished = true,
                _ => {}
            }
            used = start + length;
            if self.finished {
                break;
            }
        }
        self.records.drain(..used);
        if self.records.len() + self.handshake.len() > TAP_LIMIT {
            self.finished = true;
        }
        let messages = self.take_messages();
        if self.finished {
            self.records = Vec::new();
            self.handshake = Vec::new();
        }
        messages
    }

    fn take_messages(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut messages = Vec::new();
        let mut used = 0;
        while let Some((kind, body)) = handshake_message(self.handshake.get(used..).unwrap_or_default()) {
            messages.push((kind, body.to_vec()));
            used += 4 + body.len();
        }
        self.handshake.drain(..used);
        messages
    }
}

/// Type and length of the record that starts here.
fn record_header(bytes: &[u8]) -> Option<(u8, usize)> {
    let header: &[u8; RECORD_HEADER] = bytes.first_chunk()?;
    Some((header[0], usize::from(u16::from_be_bytes([header[3], header[4]]))))
}

/// Type and body of the whole handshake message that starts here.
pub(super) fn handshake_message(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let header: &[u8; 4] = bytes.first_chunk()?;
    let length = usize::from(header[1]) << 16 | usize::from(header[2]) << 8 | usize::from(header[3]);
    Some((header[0], bytes.get(4..4 + length)?))
}
