//! Reading from a link: bytes, alerts, the end; the one place that looks at what the peer sends.

use std::io::{self, Read as _};

use socket2::SockRef;
use tokio::io::Interest;

use super::link::{Ended, Incoming, Link, Protection};
use super::tap::Tap;
use crate::tls::{self, Opened};
use crate::trace::{AlertLevel, EventKind};

/// Bytes given out at once at most, about.
const PIECE: usize = 256 * 1024;
/// Clear bytes read at once.
const CLEAR_READ: usize = 128 * 1024;
/// Bytes kept behind a TLS connection that can no longer be read; more are thrown away.
const UNREAD_LIMIT: usize = 64 * 1024;
/// Bytes waiting to be sent beyond which nothing more is read (a peer could ask for answers without reading them).
const OUTBOX_LIMIT: usize = 1024 * 1024;
/// A TLS record header.
const HEADER: usize = 5;

/// What one read of the socket gave.
pub(super) enum Read {
    Bytes,
    Nothing,
    Over,
}

impl Link {
    /// The next thing that arrives. Waits for ever: wrap it in a timeout or select. After `Fin` or `Reset` it never
    /// returns anything else. Records tickets, alerts, close_notify, FIN, RST, violations, and on data channels the
    /// bytes; replies are recorded by the layer above.
    pub async fn receive(&mut self) -> Incoming {
        loop {
            // Nothing is taken out of the state before the one await below, so a dropped future loses nothing.
            if let Some(incoming) = self.next_received() {
                return incoming;
            }
            self.flush_now();
            match self.ended {
                Ended::No => {}
                Ended::Fin => return Incoming::Fin,
                Ended::Reset => {
                    if self.read_behind_reset() {
                        continue;
                    }
                    return Incoming::Reset;
                }
            }
            self.wait_and_read().await;
        }
    }

    /// Waits until the socket is ready and reads once.
    pub(super) async fn wait_and_read(&mut self) {
        let Some(stream) = &self.stream else {
            self.ended = Ended::Reset;
            return;
        };
        let pending = self.outbox.len() - self.written;
        let interest = match pending {
            0 => Interest::READABLE,
            1..OUTBOX_LIMIT => Interest::READABLE | Interest::WRITABLE,
            _ => Interest::WRITABLE,
        };
        match stream.ready(interest).await {
            Ok(ready) => {
                if ready.is_writable() {
                    self.flush_now();
                }
                if ready.is_readable() || ready.is_read_closed() {
                    self.read_now();
                }
            }
            Err(_) => self.note_reset(),
        }
    }

