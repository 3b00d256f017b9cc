//! ServerHellos made by hand, for the mistakes that the TLS library does not make.
//!
//! RFC 5246 section 7.4, RFC 8446 section 4.1.3. Nothing behind them can be finished: there are no keys.

use super::answer::WrongAnswer;
use super::{TLS12, TLS13};
use crate::wire::tls_record::{
    ClientHello, ServerHello, content_type, encode_record, encode_server_hello, extension, handshake_type,
    suites,
};

/// A server that has TLS 1.3 and negotiates TLS 1.2 says so here (RFC 8446 section 4.1.3).
const RANDOM_WITH_SENTINEL: [u8; 32] = *b"no secret depends onitXXDOWNGRD\x01";
/// Bytes of a group of 1024 bits.
const SHORT_GROUP: usize = 128;

/// A ServerHello, and what follows it in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HandMade {
    pub(super) hello: ServerHello,
    /// A key exchange in a finite-field group of 1024 bits follows.
    pub(super) has_short_group: bool,
    /// ChangeCipherSpec follows, as in a resumed handshake.
    pub(super) is_abbreviated: bool,
}

impl HandMade {
    /// The answer of TLS 1.2 that is right: a suite with forward secrecy where the client has one, and every extension that
    /// has to be echoed.
    pub(super) fn proper(client: &ClientHello) -> Self {
        let best = suites::ECDHE_AEAD
            .iter()
            .find(|suite| client.suites.contains(suite));
        let mut extensions = Vec::new();
        if client.extension(extension::RENEGOTIATION_INFO).is_some()
            || client.suites.contains(&suites::RENEGOTIATION_SCSV)
        {
            extensions.push((extension::RENEGOTIATION_INFO, vec![0]));
        }
        if client.extension(extension::EXTENDED_MASTER_SECRET).is_some() {
            extensions.push((extension::EXTENDED_MASTER_SECRET, Vec::new()));
        }
        Self::new(ServerHello {
            legacy_version: TLS12,
            random: RANDOM_WITH_SENTINEL,
            session_id: Vec::new(),
            suite: best.or(client.suites.first()).copied().unwrap_or(0x002f),
            compression: 0,
            extensions,
        })
    }

    /// An answer of that version without extensions, with the client's first suite.
    pub(super) fn of_version(client: &ClientHello, version: u16) -> WrongAnswer {
        Self::new(ServerHello {
            legacy_version: version,
            random: [0x5a; 32],
            session_id: Vec::new(),
            suite: client.suites.first().copied().unwrap_or(0x002f),
            compression: 0,
            extensions: Vec::new(),
        })
        .into()
    }

    /// An answer of TLS 1.3 that takes the first pre-shared key and no key share, whatever the client allows.
    pub(super) fn psk_without_key_share(client: &ClientHello) -> Self {
        let suite = suites::TLS13.iter().find(|suite| client.suites.contains(suite));
        Self::new(ServerHello {
            legacy_version: TLS12,
            random: [0x5a; 32],
            session_id: client.session_id.clone(),
            suite: suite.copied().unwrap_or(0x1301),
            compression: 0,
            extensions: vec![
                (extension::SUPPORTED_VERSIONS, TLS13.to_be_bytes().to_vec()),
                (extension::PRE_SHARED_KEY, vec![0, 0]),
            ],
        })
    }

    fn new(hello: ServerHello) -> Self {
        Self {
            hello,
            has_short_group: false,
            is_abbreviated: false,
        }
    }

    /// Leaves an extension out.
    pub(super) fn drop_extension(&mut self, number: u16) {
        self.hello.extensions.retain(|(known, _)| *known != number);
    }

    /// The records.
    pub(super) fn encode(&self) -> Vec<u8> {
        let version = self.hello.legacy_version;
        let record = |message: &[u8]| encode_record(content_type::HANDSHAKE, version, message);
        let mut bytes = record(&encode_server_hello(&self.hello));
        if self.has_short_group {
            bytes.extend(record(&short_key_exchange()));
            bytes.extend(record(&[handshake_type::SERVER_HELLO_DONE, 0, 0, 0]));
        }
        if self.is_abbreviated {
            bytes.extend(encode_record(content_type::CHANGE_CIPHER_SPEC, version, &[1]));
        }
        bytes
    }
}

/// A ServerKeyExchange whose prime has 1024 bits (it is none, and nobody gets as far as to notice).
fn short_key_exchange() -> Vec<u8> {
    let mut body = Vec::new();
    for number in [vec![0xff; SHORT_GROUP], vec![2], vec![0x7f; SHORT_GROUP]] {
        let length = u16::try_from(number.len()).unwrap_or(u16::MAX);
        body.extend(length.to_be_bytes());
        body.extend(number);
    }
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut message = vec![handshake_type::SERVER_KEY_EXCHANGE, 0];
    message.extend(length);
    message.extend(body);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls_record::{FlightKind, downgrade_sentinel, parse_server_flight};

    fn client() -> ClientHello {
        ClientHello {
            legacy_version: TLS12,
            random: [0; 32],
            session_id: vec![1],
            suites: vec![0x009e, 0xc02f, suites::RENEGOTIATION_SCSV],
            compression: vec![0],
            extensions: vec![(extension::EXTENDED_MASTER_SECRET, Vec::new())],
        }
    }

    #[test]
    fn the_right_answer_is_right() {
        let answer = HandMade::proper(&client());
        assert_eq!(answer.hello.suite, 0xc02f);
        assert_eq!(downgrade_sentinel(&answer.hello.random), Some(TLS12));
        let numbers: Vec<u16> = answer
            .hello
            .extensions
            .iter()
            .map(|(number, _)| *number)
            .collect();
        assert_eq!(
            numbers,
            [extension::RENEGOTIATION_INFO, extension::EXTENDED_MASTER_SECRET]
        );
    }

    #[test]
    fn what_follows_is_read_as_what_it_is_made_for() {
        let mut answer = HandMade::proper(&client());
        answer.hello.suite = 0x009e;
        answer.has_short_group = true;
        assert_eq!(parse_server_flight(&answer.encode()).dh_bits, Some(1024));
        answer.has_short_group = false;
        answer.is_abbreviated = true;
        assert_eq!(
            parse_server_flight(&answer.encode()).kind,
            FlightKind::Abbreviated
        );
    }
}
