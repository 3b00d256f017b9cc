//! The handshake of a connection: whole records to the library, facts or a failure out of it.

use rustls::{Error, HandshakeKind as LibraryKind, ProtocolVersion, SupportedCipherSuite};

use super::client::ClientSide;
use super::connection::{Connection, HandshakeStep, Phase, Side};
use super::engine::{Engine, Progress};
use super::facts::chain_facts;
use super::input::Input;
use super::names::{alert_facts, alert_name, named_group, suite_name};
use super::record::{Framing, framing};
use super::server::ServerSide;
use super::tap::Tap;
use super::traffic::Traffic;
use super::trust::certificate_problem;
use crate::base::escape_peer;
use crate::trace::{AlertFacts, HandshakeFacts, HandshakeFailure, HandshakeKind, ResumedBy, TlsVersion};

/// Bytes kept at most while the ClientHello is incomplete.
const HELLO_LIMIT: usize = 128 * 1024;
const ALERT_HANDSHAKE_FAILURE: u8 = 40;
const ALERT_INTERNAL_ERROR: u8 = 80;
const ALERT_RECORD_OVERFLOW: u8 = 22;
const ALERT_UNEXPECTED_MESSAGE: u8 = 10;

impl Connection {
    pub(super) fn client(mut engine: Engine, side: ClientSide, early_data: &[u8]) -> Self {
        let mut output = Vec::new();
        let mut inbox = Vec::new();
        // The ClientHello; a failure here comes again with the first input.
        engine.start(early_data, &mut output);
        let _ = engine.advance(&mut inbox, &mut output, &mut Vec::new());
        let mut tap = Tap::default();
        tap.client(&output);
        Self {
            side: Side::Client(Box::new(side)),
            phase: Phase::Handshaking(engine, inbox),
            input: Input::default(),
            output,
            tap,
            sent_alert: None,
            empty_records: 0,
            early: Vec::new(),
            watched: None,
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
            empty_records: 0,
            early: Vec::new(),
            watched: None,
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
                    return self.fail(
                        format!("record of {length} bytes in the handshake"),
                        ALERT_RECORD_OVERFLOW,
                    );
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
            if self.tap.client_hello.is_none() && seen.len() < HELLO_LIMIT && record.first() == Some(&22) {
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
        let progress = engine.advance(inbox, &mut self.output, &mut self.early);
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
            Ok(mut traffic) => {
                traffic.take_early(&mut self.early);
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
            certificate: match &self.side {
                Side::Client(side) if !chain.is_empty() => Some(side.trust.account(chain, &side.name)),
                _ => None,
            },
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
        &self,
        engine: Engine,
        suite: SupportedCipherSuite,
        version: ProtocolVersion,
        facts: &HandshakeFacts,
    ) -> Result<Traffic, Error> {
        let (secrets, kernel) = engine.into_kernel()?;
        let mut traffic = Traffic::new(suite, version, secrets, kernel, self.watched.as_ref())?;
        if let Side::Client(side) = &self.side {
            let hello = self.tap.server_hello.as_ref();
            traffic.adopt(
                side,
                self.tap.tls12_ticket.as_ref(),
                hello.map_or(&[], |hello| hello.session_id.as_slice()),
                facts.kind == HandshakeKind::Resumed,
            );
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