    /// Reads once without waiting.
    pub(super) fn read_now(&mut self) -> Read {
        let Some(stream) = &self.stream else {
            return Read::Over;
        };
        let outcome = match &mut self.protection {
            Protection::Tls(connection) if connection.is_dead() => {
                let unread = connection.unread();
                let mut bytes = Vec::with_capacity(CLEAR_READ);
                let outcome = stream.try_read_buf(&mut bytes);
                if let Some(tap) = &mut self.tap {
                    tap.read(&bytes);
                }
                bytes.truncate(UNREAD_LIMIT.saturating_sub(unread));
                connection.feed(&bytes);
                outcome
            }
            Protection::Tls(connection) => {
                let outcome = stream.try_read_buf(connection.input_buffer());
                tap_newest(&mut self.tap, connection.newest_input(), &outcome);
                outcome
            }
            Protection::Clear | Protection::Failed => {
                self.clear.reserve(CLEAR_READ);
                let outcome = stream.try_read_buf(&mut self.clear);
                tap_newest(&mut self.tap, &self.clear, &outcome);
                outcome
            }
        };
        match outcome {
            Ok(0) => {
                self.report_half_record();
                self.note_fin();
                Read::Over
            }
            Ok(_) => Read::Bytes,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Read::Nothing
            }
            Err(_) => {
                self.note_reset();
                Read::Over
            }
        }
    }

    /// After a reset was noticed while sending: reads what had come before it. True when there was something.
    pub(super) fn read_behind_reset(&mut self) -> bool {
        let Some(stream) = &self.stream else {
            return false;
        };
        // Past the runtime, which may not know of the reset yet.
        let mut bytes = vec![0; CLEAR_READ];
        let Ok(count @ 1..) = (&*SockRef::from(stream)).read(&mut bytes) else {
            return false;
        };
        bytes.truncate(count);
        if let Some(tap) = &mut self.tap {
            tap.read(&bytes);
        }
        match &mut self.protection {
            Protection::Tls(connection) if connection.is_dead() => return false,
            Protection::Tls(connection) => connection.feed(&bytes),
            Protection::Clear | Protection::Failed => self.clear.extend(bytes),
        }
        true
    }

    /// What can be given out without reading.
    fn next_received(&mut self) -> Option<Incoming> {
        if let Some(incoming) = self.queue.pop_front() {
            return Some(incoming);
        }
        match &self.protection {
            Protection::Clear => self.next_clear(),
            Protection::Failed => self.next_after_failure(),
            Protection::Tls(_) => self.next_opened(),
        }
    }

    fn next_clear(&mut self) -> Option<Incoming> {
        if self.clear.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.clear);
        if let Some(tap) = &mut self.tap {
            tap.received_clear(&bytes);
        }
        self.record_data(bytes.len(), false);
        Some(Incoming::Bytes(bytes))
    }

    /// Behind a failed handshake: alerts are told, other records of the dead connection are skipped, and the first
    /// byte that is no TLS starts clear text.
    fn next_after_failure(&mut self) -> Option<Incoming> {
        loop {
            match self.clear.as_slice() {
                [] => return None,
                [20..=23, 3, ..] | [20..=23] => {}
                _ => {
                    self.protection = Protection::Clear;
                    return self.next_clear();
                }
            }
            let header = self.clear.first_chunk::<HEADER>()?;
            let length = HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
            if self.clear.len() < length {
                return None;
            }
            let record: Vec<u8> = self.clear.drain(..length).collect();
            if let [21, _, _, 0, 2, level, description] = record.as_slice() {
                return Some(self.take_alert(tls::alert_facts(*level, *description)));
            }
        }
    }

    fn next_opened(&mut self) -> Option<Incoming> {
        loop {
            let Protection::Tls(connection) = &mut self.protection else {
                return None;
            };
            let mut data = Vec::new();
            let opened = if connection.open_data(&mut data, PIECE) {
                Opened::Data(data)
            } else {
                connection.open_next()?
            };
            let answer = connection.take_output();
            self.outbox.extend(answer);
            self.tap_rewrites();
            if let Some(incoming) = self.take_opened(opened) {
                return Some(incoming);
            }
        }
    }

    fn take_opened(&mut self, opened: Opened) -> Option<Incoming> {
        match opened {
            Opened::Data(data) if data.is_empty() => None,
            Opened::Data(data) => {
                self.record_data(data.len(), true);
                if self.close_notify_received && !self.late_data_reported {
                    self.late_data_reported = true;
                    self.queue.push_back(Incoming::Bytes(data));
                    return Some(self.violated("application data behind close_notify".to_owned(), 10));
                }
                Some(Incoming::Bytes(data))
            }
            Opened::CloseNotify(_) if self.close_notify_received => None,
            Opened::CloseNotify(_) => {
                self.close_notify_received = true;
                self.record(EventKind::CloseNotifyReceived);
                Some(Incoming::CloseNotify)
            }
            Opened::Alert(facts) => Some(self.take_alert(facts)),
            Opened::Ticket(facts, session) => {
                self.sessions.extend(session);
                self.record(EventKind::TicketReceived(facts));
                Some(Incoming::Ticket)
            }
            Opened::KeyUpdate => {
                self.key_updates = self.key_updates.saturating_add(1);
                self.record(EventKind::KeyUpdateReceived);
                None
            }
            Opened::RenegotiationAccepted => {
                self.record(EventKind::RenegotiationAccepted);
                None
            }
            Opened::RenegotiationRefused => {
                self.record(EventKind::AlertSent(tls::alert_facts(1, 100)));
                None
            }
            Opened::Violation { reason, alert } => Some(self.violated(reason, alert)),
        }
    }

    fn take_alert(&mut self, facts: crate::trace::AlertFacts) -> Incoming {
        let incoming = Incoming::Alert {
            fatal: facts.level == Some(AlertLevel::Fatal),
            description: facts.description,
        };
        self.record(EventKind::AlertReceived(facts));
        incoming
    }

    fn violated(&mut self, reason: String, alert: u8) -> Incoming {
        self.violation_alert = Some(alert);
        self.record(EventKind::TlsViolated {
            reason: reason.clone(),
        });
        Incoming::TlsViolation(reason)
    }

    /// FIN inside a record is a violation of its own, in front of the FIN.
    fn report_half_record(&mut self) {
        let Protection::Tls(connection) = &self.protection else {
            return;
        };
        let unread = connection.unread();
        if self.ended == Ended::No && unread > 0 && connection.is_open() && !connection.is_dead() {
            let incoming = self.violated(format!("FIN inside a record, {unread} bytes into it"), 50);
            self.queue.push_back(incoming);
        }
    }

    pub(super) fn record_data(&self, bytes: usize, protected: bool) {
        if self.channel.is_data() {
            let bytes = bytes as u64;
            self.record(EventKind::DataReceived { bytes, protected });
        }
    }
}

/// Gives the last bytes of `buffer` to the tap, as many as were just read.
fn tap_newest(tap: &mut Option<Box<Tap>>, buffer: &[u8], outcome: &io::Result<usize>) {
    if let (Some(tap), Ok(count)) = (tap, outcome) {
        let from = buffer.len().saturating_sub(*count);
        tap.read(buffer.get(from..).unwrap_or_default());
    }
}
