//! Seals a record a second time, with a password in it masked, for captures that are opened with the keys.
//!
//! A capture holds the keys, so a password inside TLS can only be masked by another ciphertext of the same length. The
//! number of the record, and with it the nonce, stay the same. On the wire that would be fatal; here only the masked
//! record is written down, beside the keys, and whoever also has the bytes of the wire can read them with those keys
//! anyway. RFC 8446 section 5.2, RFC 5288 section 3, RFC 7905 section 2. Never used for sending.

use std::sync::Arc;

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use rustls::{ConnectionTrafficSecrets, ContentType};

use super::record::HEADER;
use crate::base::{Masker, SecretWatch};

/// The part of a TLS 1.2 GCM nonce that stands in front of the ciphertext.
const EXPLICIT: usize = 8;
/// The tag behind every ciphertext.
const TAG: usize = 16;

/// Bytes of a stream that are to be kept in another form than they went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Where they stand: bytes since the end of the handshake, in this direction.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Looks for secrets in the records of one direction behind the handshake.
pub(super) struct RecordWatch {
    key: Option<Arc<RecordKey>>,
    watch: SecretWatch<SeenRecord>,
    position: u64,
    rewrites: Vec<Rewrite>,
}

/// A record as it was on the wire, without its content.
pub(super) struct SeenRecord {
    offset: u64,
    sequence: u64,
    /// Header, and in TLS 1.2 with GCM the explicit nonce.
    prefix: Vec<u8>,
    /// Size of the whole record.
    length: usize,
    key: Option<Arc<RecordKey>>,
}

impl RecordWatch {
    /// A watch for the secrets of `masker` in records under `key`.
    pub(super) fn new(masker: Masker, key: Option<RecordKey>) -> Self {
        Self {
            key: key.map(Arc::new),
            watch: SecretWatch::new(masker),
            position: 0,
            rewrites: Vec::new(),
        }
    }

    /// Records under another key follow (KeyUpdate).
    pub(super) fn change_key(&mut self, key: Option<RecordKey>) {
        self.key = key.map(Arc::new);
    }

    /// The next record of the stream: its bytes on the wire (of an opened one at least the start), its number, and its
    /// content when it is application data.
    pub(super) fn saw(&mut self, start: &[u8], length: usize, sequence: u64, content: Option<&[u8]>) {
        let offset = self.position;
        self.position += length as u64;
        let Some(content) = content else { return };
        let record = SeenRecord {
            offset,
            sequence,
            prefix: start.get(..HEADER + EXPLICIT).unwrap_or(start).to_vec(),
            length,
            key: self.key.clone(),
        };
        for (record, masked) in self.watch.push(record, content.to_vec()) {
            // What cannot be sealed is overwritten: not readable, and no password.
            let bytes = record.reseal(masked).unwrap_or_else(|| record.blank());
            let offset = record.offset;
            self.rewrites.push(Rewrite { offset, bytes });
        }
    }

    /// What is to be kept in another form, once.
    pub(super) fn take(&mut self) -> Vec<Rewrite> {
        std::mem::take(&mut self.rewrites)
    }
}

impl SeenRecord {
    fn reseal(&self, content: &[u8]) -> Option<Vec<u8>> {
        let sealed = self.key.as_ref()?.seal(self, content)?;
        (sealed.len() == self.length).then_some(sealed)
    }

    fn blank(&self) -> Vec<u8> {
        let mut bytes = self.prefix.get(..HEADER).unwrap_or(&self.prefix).to_vec();
        bytes.resize(self.length, 0);
        bytes
    }
}

/// How nonce and additional data are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Tls13,
    Tls12Gcm,
    Tls12Chacha,
}

/// The key of one direction.
pub(super) struct RecordKey {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    shape: Shape,
}

impl RecordKey {
    /// The key in `secrets`; none when it is of a kind that this module does not know.
    pub(super) fn new(secrets: &ConnectionTrafficSecrets, tls13: bool) -> Option<Self> {
        let (algorithm, key, iv, shape) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv, Shape::Tls12Gcm),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv, Shape::Tls12Gcm),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&CHACHA20_POLY1305, key, iv, Shape::Tls12Chacha)
            }
            _ => return None,
        };
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).ok()?),
            iv: iv.as_ref().try_into().ok()?,
            shape: if tls13 { Shape::Tls13 } else { shape },
        })
    }

    fn seal(&self, record: &SeenRecord, content: &[u8]) -> Option<Vec<u8>> {
        let header = record.prefix.get(..HEADER)?;
        let front = match self.shape {
            Shape::Tls12Gcm => record.prefix.get(..HEADER + EXPLICIT)?,
            Shape::Tls13 | Shape::Tls12Chacha => header,
        };
        let mut body = content.to_vec();
        if self.shape == Shape::Tls13 {
            body.push(ContentType::ApplicationData.into());
            // A peer may have padded the record with zeros.
            body.resize(record.length.checked_sub(HEADER + TAG)?, 0);
        }
        let nonce = Nonce::assume_unique_for_key(self.nonce(record)?);
        let additional = match self.shape {
            Shape::Tls13 => header.to_vec(),
            Shape::Tls12Gcm | Shape::Tls12Chacha => {
                let mut data = record.sequence.to_be_bytes().to_vec();
                data.extend(header.get(..3)?);
                data.extend(u16::try_from(body.len()).ok()?.to_be_bytes());
                data
            }
        };
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(additional), &mut body)
            .ok()?;
        Some([front, &body].concat())
    }

    fn nonce(&self, record: &SeenRecord) -> Option<[u8; NONCE_LEN]> {
        let mut nonce = self.iv;
        let behind = nonce.last_chunk_mut::<EXPLICIT>()?;
        if self.shape == Shape::Tls12Gcm {
            behind.copy_from_slice(record.prefix.get(HEADER..HEADER + EXPLICIT)?);
        } else {
            for (byte, number) in behind.iter_mut().zip(record.sequence.to_be_bytes()) {
                *byte ^= number;
            }
        }
        Some(nonce)
    }
}
