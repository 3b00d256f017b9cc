//! Which wrong first answer a fault gives to a ClientHello.
//!
//! Decides only; `by_hand` makes the bytes. One fault is one mistake: whatever else such an answer says is right.

use super::by_hand::HandMade;
use super::{Place, SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::mock::Fault;
use crate::mock::server::Shared;
use crate::wire::tls_record::{ClientHello, extension, suites};

/// Alerts, RFC 8446 section 6.
const HANDSHAKE_FAILURE: u8 = 40;
const DECODE_ERROR: u8 = 50;
const PROTOCOL_VERSION: u8 = 70;
/// SHA-1 signature schemes.
const SHA1: &[u16] = &[0x0201, 0x0202, 0x0203];

/// A wrong first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WrongAnswer {
    /// A fatal alert.
    Alert(u8),
    /// RST.
    Reset,
    /// A hello made by hand; the handshake ends there.
    Hello(Box<HandMade>),
}

/// What a fault answers to this hello; none for a fault that is none of this hello's business.
pub(super) fn wrong_answer(
    shared: &Shared,
    place: Place,
    client: &ClientHello,
    record_version: Option<u16>,
) -> Option<WrongAnswer> {
    refused(shared, client, record_version)
        .or_else(|| old_hello(shared, place, client).map(|version| HandMade::of_version(client, version)))
        .or_else(|| accepted_suites(shared, place, client))
        .or_else(|| resumed(shared, place, client))
        .or_else(|| altered(shared, client))
}

/// Faults that refuse what must be taken.
fn refused(shared: &Shared, client: &ClientHello, record_version: Option<u16>) -> Option<WrongAnswer> {
    let offers_ftp = client.alpn().iter().any(|name| name == "ftp");
    let faults = [
        (Fault::AbortsOnAlpnFtp, HANDSHAKE_FAILURE, offers_ftp),
        (
            Fault::RefusesHelloWithoutSni,
            HANDSHAKE_FAILURE,
            client.sni().is_none(),
        ),
        (
            Fault::AbortsOnUnknownExtensions,
            DECODE_ERROR,
            has_unknown_extension(client),
        ),
        (
            Fault::AbortsOnUnknownVersions,
            PROTOCOL_VERSION,
            has_unknown_version(client),
        ),
        (
            Fault::RefusesOtherRecordVersions,
            PROTOCOL_VERSION,
            record_version != Some(TLS12),
        ),
    ];
    let mut met = faults
        .into_iter()
        .filter(|(fault, _, is_met)| *is_met && shared.has(*fault));
    if let Some((_, alert, _)) = met.next() {
        return Some(WrongAnswer::Alert(alert));
    }
    (shared.has(Fault::ResetsFailedHandshakes) && has_no_known_suite(client)).then_some(WrongAnswer::Reset)
}

/// The numbers of RFC 8701.
fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && high & 0x0f == 0x0a
}

fn has_unknown_extension(client: &ClientHello) -> bool {
    client.extensions.iter().any(|(number, _)| is_grease(*number))
}

fn has_unknown_version(client: &ClientHello) -> bool {
    let known = SSL3..=TLS13;
    let versions = client.supported_versions();
    versions.iter().any(|version| !known.contains(version)) || !known.contains(&client.legacy_version)
}

fn has_no_known_suite(client: &ClientHello) -> bool {
    client
        .suites
        .iter()
        .all(|suite| suites::UNASSIGNED.contains(suite))
}

/// TLS 1.0 or 1.1, when that is the newest the client has.
pub(super) fn old_version(client: &ClientHello) -> Option<u16> {
    let offered = client.supported_versions();
    let newest = offered
        .into_iter()
        .filter(|version| (TLS10..=TLS13).contains(version))
        .max()
        .unwrap_or(client.legacy_version);
    matches!(newest, TLS10 | TLS11).then_some(newest)
}

fn old_hello(shared: &Shared, place: Place, client: &ClientHello) -> Option<u16> {
    let fault = match place {
        Place::Control | Place::ControlBehindAuthSsl => Fault::AcceptsTls10,
        Place::Data => Fault::AcceptsTls10OnData,
    };
    if shared.has(fault) {
        return old_version(client);
    }
    if place == Place::ControlBehindAuthSsl && shared.has(Fault::NegotiatesSsl3BehindAuthSsl) {
        return Some(SSL3);
    }
    (shared.has(Fault::AcceptsSsl3) && client.legacy_version == SSL3).then_some(SSL3)
}

