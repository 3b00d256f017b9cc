//! One TLS connection, client or server side, without I/O.

use std::collections::VecDeque;
use std::sync::Arc;

use rustls::{
    ContentType, Error, ExtractedSecrets, HandshakeKind as LibraryKind, ProtocolVersion, SupportedCipherSuite,
};

use super::Session;
use super::client::ClientSide;
use super::engine::{Engine, Kernel, Progress};
use super::facts::chain_facts;
use super::names::{alert_facts, alert_name, named_group, suite_name};
use super::record::{Framing, HEADER, MAX_PLAINTEXT, Opener, RecordProblem, Sealer, framing};
use super::server::ServerSide;
use super::session::{SessionOrigin, SessionSecret, TicketSource};
use super::tap::{Tap, handshake_message};
use super::trust::{certificate_problem, now};
use crate::base::escape_peer;
use crate::trace::{
    AlertFacts, HandshakeFacts, HandshakeFailure, HandshakeKind, ResumedBy, TicketFacts, TlsVersion,
};

/// Handshake bytes kept at most while a message behind the handshake, or the ClientHello, is incomplete.
const MESSAGE_LIMIT: usize = 128 * 1024;
/// Received bytes that may wait in front of the next read before they are moved together.
const COMPACT_AT: usize = 64 * 1024;
/// Room made for the next read.
const READ_ROOM: usize = 256 * 1024;
const MESSAGE_NEW_SESSION_TICKET: u8 = 4;
const MESSAGE_KEY_UPDATE: u8 = 24;
const NOT_FINISHED: &str = "the handshake is not finished";
const ALERT_UNEXPECTED_MESSAGE: u8 = 10;
const ALERT_HANDSHAKE_FAILURE: u8 = 40;
const ALERT_DECODE_ERROR: u8 = 50;
const ALERT_INTERNAL_ERROR: u8 = 80;
const ALERT_NO_RENEGOTIATION: u8 = 100;

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
    side: Side,
    phase: Phase,
    input: Input,
    output: Vec<u8>,
    tap: Tap,
    /// The handshake ended by a failure that our alert answers (for the record of alerts).
    sent_alert: Option<AlertFacts>,
}

enum Side {
    Client(Box<ClientSide>),
    Server(Box<ServerSide>),
}

enum Phase {
    /// Server: the ClientHello is not complete; its records so far.
    AwaitingHello(Vec<u8>),
    /// The library works; bytes it has not used yet.
    Handshaking(Engine, Vec<u8>),
    /// Finished.
    Open(Box<Traffic>),
    /// Failed.
    Failed,
}

/// The state after the handshake.
struct Traffic {
    suite: SupportedCipherSuite,
    tls13: bool,
    sealer: Sealer,
    opener: Opener,
    kernel: Kernel,
    source: Option<Arc<TicketSource>>,
    handshake: Vec<u8>,
    waiting: VecDeque<Opened>,
    sessions: u32,
    tickets: u32,
    handshake_ticket: Option<TicketFacts>,
    new_sessions: Vec<Session>,
    /// What comes is no TLS any more.
    dead: bool,
}

/// Received bytes with what is used of them.
#[derive(Default)]
struct Input {
    bytes: Vec<u8>,
    used: usize,
}

impl Input {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    fn push(&mut self, bytes: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(bytes);
    }

    fn take(&mut self, count: usize) -> &mut [u8] {
        let start = self.used;
        self.used = (start + count).min(self.bytes.len());
        let end = self.used;
        self.bytes.get_mut(start..end).unwrap_or_default()
    }

