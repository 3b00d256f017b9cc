//! Sending on a link: through TLS, past it, whole, halved or corrupted.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::link::{Ended, Link, LinkError, LinkErrorKind, Protection, RawAnswer, RawEnd};
use crate::tls;
use crate::trace::{Direction, EventKind};

/// Bytes sealed and written at once, about.
const PIECE: usize = 128 * 1024;
/// Largest TLS record.
const RECORD: usize = 16 * 1024;
/// What a raw probe reads at most.
const ANSWER_LIMIT: usize = 64 * 1024;

impl Link {
    /// Sends bytes, through TLS when it is on; records `DataSent` on data channels. No bytes send nothing.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), LinkError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.send_records(bytes, RECORD, false, deadline).await
    }

    /// Like [`Self::send`], in TLS records of at most `record_size` bytes; with `corrupt` a bit of the last record's
    /// tag is flipped. No bytes make one empty record.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_records(
        &mut self,
        bytes: &[u8],
        record_size: usize,
        corrupt: bool,
        deadline: Duration,
    ) -> Result<(), LinkError> {
        let end = Instant::now() + deadline;
        let size = record_size.clamp(1, RECORD);
        let piece = (PIECE / size).max(1) * size;
        let mut rest = bytes;
        loop {
            let (now, later) = rest.split_at(piece.min(rest.len()));
            self.push_data(now, size)?;
            if corrupt
                && later.is_empty()
                && self.is_protected()
                && let Some(last) = self.outbox.last_mut()
            {
                *last ^= 1;
            }
            self.flush(end).await?;
            rest = later;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Sends these bytes as they are, past TLS, in one TCP segment where the kernel allows (TCP_NODELAY is set).
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_clear(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), LinkError> {
        self.push_output();
        self.push_clear(bytes);
        self.note_data_sent(bytes.len(), false);
        self.flush(Instant::now() + deadline).await
    }

    /// Sends close_notify; does nothing on a clear link. Records it.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_close_notify(&mut self, deadline: Duration) -> Result<(), LinkError> {
        self.push_alert(false, 0, EventKind::CloseNotifySent)?;
        self.flush(Instant::now() + deadline).await
    }

    /// Sends an alert; does nothing on a clear link. Records it.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_alert(
        &mut self,
        fatal: bool,
        description: u8,
        deadline: Duration,
    ) -> Result<(), LinkError> {
        let facts = tls::alert_facts(if fatal { 2 } else { 1 }, description);
        let event = match description {
            0 => EventKind::CloseNotifySent,
            _ => EventKind::AlertSent(facts),
        };
        self.push_alert(fatal, description, event)?;
        self.flush(Instant::now() + deadline).await
    }

    /// Sends the first half of a record that holds `bytes`; on a clear link the first half of the bytes.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_half_record(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), LinkError> {
        self.push_output();
        let start = self.outbox.len();
        let bytes = bytes.get(..RECORD).unwrap_or(bytes);
        match &mut self.protection {
            Protection::Tls(connection) => {
                let sealed = connection.seal(bytes, RECORD).map_err(seal_error)?;
                self.outbox.extend(sealed);
            }
            Protection::Clear | Protection::Failed => self.push_clear(bytes),
        }
        self.tap_rewrites();
        let whole = self.outbox.len() - start;
        self.outbox.truncate(start + whole.div_ceil(2));
        self.flush(Instant::now() + deadline).await
    }

    /// Sends a TLS 1.3 KeyUpdate (RFC 8446 section 4.6.3); with `request` the peer is asked for one too.
    ///
    /// # Errors
    /// Closed or timed out; local trouble where there is no TLS 1.3.
    pub async fn send_key_update(&mut self, request: bool, deadline: Duration) -> Result<(), LinkError> {
        self.push_output();
        let Protection::Tls(connection) = &mut self.protection else {
            return Err(LinkError::new(LinkErrorKind::Local, "no TLS for a KeyUpdate"));
        };
        let sealed = connection.seal_key_update(request).map_err(seal_error)?;
        self.outbox.extend(sealed);
        self.flush(Instant::now() + deadline).await
    }

    /// Sends a record of any type (20 to 24 on the wire) through TLS; does nothing on a clear link. Not recorded.
    ///
    /// # Errors
    /// Closed or timed out.
    pub async fn send_any_record(
        &mut self,
        kind: u8,
        content: &[u8],
        deadline: Duration,
    ) -> Result<(), LinkError> {
        self.push_output();
        if let Protection::Tls(connection) = &mut self.protection {
            let sealed = connection.seal_any(kind, content).map_err(seal_error)?;
            self.outbox.extend(sealed);
        }
        self.flush(Instant::now() + deadline).await
    }

    /// Sends the pieces as they are (a hand-made ClientHello, say), each in a TCP segment of its own where the kernel
    /// allows, and collects the answer until `enough` says so, the
    /// connection ends, or the time is over. Records only how the connection ended.
    ///
    /// # Errors
    /// When the bytes cannot be sent.
    pub async fn raw_probe(
        &mut self,
        pieces: &[&[u8]],
        deadline: Duration,
        mut enough: impl FnMut(&[u8]) -> bool,
    ) -> Result<RawAnswer, LinkError> {
        let end = Instant::now() + deadline;
        for piece in pieces {
            self.outbox.extend_from_slice(piece);
            // A peer that refused the first pieces has closed before the last; its answer is still to be read.
            if let Err(error) = self.flush(end).await {
                if error.kind == LinkErrorKind::Closed && self.read_behind_reset() {
                    break;
                }
                return Err(error);
            }
        }
        let mut answer = Vec::new();
        loop {
            answer.append(&mut self.clear);
            if let Protection::Tls(connection) = &mut self.protection {
                answer.extend(connection.take_unread());
            }
            let ended = if enough(&answer) {
                Some(RawEnd::Complete)
            } else if answer.len() > ANSWER_LIMIT {
                Some(RawEnd::Limit)
            } else {
                match self.ended {
                    Ended::No => None,
                    Ended::Fin => Some(RawEnd::Fin),
                    Ended::Reset => Some(RawEnd::Reset),
                }
            };
            if let Some(ended) = ended {
                answer.truncate(ANSWER_LIMIT);
                return Ok(RawAnswer { bytes: answer, ended });
            }
            if timeout_at(end, self.wait_and_read()).await.is_err() {
                return Ok(RawAnswer {
                    bytes: answer,
                    ended: RawEnd::TimedOut,
                });
            }
        }
    }

    /// Puts answers of the TLS connection in front of what is sent next: records have an order.
    fn push_output(&mut self) {
        if let Protection::Tls(connection) = &mut self.protection {
            let output = connection.take_output();
            self.outbox.extend(output);
        }
    }

    fn push_data(&mut self, bytes: &[u8], record_size: usize) -> Result<(), LinkError> {
        self.push_output();
        let protected = match &mut self.protection {
            Protection::Tls(connection) => {
                let sealed = connection.seal(bytes, record_size).map_err(seal_error)?;
                self.outbox.extend(sealed);
                true
            }
            Protection::Clear | Protection::Failed => {
                self.push_clear(bytes);
                false
            }
        };
        self.note_data_sent(bytes.len(), protected);
        self.tap_rewrites();
        Ok(())
    }

    /// Puts clear text into the outbox.
    fn push_clear(&mut self, bytes: &[u8]) {
        if let Some(tap) = &mut self.tap {
            tap.will_send_clear(self.outbox.len() - self.written, bytes);
        }
        self.outbox.extend_from_slice(bytes);
    }

    /// Tells the tap which records are to be kept with a password masked.
    pub(super) fn tap_rewrites(&mut self) {
        if let (Some(tap), Protection::Tls(connection)) = (&self.tap, &mut self.protection) {
            let (sent, received) = connection.take_rewrites();
            tap.rewrite(Direction::Sent, sent);
            tap.rewrite(Direction::Received, received);
        }
    }

    fn push_alert(&mut self, fatal: bool, description: u8, event: EventKind) -> Result<(), LinkError> {
        self.push_output();
        if let Protection::Tls(connection) = &mut self.protection {
            let sealed = connection.seal_alert(fatal, description).map_err(seal_error)?;
            self.outbox.extend(sealed);
            self.unrecorded.push(event);
        }
        Ok(())
    }

    fn note_data_sent(&mut self, bytes: usize, protected: bool) {
        if self.channel.is_data() && bytes > 0 {
            let bytes = bytes as u64;
            self.unrecorded.push(EventKind::DataSent { bytes, protected });
        }
    }

    /// Writes the outbox; what is not written by `end` stays in it.
    pub(super) async fn flush(&mut self, end: Instant) -> Result<(), LinkError> {
        loop {
            self.flush_now();
            if self.outbox.is_empty() && !self.send_failed {
                return Ok(());
            }
            let Some(stream) = self.stream.as_ref().filter(|_| !self.send_failed) else {
                self.drop_outbox();
                return Err(self.closed_error());
            };
            match timeout_at(end, stream.writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => self.note_send_failure(),
                Err(_) => {
                    return Err(LinkError::new(
                        LinkErrorKind::TimedOut,
                        "the peer did not take what was sent in time",
                    ));
                }
            }
        }
    }

    /// Writes what the kernel takes now.
    pub(super) fn flush_now(&mut self) {
        while self.written < self.outbox.len() && !self.send_failed {
            let Some(stream) = &self.stream else {
                return;
            };
            match stream.try_write(self.outbox.get(self.written..).unwrap_or_default()) {
                Ok(count) => {
                    if let Some(tap) = &mut self.tap {
                        let written = self.written..self.written + count;
                        tap.wrote(self.outbox.get(written).unwrap_or_default());
                    }
                    self.written += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.note_send_failure(),
            }
        }
        if self.written == self.outbox.len() {
            self.outbox.clear();
            self.written = 0;
            for event in std::mem::take(&mut self.unrecorded) {
                self.record(event);
            }
        }
    }

    fn note_send_failure(&mut self) {
        self.send_failed = true;
        // After our own FIN writing fails whatever the peer does.
        if !self.fin_sent {
            self.note_reset();
        }
        self.drop_outbox();
    }

    fn drop_outbox(&mut self) {
        self.outbox.clear();
        self.written = 0;
        self.unrecorded.clear();
    }

    fn closed_error(&self) -> LinkError {
        let detail = if self.fin_sent {
            "our side of the connection is closed already"
        } else {
            "the peer reset the connection"
        };
        LinkError::new(LinkErrorKind::Closed, detail)
    }
}

fn seal_error(reason: String) -> LinkError {
    LinkError::new(LinkErrorKind::Local, reason)
}
