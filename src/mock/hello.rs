//! TLS handshakes of the embedded server, on control and data connections: the ClientHello is looked at first.
//!
//! Refuses names that the server does not go by (RFC 6066 section 3, RFC 9325 section 3.7) and makes the mistakes that
//! show in the first answer. The handshake itself is the business of `tls`.

use std::time::Duration;

use super::Fault;
use super::server::Shared;
use crate::tls::{OfferedSession, ServerFaults, ServerOptions};
use crate::trace::{HandshakeFacts, HandshakeFailure, TlsVersion};
use crate::transport::{Incoming, Link, TcpClose};
use crate::wire::tls_record::{
    ClientHello, HandshakeItem, HandshakeWalker, content_type, encode_alert, encode_record, handshake_type,
    looks_like_tls, parse_client_hello, suites,
};

/// The most bytes of a ClientHello that are looked at; longer ones are left to TLS.
const HELLO_LIMIT: usize = 64 * 1024;
/// As good as no time-out; for faults.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);
/// Alert `handshake_failure`.
const HANDSHAKE_FAILURE: u8 = 40;
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

/// Which connection a handshake is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The control connection.
    Control,
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
}

impl Hello {
    /// Whether the client speaks clear text where TLS is due.
    pub(super) fn is_clear_text(&self) -> bool {
        looks_like_tls(&self.bytes) == Some(false)
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
            return Ok(Hello { bytes, parsed: None });
        }
        match walker.next() {
            Ok(None) => {}
            Ok(Some(HandshakeItem::Message { kind, body })) if kind == handshake_type::CLIENT_HELLO => {
                let parsed = parse_client_hello(&body).ok();
                return Ok(Hello { bytes, parsed });
            }
            Ok(Some(_)) | Err(_) => return Ok(Hello { bytes, parsed: None }),
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
    if let Some(client) = &hello.parsed {
        if accepts_old_version(shared, place, client) {
            let version = old_version(client).unwrap_or(TLS10);
            return answer_by_hand(link, client, version, deadline).await;
        }
        if let Some(answer) = wrong_answer(shared, client) {
            return answer_wrongly(link, client, answer, deadline).await;
        }
        let is_unknown = client
            .sni()
            .is_some_and(|name| !shared.options.serves_host(&name));
        // A server that resumes first and looks at the name afterwards never refuses the name.
        let ignores_name =
            shared.has(Fault::ServesAnyServerName) || shared.has(Fault::ResumesAcrossServerNames);
        if is_unknown && !ignores_name {
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
    let context = match place {
        Place::Control => &shared.tls,
        Place::Data => shared.lenient_tls.as_ref().unwrap_or(&shared.tls),
    };
    link.start_tls_server(context, &options, &hello.bytes, deadline)
        .await
}

fn accepts_old_version(shared: &Shared, place: Place, client: &ClientHello) -> bool {
    let fault = match place {
        Place::Control => Fault::AcceptsTls10,
        Place::Data => Fault::AcceptsTls10OnData,
    };
    shared.has(fault) && old_version(client).is_some()
}

/// TLS 1.0 or 1.1, when that is the newest the client has.
fn old_version(client: &ClientHello) -> Option<u16> {
    let offered = client.supported_versions();
    let newest = offered
        .into_iter()
        .filter(|version| (TLS10..=TLS13).contains(version))
        .max()
        .unwrap_or(client.legacy_version);
    matches!(newest, TLS10 | TLS11).then_some(newest)
}

/// A wrong first answer to a ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WrongAnswer {
    /// A fatal alert.
    Alert(u8),
    /// A ServerHello of that version, with the first suite of the client.
    ServerHello(u16),
}

/// What a fault answers to this hello, on control and data connections alike.
fn wrong_answer(shared: &Shared, client: &ClientHello) -> Option<WrongAnswer> {
    if shared.has(Fault::AbortsOnAlpnFtp) && client.alpn().iter().any(|name| name == "ftp") {
        return Some(WrongAnswer::Alert(HANDSHAKE_FAILURE));
    }
    if shared.has(Fault::RefusesHelloWithoutSni) && client.sni().is_none() {
        return Some(WrongAnswer::Alert(HANDSHAKE_FAILURE));
    }
    if shared.has(Fault::AcceptsSsl3) && client.legacy_version == SSL3 {
        return Some(WrongAnswer::ServerHello(SSL3));
    }
    let bad = [suites::NULL, suites::ANONYMOUS, suites::EXPORT, suites::RC4];
    let signals = [suites::RENEGOTIATION_SCSV, suites::FALLBACK_SCSV];
    let has_only_bad = client
        .suites
        .iter()
        .filter(|suite| !signals.contains(suite))
        .all(|suite| bad.iter().any(|list| list.contains(suite)));
    (shared.has(Fault::AcceptsNullSuites) && has_only_bad).then_some(WrongAnswer::ServerHello(TLS12))
}

async fn answer_wrongly(
    link: &mut Link,
    client: &ClientHello,
    answer: WrongAnswer,
    deadline: Duration,
) -> Result<Secured, HandshakeFailure> {
    match answer {
        WrongAnswer::Alert(alert) => refuse(link, alert, "this hello is not wanted", deadline).await,
        WrongAnswer::ServerHello(version) => answer_by_hand(link, client, version, deadline).await,
    }
}

/// Answers like a server that speaks what rustls does not, as far as the ServerHello; nothing behind it can be made.
async fn answer_by_hand(
    link: &mut Link,
    client: &ClientHello,
    version: u16,
    deadline: Duration,
) -> Result<Secured, HandshakeFailure> {
    let suite = client.suites.first().copied().unwrap_or(0x002f);
    let mut body = version.to_be_bytes().to_vec();
    body.extend_from_slice(&[0x5a; 32]);
    body.push(0);
    body.extend_from_slice(&suite.to_be_bytes());
    body.push(0);
    let mut message = vec![handshake_type::SERVER_HELLO, 0, 0];
    message.push(u8::try_from(body.len()).unwrap_or(u8::MAX));
    message.extend_from_slice(&body);
    let record = encode_record(content_type::HANDSHAKE, version, &message);
    send_last(link, &record, deadline).await;
    Err(failure("the handshake ends behind a ServerHello made by hand"))
}

/// The mistakes that are made inside TLS.
fn tls_faults(shared: &Shared, place: Place) -> ServerFaults {
    let is_data = place == Place::Data;
    ServerFaults {
        resumes_forged_tickets: shared.has(Fault::ResumesForgedTickets),
        resumes_across_names: shared.has(Fault::ResumesAcrossServerNames),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls_record::HelloSpec;

    fn hello(spec: &HelloSpec) -> ClientHello {
        let mut walker = HandshakeWalker::default();
        walker.push(&spec.encode());
        match walker.next() {
            Ok(Some(HandshakeItem::Message { body, .. })) => parse_client_hello(&body).unwrap(),
            other => panic!("expected a ClientHello, got {other:?}"),
        }
    }

    #[test]
    fn the_newest_version_of_a_hello_decides_whether_it_is_old() {
        assert_eq!(old_version(&hello(&HelloSpec::for_version(TLS10))), Some(TLS10));
        assert_eq!(old_version(&hello(&HelloSpec::for_version(TLS11))), Some(TLS11));
        assert_eq!(old_version(&hello(&HelloSpec::for_version(TLS12))), None);
        assert_eq!(
            old_version(&hello(&HelloSpec::for_versions(&[TLS13, TLS12]))),
            None
        );
        assert_eq!(old_version(&hello(&HelloSpec::for_version(0x0300))), None);
    }
}
