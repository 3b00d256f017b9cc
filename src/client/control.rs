//! The control connection of a session: a link, the reply parser behind it, and the replies no step has taken yet.
//!
//! RFC 959 section 4.2. Everything that arrives goes through [`Control::absorb`], whoever was waiting for it.

use std::collections::VecDeque;
use std::time::Duration;

use super::escapes::hide_argument;
use super::problem::{closed, from_link};
use super::progress::Progress;
use crate::base::{PEER_TEXT_LIMIT, escape_peer, escape_peer_full};
use crate::tls::SessionStore;
use crate::trace::{ActionProblem, EventKind, Recorder, Waited};
use crate::transport::{Incoming, Link};
use crate::wire::{Reply, ReplyClass, ReplyCode, ReplyLimits, ReplyParser};

/// How many replies may wait to be taken. A peer that sends more is not listened to any longer.
const QUEUE_LIMIT: usize = 1000;
/// How many lines that are no replies, or broken TLS records, are looked at before the connection is given up.
const NOISE_LIMIT: u32 = 50;
/// How much text of one reply is recorded, in characters of all lines.
const TEXT_LIMIT: usize = 64 * 1024;

/// A reply that arrived, before or after a step took it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Counted from 1 on the channel.
    pub(super) number: u32,
    /// The reply.
    pub(super) reply: Reply,
    /// The first preliminary reply to a command that moves data.
    pub(super) begins_transfer: bool,
}

impl Received {
    /// Its code.
    pub(super) fn code(&self) -> ReplyCode {
        self.reply.code
    }

    /// The class of its code.
    pub(super) fn class(&self) -> ReplyClass {
        self.reply.code.class()
    }
}

/// An open (or ended) control connection.
#[derive(Debug)]
pub(super) struct Control {
    /// The connection.
    pub(super) link: Link,
    /// What its commands and replies have brought about.
    pub(super) progress: Progress,
    /// close_notify has arrived.
    pub(super) close_notify: bool,
    /// FIN, RST or a fatal alert has arrived, or reading makes no sense any more: why, in words.
    end: Option<&'static str>,
    /// Bytes belong to a probe, not to the parser.
    probing: bool,
    parser: ReplyParser,
    /// Whole replies that are not told yet, with whether TLS protected them. A wait tells them, see `wait`.
    staged: VecDeque<(Reply, bool)>,
    replies: VecDeque<Received>,
    last_taken: Option<Received>,
    received: u32,
    arrivals: u64,
    noise: u32,
    recorder: Recorder,
}

impl Control {
    /// A fresh connection; the first reply will have the number behind `numbered`.
    pub(super) fn new(link: Link, limits: ReplyLimits, numbered: u32, recorder: Recorder) -> Self {
        Self {
            link,
            progress: Progress::default(),
            close_notify: false,
            end: None,
            probing: false,
            parser: ReplyParser::new(limits),
            staged: VecDeque::new(),
            replies: VecDeque::new(),
            last_taken: None,
            received: numbered,
            arrivals: 0,
            noise: 0,
            recorder,
        }
    }

    /// How many replies have arrived on the channel.
    pub(super) fn received(&self) -> u32 {
        self.received
    }

    /// How many things have arrived, tickets not counted.
    pub(super) fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Whether something may still arrive.
    pub(super) fn is_readable(&self) -> bool {
        self.end.is_none()
    }

