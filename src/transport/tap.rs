//! Feeds the capture of a case with what a link reads and writes, and masks the passwords in it.
//!
//! Only links of a recorder with a capture have a tap. Clear text is masked in place; a record of TLS is replaced by one
//! with the password masked (`tls::Rewrite`). On data connections only passwords of six characters or more are looked for:
//! shorter ones stand in random bytes by chance.

use crate::base::{Masker, SecretWatch};
use crate::tls::{Connection, Rewrite};
use crate::trace::{Capture, ConnectionId, Direction, Recorder, TcpEnd};

/// The tap of one link.
#[derive(Debug)]
pub(super) struct Tap {
    capture: Capture,
    recorder: Recorder,
    connection: ConnectionId,
    /// What is masked; nothing when passwords are to be kept.
    masker: Masker,
    sent: Side,
    received: Side,
}

/// One direction.
#[derive(Debug)]
struct Side {
    total: u64,
    /// Looks through clear text; tagged with the position of each piece.
    watch: SecretWatch<u64>,
    /// Where the records behind the handshake begin.
    records: u64,
}

impl Side {
    fn new(masker: &Masker) -> Self {
        Self {
            total: 0,
            watch: SecretWatch::new(masker.clone()),
            records: 0,
        }
    }
}

impl Tap {
    /// A tap for `connection` of `capture`.
    pub(super) fn new(
        recorder: &Recorder,
        capture: Capture,
        connection: ConnectionId,
        is_data: bool,
    ) -> Self {
        let masker = match (capture.keeps_passwords(), is_data) {
            (true, _) => Masker::default(),
            (false, true) => recorder.masker().only_long(),
            (false, false) => recorder.masker().clone(),
        };
        Self {
            capture,
            recorder: recorder.clone(),
            connection,
            sent: Side::new(&masker),
            received: Side::new(&masker),
            masker,
        }
    }

    /// These bytes went out.
    pub(super) fn wrote(&mut self, bytes: &[u8]) {
        self.took(Direction::Sent, bytes);
    }

    /// These bytes came in.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.took(Direction::Received, bytes);
    }

    fn took(&mut self, direction: Direction, bytes: &[u8]) {
        self.side(direction).total += bytes.len() as u64;
        let at = self.recorder.elapsed();
        self.capture.bytes(at, self.connection, direction, bytes);
    }

    /// TCP ended this way.
    pub(super) fn ended(&self, direction: Direction, end: TcpEnd) {
        let at = self.recorder.elapsed();
        self.capture.end(at, self.connection, direction, end);
    }

    /// Clear text is about to go out; `waiting` bytes go before it.
    pub(super) fn will_send_clear(&mut self, waiting: usize, text: &[u8]) {
        let at = self.sent.total + waiting as u64;
        self.mask_clear(Direction::Sent, at, text);
    }

    /// The newest bytes that came in are clear text.
    pub(super) fn received_clear(&mut self, text: &[u8]) {
        let at = self.received.total.saturating_sub(text.len() as u64);
        self.mask_clear(Direction::Received, at, text);
    }

    fn mask_clear(&mut self, direction: Direction, at: u64, text: &[u8]) {
        let (capture, connection) = (self.capture.clone(), self.connection);
        for (at, masked) in self.side(direction).watch.push(at, text.to_vec()) {
            capture.substitute(connection, direction, *at, masked);
        }
    }

    /// A handshake begins.
    pub(super) fn starts_tls(&self, connection: &mut Connection) {
        self.capture.start_tls(self.connection);
        connection.watch_for(&self.masker);
    }

    /// The handshake is finished: `waiting` bytes of it are still to go out, and `unread` bytes behind it have come in.
    pub(super) fn finished_handshake(&mut self, waiting: usize, unread: usize) {
        self.sent.records = self.sent.total + waiting as u64;
        self.received.records = self.received.total.saturating_sub(unread as u64);
    }

    /// Records that are to be kept in another form.
    pub(super) fn rewrite(&self, direction: Direction, rewrites: Vec<Rewrite>) {
        let records = match direction {
            Direction::Sent => self.sent.records,
            Direction::Received => self.received.records,
        };
        for Rewrite { offset, bytes } in rewrites {
            self.capture
                .substitute(self.connection, direction, records + offset, &bytes);
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }
}