    fn compact(&mut self) {
        if self.used == self.bytes.len() {
            self.bytes.clear();
            self.used = 0;
        } else if self.used >= COMPACT_AT {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
    }

    fn take_all(&mut self) -> Vec<u8> {
        let rest = self.rest().to_vec();
        *self = Self::default();
        rest
    }
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

// --- handshake ---

impl Connection {
    pub(super) fn client(mut engine: Engine, side: ClientSide) -> Self {
        let mut output = Vec::new();
        let mut inbox = Vec::new();
        // The ClientHello; a failure here comes again with the first input.
        let _ = engine.advance(&mut inbox, &mut output);
        let mut tap = Tap::default();
        tap.client(&output);
        Self {
            side: Side::Client(Box::new(side)),
            phase: Phase::Handshaking(engine, inbox),
            input: Input::default(),
            output,
            tap,
            sent_alert: None,
        }
    }

    pub(super) fn server(side: ServerSide) -> Self {
        Self {
            side: Side::Server(Box::new(side)),
            phase: Phase::AwaitingHello(Vec::new()),
            input: Input::default(),
            output: Vec::new(),
            tap: Tap::default(),
            sent_alert: None,
        }
    }

    /// Feeds bytes from the peer during the handshake.
    pub fn handshake(&mut self, bytes: &[u8]) -> HandshakeStep {
        self.input.push(bytes);
        loop {
            let length = match framing(self.input.rest()) {
                Framing::Incomplete => return HandshakeStep::NeedsInput,
                Framing::Whole(length) => length,
                Framing::NotTls => return self.fail_plaintext(),
                Framing::TooLong(length) => {
                    return self.fail(format!("record of {length} bytes in the handshake"), 22);
                }
            };
            let record = self.input.take(length).to_vec();
            if let Some(step) = self.handshake_record(&record) {
                return step;
            }
        }
    }

    /// Whether the handshake is finished.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Channel whose session is offered; none when nothing is offered, and on the server side.
    #[must_use]
    pub fn offered(&self) -> Option<&str> {
        match &self.side {
            Side::Client(side) => side.offered.as_deref(),
            Side::Server(_) => None,
        }
    }

    /// The alert in the output after a failed handshake, when it could be read.
    pub fn take_sent_alert(&mut self) -> Option<AlertFacts> {
        self.sent_alert.take()
    }

    /// Works on one whole record; none when more is needed.
    fn handshake_record(&mut self, record: &[u8]) -> Option<HandshakeStep> {
        match &self.side {
            Side::Client(_) => self.tap.server(record),
            Side::Server(_) => self.tap.client(record),
        }
        if let Phase::AwaitingHello(seen) = &mut self.phase {
            seen.extend_from_slice(record);
            if self.tap.client_hello.is_none() && seen.len() < MESSAGE_LIMIT && record.first() == Some(&22) {
                return None;
            }
            let seen = std::mem::take(seen);
            match self.begin_server() {
                Ok(engine) => self.phase = Phase::Handshaking(engine, seen),
                Err(step) => return Some(*step),
            }
        } else if let Phase::Handshaking(_, inbox) = &mut self.phase {
            inbox.extend_from_slice(record);
        }
        let Phase::Handshaking(engine, inbox) = &mut self.phase else {
            return Some(HandshakeStep::Failed(failure("the handshake is over already")));
        };
        let start = self.output.len();
        let progress = engine.advance(inbox, &mut self.output);
        let sent = self.output.get(start..).unwrap_or_default();
        match &self.side {
            Side::Client(_) => self.tap.client(sent),
            Side::Server(_) => self.tap.server(sent),
        }
        match progress {
            Progress::NeedsInput => None,
            Progress::Finished => Some(self.finish()),
            Progress::PeerClosed => {
                self.phase = Phase::Failed;
                let mut failure = failure("the peer sent close_notify inside the handshake");
                failure.alert = clear_alert(record).or_else(|| Some(hidden_alert(0)));
                Some(HandshakeStep::Failed(failure))
            }
            Progress::Failed(error) => {
                self.sent_alert = clear_alert(self.output.get(start..).unwrap_or_default());
                self.phase = Phase::Failed;
                Some(HandshakeStep::Failed(library_failure(&error, record)))
            }
        }
    }

    fn begin_server(&mut self) -> Result<Engine, Box<HandshakeStep>> {
        let hello = self.tap.client_hello.clone().unwrap_or_default();
        let Side::Server(side) = &mut self.side else {
            return Err(Box::new(HandshakeStep::Failed(failure("not a server"))));
        };
        if side.must_abort(&hello) {
            return Err(Box::new(self.fail(
                "the offered session is refused by a fault".to_owned(),
                ALERT_HANDSHAKE_FAILURE,
            )));
        }
        side.begin(&hello).map_err(|error| {
            Box::new(self.fail(
                format!("the handshake cannot start: {error}"),
                ALERT_INTERNAL_ERROR,
            ))
        })
    }

    fn fail_plaintext(&mut self) -> HandshakeStep {
        let text = escape_peer(self.input.rest());
        let mut failure = failure(&format!("the peer sent no TLS but `{text}`"));
        failure.plaintext = Some(text);
        self.alert_in_clear(ALERT_UNEXPECTED_MESSAGE);
        self.phase = Phase::Failed;
        HandshakeStep::Failed(failure)
    }

    fn fail(&mut self, reason: String, alert: u8) -> HandshakeStep {
        self.alert_in_clear(alert);
        self.phase = Phase::Failed;
        HandshakeStep::Failed(failure(&reason))
    }

    fn alert_in_clear(&mut self, description: u8) {
        self.output.extend([21, 3, 3, 0, 2, 2, description]);
        self.sent_alert = Some(alert_facts(2, description));
    }

    fn finish(&mut self) -> HandshakeStep {
        let Phase::Handshaking(engine, _) = std::mem::replace(&mut self.phase, Phase::Failed) else {
            return HandshakeStep::Failed(failure("the handshake is over already"));
        };
        let (Some(suite), Some(version)) = (
            engine.common().negotiated_cipher_suite(),
            engine.common().protocol_version(),
        ) else {
            return HandshakeStep::Failed(failure("the library names no suite"));
        };
        let (facts, resumed_label) = self.facts(&engine, suite, version);
        match self.open_traffic(engine, suite, version, &facts) {
            Ok(traffic) => {
                self.phase = Phase::Open(Box::new(traffic));
                HandshakeStep::Finished {
                    facts: Box::new(facts),
                    resumed_label,
                }
            }
            Err(error) => HandshakeStep::Failed(failure(&format!("the secrets cannot be used: {error}"))),
        }
    }

    fn facts(
        &self,
        engine: &Engine,
        suite: SupportedCipherSuite,
        version: ProtocolVersion,
    ) -> (HandshakeFacts, Option<u64>) {
        let common = engine.common();
        let tls13 = version == ProtocolVersion::TLSv1_3;
        let resumed = common.handshake_kind() == Some(LibraryKind::Resumed);
        let hello = self.tap.client_hello.as_ref();
        let given = match &self.side {
            Side::Server(side) if resumed => side.view.as_ref().and_then(|view| view.given()),
            _ => None,
        };
        let by = resumed.then(|| match (&self.side, given) {
            (Side::Server(_), Some((_, by))) => by,
            _ if tls13 => ResumedBy::Psk,
            _ if hello.is_some_and(|hello| hello.offers_ticket) => ResumedBy::Ticket,
            _ => ResumedBy::SessionId,
        });
        let chain = if resumed { &[][..] } else { engine.peer_chain() };
        let certificate_problem = match &self.side {
            Side::Client(side) if !resumed => side.trust.problem(chain, &side.name),
            _ => None,
        };
        let facts = HandshakeFacts {
            version: if tls13 {
                TlsVersion::Tls13
            } else {
                TlsVersion::Tls12
            },
            suite: suite_name(suite.suite()),
            group: common
                .negotiated_key_exchange_group()
                .map(|group| named_group(group.name())),
            kind: if resumed {
                HandshakeKind::Resumed
            } else {
                HandshakeKind::Full
            },
            by,
            session_of: self.offered().map(str::to_owned),
            retried: self.tap.retried,
            alpn: common.alpn_protocol().map(escape_peer),
            sni: hello
                .and_then(|hello| hello.server_name.as_deref())
                .map(escape_peer),
            chain: chain_facts(chain),
            certificate_problem,
            extended_master_secret: self
                .tap
                .server_hello
                .as_ref()
                .filter(|_| !tls13)
                .map(|hello| hello.extended_master_secret),
        };
        (facts, given.map(|(label, _)| label))
    }

    fn open_traffic(
        &mut self,
        engine: Engine,
        suite: SupportedCipherSuite,
        version: ProtocolVersion,
        facts: &HandshakeFacts,
    ) -> Result<Traffic, Error> {
        let (secrets, kernel) = engine.into_kernel()?;
        let ExtractedSecrets { tx, rx } = secrets;
        let mut traffic = Traffic {
            suite,
            tls13: version == ProtocolVersion::TLSv1_3,
            sealer: Sealer::new(suite, tx.0, tx.1)?,
            opener: Opener::new(suite, rx.0, rx.1)?,
            kernel,
            source: None,
            handshake: Vec::new(),
            waiting: VecDeque::new(),
            sessions: 0,
            tickets: 0,
            handshake_ticket: None,
            new_sessions: Vec::new(),
            dead: false,
        };
        if let Side::Client(side) = &self.side {
            if let Kernel::Client(kernel) = &traffic.kernel {
                traffic.source = Some(Arc::new(TicketSource {
                    kernel: kernel.clone(),
                    slot: side.slot.clone(),
                    clock: side.clock.clone(),
                }));
            }
            if let Some(ticket) = self.tap.tls12_ticket.filter(|_| !traffic.tls13) {
                traffic.tickets = 1;
                traffic.handshake_ticket = Some(TicketFacts {
                    lifetime: Some(ticket.lifetime),
                    bytes: Some(ticket.bytes),
                    count: 1,
                });
            }
            // A resumed handshake without a new ticket leaves the old session as it was.
            let renewed = facts.kind == HandshakeKind::Full || traffic.tickets > 0;
            if let Some(value) = side.slot.take_received12().filter(|_| renewed) {
                let session = traffic.session(side, SessionSecret::Tls12(Box::new(value)));
                traffic.new_sessions.push(session);
            }
        }
        Ok(traffic)
    }
}

fn failure(reason: &str) -> HandshakeFailure {
    HandshakeFailure {
        reason: reason.to_owned(),
        alert: None,
        plaintext: None,
    }
}

/// What the library says about a failed handshake; `record` is the one that made it fail.
fn library_failure(error: &Error, record: &[u8]) -> HandshakeFailure {
    match error {
        Error::AlertReceived(description) => {
            let description = u8::from(*description);
            HandshakeFailure {
                reason: format!(
                    "the peer refused the handshake with alert {} ({description})",
                    alert_name(description)
                ),
                alert: clear_alert(record).or_else(|| Some(hidden_alert(description))),
                plaintext: None,
            }
        }
        Error::InvalidCertificate(_) => failure(&certificate_problem(error)),
        other => failure(&other.to_string()),
    }
}

/// The alert in a record that is not encrypted.
fn clear_alert(record: &[u8]) -> Option<AlertFacts> {
    match record {
        [21, 3, _, 0, 2, level, description] => Some(alert_facts(*level, *description)),
        _ => None,
    }
}

/// An encrypted alert whose level the library hides.
fn hidden_alert(description: u8) -> AlertFacts {
    AlertFacts {
        level: None,
        description,
        name: alert_name(description),
    }
}

// --- after the handshake ---

impl Connection {
    /// Bytes to send to the peer.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Feeds bytes from the peer after the handshake.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// The buffer of received bytes with room for a large read; append to it only. Spares the copy of [`Self::feed`].
    pub fn input_buffer(&mut self) -> &mut Vec<u8> {
        self.input.compact();
        self.input.bytes.reserve(READ_ROOM);
        &mut self.input.bytes
    }

    /// How many received bytes wait for the rest of their record (or, when no TLS can be read any more, for
    /// [`Self::take_unread`]).
    #[must_use]
    pub fn unread(&self) -> usize {
        self.input.rest().len()
    }

    /// Whether nothing can be read any more because what came is no TLS; the bytes are kept for [`Self::take_unread`].
    #[must_use]
    pub fn is_dead(&self) -> bool {
        match &self.phase {
            Phase::Open(traffic) => traffic.dead,
            Phase::Failed => true,
            Phase::AwaitingHello(_) | Phase::Handshaking(..) => false,
        }
    }

    /// Opens the next whole record, if there is one.
    pub fn open_next(&mut self) -> Option<Opened> {
        let Phase::Open(traffic) = &mut self.phase else {
            return None;
        };
        loop {
            if let Some(waiting) = traffic.waiting.pop_front() {
                return Some(waiting);
            }
            if traffic.dead {
                return None;
            }
            let length = match framing(self.input.rest()) {
                Framing::Incomplete => return None,
                Framing::Whole(length) => length,
                Framing::NotTls => {
                    traffic.dead = true;
                    let text = escape_peer(self.input.rest());
                    return Some(violation(
                        &format!("bytes that are no TLS record: `{text}`"),
                        ALERT_UNEXPECTED_MESSAGE,
                    ));
                }
                Framing::TooLong(length) => {
                    traffic.dead = true;
                    return Some(violation(&format!("record of {length} bytes"), 22));
                }
            };
            let (kind, content) = match traffic.opener.open(self.input.take(length)) {
                Ok(opened) => opened,
                Err(RecordProblem { reason, alert }) => return Some(Opened::Violation { reason, alert }),
            };
            match kind {
                ContentType::ApplicationData => return Some(Opened::Data(content.to_vec())),
                ContentType::Alert => return Some(open_alert(content)),
                ContentType::Handshake => {
                    traffic.handshake.extend_from_slice(content);
                    traffic.read_messages(&self.side, &mut self.output);
                }
                other => {
                    return Some(violation(
                        &format!("unexpected record of type {}", u8::from(other)),
                        ALERT_UNEXPECTED_MESSAGE,
                    ));
                }
            }
        }
    }

    /// Appends the application data of the records that follow each other to `data`, up to about `limit` bytes;
    /// stops in front of any other record. True when something was appended.
    pub fn open_data(&mut self, data: &mut Vec<u8>, limit: usize) -> bool {
        let start = data.len();
        let Phase::Open(traffic) = &mut self.phase else {
            return false;
        };
        while traffic.waiting.is_empty() && !traffic.dead && data.len() < limit {
            let Framing::Whole(length) = framing(self.input.rest()) else {
                break;
            };
            match traffic.opener.open(self.input.take(length)) {
                Ok((ContentType::ApplicationData, content)) => data.extend_from_slice(content),
                Ok((ContentType::Alert, content)) => traffic.waiting.push_back(open_alert(content)),
                Ok((ContentType::Handshake, content)) => {
                    traffic.handshake.extend_from_slice(content);
                    traffic.read_messages(&self.side, &mut self.output);
                }
                Ok((other, _)) => traffic.waiting.push_back(violation(
                    &format!("unexpected record of type {}", u8::from(other)),
                    ALERT_UNEXPECTED_MESSAGE,
                )),
                Err(RecordProblem { reason, alert }) => {
                    traffic.waiting.push_back(Opened::Violation { reason, alert });
                }
            }
        }
        data.len() > start
    }

    /// Seals application data into records of at most `record_size` bytes (16384 at most); no data makes one empty
    /// record. An answer that waits to be sent (to a KeyUpdate) stands in front.
    ///
    /// # Errors
    /// When the sequence numbers are used up, or the handshake is not finished.
    pub fn seal(&mut self, data: &[u8], record_size: usize) -> Result<Vec<u8>, String> {
        let size = record_size.clamp(1, MAX_PLAINTEXT);
        let Phase::Open(traffic) = &mut self.phase else {
            return Err(NOT_FINISHED.to_owned());
        };
        let mut sealed = std::mem::take(&mut self.output);
        if data.is_empty() {
            sealed.extend(traffic.seal(ContentType::ApplicationData, &[])?);
        }
        sealed.reserve(data.len() + data.len().div_ceil(size) * (HEADER + 32));
        for chunk in data.chunks(size) {
            sealed.extend(traffic.seal(ContentType::ApplicationData, chunk)?);
        }
        Ok(sealed)
    }

    /// Seals an alert.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_alert(&mut self, fatal: bool, description: u8) -> Result<Vec<u8>, String> {
        let level = if fatal { 2 } else { 1 };
        let record = self.traffic()?.seal(ContentType::Alert, &[level, description])?;
        Ok(self.behind_output(record))
    }

    /// Seals a KeyUpdate and goes on with new keys (RFC 8446 section 4.6.3); `request` asks the peer for one too.
    ///
    /// # Errors
    /// As [`Self::seal`]; TLS 1.2 has none.
    pub fn seal_key_update(&mut self, request: bool) -> Result<Vec<u8>, String> {
        let traffic = self.traffic()?;
        if !traffic.tls13 {
            return Err("TLS 1.2 has no KeyUpdate".to_owned());
        }
        let record = traffic.update_sending(request)?;
        Ok(self.behind_output(record))
    }

    /// What waits to be sent, and then `record`.
    fn behind_output(&mut self, record: Vec<u8>) -> Vec<u8> {
        let mut output = std::mem::take(&mut self.output);
        output.extend(record);
        output
    }

    /// The TLS 1.2 ticket of the handshake (client side), once.
    pub fn take_handshake_ticket(&mut self) -> Option<TicketFacts> {
        self.traffic().ok()?.handshake_ticket.take()
    }

    /// Sessions that came inside the handshake (TLS 1.2), once.
    pub fn take_handshake_sessions(&mut self) -> Vec<Session> {
        self.traffic().map_or_else(
            |_| Vec::new(),
            |traffic| std::mem::take(&mut traffic.new_sessions),
        )
    }

    /// Bytes that were fed and not opened yet (after close_notify: what follows in clear, for CCC).
    pub fn take_unread(&mut self) -> Vec<u8> {
        self.input.take_all()
    }

    fn traffic(&mut self) -> Result<&mut Traffic, String> {
        match &mut self.phase {
            Phase::Open(traffic) => Ok(traffic),
            _ => Err(NOT_FINISHED.to_owned()),
        }
    }
}

fn violation(reason: &str, alert: u8) -> Opened {
    Opened::Violation {
        reason: reason.to_owned(),
        alert,
    }
}

fn open_alert(content: &[u8]) -> Opened {
    match content {
        [level, 0] => Opened::CloseNotify(alert_facts(*level, 0)),
        [level, description] => Opened::Alert(alert_facts(*level, *description)),
        _ => violation("an alert that is not two bytes long", ALERT_DECODE_ERROR),
    }
}

impl Traffic {
    fn seal(&mut self, kind: ContentType, content: &[u8]) -> Result<Vec<u8>, String> {
        self.sealer
            .seal(kind, content)
            .map_err(|error| format!("the record cannot be sealed: {error}"))
    }

