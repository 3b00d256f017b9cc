//! Collects bytes while a case runs. Cheap to clone; every connection holds one.
//!
//! Bounded: bulk data beyond the limits is counted and not kept. What is substituted (masked passwords, see
//! `transport::tap`) replaces the real bytes here, so that they never leave this module.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::trace::{Channel, Direction};

/// Bytes kept of each direction of a control connection.
const CONTROL_LIMIT: u64 = 1024 * 1024;
/// Bytes kept of each direction of a data connection.
const DATA_LIMIT: u64 = 256 * 1024;
/// Bytes kept of a case.
const CASE_LIMIT: u64 = 4 * 1024 * 1024;
/// Pieces kept of a case; nothing that comes behind is even counted.
const PIECE_LIMIT: usize = 50_000;
/// Connections of a case.
const CONNECTION_LIMIT: usize = 2_000;
/// Key log lines of a case.
const KEY_LIMIT: usize = 20_000;

/// Which connection of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId(usize);

/// How a connection came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionStart {
    /// Its channel.
    pub channel: Channel,
    /// Our address.
    pub local: SocketAddr,
    /// The target's address.
    pub peer: SocketAddr,
    /// Whether we connected (and not the target).
    pub from_here: bool,
}

/// How TCP ended in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpEnd {
    /// FIN.
    Fin,
    /// RST.
    Reset,
}

/// What was collected of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The connections; pieces name them by position.
    pub(super) connections: Vec<Connection>,
    /// What happened, in order.
    pub(super) pieces: Vec<Piece>,
    /// NSS key log lines.
    pub(super) keys: Vec<String>,
    /// Whether the end is missing because there was too much.
    pub(super) is_cut: bool,
    /// Whether passwords were left in.
    pub(super) has_passwords: bool,
}

impl Captured {
    /// The NSS key log: one line for each secret of each TLS connection.
    #[must_use]
    pub fn key_log(&self) -> String {
        self.keys.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Whether there is nothing to write: no connection was made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) start: ConnectionStart,
    /// Whether TLS was spoken on it.
    pub(super) has_tls: bool,
    sent: Stream,
    received: Stream,
}

/// One direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stream {
    /// Bytes so far, kept or not.
    total: u64,
    kept: u64,
    /// Replacements by position in the stream, for bytes that have not come yet.
    substitutions: Vec<(u64, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: Duration,
    pub(super) connection: usize,
    pub(super) kind: PieceKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    Opened,
    Bytes {
        direction: Direction,
        /// Position in the stream.
        offset: u64,
        /// How many there were.
        length: u64,
        /// The first of them.
        kept: Vec<u8>,
    },
    Ended {
        direction: Direction,
        end: TcpEnd,
    },
}

/// Collects the bytes of one case. Clones share what they collect.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    state: Arc<Mutex<State>>,
    keeps_passwords: bool,
}

#[derive(Debug, Default)]
struct State {
    captured: Captured,
    kept: u64,
}

impl Capture {
    /// Collects nothing yet; `keeps_passwords` asks whoever feeds it to mask nothing.
    #[must_use]
    pub fn new(keeps_passwords: bool) -> Self {
        let capture = Self {
            state: Arc::default(),
            keeps_passwords,
        };
        capture.lock().captured.has_passwords = keeps_passwords;
        capture
    }

    /// Whether passwords are to be left as they are.
    #[must_use]
    pub fn keeps_passwords(&self) -> bool {
        self.keeps_passwords
    }

    /// A connection was opened at `at`. None when there are too many.
    #[must_use]
    pub fn open(&self, at: Duration, start: ConnectionStart) -> Option<ConnectionId> {
        let mut state = self.lock();
        let connections = &mut state.captured.connections;
        if connections.len() >= CONNECTION_LIMIT {
            state.captured.is_cut = true;
            return None;
        }
        let number = connections.len();
        connections.push(Connection {
            start,
            has_tls: false,
            sent: Stream::default(),
            received: Stream::default(),
        });
        state.push(at, number, PieceKind::Opened);
        Some(ConnectionId(number))
    }

    /// TLS is about to be spoken on the connection.
    pub fn start_tls(&self, connection: ConnectionId) {
        if let Some(connection) = self.lock().captured.connections.get_mut(connection.0) {
            connection.has_tls = true;
        }
    }

    /// Bytes as they are on the wire.
    pub fn bytes(&self, at: Duration, connection: ConnectionId, direction: Direction, bytes: &[u8]) {
        self.lock().add(at, connection.0, direction, bytes);
    }

    /// FIN or RST went this way.
    pub fn end(&self, at: Duration, connection: ConnectionId, direction: Direction, end: TcpEnd) {
        self.lock()
            .push(at, connection.0, PieceKind::Ended { direction, end });
    }

