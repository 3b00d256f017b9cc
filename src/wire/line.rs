//! Lines of a control connection: a buffer that finds line ends, and what can be odd inside a line.
//!
//! RFC 959 sections 4.1.3 and 5.3 (CRLF ends a line), RFC 854 (Telnet commands start with IAC). Knows neither
//! commands nor replies; does not decide what a limit is, see `ReplyParser` and `CommandParser`.

/// Telnet "interpret as command", RFC 854.
const IAC: u8 = 255;
/// Telnet data mark, RFC 854: what is left of a Synch when the IAC before it travelled as urgent data.
const DATA_MARK: u8 = 242;

/// Bytes that arrived and were not consumed, with a search for line ends that looks at each byte once.
#[derive(Clone, Debug, Default)]
pub(super) struct LineBuffer {
    bytes: Vec<u8>,
    /// Offset of the first byte that was not consumed.
    start: usize,
    /// Offset up to which no line feed was found by the search under way.
    scanned: usize,
}

impl LineBuffer {
    /// Appends `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.start >= self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What was not consumed.
    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The unread bytes from offset `from` up to `to`; empty when there are not that many.
    pub(super) fn range(&self, from: usize, to: usize) -> &[u8] {
        self.unread().get(from..to).unwrap_or_default()
    }

    /// Where the line that starts at unread offset `from` ends, behind its line feed.
    pub(super) fn line_end(&mut self, from: usize) -> Option<usize> {
        let search = (self.start.saturating_add(from)).max(self.scanned);
        let rest = self.bytes.get(search..).unwrap_or_default();
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(index) => {
                let end = search.saturating_add(index).saturating_add(1);
                // At the line feed, so that asking again finds it again.
                self.scanned = end.saturating_sub(1);
                Some(end.saturating_sub(self.start))
            }
            None => {
                self.scanned = self.bytes.len();
                None
            }
        }
    }

    /// Removes the first `count` unread bytes and gives them back.
    pub(super) fn consume(&mut self, count: usize) -> Vec<u8> {
        let taken = self.range(0, count.min(self.unread().len())).to_vec();
        self.start = self.start.saturating_add(taken.len());
        if self.start >= self.bytes.len() {
            self.clear();
        } else {
            self.scanned = self.scanned.max(self.start);
        }
        taken
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.scanned = 0;
    }

    /// Removes and returns everything.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.consume(self.unread().len())
    }

    /// Keeps only the first `count` unread bytes.
    pub(super) fn truncate(&mut self, count: usize) {
        self.bytes.truncate(self.start.saturating_add(count));
        self.bytes.shrink_to_fit();
        self.scanned = self.scanned.min(self.bytes.len());
    }
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// CR LF, as the RFCs have it.
    Crlf,
    /// LF alone.
    LineFeed,
    /// Not at all.
    None,
}

/// `line` without its line end, and which one it was.
pub(super) fn split_ending(line: &[u8]) -> (&[u8], Ending) {
    if let Some(content) = line.strip_suffix(b"\r\n") {
        (content, Ending::Crlf)
    } else if let Some(content) = line.strip_suffix(b"\n") {
        (content, Ending::LineFeed)
    } else {
        (line, Ending::None)
    }
}

/// Whether `content` holds a control character other than CR, NUL and tab, which have rules of their own.
pub(super) fn has_control(content: &[u8]) -> bool {
    content
        .iter()
        .any(|byte| byte.is_ascii_control() && !matches!(byte, b'\r' | 0 | b'\t'))
}

/// Whether `content` holds IAC followed by a Telnet command (240 to 255), RFC 854.
pub(super) fn has_telnet(content: &[u8]) -> bool {
    content
        .iter()
        .zip(content.iter().skip(1))
        .any(|(first, second)| *first == IAC && *second >= 240)
}

/// How many bytes at the start of `content` are Telnet commands (RFC 854).
///
/// IAC alone before an ordinary character counts, and so does a data mark: both are what a server sees of the Synch
/// before ABOR when its last byte travelled as urgent data.
pub(super) fn telnet_prefix(content: &[u8]) -> usize {
    let mut length = 0;
    while let Some(rest) = content.get(length..) {
        let step = match rest {
            [DATA_MARK, ..] => 1,
            [IAC, 251..=254, _, ..] => 3,
            [IAC, 250, sub @ ..] => sub
                .windows(2)
                .position(|pair| pair == [IAC, 240])
                .map_or(rest.len(), |index| index.saturating_add(4)),
            [IAC, 240..=249, ..] => 2,
            [IAC, ..] => 1,
            _ => 0,
        };
        if step == 0 {
            break;
        }
        length = length.saturating_add(step);
    }
    length.min(content.len())
}

/// At most `limit` bytes of `bytes`, for errors.
pub(super) fn bounded(bytes: &[u8], limit: usize) -> Vec<u8> {
    bytes.get(..limit).unwrap_or(bytes).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_found_across_pieces_and_consumption() {
        let mut buffer = LineBuffer::default();
        buffer.push(b"a\r\nbc");
        assert_eq!(buffer.line_end(0), Some(3));
        assert_eq!(buffer.line_end(3), None);
        buffer.push(b"\nd");
        assert_eq!(buffer.line_end(3), Some(6));
        assert_eq!(buffer.consume(6), b"a\r\nbc\n");
        assert_eq!(buffer.unread(), b"d");
        assert_eq!(buffer.line_end(0), None);
        buffer.push(b"\n");
        assert_eq!(buffer.line_end(0), Some(2));
        assert_eq!(buffer.take(), b"d\n");
        assert_eq!(buffer.unread(), b"");
    }

    #[test]
    fn telnet_commands_before_a_verb_are_measured() {
        assert_eq!(telnet_prefix(b"\xff\xf4\xff\xf2ABOR"), 4);
        assert_eq!(telnet_prefix(b"\xff\xf4\xffABOR"), 3);
        assert_eq!(telnet_prefix(b"\xf2ABOR"), 1);
        assert_eq!(telnet_prefix(b"\xff\xfb\x01USER"), 3);
        assert_eq!(telnet_prefix(b"\xff\xfa\x18x\xff\xf0USER"), 6);
        assert_eq!(telnet_prefix(b"\xff\xfa\x18 no end"), 10);
        assert_eq!(telnet_prefix(b"USER"), 0);
        assert_eq!(telnet_prefix(b"\xff"), 1);
    }
}
