//! Replies on the wire.
//!
//! RFC 959 section 4.2; IAC is doubled (RFC 854).

use super::{Ended, Session, Step};
use crate::mock::Fault;
use crate::mock::server::REPLY_DEADLINE;
use crate::wire::reply::{ReplyCode, render_reply};

impl Session {
    /// Sends a reply of one line.
    pub(in crate::mock) async fn reply(&mut self, code: u16, text: &str) -> Step {
        self.reply_bytes(code, &[text.as_bytes()]).await
    }

    /// Sends a reply of one line or more.
    pub(in crate::mock) async fn reply_lines(&mut self, code: u16, lines: &[String]) -> Step {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        self.reply_bytes(code, &lines).await
    }

    /// Sends a reply whose text may hold path names. IAC is doubled (RFC 854).
    pub(in crate::mock) async fn reply_bytes(&mut self, code: u16, lines: &[&[u8]]) -> Step {
        let mut bytes = render(code, lines);
        if self.has(Fault::EndsRepliesWithLf) {
            bytes.retain(|byte| *byte != b'\r');
        }
        if self.is_doubled {
            bytes.extend_from_within(..);
        }
        self.send(&bytes).await
    }

    /// Sends a reply past TLS; for a fault.
    pub(in crate::mock) async fn reply_in_clear(&mut self, code: u16, text: &str) -> Step {
        self.reply_lines_in_clear(code, &[text.to_owned()]).await
    }

    /// As [`Self::reply_in_clear`], of one line or more.
    pub(in crate::mock) async fn reply_lines_in_clear(&mut self, code: u16, lines: &[String]) -> Step {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let bytes = render(code, &lines);
        self.link
            .send_clear(&bytes, REPLY_DEADLINE)
            .await
            .map_err(|_| Ended::ByPeer)
    }

    /// Keeps a reply of one line back until the next one, so that both go out in one segment.
    pub(in crate::mock) fn hold_reply(&mut self, code: u16, text: &str) {
        self.held_reply.extend(render(code, &[text.as_bytes()]));
    }

    /// Sends bytes as they are, behind what was kept back.
    pub(in crate::mock) async fn send(&mut self, bytes: &[u8]) -> Step {
        let mut all = std::mem::take(&mut self.held_reply);
        all.extend_from_slice(bytes);
        self.link
            .send(&all, REPLY_DEADLINE)
            .await
            .map_err(|_| Ended::ByPeer)
    }
}

/// The bytes of a reply; IAC is doubled.
fn render(code: u16, lines: &[&[u8]]) -> Vec<u8> {
    let code =
        ReplyCode::new(code).expect("invariant: the codes of this server are literals from 100 to 599");
    let bytes = render_reply(code, lines);
    if !bytes.contains(&255) {
        return bytes;
    }
    let mut escaped = Vec::with_capacity(bytes.len().saturating_add(8));
    for byte in bytes {
        escaped.push(byte);
        if byte == 255 {
            escaped.push(byte);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_double_iac() {
        assert_eq!(render(257, &[b"\"\xff\""]), b"257 \"\xff\xff\"\r\n");
    }
}