    /// The bytes at `offset` of the stream, come or still to come, are kept as `bytes`.
    pub fn substitute(&self, connection: ConnectionId, direction: Direction, offset: u64, bytes: &[u8]) {
        self.lock().substitute(connection.0, direction, offset, bytes);
    }

    /// A line of the NSS key log.
    pub fn key(&self, line: &str) {
        let keys = &mut self.lock().captured.keys;
        if keys.len() < KEY_LIMIT {
            keys.push(line.to_owned());
        }
    }

    /// What was collected; the capture is empty afterwards.
    #[must_use]
    pub fn take(&self) -> Captured {
        let fresh = Captured {
            has_passwords: self.keeps_passwords,
            ..Captured::default()
        };
        let mut state = self.lock();
        state.kept = 0;
        std::mem::replace(&mut state.captured, fresh)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking holder leaves whole pieces behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, at: Duration, connection: usize, kind: PieceKind) {
        if self.captured.pieces.len() < PIECE_LIMIT {
            self.captured.pieces.push(Piece { at, connection, kind });
        } else {
            self.captured.is_cut = true;
        }
    }

    fn add(&mut self, at: Duration, number: usize, direction: Direction, bytes: &[u8]) {
        let room = CASE_LIMIT.saturating_sub(self.kept);
        let Some(connection) = self.captured.connections.get_mut(number) else {
            return;
        };
        let limit = if connection.start.channel.is_data() {
            DATA_LIMIT
        } else {
            CONTROL_LIMIT
        };
        let stream = connection.stream(direction);
        let offset = stream.total;
        let length = bytes.len() as u64;
        let complete = stream.kept == stream.total;
        let count = if complete {
            length.min(limit.saturating_sub(stream.kept)).min(room)
        } else {
            // Behind a gap nothing can be decrypted: it is of no use.
            0
        };
        stream.total += length;
        stream.kept += count;
        self.kept += count;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut kept = bytes.get(..count).unwrap_or(bytes).to_vec();
        for (start, replacement) in &stream.substitutions {
            overwrite(&mut kept, offset, *start, replacement);
        }
        let end = stream.total;
        stream
            .substitutions
            .retain(|(start, replacement)| start + replacement.len() as u64 > end);
        if kept.is_empty() && self.extend_last(number, direction, length) {
            return;
        }
        let kind = PieceKind::Bytes {
            direction,
            offset,
            length,
            kept,
        };
        self.push(at, number, kind);
    }

    /// Adds bytes that are not kept to the piece before, when that is of the same stream.
    fn extend_last(&mut self, number: usize, wanted: Direction, more: u64) -> bool {
        let last = self.captured.pieces.last_mut();
        let Some(Piece {
            connection,
            kind:
                PieceKind::Bytes {
                    direction,
                    length,
                    kept,
                    ..
                },
            ..
        }) = last
        else {
            return false;
        };
        let is_same = *connection == number && *direction == wanted && kept.is_empty();
        if is_same {
            *length += more;
        }
        is_same
    }

    fn substitute(&mut self, number: usize, wanted: Direction, start: u64, replacement: &[u8]) {
        for piece in &mut self.captured.pieces {
            if let PieceKind::Bytes {
                direction,
                offset,
                kept,
                ..
            } = &mut piece.kind
                && piece.connection == number
                && *direction == wanted
            {
                overwrite(kept, *offset, start, replacement);
            }
        }
        let Some(connection) = self.captured.connections.get_mut(number) else {
            return;
        };
        let stream = connection.stream(wanted);
        if start + replacement.len() as u64 > stream.total {
            stream.substitutions.push((start, replacement.to_vec()));
        }
    }
}

impl Connection {
    fn stream(&mut self, direction: Direction) -> &mut Stream {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }
}

/// Writes the part of `replacement` (at `start` of a stream) that falls into `kept` (at `offset` of it).
fn overwrite(kept: &mut [u8], offset: u64, start: u64, replacement: &[u8]) {
    let end = start.saturating_add(replacement.len() as u64);
    let both: Range<u64> = start.max(offset)..end.min(offset.saturating_add(kept.len() as u64));
    if both.is_empty() {
        return;
    }
    let part = |origin: u64| {
        let from = usize::try_from(both.start - origin).unwrap_or(usize::MAX);
        let to = usize::try_from(both.end - origin).unwrap_or(usize::MAX);
        from..to
    };
    if let (Some(target), Some(source)) = (kept.get_mut(part(offset)), replacement.get(part(start))) {
        target.copy_from_slice(source);
    }
}
