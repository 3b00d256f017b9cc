//! Lines of the control connection: from bytes to commands, in order, bounded.
//!
//! RFC 959 section 5.3.1 (CRLF and nothing else ends a line), RFC 7457 section 2.2 (clear bytes ahead of a handshake).

use std::time::Duration;

use super::{Ended, Session, Step};
use crate::mock::Fault;
use crate::transport::Incoming;
use crate::wire::command::{Command, CommandError, CommandViolation};

/// How long a fault stays silent.
const CHAT: Duration = Duration::from_millis(500);
/// How many commands may wait for the end of a transfer.
const QUEUE_LIMIT: usize = 64;
/// The reply to a line with nothing in it.
pub(super) const EMPTY_LINE: &str = "The line is empty.";

/// A line of the control connection.
pub(in crate::mock) enum Line {
    /// A command.
    Command(Command),
    /// Not a command: the reply for it.
    Refused(u16, &'static str),
}

impl Session {
    /// The next line, in the order of arrival; 421 when none comes for too long.
    pub(super) async fn next_line(&mut self) -> Result<Line, Ended> {
        loop {
            if let Some(line) = self.queue.pop_front() {
                return Ok(line);
            }
            if let Some(line) = self.take_line() {
                return Ok(line);
            }
            if self.has(Fault::TalksWhileIdle) {
                let Ok(incoming) = tokio::time::timeout(CHAT, self.link.receive()).await else {
                    self.reply(211, "Still here.").await?;
                    continue;
                };
                self.accept(incoming)?;
                continue;
            }
            if self.has(Fault::HangsUpEarly) {
                let Ok(incoming) = tokio::time::timeout(CHAT, self.link.receive()).await else {
                    return Err(Ended::ByServer);
                };
                self.accept(incoming)?;
                continue;
            }
            let idle = self.shared.options.idle_timeout;
            let Ok(incoming) = tokio::time::timeout(idle, self.link.receive()).await else {
                self.reply(421, "No command for too long.").await?;
                return Err(Ended::ByServer);
            };
            self.accept(incoming)?;
        }
    }

    /// Takes what arrived on the control connection.
    pub(in crate::mock) fn accept(&mut self, incoming: Incoming) -> Step {
        if self.link.key_updates() > 0 && self.has(Fault::TreatsKeyUpdateAsFatal) {
            return Err(Ended::ByServer);
        }
        match incoming {
            Incoming::Bytes(bytes) => {
                self.push(&bytes);
                Ok(())
            }
            Incoming::Alert { fatal: false, .. } | Incoming::Ticket => Ok(()),
            Incoming::Alert { fatal: true, .. }
            | Incoming::CloseNotify
            | Incoming::Fin
            | Incoming::Reset
            | Incoming::TlsViolation(_) => Err(Ended::ByPeer),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.has(Fault::ProcessesFirstLineOnly)
            && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
        {
            self.parser.push(bytes.get(..=end).unwrap_or_default());
            return;
        }
        if self.has(Fault::SplitsLinesAt1024Bytes) {
            for part in bytes.chunks(1024) {
                self.parser.push(part);
                self.parser.push(if part.len() == 1024 { b"\r\n" } else { b"" });
            }
            return;
        }
        self.parser.push(bytes);
        if self.has(Fault::ExecutesPartialLines) && !bytes.ends_with(b"\n") {
            self.parser.push(b"\r\n");
        }
    }

    /// The next whole line that has arrived.
    pub(in crate::mock) fn take_line(&mut self) -> Option<Line> {
        loop {
            let line = match self.parser.next() {
                Ok(None) => return None,
                Ok(Some(command)) => {
                    let is_bare = command.violations.contains(&CommandViolation::BareLineFeed);
                    if is_bare && !self.has(Fault::SplitsLinesAtBareLf) {
                        // What comes before CRLF is still the same line, and not a command of its own.
                        self.is_line_broken = true;
                        continue;
                    }
                    Line::Command(command)
                }
                Err(CommandError::Empty) => Line::Refused(500, EMPTY_LINE),
                Err(CommandError::NotAVerb { .. }) => Line::Refused(500, "A command starts with a verb."),
                Err(CommandError::LineTooLong) => Line::Refused(500, "The line is too long."),
                Err(CommandError::TooMuchWaiting) => Line::Refused(500, "Too many commands at once."),
            };
            if std::mem::take(&mut self.is_line_broken) {
                return Some(Line::Refused(501, "A line ends with CR LF."));
            }
            return Some(line);
        }
    }

    /// Keeps a line for after the transfer.
    pub(in crate::mock) async fn queue(&mut self, line: Line) -> Step {
        if self.queue.len() >= QUEUE_LIMIT {
            self.reply(421, "Too many commands during a transfer.").await?;
            return Err(Ended::ByServer);
        }
        self.queue.push_back(line);
        Ok(())
    }

    /// Takes in what else arrives within `patience`. Only a fault asks for it.
    pub(in crate::mock) async fn read_ahead(&mut self, patience: Duration) {
        if let Ok(Incoming::Bytes(bytes)) = tokio::time::timeout(patience, self.link.receive()).await {
            self.push(&bytes);
        }
    }

    /// Forgets what the client sent ahead in clear (RFC 7457 section 2.2).
    pub(in crate::mock) fn drop_pending(&mut self) {
        self.parser.clear();
        self.queue.clear();
        self.is_line_broken = false;
    }
}