    /// Why nothing will arrive any more; none while something that has arrived is not told yet.
    pub(super) fn end(&self) -> Option<&'static str> {
        self.end.filter(|_| self.staged.is_empty())
    }

    /// Whether a reply has arrived that is not told yet.
    pub(super) fn has_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    /// Whether the next reply to be told is a preliminary one.
    pub(super) fn stages_preliminary(&self) -> bool {
        let next = self.staged.front();
        next.is_some_and(|(reply, _)| reply.code.class() == ReplyClass::Preliminary)
    }

    /// Takes note that we cut the connection ourselves.
    pub(super) fn end_here(&mut self, why: &'static str) {
        self.end.get_or_insert(why);
    }

    /// From now on what arrives is no reply.
    pub(super) fn start_probe(&mut self) {
        self.probing = true;
    }

    /// Whether what arrives is no reply any more.
    pub(super) fn is_probing(&self) -> bool {
        self.probing
    }

    /// Deals with what arrived. Whole replies are staged: [`Self::tell_next`] records them.
    pub(super) fn absorb(&mut self, incoming: Incoming, store: &SessionStore) {
        // Tickets come by themselves, whatever is asked or not.
        self.arrivals += u64::from(incoming != Incoming::Ticket);
        match incoming {
            Incoming::Bytes(bytes) => self.absorb_bytes(&bytes),
            Incoming::CloseNotify => self.close_notify = true,
            Incoming::Alert { fatal: true, .. } => {
                self.end
                    .get_or_insert("the target sent a fatal alert on the control connection");
            }
            Incoming::Alert { .. } | Incoming::Ticket => {}
            Incoming::Fin => {
                self.absorb_unfinished();
                self.end.get_or_insert("the target closed the control connection");
            }
            Incoming::Reset => {
                self.end.get_or_insert("the target reset the control connection");
            }
            Incoming::TlsViolation(_) => self.add_noise("the target broke TLS on the control connection"),
        }
        self.keep_sessions(store);
    }

    /// Puts the TLS sessions that arrived into `store`.
    pub(super) fn keep_sessions(&mut self, store: &SessionStore) {
        for session in self.link.take_sessions() {
            store.put(session);
        }
    }

    fn absorb_bytes(&mut self, bytes: &[u8]) {
        if self.probing {
            return;
        }
        self.parser.push(bytes);
        while self.end.is_none() {
            match self.parser.next() {
                Ok(Some(reply)) => self.stage(reply),
                Ok(None) => return,
                Err(error) => {
                    let text = escape_peer(self.parser.pending());
                    let text = match &error.kind {
                        crate::wire::ReplyErrorKind::NotAReply { line } => escape_peer(line),
                        _ => text,
                    };
                    self.note_malformed(error.to_string(), &text);
                    if error.is_fatal() {
                        self.end
                            .get_or_insert("the target sent a reply beyond every limit");
                    } else {
                        self.add_noise("the target sends lines that are no replies");
                    }
                }
            }
        }
    }

    /// What the parser still holds when no more bytes will come.
    fn absorb_unfinished(&mut self) {
        if self.probing || self.parser.pending().is_empty() {
            return;
        }
        let text = escape_peer(self.parser.pending());
        match self.parser.finish() {
            Ok(Some(reply)) => self.stage(reply),
            Ok(None) => {}
            Err(error) => self.note_malformed(error.to_string(), &text),
        }
    }

    fn note_malformed(&mut self, reason: String, text: &str) {
        self.tell_all();
        let text = self.recorder.mask(text);
        self.recorder
            .record(self.link.channel(), EventKind::ReplyMalformed { reason, text });
    }

    fn add_noise(&mut self, why: &'static str) {
        self.noise += 1;
        if self.noise >= NOISE_LIMIT {
            self.end.get_or_insert(why);
        }
    }

    fn stage(&mut self, reply: Reply) {
        self.staged.push_back((reply, self.link.is_protected()));
        if self.staged.len() + self.replies.len() >= QUEUE_LIMIT {
            self.end.get_or_insert("the target sends replies without end");
        }
    }

    /// Records every staged reply.
    pub(super) fn tell_all(&mut self) {
        while self.tell_next() {}
    }

    /// Records the next staged reply; false when there is none.
    pub(super) fn tell_next(&mut self) -> bool {
        let Some((reply, protected)) = self.staged.pop_front() else {
            return false;
        };
        self.received += 1;
        let is_preliminary = reply.code.class() == ReplyClass::Preliminary;
        let begins_transfer = is_preliminary && self.progress.begins_transfer();
        self.progress.note_reply(reply.code);
        let event = EventKind::ReplyReceived {
            number: self.received,
            code: reply.code,
            lines: self.shown_lines(&reply),
            protected,
            violations: reply.violations.clone(),
        };
        self.recorder.record(self.link.channel(), event);
        self.replies.push_back(Received {
            number: self.received,
            reply,
            begins_transfer,
        });
        true
    }

    fn shown_lines(&self, reply: &Reply) -> Vec<String> {
        let mut left = TEXT_LIMIT;
        let mut lines = Vec::new();
        for line in &reply.lines {
            if left == 0 {
                lines.push("…".to_owned());
                break;
            }
            let shown = self.recorder.mask(&escape_peer_full(line));
            let shown: String = shown.chars().take(left).collect();
            left = left.saturating_sub(shown.len().max(1));
            lines.push(shown);
        }
        lines
    }

    /// Takes the oldest reply, for the expectation of a step.
    pub(super) fn consume(&mut self) -> Option<Received> {
        let received = self.replies.pop_front()?;
        self.progress.greeted = true;
        self.recorder.record(
            self.link.channel(),
            EventKind::ReplyConsumed {
                number: received.number,
            },
        );
        self.last_taken = Some(received.clone());
        Some(received)
    }

    /// Passes over the oldest reply: no expectation is about it.
    pub(super) fn pass_over(&mut self) {
        if let Some(Received { number, .. }) = self.replies.pop_front() {
            self.recorder
                .record(self.link.channel(), EventKind::ReplyPassedOver { number });
        }
    }

    /// The reply that was taken last.
    pub(super) fn last_taken(&self) -> Option<&Received> {
        self.last_taken.as_ref()
    }

    /// The oldest reply that no step has taken.
    pub(super) fn next_reply(&self) -> Option<&Received> {
        self.replies.front()
    }

    /// Whether a preliminary reply waits to be taken.
    pub(super) fn has_preliminary(&self) -> bool {
        self.replies
            .iter()
            .any(|received| received.class() == ReplyClass::Preliminary)
    }

    /// Whether a final reply of any kind waits to be taken.
    pub(super) fn has_final(&self) -> bool {
        self.replies.iter().any(|received| received.class().is_final())
    }

    /// The first negative reply that waits to be taken.
    pub(super) fn refusal(&self) -> Option<ReplyCode> {
        self.replies
            .iter()
            .map(Received::code)
            .find(|code| code.class().is_negative())
    }

    /// Forgets the replies that no step took, with a remark: a composite action is about to count its own.
    pub(super) fn skip_replies(&mut self) {
        if self.replies.is_empty() {
            return;
        }
        let codes: Vec<String> = self
            .replies
            .drain(..)
            .map(|received| received.code().to_string())
            .collect();
        self.progress.greeted = true;
        let event = EventKind::Noted {
            name: "replies-skipped".into(),
            value: codes.join(" "),
        };
        self.recorder.record(self.link.channel(), event);
    }

    /// Drops what arrived in clear and no step took, because TLS starts now (RFC 7457 section 2.2).
    pub(super) fn drop_clear_leftover(&mut self) {
        self.tell_all();
        let mut bytes: Vec<u8> = self
            .replies
            .drain(..)
            .flat_map(|received| received.reply.raw)
            .collect();
        bytes.extend(self.parser.take_pending());
        if bytes.is_empty() {
            return;
        }
        let text = self.recorder.mask(&escape_peer(&bytes));
        let event = EventKind::ClearBytesLeftOver {
            bytes: bytes.len() as u64,
            text,
        };
        self.recorder.record(self.link.channel(), event);
    }

    /// Ends TLS and goes on in clear.
    pub(super) fn stop_tls(&mut self) {
        self.link.stop_tls();
        self.close_notify = false;
    }

    /// Sends one command line; CRLF is added.
    pub(super) async fn send_line(&mut self, line: &str, within: Duration) -> Result<(), ActionProblem> {
        if let Some(why) = self.end {
            return Err(closed(why));
        }
        self.progress.note_command(line);
        let shown = escape_peer_full(self.recorder.mask(&hide_argument(line)).as_bytes());
        let event = EventKind::CommandSent {
            line: shown,
            protected: self.link.is_protected(),
        };
        self.recorder.record(self.link.channel(), event);
        let bytes = format!("{line}\r\n");
        let sent = self.link.send(bytes.as_bytes(), within).await;
        sent.map_err(|error| from_link(&error, Waited::Write, within, &self.recorder))
    }

    /// Records raw bytes that are about to go out on `link`'s channel.
    pub(super) fn note_raw(&mut self, bytes: &[u8], protected: bool) {
        record_raw(&self.recorder, &self.link, bytes, protected);
        for line in bytes
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| line.ends_with(b"\n"))
        {
            self.progress.note_command(&String::from_utf8_lossy(line));
        }
    }
}

/// Records raw bytes that are about to go out on `link`.
pub(super) fn record_raw(recorder: &Recorder, link: &Link, bytes: &[u8], protected: bool) {
    let text = String::from_utf8_lossy(bytes);
    let hidden: String = text.split_inclusive('\n').map(hide_argument).collect();
    let shown = if std::str::from_utf8(bytes).is_ok() {
        escape_peer(recorder.mask(&hidden).as_bytes())
    } else {
        let shown = recorder.mask(&escape_peer_full(bytes));
        shown.chars().take(PEER_TEXT_LIMIT).collect()
    };
    let event = EventKind::RawSent {
        text: shown,
        bytes: bytes.len() as u64,
        protected,
    };
    recorder.record(link.channel(), event);
}
