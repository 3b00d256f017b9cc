//! What a server says in clear behind its ServerHello, up to TLS 1.2 (RFC 5246 section 7.3, RFC 7627 section 5.3).
//!
//! Tells a full handshake from an abbreviated one, and how strong its finite-field group is. Checks no signature and no
//! order; in TLS 1.3 nothing behind the ServerHello can be read.

use super::cursor::Cursor;
use super::handshake::{HandshakeItem, HandshakeWalker};
use super::handshake_type;
use super::suites;

/// The longest message of a flight that is joined, in bytes: a chain of certificates.
const MESSAGE_LIMIT: usize = 1 << 17;

/// Which kind of handshake the bytes of a server are the beginning of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlightKind {
    /// Not to be told yet.
    #[default]
    Unknown,
    /// With certificates, or a key exchange: full.
    Full,
    /// ChangeCipherSpec follows at once (a ticket may stand between): abbreviated.
    Abbreviated,
}

/// The first flight of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerFlight {
    /// Full or abbreviated.
    pub kind: FlightKind,
    /// Bits of the prime of an ephemeral finite-field key exchange.
    pub dh_bits: Option<u32>,
    /// Whether the flight is over: nothing that follows changes what is said here.
    pub is_complete: bool,
}

/// Reads all the bytes that a server sent so far. Total; bytes that are not TLS end the flight.
#[must_use]
pub fn parse_server_flight(bytes: &[u8]) -> ServerFlight {
    let mut walker = HandshakeWalker::new(MESSAGE_LIMIT);
    walker.push(bytes);
    let mut flight = ServerFlight::default();
    let mut suite = None;
    loop {
        let item = match walker.next() {
            Ok(Some(item)) => item,
            Ok(None) => return flight,
            Err(_) => {
                flight.is_complete = true;
                return flight;
            }
        };
        match item {
            HandshakeItem::Message { kind, body } => match kind {
                handshake_type::SERVER_HELLO => {
                    let Ok(hello) = super::parse_server_hello(&body) else {
                        flight.is_complete = true;
                        return flight;
                    };
                    suite = Some(hello.suite);
                    if hello.version() >= 0x0304 {
                        flight.is_complete = true;
                        return flight;
                    }
                }
                handshake_type::CERTIFICATE => flight.kind = FlightKind::Full,
                handshake_type::SERVER_KEY_EXCHANGE => {
                    flight.kind = FlightKind::Full;
                    if suite.is_some_and(uses_finite_field) {
                        flight.dh_bits = prime_bits(&body);
                    }
                }
                handshake_type::SERVER_HELLO_DONE => {
                    flight.is_complete = true;
                    return flight;
                }
                _ => {}
            },
            HandshakeItem::Alert { level: 1, .. } => {}
            HandshakeItem::ChangeCipherSpec => {
                if suite.is_some() && flight.kind == FlightKind::Unknown {
                    flight.kind = FlightKind::Abbreviated;
                }
                flight.is_complete = true;
                return flight;
            }
            HandshakeItem::Alert { .. } | HandshakeItem::Encrypted { .. } => {
                flight.is_complete = true;
                return flight;
            }
        }
    }
}

fn uses_finite_field(suite: u16) -> bool {
    suites::DHE.contains(&suite) || suites::FINITE_FIELD_ANONYMOUS.contains(&suite)
}

/// The length of `dh_p` in bits, RFC 5246 section 7.4.3.
fn prime_bits(body: &[u8]) -> Option<u32> {
    let prime = Cursor::new(body).vec16()?;
    let first = prime.iter().position(|byte| *byte != 0)?;
    let rest = prime.get(first..)?;
    let leading = rest.first()?.leading_zeros();
    u32::try_from(rest.len())
        .ok()?
        .checked_mul(8)?
        .checked_sub(leading)
}

#[cfg(test)]
mod tests {
    use super::super::{ServerHello, content_type, encode_alert, encode_record, encode_server_hello};
    use super::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![kind];
        message.extend_from_slice(&super::super::cursor::u24(body.len()));
        message.extend_from_slice(body);
        encode_record(content_type::HANDSHAKE, 0x0303, &message)
    }

    fn hello(suite: u16) -> Vec<u8> {
        let hello = ServerHello {
            legacy_version: 0x0303,
            random: [1; 32],
            session_id: vec![5],
            suite,
            compression: 0,
            extensions: Vec::new(),
        };
        encode_record(content_type::HANDSHAKE, 0x0303, &encode_server_hello(&hello))
    }

    #[test]
    fn the_prime_of_a_finite_field_group_is_measured() {
        let mut exchange = vec![0, 128, 0x40];
        exchange.extend([7; 127]);
        exchange.extend([0, 1, 2]);
        let bytes = [hello(0x009e), record(12, &exchange), record(14, &[])].concat();
        let flight = parse_server_flight(&bytes);
        assert_eq!(flight.dh_bits, Some(1023));
        assert_eq!(flight.kind, FlightKind::Full);
        assert!(flight.is_complete);
        let elliptic = [hello(0xc02f), record(12, &exchange)].concat();
        assert_eq!(parse_server_flight(&elliptic).dh_bits, None);
    }

    #[test]
    fn an_abbreviated_handshake_shows_in_the_change_of_keys() {
        let change = encode_record(content_type::CHANGE_CIPHER_SPEC, 0x0303, &[1]);
        let ticket = record(4, &[0, 0, 0, 1, 0, 1, 9]);
        for between in [Vec::new(), ticket] {
            let bytes = [hello(0xc02f), between, change.clone()].concat();
            assert_eq!(parse_server_flight(&bytes).kind, FlightKind::Abbreviated);
        }
        let full = [hello(0xc02f), record(11, &[0, 0, 0])].concat();
        let flight = parse_server_flight(&full);
        assert_eq!((flight.kind, flight.is_complete), (FlightKind::Full, false));
        let alert = parse_server_flight(&encode_alert(0x0303, 2, 40));
        assert_eq!((alert.kind, alert.is_complete), (FlightKind::Unknown, true));
    }
}