    fn update_sending(&mut self, request: bool) -> Result<Vec<u8>, String> {
        let message = [MESSAGE_KEY_UPDATE, 0, 0, 1, u8::from(request)];
        let record = self.seal(ContentType::Handshake, &message)?;
        self.sealer = self
            .kernel
            .update_sending()
            .and_then(|(sequence, secrets)| Sealer::new(self.suite, sequence, secrets))
            .map_err(|error| format!("no new sending key: {error}"))?;
        Ok(record)
    }

    fn session(&mut self, side: &ClientSide, secret: SessionSecret) -> Session {
        self.sessions += 1;
        let origin = SessionOrigin {
            channel: side.channel.clone(),
            number: self.sessions,
        };
        Session::new(origin, secret, side.verifier.clone(), side.certificates.clone())
    }

    /// Reads the whole handshake messages that have come; what they mean waits in `waiting`.
    fn read_messages(&mut self, side: &Side, output: &mut Vec<u8>) {
        let received = std::mem::take(&mut self.handshake);
        let mut rest = received.as_slice();
        while let Some((kind, body)) = handshake_message(rest) {
            rest = rest.get(4 + body.len()..).unwrap_or_default();
            let opened = self.read_message(side, kind, body, rest.is_empty(), output);
            self.waiting.push_back(opened);
        }
        if rest.len() > MESSAGE_LIMIT {
            self.dead = true;
            self.waiting.push_back(violation(
                "handshake message beyond all limits",
                ALERT_DECODE_ERROR,
            ));
            return;
        }
        self.handshake = rest.to_vec();
    }

