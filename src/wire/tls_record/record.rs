//! The record layer: five bytes of header and a payload (RFC 8446 section 5.1, RFC 5246 section 6.2).
//!
//! Splits a byte stream into records and makes plaintext records. Does not decrypt and does not join what is
//! fragmented; see `handshake` for that.

use super::content_type;

/// Bytes of a record header.
const HEADER: usize = 5;
/// The longest payload that TLS 1.2 allows after encryption, RFC 5246 section 6.2.3.
const PAYLOAD_LIMIT: usize = (1 << 14) + 2048;
/// How many bytes may wait before [`RecordReader::push`] drops.
const WAITING_LIMIT: usize = 1 << 18;
/// How many bytes of something that is not TLS an error keeps.
const ERROR_LIMIT: usize = 512;

/// Why bytes are not TLS as expected. The fault of the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A message that breaks its own structure; the text names it.
    #[error("the peer sent a malformed TLS {0}")]
    Malformed(&'static str),
    /// A handshake message that is longer than the walker's limit, in bytes.
    #[error("the peer sent a TLS handshake message of {0} bytes")]
    MessageTooLong(usize),
    /// What should be a record header is not one.
    #[error("the peer does not speak TLS: `{}`", crate::base::escape_peer(first))]
    NotTls {
        /// What came instead, cut to 512 bytes.
        first: Vec<u8>,
    },
    /// A record with a payload above 2^14 + 2048 bytes.
    #[error("the peer sent a TLS record of {0} bytes")]
    TooLong(usize),
    /// Bytes were pushed and never taken until 256 KiB waited; what came after that is lost.
    #[error("the peer sent more TLS records ahead than the limit")]
    TooMuchWaiting,
}

/// The five bytes before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// See [`content_type`].
    pub content_type: u8,
    /// The record version, such as `0x0303`; says little about the version in use.
    pub version: u16,
    /// Bytes of payload.
    pub length: usize,
}

/// A record, its payload as on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The header.
    pub header: RecordHeader,
    /// The payload, [`RecordHeader::length`] bytes.
    pub payload: Vec<u8>,
}

/// Whether `bytes` can be the start of a TLS record; `None` for no bytes at all.
#[must_use]
pub fn looks_like_tls(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [] => None,
        [kind] => Some(is_content_type(*kind)),
        [kind, major, ..] => Some(is_content_type(*kind) && *major == 3),
    }
}

fn is_content_type(kind: u8) -> bool {
    (content_type::CHANGE_CIPHER_SPEC..=content_type::HEARTBEAT).contains(&kind)
}

/// A record around `payload`, however long: payloads above 65535 bytes are cut, those above 2^14 are what the caller
/// asked for.
#[must_use]
pub fn encode_record(content_type: u8, version: u16, payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(payload.len().saturating_add(HEADER));
    record.push(content_type);
    super::cursor::put_u16(&mut record, version);
    super::cursor::put_vec16(&mut record, payload);
    record
}

/// An alert record in clear: level 1 (warning) or 2 (fatal), and the description.
#[must_use]
pub fn encode_alert(version: u16, level: u8, description: u8) -> Vec<u8> {
    encode_record(content_type::ALERT, version, &[level, description])
}

/// Turns a byte stream into records. Bounded; an error is final and reported on every call from then on.
#[derive(Clone, Debug, Default)]
pub struct RecordReader {
    bytes: Vec<u8>,
    /// Offset of the first byte that was not returned.
    start: usize,
    overflowed: bool,
    failed: Option<RecordError>,
}

impl RecordReader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes that arrived. Call [`next`](Self::next) until it gives `Ok(None)` before pushing more.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() || self.overflowed || bytes.is_empty() {
            return;
        }
        if self.leftover().len() > WAITING_LIMIT {
            self.overflowed = true;
            return;
        }
        if self.start > 0 && self.start >= self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole record; `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`RecordError::NotTls`], [`RecordError::TooLong`] and [`RecordError::TooMuchWaiting`].
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end for good where this needs more bytes"
    )]
    pub fn next(&mut self) -> Result<Option<Record>, RecordError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.read() {
            Ok(Some(record)) => Ok(Some(record)),
            Ok(None) if self.overflowed => Err(self.fail(RecordError::TooMuchWaiting)),
            Ok(None) => Ok(None),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The bytes that are in no record that [`next`](Self::next) returned.
    #[must_use]
    pub fn leftover(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn read(&mut self) -> Result<Option<Record>, RecordError> {
        let rest = self.leftover();
        if looks_like_tls(rest) == Some(false) {
            return Err(RecordError::NotTls {
                first: rest.get(..ERROR_LIMIT).unwrap_or(rest).to_vec(),
            });
        }
        let [content_type, major, minor, high, low, ..] = rest else {
            return Ok(None);
        };
        let header = RecordHeader {
            content_type: *content_type,
            version: u16::from_be_bytes([*major, *minor]),
            length: usize::from(u16::from_be_bytes([*high, *low])),
        };
        if header.length > PAYLOAD_LIMIT {
            return Err(RecordError::TooLong(header.length));
        }
        let end = HEADER.saturating_add(header.length);
        let Some(payload) = rest.get(HEADER..end).map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        self.start = self.start.saturating_add(end);
        Ok(Some(Record { header, payload }))
    }

    fn fail(&mut self, error: RecordError) -> RecordError {
        self.bytes.truncate(self.start.saturating_add(WAITING_LIMIT));
        self.failed = Some(error.clone());
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_in_any_pieces() {
        let bytes = [
            encode_record(22, 0x0301, b"abc"),
            encode_alert(0x0303, 2, 40),
            encode_record(23, 0x0303, b""),
            vec![22, 3],
        ]
        .concat();
        for size in [1, 2, 5, 100] {
            let mut reader = RecordReader::new();
            let mut records = Vec::new();
            for piece in bytes.chunks(size) {
                reader.push(piece);
                while let Some(record) = reader.next().unwrap() {
                    records.push((record.header.content_type, record.payload));
                }
            }
            assert_eq!(
                records,
                [(22, b"abc".to_vec()), (21, vec![2, 40]), (23, Vec::new())]
            );
            assert_eq!(reader.leftover(), [22, 3]);
        }
    }

    #[test]
    fn what_is_not_tls_and_what_is_too_long_is_refused_for_good() {
        let mut reader = RecordReader::new();
        reader.push(b"220 hello");
        let error = RecordError::NotTls {
            first: b"220 hello".to_vec(),
        };
        assert_eq!(reader.next(), Err(error.clone()));
        reader.push(&encode_alert(0x0303, 2, 40));
        assert_eq!(reader.next(), Err(error));

        let mut reader = RecordReader::new();
        reader.push(&encode_record(23, 0x0303, &vec![0; PAYLOAD_LIMIT]));
        assert!(reader.next().is_ok_and(|record| record.is_some()));
        reader.push(&[23, 3, 3, 0xff, 0xff]);
        assert_eq!(reader.next(), Err(RecordError::TooLong(0xffff)));
    }

    #[test]
    fn records_that_nobody_takes_are_cut_and_reported() {
        let mut reader = RecordReader::new();
        for _ in 0..1000 {
            reader.push(&encode_record(23, 0x0303, &[0; 16384]));
        }
        assert!(reader.leftover().len() < WAITING_LIMIT + 20_000);
        while reader.next().is_ok_and(|record| record.is_some()) {}
        assert_eq!(reader.next(), Err(RecordError::TooMuchWaiting));
    }
}
