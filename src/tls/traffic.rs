//! A connection behind its handshake: opens and seals records, follows tickets and KeyUpdates (RFC 8446 section 4.6).

use std::collections::VecDeque;
use std::sync::Arc;

use rustls::{ContentType, Error, ExtractedSecrets, ProtocolVersion, SupportedCipherSuite};

use super::Session;
use super::client::ClientSide;
use super::connection::{Connection, Opened, Phase, Side};
use super::engine::Kernel;
use super::hello::early_data_of_ticket;
use super::names::alert_facts;
use super::record::{Framing, HEADER, MAX_PLAINTEXT, Opener, RecordProblem, Sealer, framing};
use super::reseal::{RecordKey, RecordWatch, Rewrite};
use super::session::{SessionOrigin, SessionSecret, TicketSource, Tls12Offer};
use super::tap::{Tls12Ticket, handshake_message};
use super::trust::now;
use crate::base::{Masker, escape_peer};
use crate::trace::TicketFacts;
use crate::wire::tls_record::{ServerHello, encode_server_hello};

/// Handshake bytes kept at most while a message is incomplete.
const MESSAGE_LIMIT: usize = 128 * 1024;
/// Bytes of a received record that are needed to seal it again: header and explicit nonce.
const START: usize = HEADER + 8;
const MESSAGE_HELLO_REQUEST: u8 = 0;
const MESSAGE_CLIENT_HELLO: u8 = 1;
const MESSAGE_SERVER_HELLO: u8 = 2;
const MESSAGE_NEW_SESSION_TICKET: u8 = 4;
const MESSAGE_KEY_UPDATE: u8 = 24;
const NOT_FINISHED: &str = "the handshake is not finished";
const ALERT_UNEXPECTED_MESSAGE: u8 = 10;
const ALERT_RECORD_OVERFLOW: u8 = 22;
const ALERT_ILLEGAL_PARAMETER: u8 = 47;
const ALERT_DECODE_ERROR: u8 = 50;
const ALERT_INTERNAL_ERROR: u8 = 80;
const ALERT_NO_RENEGOTIATION: u8 = 100;

/// The state after the handshake.
pub(super) struct Traffic {
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
    /// Requests to renegotiate that were answered with no_renegotiation.
    refused_renegotiations: u32,
    handshake_ticket: Option<TicketFacts>,
    new_sessions: Vec<Session>,
    /// Look for secrets in what is sent and what is received, when somebody asks for them.
    watches: Option<Box<Watches>>,
    /// What comes is no TLS any more.
    dead: bool,
}