    fn read_message(
        &mut self,
        side: &Side,
        kind: u8,
        body: &[u8],
        last: bool,
        output: &mut Vec<u8>,
    ) -> Opened {
        match (self.tls13, kind, side) {
            (true, MESSAGE_NEW_SESSION_TICKET, Side::Client(side)) => self.read_ticket(side, body),
            (true, MESSAGE_KEY_UPDATE, _) => self.read_key_update(body, last, output),
            // HelloRequest to a client, ClientHello to a server.
            (false, 0, Side::Client(_)) | (false, 1, Side::Server(_)) => {
                match self.seal(ContentType::Alert, &[1, ALERT_NO_RENEGOTIATION]) {
                    Ok(record) => {
                        output.extend(record);
                        Opened::RenegotiationRefused
                    }
                    Err(reason) => violation(&reason, ALERT_INTERNAL_ERROR),
                }
            }
            _ => violation(
                &format!("unexpected handshake message of type {kind}"),
                ALERT_UNEXPECTED_MESSAGE,
            ),
        }
    }

    fn read_ticket(&mut self, side: &ClientSide, body: &[u8]) -> Opened {
        let received = now();
        let Some(source) = self.source.clone() else {
            return violation("unexpected ticket", ALERT_UNEXPECTED_MESSAGE);
        };
        if let Err(error) = source.read(body, received) {
            return violation(&format!("bad ticket: {error}"), ALERT_DECODE_ERROR);
        }
        self.tickets += 1;
        let facts = TicketFacts {
            lifetime: body.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)),
            bytes: Some(body.len()),
            count: self.tickets,
        };
        let secret = SessionSecret::Tls13 {
            source,
            payload: body.into(),
            received,
        };
        Opened::Ticket(facts, Some(self.session(side, secret)))
    }

    fn read_key_update(&mut self, body: &[u8], last: bool, output: &mut Vec<u8>) -> Opened {
        let request = match body {
            [0] => false,
            [1] => true,
            _ => return violation("bad KeyUpdate", 47),
        };
        if !last {
            return violation("handshake bytes behind KeyUpdate", ALERT_UNEXPECTED_MESSAGE);
        }
        let updated = self
            .kernel
            .update_receiving()
            .and_then(|(sequence, secrets)| Opener::new(self.suite, sequence, secrets));
        match updated {
            Ok(opener) => self.opener = opener,
            Err(error) => return violation(&format!("no new receiving key: {error}"), ALERT_INTERNAL_ERROR),
        }
        if request {
            match self.update_sending(false) {
                Ok(record) => output.extend(record),
                Err(reason) => return violation(&reason, ALERT_INTERNAL_ERROR),
            }
        }
        Opened::KeyUpdate
    }
}
