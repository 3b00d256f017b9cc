//! What a server answers to a ClientHello: a ServerHello, an alert, or no TLS at all.
//!
//! RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3. Stops at the ServerHello: what follows needs keys.

use super::extension;
use super::handshake::{HandshakeItem, HandshakeWalker, ServerHello, parse_server_hello};
use super::handshake_type;
use super::record::{RecordError, looks_like_tls};

/// How many bytes of an answer that is not TLS are kept.
const PLAINTEXT_LIMIT: usize = 512;
/// The longest ServerHello that is read, in bytes.
const HELLO_LIMIT: usize = 1 << 16;
/// How many warnings before a ServerHello are kept.
const WARNING_LIMIT: usize = 16;

/// The first thing that a server says after a ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelloAnswer {
    /// A fatal alert or `close_notify`; from [`last_hello_answer`] also a warning that nothing followed.
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// See [`alert_name`](super::alert_name).
        description: u8,
    },
    /// The connection ended within a record or message (only from [`last_hello_answer`]); the bytes, cut to 512.
    Incomplete(Vec<u8>),
    /// Nothing at all (only from [`last_hello_answer`]).
    Nothing,
    /// Not TLS, such as an FTP reply; cut to 512 bytes.
    Plaintext(Vec<u8>),
    /// A ServerHello or HelloRetryRequest.
    ServerHello {
        /// The version agreed on: of `supported_versions` if present.
        version: u16,
        /// The version in the field that TLS 1.3 keeps at `0x0303`.
        legacy_version: u16,
        /// The suite chosen.
        suite: u16,
        /// The compression method chosen; 0 is none.
        compression: u8,
        /// The random; see [`downgrade_sentinel`](super::downgrade_sentinel).
        random: [u8; 32],
        /// The session id: the one offered means resumption in TLS 1.2, and nothing in TLS 1.3.
        session_id: Vec<u8>,
        /// Whether it is a HelloRetryRequest.
        is_retry: bool,
        /// The protocol chosen by ALPN; TLS 1.3 answers where it cannot be seen.
        alpn: Option<String>,
        /// The group of the key share (TLS 1.3).
        group: Option<u16>,
        /// The numbers of the extensions, in the order of the server.
        extensions: Vec<u16>,
        /// Whether `server_name` is among them; TLS 1.3 answers where it cannot be seen.
        server_name_acknowledged: bool,
        /// Descriptions of the warning alerts that came before, 16 at most.
        warnings: Vec<u8>,
    },
    /// An SSL 2 SERVER-HELLO.
    Sslv2ServerHello,
    /// TLS, but neither a ServerHello nor an alert comes first.
    Unexpected {
        /// The content type of the record.
        content_type: u8,
        /// The type of the handshake message, if it is one.
        handshake_type: Option<u8>,
    },
}

/// Reads all the bytes that a server sent so far; `None` when they do not make an answer yet.
///
/// Warning alerts are passed over and kept with the ServerHello that follows. Results other than the content of
/// [`HelloAnswer::Plaintext`] do not change when more bytes are added.
///
/// # Errors
///
/// A record or message that breaks the rules of TLS; see [`RecordError`].
pub fn parse_hello_answer(bytes: &[u8]) -> Result<Option<HelloAnswer>, RecordError> {
    Ok(match walk(bytes)? {
        Walked::Answer(answer) => Some(answer),
        Walked::NeedMore { .. } => None,
    })
}

/// Like [`parse_hello_answer`] when no more bytes will come.
///
/// # Errors
///
/// As [`parse_hello_answer`].
pub fn last_hello_answer(bytes: &[u8]) -> Result<HelloAnswer, RecordError> {
    Ok(match walk(bytes)? {
        Walked::Answer(answer) => answer,
        Walked::NeedMore {
            warning: Some(description),
        } => HelloAnswer::Alert {
            level: 1,
            description,
        },
        Walked::NeedMore { warning: None } if bytes.is_empty() => HelloAnswer::Nothing,
        Walked::NeedMore { warning: None } => HelloAnswer::Incomplete(cut(bytes)),
    })
}

enum Walked {
    Answer(HelloAnswer),
    NeedMore { warning: Option<u8> },
}

fn walk(bytes: &[u8]) -> Result<Walked, RecordError> {
    if looks_like_tls(bytes) == Some(false) {
        return Ok(walk_other(bytes));
    }
    let mut walker = HandshakeWalker::new(HELLO_LIMIT);
    walker.push(bytes);
    let mut warnings = Vec::new();
    loop {
        let answer = match walker.next()? {
            None => {
                return Ok(Walked::NeedMore {
                    warning: warnings.first().copied(),
                });
            }
            Some(HandshakeItem::Alert {
                level: 1,
                description,
            }) if description != 0 => {
                if warnings.len() < WARNING_LIMIT {
                    warnings.push(description);
                }
                continue;
            }
            Some(HandshakeItem::Alert { level, description }) => HelloAnswer::Alert { level, description },
            Some(HandshakeItem::Message { kind, body }) => match kind {
                handshake_type::HELLO_REQUEST => continue,
                handshake_type::SERVER_HELLO => server_hello(parse_server_hello(&body)?, warnings),
                _ => HelloAnswer::Unexpected {
                    content_type: super::content_type::HANDSHAKE,
                    handshake_type: Some(kind),
                },
            },
            Some(HandshakeItem::ChangeCipherSpec) => HelloAnswer::Unexpected {
                content_type: super::content_type::CHANGE_CIPHER_SPEC,
                handshake_type: None,
            },
            Some(HandshakeItem::Encrypted { content_type, .. }) => HelloAnswer::Unexpected {
                content_type,
                handshake_type: None,
            },
        };
        return Ok(Walked::Answer(answer));
    }
}

