//! TLS bytes that are readable without keys, for probes that a TLS library cannot or will not make.
//!
//! Hand-made ClientHello messages, the records around them, and what a server says first (RFC 5246, 6066, 6101, 7301,
//! 7507, 8446). Reads and writes plaintext records only: no keys, no encryption, no certificates; real handshakes are
//! in `tls`.

mod answer;
mod cursor;
mod flight;
mod handshake;
mod hello;
mod names;
mod record;
pub mod suites;

pub use answer::{HelloAnswer, last_hello_answer, parse_hello_answer};
pub use flight::{FlightKind, ServerFlight, parse_server_flight};
pub use handshake::{
    ClientHello, HandshakeItem, HandshakeWalker, MESSAGE_LIMIT, ServerHello, downgrade_sentinel,
    encode_server_hello, parse_client_hello, parse_server_hello,
};
pub use hello::{HelloSpec, sslv2_client_hello};
pub use names::{
    alert_by_name, alert_name, content_type_name, extension_name, group_by_name, group_name, handshake_name,
    known_alert_name, suite_name, version_by_name, version_name,
};
pub use record::{
    Record, RecordError, RecordHeader, RecordReader, encode_alert, encode_record, looks_like_tls,
};

/// Record content types, RFC 8446 section 5.1.
pub mod content_type {
    /// Marks the change to new keys (TLS 1.2), or nothing (TLS 1.3).
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    /// Warnings, errors and `close_notify`.
    pub const ALERT: u8 = 21;
    /// Handshake messages.
    pub const HANDSHAKE: u8 = 22;
    /// Data; in TLS 1.3 everything that is encrypted.
    pub const APPLICATION_DATA: u8 = 23;
    /// RFC 6520.
    pub const HEARTBEAT: u8 = 24;
}

/// Handshake message types, RFC 8446 section 4 and RFC 5246 section 7.4.
pub mod handshake_type {
    /// Asks a client to renegotiate (TLS 1.2).
    pub const HELLO_REQUEST: u8 = 0;
    /// The first message of a client.
    pub const CLIENT_HELLO: u8 = 1;
    /// The first message of a server; in TLS 1.3 a HelloRetryRequest too.
    pub const SERVER_HELLO: u8 = 2;
    /// A ticket.
    pub const NEW_SESSION_TICKET: u8 = 4;
    /// A certificate chain.
    pub const CERTIFICATE: u8 = 11;
    /// The parameters of an ephemeral key exchange (TLS 1.2).
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    /// A server asks for a certificate.
    pub const CERTIFICATE_REQUEST: u8 = 13;
    /// The server is done (TLS 1.2).
    pub const SERVER_HELLO_DONE: u8 = 14;
    /// The last message of a handshake.
    pub const FINISHED: u8 = 20;
}

/// Extension numbers that this module reads or writes, IANA registry.
pub mod extension {
    /// RFC 6066.
    pub const SERVER_NAME: u16 = 0;
    /// RFC 8446 (RFC 8422: elliptic curves).
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// RFC 8422.
    pub const EC_POINT_FORMATS: u16 = 11;
    /// RFC 8446.
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// RFC 6066.
    pub const TRUNCATED_HMAC: u16 = 4;
    /// RFC 7301.
    pub const ALPN: u16 = 16;
    /// RFC 7685.
    pub const PADDING: u16 = 21;
    /// RFC 7366.
    pub const ENCRYPT_THEN_MAC: u16 = 22;
    /// RFC 7627.
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    /// RFC 5077.
    pub const SESSION_TICKET: u16 = 35;
    /// RFC 8446.
    pub const PRE_SHARED_KEY: u16 = 41;
    /// RFC 8446.
    pub const EARLY_DATA: u16 = 42;
    /// RFC 8446.
    pub const SUPPORTED_VERSIONS: u16 = 43;
    /// RFC 8446.
    pub const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    /// RFC 8446.
    pub const KEY_SHARE: u16 = 51;
    /// RFC 5746.
    pub const RENEGOTIATION_INFO: u16 = 65281;
}

/// Feeds any bytes to all readers of this module and checks what must hold for all of them: no panic, the same outcome however
/// the bytes are cut. For fuzzing and property tests.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    let whole = walk_in_pieces(data, data.len().max(1));
    for size in [1, 3, 16] {
        assert_eq!(whole, walk_in_pieces(data, size), "pieces of {size} bytes");
    }
    for item in whole.iter().flatten() {
        if let HandshakeItem::Message { body, .. } = item {
            fuzz_hellos(body);
        }
    }
    fuzz_hellos(data);
    fuzz_flight(data);
    if let Ok(Some(answer)) = parse_hello_answer(data) {
        assert_eq!(last_hello_answer(data), Ok(answer));
    }
    let _ = last_hello_answer(data);
}

/// What a flight says of its beginning stays true when more of it arrives.
fn fuzz_flight(data: &[u8]) {
    let whole = parse_server_flight(data);
    let half = parse_server_flight(data.get(..data.len() / 2).unwrap_or_default());
    if half.is_complete {
        assert_eq!(half, whole, "a complete flight changed");
    }
}

fn fuzz_hellos(body: &[u8]) {
    if let Ok(hello) = parse_server_hello(body) {
        let _ = (hello.version(), hello.alpn(), hello.group(), hello.is_retry());
        let again = encode_server_hello(&hello);
        assert_eq!(parse_server_hello(again.get(4..).unwrap_or_default()), Ok(hello));
    }
    if let Ok(hello) = parse_client_hello(body) {
        let _ = (
            hello.sni(),
            hello.alpn(),
            hello.supported_versions(),
            hello.groups(),
        );
        let _ = (
            hello.signature_schemes(),
            hello.session_ticket(),
            hello.psk_identities(),
        );
    }
}

/// All outcomes of `data` in pieces of `size` bytes, an error as its name.
fn walk_in_pieces(
    data: &[u8],
    size: usize,
) -> Vec<Result<HandshakeItem, std::mem::Discriminant<RecordError>>> {
    let mut walker = HandshakeWalker::new(1000);
    let mut items = Vec::new();
    for piece in data.chunks(size) {
        walker.push(piece);
        while let Some(item) = walker.next().transpose() {
            // What is quoted of something that is not TLS is what there is at that moment.
            let item = item.map_err(|error| std::mem::discriminant(&error));
            let is_error = item.is_err();
            items.push(item);
            if is_error {
                return items;
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_tls_or_an_error(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            fuzz_entry(&data);
        }

        #[test]
        fn any_payloads_in_records_are_read(
            records in proptest::collection::vec(
                (20..25_u8, proptest::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..60)), 0..6,
            ),
        ) {
            let bytes: Vec<u8> = records
                .iter()
                .flat_map(|(kind, payload)| encode_record(*kind, 0x0303, payload))
                .collect();
            fuzz_entry(&bytes);
        }

        #[test]
        fn a_hello_with_one_byte_changed_is_read_or_refused(index in 0..400_usize, byte: u8) {
            let mut bytes = HelloSpec::for_version(0x0304).with_sni("a.example").with_alpn(&["ftp"]).encode();
            if let Some(place) = bytes.get_mut(index) {
                *place = byte;
            }
            fuzz_entry(&bytes);
        }
    }
}
