//! What goes into uploads: pseudo-random bytes that are the same for the same seed, and texts.
//!
//! The bytes are a stream: the first N of a longer content are the content of N bytes, so a file that was cut or
//! continued is recognised by its hash. Not for secrets.

use sha2::{Digest, Sha256};

use crate::scenario::model::Content;

/// How many bytes are made at a time when a whole content is hashed.
const PIECE: usize = 64 * 1024;

/// An endless stream of pseudo-random bytes (SplitMix64).
#[derive(Clone, Debug)]
pub struct ContentStream {
    state: u64,
    word: [u8; 8],
    used: usize,
}

impl ContentStream {
    /// The stream of `seed`, from its start.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed,
            word: [0; 8],
            used: 8,
        }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            if self.used >= self.word.len() {
                self.word = self.next_word().to_le_bytes();
                self.used = 0;
            }
            let rest = self.word.get(self.used..).unwrap_or_default();
            let piece = rest.get(..count - bytes.len()).unwrap_or(rest);
            bytes.extend_from_slice(piece);
            self.used += piece.len();
        }
        bytes
    }

    fn next_word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// Size and hash of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentFacts {
    /// Number of bytes.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// Size and hash of `content` (variables filled in) under `seed`.
///
/// # Errors
/// When the number of bytes is not a number; one lower-case sentence.
pub fn content_facts(content: &Content, seed: u64) -> Result<ContentFacts, String> {
    let mut source = ContentSource::new(content, seed)?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    loop {
        let piece = source.next_piece(PIECE);
        if piece.is_empty() {
            break;
        }
        bytes += piece.len() as u64;
        hash.update(&piece);
    }
    Ok(ContentFacts {
        bytes,
        sha256: hex(&hash.finalize()),
    })
}

/// Gives a content piece by piece.
#[derive(Debug)]
pub(super) enum ContentSource {
    /// So many bytes are left of the stream.
    Stream(ContentStream, u64),
    /// The text that is left.
    Text(Vec<u8>),
}

impl ContentSource {
    /// # Errors
    /// When the number of bytes is not a number; one lower-case sentence.
    pub(super) fn new(content: &Content, seed: u64) -> Result<Self, String> {
        match content {
            Content::Bytes(number) => {
                let count = parse_number(&number.value)?;
                Ok(Self::Stream(ContentStream::new(seed), count))
            }
            Content::Text(text) => Ok(Self::Text(text.value.clone().into_bytes())),
        }
    }

    /// At most `limit` bytes; empty at the end.
    pub(super) fn next_piece(&mut self, limit: usize) -> Vec<u8> {
        match self {
            Self::Stream(stream, left) => {
                let count = usize::try_from(*left).unwrap_or(limit).min(limit);
                *left -= count as u64;
                stream.take(count)
            }
            Self::Text(left) => {
                let rest = left.split_off(limit.min(left.len()));
                std::mem::replace(left, rest)
            }
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Stream(_, left) => *left == 0,
            Self::Text(left) => left.is_empty(),
        }
    }
}

/// A number in an action.
///
/// # Errors
/// When `text` is not one; one lower-case sentence.
pub(super) fn parse_number(text: &str) -> Result<u64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("expected a number, got `{text}`"))
}

/// Lower-case hexadecimal digits of `bytes`.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().map_or('0', char::from);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Span, Spanned};

    fn template(text: &str) -> Spanned<String> {
        Spanned::new(text.into(), Span::default())
    }

    #[test]
    fn the_stream_does_not_depend_on_how_it_is_cut() {
        let whole = ContentStream::new(7).take(1000);
        let mut stream = ContentStream::new(7);
        let mut pieces = stream.take(3);
        pieces.extend(stream.take(0));
        pieces.extend(stream.take(997));
        assert_eq!(pieces, whole);
        assert_ne!(ContentStream::new(8).take(1000), whole);
    }

    #[test]
    fn facts_are_those_of_the_bytes_that_are_sent() {
        let content = Content::Bytes(template("200000"));
        let facts = content_facts(&content, 7).unwrap();
        assert_eq!(facts.bytes, 200_000);
        assert_eq!(
            facts.sha256,
            hex(&Sha256::digest(ContentStream::new(7).take(200_000)))
        );
        let text = content_facts(&Content::Text(template("abc")), 7).unwrap();
        assert_eq!(
            text.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_size_that_is_no_number_is_named() {
        let error = content_facts(&Content::Bytes(template("many")), 0).unwrap_err();
        assert_eq!(error, "expected a number, got `many`");
    }
}