/// An answer that is not TLS: SSL 2 has a length with its highest bit set and message type 4 (SERVER-HELLO) behind
/// it.
fn walk_other(bytes: &[u8]) -> Walked {
    match bytes {
        [0x80..=0xff, _, 4, ..] => Walked::Answer(HelloAnswer::Sslv2ServerHello),
        [0x80..=0xff] | [0x80..=0xff, _] => Walked::NeedMore { warning: None },
        _ => Walked::Answer(HelloAnswer::Plaintext(cut(bytes))),
    }
}

fn cut(bytes: &[u8]) -> Vec<u8> {
    bytes.get(..PLAINTEXT_LIMIT).unwrap_or(bytes).to_vec()
}

fn server_hello(hello: ServerHello, warnings: Vec<u8>) -> HelloAnswer {
    let extensions: Vec<u16> = hello.extensions.iter().map(|(number, _)| *number).collect();
    HelloAnswer::ServerHello {
        version: hello.version(),
        legacy_version: hello.legacy_version,
        suite: hello.suite,
        compression: hello.compression,
        random: hello.random,
        is_retry: hello.is_retry(),
        alpn: hello.alpn(),
        group: hello.group(),
        server_name_acknowledged: extensions.contains(&extension::SERVER_NAME),
        session_id: hello.session_id,
        extensions,
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{encode_alert, encode_record};
    use super::*;

    /// A ServerHello message with one-byte session id `7` and these extensions.
    fn hello(legacy_version: u16, extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = legacy_version.to_be_bytes().to_vec();
        body.extend_from_slice(&[9; 32]);
        body.extend_from_slice(&[1, 7, 0xc0, 0x2f, 0]);
        let mut block = Vec::new();
        for (number, content) in extensions {
            super::super::cursor::put_u16(&mut block, *number);
            super::super::cursor::put_vec16(&mut block, content);
        }
        if !block.is_empty() {
            super::super::cursor::put_vec16(&mut body, &block);
        }
        let mut message = vec![2];
        message.extend_from_slice(&super::super::cursor::u24(body.len()));
        message.extend_from_slice(&body);
        encode_record(22, 0x0303, &message)
    }

    #[test]
    fn a_server_hello_is_read_in_detail() {
        let bytes = hello(0x0303, &[(0, b""), (16, b"\0\x04\x03ftp"), (65281, b"\0")]);
        for length in 0..bytes.len() {
            assert_eq!(parse_hello_answer(bytes.get(..length).unwrap()), Ok(None));
        }
        let answer = parse_hello_answer(&bytes).unwrap().unwrap();
        assert_eq!(
            answer,
            HelloAnswer::ServerHello {
                version: 0x0303,
                legacy_version: 0x0303,
                suite: 0xc02f,
                compression: 0,
                random: [9; 32],
                session_id: vec![7],
                is_retry: false,
                alpn: Some("ftp".into()),
                group: None,
                extensions: vec![0, 16, 65281],
                server_name_acknowledged: true,
                warnings: vec![],
            }
        );
    }

    #[test]
    fn the_version_of_tls13_is_in_an_extension() {
        let bytes = hello(0x0303, &[(43, &[3, 4]), (51, &[0, 0x1d, 0, 1, 0])]);
        assert!(matches!(
            parse_hello_answer(&bytes),
            Ok(Some(HelloAnswer::ServerHello {
                version: 0x0304,
                group: Some(0x001d),
                ..
            }))
        ));
    }

    #[test]
    fn an_alert_is_the_answer_when_it_is_fatal() {
        let fatal = HelloAnswer::Alert {
            level: 2,
            description: 70,
        };
        assert_eq!(parse_hello_answer(&encode_alert(0x0303, 2, 70)), Ok(Some(fatal)));
        let warning = encode_alert(0x0303, 1, 112);
        assert_eq!(parse_hello_answer(&warning), Ok(None));
        assert_eq!(
            last_hello_answer(&warning),
            Ok(HelloAnswer::Alert {
                level: 1,
                description: 112
            })
        );
        let both = [warning, hello(0x0303, &[])].concat();
        assert!(matches!(
            parse_hello_answer(&both),
            Ok(Some(HelloAnswer::ServerHello { warnings, .. })) if warnings == [112]
        ));
    }

    #[test]
    fn what_is_not_tls_is_named() {
        assert_eq!(
            parse_hello_answer(b"500 what\r\n"),
            Ok(Some(HelloAnswer::Plaintext(b"500 what\r\n".to_vec())))
        );
        assert_eq!(
            parse_hello_answer(&[0x80, 0x2e, 4, 0]),
            Ok(Some(HelloAnswer::Sslv2ServerHello))
        );
        assert_eq!(parse_hello_answer(&[0x80, 0x2e]), Ok(None));
        assert_eq!(last_hello_answer(b""), Ok(HelloAnswer::Nothing));
        assert_eq!(
            last_hello_answer(&[22, 3]),
            Ok(HelloAnswer::Incomplete(vec![22, 3]))
        );
        assert_eq!(
            parse_hello_answer(&encode_record(23, 0x0303, b"x")),
            Ok(Some(HelloAnswer::Unexpected {
                content_type: 23,
                handshake_type: None
            }))
        );
        assert_eq!(
            parse_hello_answer(&encode_record(22, 0x0303, &[2, 0, 0, 1, 0])),
            Err(RecordError::Malformed("ServerHello"))
        );
    }
}
