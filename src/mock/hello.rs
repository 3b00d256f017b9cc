//! TLS handshakes of the embedded server, on control and data connections: the ClientHello is looked at first.
//!
//! Refuses names that the server does not go by (RFC 6066 section 3, RFC 9325 section 3.7) and makes the mistakes that
//! show in the first answer. The handshake itself is the business of `tls`.

mod answer;
mod by_hand;

use std::time::Duration;

use super::server::Shared;
use super::{Fault, Habit};
use crate::tls::{OfferedSession, ServerFaults, ServerOptions};
use crate::trace::{HandshakeFacts, HandshakeFailure, TlsVersion};
use crate::transport::{Incoming, Link, TcpClose};
use crate::wire::tls_record::{
    ClientHello, HandshakeItem, HandshakeWalker, RecordError, encode_alert, handshake_type, looks_like_tls,
    parse_client_hello,
};
use answer::{WrongAnswer, wrong_answer};
use by_hand::HandMade;

/// The most bytes of a ClientHello that are looked at; longer ones are left to TLS.
const HELLO_LIMIT: usize = 64 * 1024;
/// As good as no time-out; for faults.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);
/// SSL 3.0 and TLS 1.0 to 1.3 on the wire.
const SSL3: u16 = 0x0300;
const TLS10: u16 = 0x0301;
const TLS11: u16 = 0x0302;
const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;
/// Eight days, in seconds; RFC 8446 section 4.6.1 allows seven.
const LONG_LIFETIME: u32 = 691_200;
/// Alert `unrecognized_name`, RFC 6066.
const UNRECOGNIZED_NAME: u8 = 112;
/// Early data that a fault allows, in bytes.
const EARLY_DATA: u32 = 16_384;
/// Header of a record and of a handshake message.
const HEADERS: usize = 5 + 4;

/// Which connection a handshake is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The control connection.
    Control,
    /// The control connection behind AUTH SSL.
    ControlBehindAuthSsl,
    /// A data connection.
    Data,
}

/// The first bytes of a client, and what they mean.
#[derive(Debug)]
pub(super) struct Hello {
    /// As received; the handshake needs them.
    pub(super) bytes: Vec<u8>,
    /// The ClientHello, when they are one.
    pub(super) parsed: Option<ClientHello>,
    /// It came in a record that is longer than TLS allows.
    is_oversize: bool,
}

impl Hello {
    /// Whether the client speaks clear text where TLS is due.
    pub(super) fn is_clear_text(&self) -> bool {
        looks_like_tls(&self.bytes) == Some(false)
    }

    fn new(bytes: Vec<u8>, parsed: Option<ClientHello>) -> Self {
        Self {
            bytes,
            parsed,
            is_oversize: false,
        }
    }

    /// The version in the header of the first record.
    fn record_version(&self) -> Option<u16> {
        let header: &[u8; 3] = self.bytes.first_chunk()?;
        Some(u16::from_be_bytes([header[1], header[2]]))
    }
}

/// A finished handshake and the label of the session that was resumed.
pub(super) type Secured = (HandshakeFacts, Option<u64>);

/// Reads until the ClientHello is whole, or the bytes are none.
///
/// # Errors
///
/// The connection ended first, or the deadline passed.
pub(super) async fn read_hello(link: &mut Link, deadline: Duration) -> Result<Hello, HandshakeFailure> {
    match tokio::time::timeout(deadline, collect_hello(link)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failure("no ClientHello in time")),
    }
}

