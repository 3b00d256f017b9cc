//! Received bytes, and how many of them are used. Moves the rest to the front now and then, not for every record.

/// Used bytes in front of the rest that are tolerated.
const COMPACT_AT: usize = 64 * 1024;
/// Room made for the next read.
const READ_ROOM: usize = 256 * 1024;

/// Received bytes with what is used of them.
#[derive(Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    used: usize,
}

impl Input {
    /// What is not used.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    /// Appends.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(bytes);
    }

    /// Uses the next `count` bytes (fewer when there are not as many).
    pub(super) fn take(&mut self, count: usize) -> &mut [u8] {
        let start = self.used;
        self.used = (start + count).min(self.bytes.len());
        let end = self.used;
        self.bytes.get_mut(start..end).unwrap_or_default()
    }

    /// The buffer with room for a large read; append to it only.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        self.compact();
        self.bytes.reserve(READ_ROOM);
        &mut self.bytes
    }

    fn compact(&mut self) {
        if self.used == self.bytes.len() {
            self.bytes.clear();
            self.used = 0;
        } else if self.used >= COMPACT_AT {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
    }

    /// Everything, used or not: what came last stands at the end.
    pub(super) fn all(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the rest away.
    pub(super) fn take_all(&mut self) -> Vec<u8> {
        let rest = self.rest().to_vec();
        *self = Self::default();
        rest
    }
}
