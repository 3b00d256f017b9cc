//! Handshake messages in clear: everything up to the change to encryption, and the two hello messages in detail.
//!
//! RFC 8446 section 4, RFC 5246 section 7.4. Shows which messages a peer sent, in which order (for TLS 1.2 that
//! includes a NewSessionTicket before ChangeCipherSpec). Does not check that the order is legal.

use super::cursor::{Cursor, put_u16, put_vec8, put_vec16, u16_list, u24};
use super::record::{Record, RecordError, RecordReader};
use super::{content_type, extension, handshake_type};

/// The longest handshake message that a [`HandshakeWalker`] joins unless told otherwise, in bytes.
pub const MESSAGE_LIMIT: usize = 1 << 17;

/// The random of a ServerHello that is a HelloRetryRequest, RFC 8446 section 4.1.3.
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What one direction of a connection shows without keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeItem {
    /// An alert in clear.
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// See [`alert_name`](super::alert_name).
        description: u8,
    },
    /// ChangeCipherSpec.
    ChangeCipherSpec,
    /// A record that cannot be read without keys.
    Encrypted {
        /// The content type of the record.
        content_type: u8,
        /// Bytes of payload.
        length: usize,
    },
    /// A handshake message in clear, joined from its fragments.
    Message {
        /// See [`handshake_type`].
        kind: u8,
        /// The body, without the four bytes before it.
        body: Vec<u8>,
    },
}

/// Follows one direction of a connection and shows the handshake messages in clear. Bounded; an error is final.
#[derive(Clone, Debug)]
pub struct HandshakeWalker {
    reader: RecordReader,
    limit: usize,
    /// Handshake bytes of the records so far.
    joined: Vec<u8>,
    /// Offset of the first byte of `joined` that is in no message yet.
    start: usize,
    is_encrypted: bool,
    failed: Option<RecordError>,
}

impl Default for HandshakeWalker {
    fn default() -> Self {
        Self::new(MESSAGE_LIMIT)
    }
}

impl HandshakeWalker {
    /// A walker that joins messages of up to `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            reader: RecordReader::new(),
            limit,
            joined: Vec::new(),
            start: 0,
            is_encrypted: false,
            failed: None,
        }
    }

    /// Takes bytes that arrived. Call [`next`](Self::next) until it gives `Ok(None)` before pushing more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// The next thing that the peer sent; `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// See [`RecordError`]; repeated on every call from then on.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end for good where this needs more bytes"
    )]
    pub fn next(&mut self) -> Result<Option<HandshakeItem>, RecordError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let outcome = self.walk();
        if let Err(error) = &outcome {
            self.failed = Some(error.clone());
        }
        outcome
    }

    fn walk(&mut self) -> Result<Option<HandshakeItem>, RecordError> {
        loop {
            if let Some(item) = self.joined_message()? {
                return Ok(Some(item));
            }
            let Some(record) = self.reader.next()? else {
                return Ok(None);
            };
            if let Some(item) = self.accept(&record)? {
                return Ok(Some(item));
            }
        }
    }

    fn accept(&mut self, record: &Record) -> Result<Option<HandshakeItem>, RecordError> {
        let kind = record.header.content_type;
        let payload = record.payload.as_slice();
        if kind == content_type::HANDSHAKE && self.is_encrypted && is_whole_hello(payload) {
            // TLS 1.3 in disguise: a second hello follows the ChangeCipherSpec after a HelloRetryRequest.
            self.is_encrypted = false;
        }
        match kind {
            content_type::CHANGE_CIPHER_SPEC => {
                self.is_encrypted = true;
                self.joined.clear();
                self.start = 0;
                Ok(Some(HandshakeItem::ChangeCipherSpec))
            }
            content_type::HANDSHAKE if !self.is_encrypted => {
                self.joined.drain(..self.start.min(self.joined.len()));
                self.start = 0;
                self.joined.extend_from_slice(payload);
                Ok(None)
            }
            content_type::ALERT if !self.is_encrypted => match payload {
                [level, description] => Ok(Some(HandshakeItem::Alert {
                    level: *level,
                    description: *description,
                })),
                _ => Err(RecordError::Malformed("alert")),
            },
            _ => Ok(Some(HandshakeItem::Encrypted {
                content_type: kind,
                length: record.header.length,
            })),
        }
    }

    fn joined_message(&mut self) -> Result<Option<HandshakeItem>, RecordError> {
        let rest = self.joined.get(self.start..).unwrap_or_default();
        let Some((kind, length)) = message_header(rest) else {
            return Ok(None);
        };
        if length > self.limit {
            return Err(RecordError::MessageTooLong(length));
        }
        let end = length.saturating_add(4);
        let Some(body) = rest.get(4..end).map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        self.start = self.start.saturating_add(end);
        Ok(Some(HandshakeItem::Message { kind, body }))
    }
}