async fn collect_hello(link: &mut Link) -> Result<Hello, HandshakeFailure> {
    let mut bytes = Vec::new();
    let mut walker = HandshakeWalker::default();
    loop {
        match link.receive().await {
            Incoming::Bytes(more) => {
                walker.push(&more);
                bytes.extend_from_slice(&more);
            }
            Incoming::Fin => return Err(failure("the peer closed before a ClientHello")),
            Incoming::Reset => return Err(failure("the peer reset the connection before a ClientHello")),
            _ => {}
        }
        if looks_like_tls(&bytes) == Some(false) || bytes.len() > HELLO_LIMIT {
            return Ok(Hello::new(bytes, None));
        }
        match walker.next() {
            Ok(None) => {}
            Ok(Some(HandshakeItem::Message { kind, body })) if kind == handshake_type::CLIENT_HELLO => {
                let parsed = parse_client_hello(&body).ok();
                return Ok(Hello::new(bytes, parsed));
            }
            Err(RecordError::TooLong(_)) => {
                return Ok(Hello {
                    is_oversize: true,
                    ..Hello::new(bytes, None)
                });
            }
            Ok(Some(_)) | Err(_) => return Ok(Hello::new(bytes, None)),
        }
    }
}

/// A handshake as TLS server, whoever opened the TCP connection (RFC 4217 section 7).
///
/// # Errors
///
/// The failure; an alert was sent where the peer speaks TLS.
pub(super) async fn accept_tls(
    link: &mut Link,
    shared: &Shared,
    place: Place,
    options: &ServerOptions,
) -> Result<Secured, HandshakeFailure> {
    let deadline = hello_deadline(shared, Fault::WaitsForEverForAHello);
    let hello = read_hello(link, deadline).await?;
    finish_tls(link, shared, place, options, &hello).await
}

/// How long a ClientHello may take, with the fault that gives it all the time there is.
pub(super) fn hello_deadline(shared: &Shared, fault: Fault) -> Duration {
    if shared.has(fault) {
        FOR_EVER
    } else {
        shared.options.handshake_timeout
    }
}

/// The rest of [`accept_tls`], when the ClientHello was read already.
///
/// # Errors
///
/// As [`accept_tls`].
pub(super) async fn finish_tls(
    link: &mut Link,
    shared: &Shared,
    place: Place,
    options: &ServerOptions,
    hello: &Hello,
) -> Result<Secured, HandshakeFailure> {
    let deadline = shared.options.handshake_timeout;
    if hello.is_oversize && shared.has(Fault::AcceptsOversizeRecords) {
        return answer_oversize(link, hello, deadline).await;
    }
    if let Some(client) = &hello.parsed {
        if let Some(answer) = wrong_answer(shared, place, client, hello.record_version()) {
            return answer_wrongly(link, answer, deadline).await;
        }
        let is_unknown = client
            .sni()
            .is_some_and(|name| !shared.options.serves_host(&name));
        // A server that resumes first and looks at the name afterwards never refuses the name.
        let ignores_name =
            shared.has(Fault::ServesAnyServerName) || shared.has(Fault::ResumesAcrossServerNames);
        if is_unknown && shared.has(Fault::WarnsOfUnknownServerNames) {
            send_warning(link, UNRECOGNIZED_NAME, deadline).await;
        } else if is_unknown && !ignores_name {
            return refuse(link, UNRECOGNIZED_NAME, "the server name is not ours", deadline).await;
        }
    }
    let mut options = ServerOptions {
        faults: tls_faults(shared, place),
        ..options.clone()
    };
    let offers_tls12 = hello.parsed.as_ref().is_some_and(|client| {
        let versions = client.supported_versions();
        versions.is_empty() || versions.contains(&TLS12)
    });
    if offers_tls12 && shared.has(Fault::PrefersTls12) {
        options.versions = Some(vec![TlsVersion::Tls12]);
    }
    options.never_resume |= place == Place::Data && shared.does(Habit::DoesNotResumeOnData);
    if shared.does(Habit::IgnoresAlpn) {
        options.alpn = Some(Vec::new());
    }
    let context = match place {
        Place::Control | Place::ControlBehindAuthSsl => &shared.tls,
        Place::Data => shared.lenient_tls.as_ref().unwrap_or(&shared.tls),
    };
    link.start_tls_server(context, &options, &hello.bytes, deadline)
        .await
}