/// One watch for each direction.
struct Watches {
    sent: RecordWatch,
    received: RecordWatch,
}

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
        self.input.room()
    }

    /// The buffer of received bytes: what was appended last stands at its end.
    #[must_use]
    pub fn newest_input(&self) -> &[u8] {
        self.input.all()
    }

    /// Looks for the secrets of `masker` in the records behind the handshake; to be called before it is finished. What
    /// it finds is in [`Self::take_rewrites`].
    pub fn watch_for(&mut self, masker: &Masker) {
        self.watched = (masker.longest() > 0).then(|| masker.clone());
    }

    /// Records, sent and received, that hold a watched secret, with the secret masked; once.
    pub fn take_rewrites(&mut self) -> (Vec<Rewrite>, Vec<Rewrite>) {
        match &mut self.phase {
            Phase::Open(traffic) => match &mut traffic.watches {
                Some(watches) => (watches.sent.take(), watches.received.take()),
                None => (Vec::new(), Vec::new()),
            },
            _ => (Vec::new(), Vec::new()),
        }
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

    /// How many records of application data without content were opened.
    #[must_use]
    pub fn empty_records(&self) -> u32 {
        self.empty_records
    }

    /// Whether the handshake is finished and made TLS 1.3.
    #[must_use]
    pub fn is_tls13(&self) -> bool {
        matches!(&self.phase, Phase::Open(traffic) if traffic.tls13)
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
                    return Some(violation(
                        &format!("record of {length} bytes"),
                        ALERT_RECORD_OVERFLOW,
                    ));
                }
            };
            let (kind, content) = match traffic.open(self.input.take(length)) {
                Ok(opened) => opened,
                Err(RecordProblem { reason, alert }) => return Some(Opened::Violation { reason, alert }),
            };
            match kind {
                ContentType::ApplicationData => {
                    self.empty_records = self.empty_records.saturating_add(u32::from(content.is_empty()));
                    return Some(Opened::Data(content.to_vec()));
                }
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
            match traffic.open(self.input.take(length)) {
                Ok((ContentType::ApplicationData, content)) => {
                    self.empty_records = self.empty_records.saturating_add(u32::from(content.is_empty()));
                    data.extend_from_slice(content);
                }
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

    /// Seals any record: `kind` is its type on the wire (20 to 24), `content` what it holds.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_any(&mut self, kind: u8, content: &[u8]) -> Result<Vec<u8>, String> {
        let record = self.traffic()?.seal(ContentType::from(kind), content)?;
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

/// A ServerHello of TLS 1.2 with nothing in it, for a fault.
fn renegotiating_hello() -> Vec<u8> {
    encode_server_hello(&ServerHello {
        legacy_version: 0x0303,
        random: [0x5a; 32],
        session_id: Vec::new(),
        suite: 0xc02f,
        compression: 0,
        extensions: Vec::new(),
    })
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
    /// What came as early data is read first.
    pub(super) fn take_early(&mut self, early: &mut Vec<u8>) {
        if !early.is_empty() {
            self.waiting.push_back(Opened::Data(std::mem::take(early)));
        }
    }

    pub(super) fn new(
        suite: SupportedCipherSuite,
        version: ProtocolVersion,
        secrets: ExtractedSecrets,
        kernel: Kernel,
        watched: Option<&Masker>,
    ) -> Result<Self, Error> {
        let ExtractedSecrets { tx, rx } = secrets;
        let tls13 = version == ProtocolVersion::TLSv1_3;
        let watches = watched.map(|masker| {
            Box::new(Watches {
                sent: RecordWatch::new(masker.clone(), RecordKey::new(&tx.1, tls13)),
                received: RecordWatch::new(masker.clone(), RecordKey::new(&rx.1, tls13)),
            })
        });
        Ok(Self {
            suite,
            tls13,
            sealer: Sealer::new(suite, tx.0, tx.1)?,
            opener: Opener::new(suite, rx.0, rx.1)?,
            kernel,
            source: None,
            handshake: Vec::new(),
            waiting: VecDeque::new(),
            sessions: 0,
            tickets: 0,
            refused_renegotiations: 0,
            handshake_ticket: None,
            new_sessions: Vec::new(),
            watches,
            dead: false,
        })
    }

    /// What the handshake already brought a client: the means to read tickets, and the session of TLS 1.2.
    pub(super) fn adopt(
        &mut self,
        side: &ClientSide,
        ticket: Option<&Tls12Ticket>,
        session_id: &[u8],
        resumed: bool,
    ) {
        if let Kernel::Client(kernel) = &self.kernel {
            self.source = Some(Arc::new(TicketSource {
                kernel: kernel.clone(),
                slot: side.slot.clone(),
                clock: side.clock.clone(),
            }));
        }
        if let Some(ticket) = ticket.filter(|_| !self.tls13) {
            self.tickets = 1;
            self.handshake_ticket = Some(TicketFacts {
                lifetime: Some(ticket.lifetime),
                early_data: None,
                bytes: Some(ticket.ticket.len()),
                count: 1,
            });
        }
        // A resumed handshake without a new ticket leaves the old session as it was.
        let renewed = !resumed || self.tickets > 0;
        if let Some(value) = side.slot.take_received12().filter(|_| renewed) {
            let offer = Tls12Offer {
                suite: u16::from(self.suite.suite()),
                session_id: session_id.to_vec(),
                ticket: ticket.map(|ticket| ticket.ticket.clone()).unwrap_or_default(),
            };
            let session = self.session(side, SessionSecret::Tls12(Box::new((value, offer))));
            self.new_sessions.push(session);
        }
    }

    fn seal(&mut self, kind: ContentType, content: &[u8]) -> Result<Vec<u8>, String> {
        let sequence = self.sealer.sequence();
        let record = self
            .sealer
            .seal(kind, content)
            .map_err(|error| format!("the record cannot be sealed: {error}"))?;
        if let Some(watches) = &mut self.watches {
            let data = (kind == ContentType::ApplicationData).then_some(content);
            watches.sent.saw(&record, record.len(), sequence, data);
        }
        Ok(record)
    }

    /// Opens one whole record in place.
    fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<(ContentType, &'a [u8]), RecordProblem> {
        let Some(watches) = &mut self.watches else {
            return self.opener.open(record);
        };
        let (length, sequence) = (record.len(), self.opener.sequence());
        let start = record.get(..START.min(length)).unwrap_or_default().to_vec();
        let opened = self.opener.open(record);
        let data = match &opened {
            Ok((ContentType::ApplicationData, content)) => Some(*content),
            _ => None,
        };
        watches.received.saw(&start, length, sequence, data);
        opened
    }

    fn update_sending(&mut self, request: bool) -> Result<Vec<u8>, String> {
        let message = [MESSAGE_KEY_UPDATE, 0, 0, 1, u8::from(request)];
        let record = self.seal(ContentType::Handshake, &message)?;
        let (sequence, secrets) = self
            .kernel
            .update_sending()
            .map_err(|error| format!("no new sending key: {error}"))?;
        if let Some(watches) = &mut self.watches {
            watches.sent.change_key(RecordKey::new(&secrets, self.tls13));
        }
        self.sealer = Sealer::new(self.suite, sequence, secrets)
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
            (false, MESSAGE_CLIENT_HELLO, Side::Server(side))
                if side.accepts_renegotiation(self.refused_renegotiations) =>
            {
                match self.seal(ContentType::Handshake, &renegotiating_hello()) {
                    Ok(record) => {
                        output.extend(record);
                        Opened::RenegotiationAccepted
                    }
                    Err(reason) => violation(&reason, ALERT_INTERNAL_ERROR),
                }
            }
            (false, MESSAGE_HELLO_REQUEST, Side::Client(_))
            | (false, MESSAGE_CLIENT_HELLO, Side::Server(_)) => {
                self.refused_renegotiations = self.refused_renegotiations.saturating_add(1);
                match self.seal(ContentType::Alert, &[1, ALERT_NO_RENEGOTIATION]) {
                    Ok(record) => {
                        output.extend(record);
                        Opened::RenegotiationRefused
                    }
                    Err(reason) => violation(&reason, ALERT_INTERNAL_ERROR),
                }
            }
            (false, MESSAGE_SERVER_HELLO, Side::Client(_)) => Opened::RenegotiationAccepted,
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
            early_data: early_data_of_ticket(body),
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
            _ => return violation("bad KeyUpdate", ALERT_ILLEGAL_PARAMETER),
        };
        if !last {
            return violation("handshake bytes behind KeyUpdate", ALERT_UNEXPECTED_MESSAGE);
        }
        let updated = self.kernel.update_receiving().and_then(|(sequence, secrets)| {
            if let Some(watches) = &mut self.watches {
                watches.received.change_key(RecordKey::new(&secrets, self.tls13));
            }
            Opener::new(self.suite, sequence, secrets)
        });
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