/// Type and length of the handshake message that `bytes` start with.
fn message_header(bytes: &[u8]) -> Option<(u8, usize)> {
    let [kind, high, middle, low, ..] = bytes else {
        return None;
    };
    let length = u32::from_be_bytes([0, *high, *middle, *low]);
    Some((*kind, usize::try_from(length).ok()?))
}

fn is_whole_hello(payload: &[u8]) -> bool {
    message_header(payload).is_some_and(|(kind, length)| {
        matches!(kind, handshake_type::CLIENT_HELLO | handshake_type::SERVER_HELLO)
            && length.saturating_add(4) == payload.len()
    })
}

/// The content of a ClientHello, RFC 8446 section 4.1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// `client_version` or `legacy_version`.
    pub legacy_version: u16,
    /// The random.
    pub random: [u8; 32],
    /// The session id; empty when there is none.
    pub session_id: Vec<u8>,
    /// The suites in the order of the client.
    pub suites: Vec<u16>,
    /// The compression methods.
    pub compression: Vec<u8>,
    /// The extensions in the order of the client, with their content.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl ClientHello {
    /// The content of an extension; the first one of that number.
    #[must_use]
    pub fn extension(&self, number: u16) -> Option<&[u8]> {
        find_extension(&self.extensions, number)
    }

    /// The host name of the `server_name` extension (RFC 6066 section 3).
    #[must_use]
    pub fn sni(&self) -> Option<String> {
        let mut names = Cursor::new(Cursor::new(self.extension(extension::SERVER_NAME)?).vec16()?);
        while let Some(kind) = names.u8() {
            let name = names.vec16()?;
            if kind == 0 {
                return Some(String::from_utf8_lossy(name).into_owned());
            }
        }
        None
    }

    /// The names of the ALPN extension (RFC 7301); empty without it.
    #[must_use]
    pub fn alpn(&self) -> Vec<String> {
        self.extension(extension::ALPN)
            .map(alpn_names)
            .unwrap_or_default()
    }

    /// The `supported_versions`; empty without the extension.
    #[must_use]
    pub fn supported_versions(&self) -> Vec<u16> {
        self.extension(extension::SUPPORTED_VERSIONS)
            .and_then(|content| Cursor::new(content).vec8())
            .map(u16_list)
            .unwrap_or_default()
    }

    /// The supported groups; empty without the extension.
    #[must_use]
    pub fn groups(&self) -> Vec<u16> {
        self.u16_vector(extension::SUPPORTED_GROUPS)
    }

    /// The signature schemes; empty without the extension.
    #[must_use]
    pub fn signature_schemes(&self) -> Vec<u16> {
        self.u16_vector(extension::SIGNATURE_ALGORITHMS)
    }

    /// The ticket of TLS 1.2 (RFC 5077); empty when the client only says that it knows tickets.
    #[must_use]
    pub fn session_ticket(&self) -> Option<&[u8]> {
        self.extension(extension::SESSION_TICKET)
    }

    /// The identities of `pre_shared_key`, that is the tickets of TLS 1.3; empty without the extension.
    #[must_use]
    pub fn psk_identities(&self) -> Vec<Vec<u8>> {
        let Some(list) = self
            .extension(extension::PRE_SHARED_KEY)
            .and_then(|content| Cursor::new(content).vec16())
        else {
            return Vec::new();
        };
        let mut cursor = Cursor::new(list);
        let mut identities = Vec::new();
        while let Some(identity) = cursor.vec16() {
            if cursor.take(4).is_none() {
                break;
            }
            identities.push(identity.to_vec());
        }
        identities
    }

    fn u16_vector(&self, number: u16) -> Vec<u16> {
        self.extension(number)
            .and_then(|content| Cursor::new(content).vec16())
            .map(u16_list)
            .unwrap_or_default()
    }
}