async fn answer_wrongly(
    link: &mut Link,
    answer: WrongAnswer,
    deadline: Duration,
) -> Result<Secured, HandshakeFailure> {
    match answer {
        WrongAnswer::Alert(alert) => refuse(link, alert, "this hello is not wanted", deadline).await,
        WrongAnswer::Reset => {
            link.close(TcpClose::Reset);
            Err(failure("this hello is not wanted"))
        }
        WrongAnswer::Hello(answer) => {
            send_last(link, &answer.encode(), deadline).await;
            Err(failure("the handshake ends behind a ServerHello made by hand"))
        }
    }
}

/// Answers the ClientHello of a record that is too long, as if it were not.
async fn answer_oversize(
    link: &mut Link,
    hello: &Hello,
    deadline: Duration,
) -> Result<Secured, HandshakeFailure> {
    let mut bytes = hello.bytes.clone();
    let rest = async {
        while let Some(length) = record_length(&bytes).filter(|length| bytes.len() < *length) {
            match link.receive().await {
                Incoming::Bytes(more) => bytes.extend(more),
                Incoming::Fin | Incoming::Reset => return bytes.truncate(length),
                _ => {}
            }
        }
    };
    if tokio::time::timeout(deadline, rest).await.is_err() {
        return Err(failure("half a record beyond all limits"));
    }
    match parse_client_hello(bytes.get(HEADERS..).unwrap_or_default()) {
        Ok(client) => answer_wrongly(link, HandMade::proper(&client).into(), deadline).await,
        Err(_) => Err(failure("a record beyond all limits, and no ClientHello in it")),
    }
}

/// The mistakes that are made inside TLS.
fn tls_faults(shared: &Shared, place: Place) -> ServerFaults {
    let is_data = place == Place::Data;
    ServerFaults {
        resumes_forged_tickets: shared.has(Fault::ResumesForgedTickets),
        resumes_across_names: shared.has(Fault::ResumesAcrossServerNames),
        early_data: shared.has(Fault::GrantsEarlyData).then_some(EARLY_DATA),
        accepts_renegotiation: shared.has(Fault::AcceptsLegacyRenegotiation),
        accepts_second_renegotiation: shared.has(Fault::AcceptsRepeatedRenegotiation),
        ticket_lifetime: shared
            .has(Fault::AnnouncesLongTicketLifetime)
            .then_some(LONG_LIFETIME),
        abort_when_offered: OfferedSession {
            session_id: is_data && shared.has(Fault::AbortsOnSessionId),
            tls12_ticket: is_data && shared.has(Fault::AbortsOnTls12Ticket),
            psk: is_data && shared.has(Fault::AbortsOnPsk),
        },
    }
}

/// A fatal alert in clear, and the end of the connection.
async fn refuse(
    link: &mut Link,
    alert: u8,
    reason: &str,
    deadline: Duration,
) -> Result<Secured, HandshakeFailure> {
    send_last(link, &encode_alert(TLS12, 2, alert), deadline).await;
    Err(failure(reason))
}

/// Length of the first record with its header.
fn record_length(bytes: &[u8]) -> Option<usize> {
    let header: &[u8; 5] = bytes.first_chunk()?;
    Some(5 + usize::from(u16::from_be_bytes([header[3], header[4]])))
}

/// An alert of level warning, which a server must not send here. When the peer is gone, nobody misses it.
async fn send_warning(link: &mut Link, alert: u8, deadline: Duration) {
    drop(link.send_clear(&encode_alert(TLS12, 1, alert), deadline).await);
}

/// Sends the last bytes of a connection. When the peer is gone, nobody misses them.
async fn send_last(link: &mut Link, bytes: &[u8], deadline: Duration) {
    if link.send_clear(bytes, deadline).await.is_ok() {
        link.close(TcpClose::Fin);
    }
}

fn failure(reason: &str) -> HandshakeFailure {
    HandshakeFailure {
        reason: reason.to_owned(),
        alert: None,
        plaintext: None,
    }
}