/// Faults that take suites or signatures that nobody should take: the hello offers these and no others.
fn accepted_suites(shared: &Shared, place: Place, client: &ClientHello) -> Option<WrongAnswer> {
    let offers_only = |lists: &[&[u16]]| {
        let mut offered = real_suites(client).peekable();
        offered.peek().is_some() && offered.all(|suite| lists.iter().any(|list| list.contains(&suite)))
    };
    let bad = [suites::NULL, suites::ANONYMOUS, suites::EXPORT, suites::RC4];
    let without_secrecy = [suites::STATIC_RSA, suites::STATIC_DH, suites::TRIPLE_DES];
    let first = || Some(HandMade::of_version(client, TLS12));
    if shared.has(Fault::AcceptsNullSuites) && offers_only(&bad) {
        return first();
    }
    let is_weak = || offers_only(&bad) || offers_only(&without_secrecy);
    if place == Place::Data && shared.has(Fault::AcceptsWeakSuitesOnData) && is_weak() {
        return first();
    }
    if shared.has(Fault::AcceptsStaticRsa) && offers_only(&without_secrecy) {
        return first();
    }
    if shared.has(Fault::AcceptsCbcSuites) && offers_only(&[suites::CBC]) {
        return first();
    }
    let schemes = client.signature_schemes();
    let has_only_sha1 = !schemes.is_empty() && schemes.iter().all(|scheme| SHA1.contains(scheme));
    if shared.has(Fault::AcceptsSha1Signatures) && has_only_sha1 {
        return first();
    }
    if shared.has(Fault::UsesShortDhGroup) && offers_only(&[suites::DHE]) {
        let mut answer = HandMade::proper(client);
        answer.has_short_group = true;
        return Some(answer.into());
    }
    None
}

/// The suites of a client without its signals.
fn real_suites(client: &ClientHello) -> impl Iterator<Item = u16> {
    let signals = [suites::RENEGOTIATION_SCSV, suites::FALLBACK_SCSV];
    client
        .suites
        .iter()
        .copied()
        .filter(move |suite| !signals.contains(suite))
}

/// Faults of resumption that show in the ServerHello.
fn resumed(shared: &Shared, place: Place, client: &ClientHello) -> Option<WrongAnswer> {
    let has = |fault| place == Place::Data && shared.has(fault);
    let offers_tls12_session = client.session_ticket().is_some_and(|ticket| !ticket.is_empty());
    let lacks_ems = client.extension(extension::EXTENDED_MASTER_SECRET).is_none();
    if has(Fault::ResumesWithoutExtendedMasterSecret) && offers_tls12_session && lacks_ems {
        let mut answer = HandMade::proper(client);
        answer.hello.session_id.clone_from(&client.session_id);
        answer.is_abbreviated = true;
        return Some(answer.into());
    }
    let offers_psk = !client.psk_identities().is_empty();
    (has(Fault::SelectsPskKe) && offers_psk).then(|| HandMade::psk_without_key_share(client).into())
}

/// Faults that show in one part of a ServerHello of TLS 1.2 that is right otherwise.
fn altered(shared: &Shared, client: &ClientHello) -> Option<WrongAnswer> {
    let versions = client.supported_versions();
    let wants_tls12 = if versions.is_empty() {
        client.legacy_version == TLS12
    } else {
        versions.contains(&TLS12) && !versions.contains(&TLS13)
    };
    if !wants_tls12 {
        return None;
    }
    let mut answer = HandMade::proper(client);
    let right = answer.clone();
    if shared.has(Fault::OmitsRenegotiationInfo) {
        answer.drop_extension(extension::RENEGOTIATION_INFO);
    }
    if shared.has(Fault::IgnoresExtendedMasterSecret) {
        answer.drop_extension(extension::EXTENDED_MASTER_SECRET);
    }
    if shared.has(Fault::OmitsDowngradeSentinel) {
        answer.hello.random = [0x5a; 32];
    }
    if shared.has(Fault::NegotiatesCompression) && client.compression.contains(&1) {
        answer.hello.compression = 1;
    }
    if shared.has(Fault::NegotiatesTruncatedHmac) && client.extension(extension::TRUNCATED_HMAC).is_some() {
        let echo = (extension::TRUNCATED_HMAC, Vec::new());
        answer.hello.extensions.push(echo);
    }
    if shared.has(Fault::FollowsClientSuiteOrder)
        && let Some(first) = real_suites(client).next()
    {
        answer.hello.suite = first;
    }
    (answer != right).then(|| answer.into())
}

impl From<HandMade> for WrongAnswer {
    fn from(answer: HandMade) -> Self {
        Self::Hello(Box::new(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls_record::{HandshakeItem, HandshakeWalker, HelloSpec, parse_client_hello};

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

    #[test]
    fn what_nobody_knows_is_seen() {
        let plain = hello(&HelloSpec::for_versions(&[TLS13, TLS12]));
        assert!(!has_unknown_extension(&plain) && !has_unknown_version(&plain));
        let grease = HelloSpec::for_versions(&[TLS13, TLS12]).with_grease();
        assert!(has_unknown_extension(&hello(&grease)));
        let future = HelloSpec::for_versions(&[TLS13]).with_higher_versions();
        assert!(has_unknown_version(&hello(&future)));
    }
}