/// The content of a ServerHello, RFC 8446 section 4.1.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// `server_version` or `legacy_version`.
    pub legacy_version: u16,
    /// The random.
    pub random: [u8; 32],
    /// The session id; empty when there is none.
    pub session_id: Vec<u8>,
    /// The suite that the server chose.
    pub suite: u16,
    /// The compression method that the server chose; 0 is none.
    pub compression: u8,
    /// The extensions in the order of the server, with their content.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl ServerHello {
    /// The content of an extension; the first one of that number.
    #[must_use]
    pub fn extension(&self, number: u16) -> Option<&[u8]> {
        find_extension(&self.extensions, number)
    }

    /// The version that was agreed on: of `supported_versions` if it is there.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.extension(extension::SUPPORTED_VERSIONS)
            .and_then(|content| Cursor::new(content).u16())
            .unwrap_or(self.legacy_version)
    }

    /// Whether this is a HelloRetryRequest.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.random == RETRY_RANDOM
    }

    /// The protocol that ALPN chose; visible up to TLS 1.2 only.
    #[must_use]
    pub fn alpn(&self) -> Option<String> {
        alpn_names(self.extension(extension::ALPN)?).into_iter().next()
    }

    /// The group of the key share (TLS 1.3), or the one that a HelloRetryRequest asks for.
    #[must_use]
    pub fn group(&self) -> Option<u16> {
        Cursor::new(self.extension(extension::KEY_SHARE)?).u16()
    }
}

fn find_extension(extensions: &[(u16, Vec<u8>)], number: u16) -> Option<&[u8]> {
    extensions
        .iter()
        .find(|(candidate, _)| *candidate == number)
        .map(|(_, content)| content.as_slice())
}

