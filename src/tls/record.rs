//! The record layer after the handshake (RFC 8446 section 5, RFC 5246 section 6): seals and opens single records.
//!
//! Built on the cipher traits of the TLS library, so nothing is hidden: every record type, alert and empty record
//! comes out, and any record can be made. Knows no state beyond keys and sequence numbers.

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks,
    OutboundPlainMessage,
};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion, SupportedCipherSuite};

/// Size of a record header.
pub(super) const HEADER: usize = 5;
/// Largest plaintext of a record (RFC 8446 section 5.1).
pub(super) const MAX_PLAINTEXT: usize = 16_384;
/// Largest protected record that is read: TLS 1.2's limit, TLS 1.3's is smaller.
const MAX_PROTECTED: usize = MAX_PLAINTEXT + 2048;

/// Seals records of one direction.
pub(super) struct Sealer {
    cipher: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Sealer {
    /// A sealer whose next record has number `sequence`.
    pub(super) fn new(
        suite: SupportedCipherSuite,
        sequence: u64,
        secrets: ConnectionTrafficSecrets,
    ) -> Result<Self, Error> {
        let (key, iv) = key_and_iv(secrets)?;
        let cipher = match suite {
            SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
            SupportedCipherSuite::Tls12(suite) => {
                let (salt, explicit) = split_iv(suite.aead_alg.key_block_shape().fixed_iv_len, &iv);
                suite.aead_alg.encrypter(key, salt, explicit)
            }
        };
        let mut sealer = Self { cipher, sequence: 0 };
        if sequence > 0 {
            // aws-lc takes the first nonce it sees for number 0 and wants rising ones behind it: seal one record
            // with number 0 and throw it away.
            sealer.seal(ContentType::ApplicationData, &[])?;
        }
        sealer.sequence = sequence;
        Ok(sealer)
    }

    /// Number of the next record.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// One whole record, header included.
    pub(super) fn seal(&mut self, kind: ContentType, content: &[u8]) -> Result<Vec<u8>, Error> {
        let message = OutboundPlainMessage {
            typ: kind,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(content),
        };
        let sealed = self.cipher.encrypt(message, self.sequence)?;
        self.sequence = self.sequence.checked_add(1).ok_or(Error::EncryptError)?;
        Ok(sealed.encode())
    }
}

/// Opens records of one direction.
pub(super) struct Opener {
    cipher: Box<dyn MessageDecrypter>,
    sequence: u64,
    tls13: bool,
}

/// What the header of the next record says.
pub(super) enum Framing {
    /// Not enough bytes yet.
    Incomplete,
    /// A whole record of this many bytes, header included.
    Whole(usize),
    /// These bytes are not a TLS record.
    NotTls,
    /// The length is beyond what TLS allows.
    TooLong(usize),
}

/// What is wrong with a record.
pub(super) struct RecordProblem {
    /// One lower-case sentence.
    pub(super) reason: String,
    /// The alert that answers it.
    pub(super) alert: u8,
}

impl Opener {
    /// An opener whose next record has number `sequence`.
    pub(super) fn new(
        suite: SupportedCipherSuite,
        sequence: u64,
        secrets: ConnectionTrafficSecrets,
    ) -> Result<Self, Error> {
        let (key, iv) = key_and_iv(secrets)?;
        let (cipher, tls13) = match suite {
            SupportedCipherSuite::Tls13(suite) => (suite.aead_alg.decrypter(key, iv), true),
            SupportedCipherSuite::Tls12(suite) => {
                let (salt, _) = split_iv(suite.aead_alg.key_block_shape().fixed_iv_len, &iv);
                (suite.aead_alg.decrypter(key, salt), false)
            }
        };
        Ok(Self {
            cipher,
            sequence,
            tls13,
        })
    }

    /// Number of the next record.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Opens one whole record in place. A record that cannot be opened takes its number too, so that the next one
    /// can be tried.
    pub(super) fn open<'a>(
        &mut self,
        record: &'a mut [u8],
    ) -> Result<(ContentType, &'a [u8]), RecordProblem> {
        let Some((header, content)) = record.split_first_chunk_mut::<HEADER>() else {
            return Err(problem("record without a header", 50));
        };
        let kind = ContentType::from(header[0]);
        if self.tls13 && kind != ContentType::ApplicationData {
            let detail = match (kind, &*content) {
                (ContentType::Alert, [_, description]) => {
                    format!("alert {} in clear", super::names::alert_name(*description))
                }
                _ => format!("record of type {} in clear", header[0]),
            };
            return Err(problem(&format!("{detail} after the handshake"), 10));
        }
        let version = ProtocolVersion::from(u16::from_be_bytes([header[1], header[2]]));
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        let message = InboundOpaqueMessage::new(kind, version, content);
        match self.cipher.decrypt(message, sequence) {
            Ok(plain) => Ok((plain.typ, plain.payload)),
            Err(Error::DecryptError) => Err(problem("bad record mac", 20)),
            Err(Error::PeerSentOversizedRecord) => Err(problem("record beyond 16384 bytes", 22)),
            Err(other) => Err(problem(&format!("bad record: {other}"), 10)),
        }
    }
}

fn problem(reason: &str, alert: u8) -> RecordProblem {
    RecordProblem {
        reason: reason.to_owned(),
        alert,
    }
}

/// What stands at the front of `bytes`.
pub(super) fn framing(bytes: &[u8]) -> Framing {
    match bytes {
        [] => return Framing::Incomplete,
        [kind, rest @ ..] if !(20..=23).contains(kind) || rest.first().is_some_and(|major| *major != 3) => {
            return Framing::NotTls;
        }
        _ => {}
    }
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return Framing::Incomplete;
    };
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    if length > MAX_PROTECTED {
        Framing::TooLong(length)
    } else if bytes.len() < HEADER + length {
        Framing::Incomplete
    } else {
        Framing::Whole(HEADER + length)
    }
}

fn key_and_iv(secrets: ConnectionTrafficSecrets) -> Result<(AeadKey, Iv), Error> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => Ok((key, iv)),
        _ => Err(Error::General("unknown kind of traffic secrets".into())),
    }
}

/// The fixed part of a TLS 1.2 nonce and where the explicit part starts counting.
fn split_iv(fixed: usize, iv: &Iv) -> (&[u8], &[u8]) {
    iv.as_ref().split_at(fixed.min(iv.as_ref().len()))
}
