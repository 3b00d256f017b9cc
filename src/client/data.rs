//! A data connection as the engine sees it: a listener or a link, what has arrived, and the sums over it.
//!
//! RFC 959 section 3.2, RFC 4217 section 9. Bytes that arrive before a step reads them are held, up to a limit behind
//! which the connection is left unread (the peer feels that as a full window).

use sha2::{Digest, Sha256};

use super::content::hex;
use crate::base::escape_peer_full;
use crate::tls::SessionStore;
use crate::trace::{Channel, DataPath, EventKind, Recorder, TransferSummary};
use crate::transport::{Incoming, Link, Listener};

/// How many bytes are held for a step that has not read them yet.
const HELD_LIMIT: usize = 256 * 1024;
/// How much of the data is shown, in characters.
const TEXT_LIMIT: usize = 4096;
/// How many broken TLS records are looked at before the connection is given up.
const NOISE_LIMIT: u32 = 20;

/// Where TLS stands on a data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataTls {
    /// Not started.
    Clear,
    /// On.
    Started,
    /// A handshake failed: what arrives is no data.
    Failed,
}

/// How the peer ended the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataEnd {
    /// FIN.
    Fin,
    /// RST, theirs or ours.
    Reset,
    /// A fatal alert.
    Alert,
    /// TLS is broken beyond reading.
    Violation,
}

/// The current data connection of a session.
#[derive(Debug)]
pub(super) struct Data {
    /// Its channel.
    pub(super) channel: Channel,
    /// How it came about; none when a step connected it by hand.
    pub(super) path: Option<DataPath>,
    /// The connection, when there is one.
    pub(super) link: Option<Link>,
    /// Where the target is to connect to (active), until it has.
    pub(super) listener: Option<Listener>,
    /// Where TLS stands.
    pub(super) tls: DataTls,
    /// close_notify has arrived.
    pub(super) close_notify: bool,
    /// FIN, RST or worse has arrived.
    pub(super) end: Option<DataEnd>,
    /// We sent close_notify.
    pub(super) notify_sent: bool,
    /// We sent FIN or RST.
    pub(super) closed_here: bool,
    /// How many pieces were taken while a final reply had arrived and was not told yet.
    pub(super) pieces_before_reply: u32,
    held: Vec<u8>,
    tally: Tally,
    clear_bytes: u64,
    arrivals: u64,
    noise: u32,
}

/// Sums over what was read.
#[derive(Debug, Default)]
struct Tally {
    bytes: u64,
    hash: Sha256,
    start: Vec<u8>,
}

impl Tally {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
        let room = TEXT_LIMIT.saturating_sub(self.start.len());
        self.start.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

impl Data {
    /// A data connection on `channel` that is connected, or waits for the target to connect.
    pub(super) fn new(channel: Channel, path: Option<DataPath>) -> Self {
        Self {
            channel,
            path,
            link: None,
            listener: None,
            tls: DataTls::Clear,
            close_notify: false,
            end: None,
            notify_sent: false,
            closed_here: false,
            pieces_before_reply: 0,
            held: Vec::new(),
            tally: Tally::default(),
            clear_bytes: 0,
            arrivals: 0,
            noise: 0,
        }
    }

    /// With this connection.
    pub(super) fn with_link(mut self, link: Link) -> Self {
        self.link = Some(link);
        self
    }

    /// With this listener.
    pub(super) fn with_listener(mut self, listener: Listener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// How many things have arrived, tickets not counted.
    pub(super) fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Whether bytes wait to be read.
    pub(super) fn has_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether something may still arrive and there is room for it.
    pub(super) fn is_readable(&self) -> bool {
        self.end.is_none() && self.held.len() < HELD_LIMIT
    }

    /// Whether the peer has ended the data: nothing that counts will arrive any more.
    pub(super) fn is_finished(&self) -> bool {
        self.close_notify || self.end.is_some()
    }

    /// Deals with what arrived.
    pub(super) fn absorb(&mut self, incoming: Incoming, store: &SessionStore) {
        self.arrivals += u64::from(incoming != Incoming::Ticket);
        match incoming {
            // What comes behind close_notify or a failed handshake is recorded by the link, but is no data.
            Incoming::Bytes(bytes) if self.tls != DataTls::Failed && !self.close_notify => {
                self.held.extend_from_slice(&bytes);
            }
            Incoming::Bytes(_) => self.add_noise(),
            Incoming::CloseNotify => self.close_notify = true,
            Incoming::Alert { fatal: true, .. } => self.end = self.end.or(Some(DataEnd::Alert)),
            Incoming::Alert { .. } | Incoming::Ticket => {}
            Incoming::Fin => self.end = Some(DataEnd::Fin),
            Incoming::Reset => self.end = Some(DataEnd::Reset),
            Incoming::TlsViolation(_) => self.end = self.end.or(Some(DataEnd::Violation)),
        }
        self.keep_sessions(store);
    }

    fn add_noise(&mut self) {
        self.noise += 1;
        if self.noise >= NOISE_LIMIT {
            self.end = self.end.or(Some(DataEnd::Violation));
        }
    }

    /// Puts the TLS sessions that arrived into `store`.
    pub(super) fn keep_sessions(&mut self, store: &SessionStore) {
        for session in self.link.iter_mut().flat_map(Link::take_sessions) {
            store.put(session);
        }
    }

    /// Reads what is held, at most `limit` bytes; gives their number.
    pub(super) fn read_held(&mut self, limit: u64) -> u64 {
        let count = usize::try_from(limit).unwrap_or(usize::MAX).min(self.held.len());
        let rest = self.held.split_off(count);
        let read = std::mem::replace(&mut self.held, rest);
        self.tally.add(&read);
        read.len() as u64
    }

    /// Drops what is held.
    pub(super) fn forget_held(&mut self) {
        self.held.clear();
    }

    /// A handshake is about to start or has started: what arrived before was in clear and is no part of the data.
    pub(super) fn start_tls(&mut self, tls: DataTls) {
        self.clear_bytes += self.tally.bytes + self.held.len() as u64;
        self.held.clear();
        self.tally = Tally::default();
        self.tls = tls;
        self.close_notify = false;
    }

    /// Ends TLS and goes on in clear.
    pub(super) fn stop_tls(&mut self) {
        if let Some(link) = &mut self.link {
            link.stop_tls();
        }
        self.tls = DataTls::Clear;
        self.close_notify = false;
    }

    /// The sums so far.
    pub(super) fn summary(&self, recorder: &Recorder) -> TransferSummary {
        let shown = recorder.mask(&escape_peer_full(&self.tally.start));
        TransferSummary {
            bytes: self.tally.bytes,
            sha256: hex(&self.tally.hash.clone().finalize()),
            text: shown.chars().take(TEXT_LIMIT).collect(),
            clear_bytes: self.clear_bytes,
        }
    }

    /// Records the sums so far.
    pub(super) fn record_summary(&self, recorder: &Recorder) {
        recorder.record(&self.channel, EventKind::TransferFinished(self.summary(recorder)));
    }
}