fn alpn_names(content: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(list) = Cursor::new(content).vec16() {
        let mut cursor = Cursor::new(list);
        while let Some(name) = cursor.vec8() {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    names
}

/// Reads the body of a ClientHello (without the four bytes before it).
///
/// # Errors
///
/// [`RecordError::Malformed`].
pub fn parse_client_hello(body: &[u8]) -> Result<ClientHello, RecordError> {
    read_client_hello(body).ok_or(RecordError::Malformed("ClientHello"))
}

fn read_client_hello(body: &[u8]) -> Option<ClientHello> {
    let mut cursor = Cursor::new(body);
    Some(ClientHello {
        legacy_version: cursor.u16()?,
        random: cursor.take(32)?.try_into().ok()?,
        session_id: cursor.vec8()?.to_vec(),
        suites: u16_list(cursor.vec16()?),
        compression: cursor.vec8()?.to_vec(),
        extensions: read_extensions(cursor)?,
    })
}

/// Reads the body of a ServerHello (without the four bytes before it).
///
/// # Errors
///
/// [`RecordError::Malformed`].
pub fn parse_server_hello(body: &[u8]) -> Result<ServerHello, RecordError> {
    read_server_hello(body).ok_or(RecordError::Malformed("ServerHello"))
}

fn read_server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut cursor = Cursor::new(body);
    Some(ServerHello {
        legacy_version: cursor.u16()?,
        random: cursor.take(32)?.try_into().ok()?,
        session_id: cursor.vec8()?.to_vec(),
        suite: cursor.u16()?,
        compression: cursor.u8()?,
        extensions: read_extensions(cursor)?,
    })
}

/// The handshake message of a ServerHello: type, length and body, without a record around it. What is too long for its
/// length field is cut.
#[must_use]
pub fn encode_server_hello(hello: &ServerHello) -> Vec<u8> {
    let mut body = Vec::new();
    put_u16(&mut body, hello.legacy_version);
    body.extend_from_slice(&hello.random);
    put_vec8(&mut body, &hello.session_id);
    put_u16(&mut body, hello.suite);
    body.push(hello.compression);
    let mut block = Vec::new();
    for (number, content) in &hello.extensions {
        put_u16(&mut block, *number);
        put_vec16(&mut block, content);
    }
    if !block.is_empty() {
        put_vec16(&mut body, &block);
    }
    let mut message = vec![handshake_type::SERVER_HELLO];
    message.extend_from_slice(&u24(body.len()));
    message.extend_from_slice(&body);
    message
}

/// The block of extensions at the end of a hello; a hello may end without one, and must end behind it.
fn read_extensions(mut cursor: Cursor<'_>) -> Option<Vec<(u16, Vec<u8>)>> {
    let mut extensions = Vec::new();
    if cursor.is_empty() {
        return Some(extensions);
    }
    let mut block = Cursor::new(cursor.vec16()?);
    while !block.is_empty() {
        extensions.push((block.u16()?, block.vec16()?.to_vec()));
    }
    cursor.is_empty().then_some(extensions)
}

/// What the last eight bytes of a server's random say when it could have done better (RFC 8446 section 4.1.3):
/// `0x0303` when it can do TLS 1.3 and negotiated TLS 1.2, `0x0302` when it negotiated TLS 1.1 or below.
#[must_use]
pub fn downgrade_sentinel(random: &[u8; 32]) -> Option<u16> {
    match random.last_chunk() {
        Some(b"DOWNGRD\x01") => Some(0x0303),
        Some(b"DOWNGRD\x00") => Some(0x0302),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{encode_alert, encode_record};
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![kind, 0, 0, u8::try_from(body.len()).unwrap()];
        message.extend_from_slice(body);
        message
    }

    fn walk(bytes: &[u8]) -> Vec<Result<HandshakeItem, RecordError>> {
        let mut walker = HandshakeWalker::default();
        walker.push(bytes);
        let mut items = Vec::new();
        while let Some(item) = walker.next().transpose() {
            let is_error = item.is_err();
            items.push(item);
            if is_error {
                break;
            }
        }
        items
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        walk(bytes)
            .into_iter()
            .map(|item| match item.unwrap() {
                HandshakeItem::Message { kind, .. } => super::super::handshake_name(kind).to_owned(),
                HandshakeItem::ChangeCipherSpec => "change_cipher_spec".to_owned(),
                HandshakeItem::Encrypted { length, .. } => format!("{length} bytes"),
                HandshakeItem::Alert { description, .. } => super::super::alert_name(description).to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_ticket_of_tls12_is_seen_before_the_keys_change() {
        let flight = [
            encode_record(22, 0x0303, &[message(2, b"hello"), message(11, b"cert")].concat()),
            encode_record(22, 0x0303, &message(14, b"")),
            encode_record(22, 0x0303, &message(4, b"ticket")),
            encode_record(20, 0x0303, &[1]),
            encode_record(22, 0x0303, &[0xab; 40]),
            encode_record(23, 0x0303, &[0xcd; 30]),
        ];
        assert_eq!(
            names(&flight.concat()),
            [
                "server_hello",
                "certificate",
                "server_hello_done",
                "new_session_ticket",
                "change_cipher_spec",
                "40 bytes",
                "30 bytes"
            ]
        );
    }

    #[test]
    fn messages_are_joined_across_records() {
        let bytes: Vec<u8> = message(11, b"certificate")
            .chunks(3)
            .flat_map(|piece| encode_record(22, 0x0303, piece))
            .collect();
        assert_eq!(
            walk(&bytes),
            [Ok(HandshakeItem::Message {
                kind: 11,
                body: b"certificate".to_vec()
            })]
        );
    }

    #[test]
    fn a_second_hello_behind_a_retry_is_seen() {
        let flight = [
            encode_record(22, 0x0303, &message(2, b"retry")),
            encode_record(20, 0x0303, &[1]),
            encode_record(22, 0x0303, &message(2, b"hello")),
            encode_record(23, 0x0303, &[0; 9]),
        ];
        assert_eq!(
            names(&flight.concat()),
            ["server_hello", "change_cipher_spec", "server_hello", "9 bytes"]
        );
    }

    #[test]
    fn a_message_longer_than_the_limit_is_refused_before_it_is_there() {
        assert_eq!(
            walk(&encode_record(22, 0x0303, &[11, 0xff, 0xff, 0xff])),
            [Err(RecordError::MessageTooLong(0xff_ffff))]
        );
        assert_eq!(
            walk(&encode_record(21, 0x0303, &[2])),
            [Err(RecordError::Malformed("alert"))]
        );
        assert_eq!(names(&encode_alert(0x0303, 2, 70)), ["protocol_version"]);
    }

    #[test]
    fn tickets_of_tls13_are_the_identities_of_the_psk_extension() {
        let mut spec = super::super::HelloSpec::for_version(0x0304);
        let identities = [&[0, 3][..], b"one", &[0; 4], &[0, 3], b"two", &[0; 4]].concat();
        let content = [&[0, 18][..], &identities, &[0, 0]].concat();
        spec.extra_extensions = vec![(extension::PRE_SHARED_KEY, content)];
        let hello = parse_client_hello(spec.encode_message().get(4..).unwrap()).unwrap();
        assert_eq!(hello.psk_identities(), [b"one", b"two"]);
    }

    #[test]
    fn the_downgrade_mark_is_found() {
        let random = |end: &[u8; 8]| <[u8; 32]>::try_from([[7; 24].as_slice(), end].concat()).unwrap();
        assert_eq!(
            downgrade_sentinel(&random(b"\x07\x07\x07\x07\x07\x07\x07\x07")),
            None
        );
        assert_eq!(downgrade_sentinel(&random(b"DOWNGRD\x01")), Some(0x0303));
        assert_eq!(downgrade_sentinel(&random(b"DOWNGRD\x00")), Some(0x0302));
    }
}
