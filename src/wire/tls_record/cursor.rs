//! Reading and writing the vectors of TLS (RFC 8446 section 3.4), without a panic in either direction.
//!
//! Knows no message; reading past the end gives `None`, writing too much cuts.

/// A place in a byte string.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest.get(..count)?;
        self.rest = self.rest.get(count..)?;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        let bytes: [u8; 2] = self.take(2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    }

    /// A vector whose length takes one byte.
    pub(super) fn vec8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// A vector whose length takes two bytes.
    pub(super) fn vec16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

/// Every pair of bytes as a number; an odd byte at the end is left out.
pub(super) fn u16_list(bytes: &[u8]) -> Vec<u16> {
    let mut cursor = Cursor::new(bytes);
    let mut list = Vec::with_capacity(bytes.len() / 2);
    while let Some(number) = cursor.u16() {
        list.push(number);
    }
    list
}

/// The three bytes of a handshake length.
pub(super) fn u24(length: usize) -> [u8; 3] {
    let [_, high, middle, low] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [high, middle, low]
}

/// Appends `content` behind its length in one byte, cut to 255 bytes.
pub(super) fn put_vec8(out: &mut Vec<u8>, content: &[u8]) {
    let content = content.get(..255).unwrap_or(content);
    out.push(u8::try_from(content.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(content);
}

/// Appends `content` behind its length in two bytes, cut to 65535 bytes.
pub(super) fn put_vec16(out: &mut Vec<u8>, content: &[u8]) {
    let content = content.get(..65535).unwrap_or(content);
    put_u16(out, u16::try_from(content.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(content);
}

/// Appends a number.
pub(super) fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Numbers as bytes.
pub(super) fn u16_bytes(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}
