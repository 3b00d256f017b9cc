//! The sessions of a server: one bounded table per server, one view of it per connection.
//!
//! A view knows which connection asks (its label) and which session it was given, TLS 1.2 and 1.3, ids and tickets.
//! A ticket is a random reference into the table, so a ticket that was altered refers to nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use rustls::crypto::SecureRandom;
use rustls::pki_types::DnsName;
use rustls::server::{ProducesTickets, StoresServerSessions};

use super::config::ServerFaults;
use super::session::lock;
use super::trust::PROVIDER;
use crate::trace::ResumedBy;

/// Sessions kept at most per server.
const TABLE_LIMIT: usize = 4096;
/// Size of a ticket.
const TICKET_BYTES: usize = 48;
/// Lifetime of tickets in seconds, unless a fault says otherwise: two hours.
const TICKET_LIFETIME: u32 = 7200;
/// How many bits of a ticket may differ under the fault `resumes_forged_tickets`.
const FORGED_BITS: u32 = 8;

/// Every session of a server.
#[derive(Debug, Default)]
pub(super) struct SessionTable {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<Vec<u8>, Entry>,
    age: VecDeque<Vec<u8>>,
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entries({})", self.by_key.len())
    }
}

#[derive(Clone)]
struct Entry {
    label: u64,
    value: Vec<u8>,
}

impl SessionTable {
    /// Forgets every session.
    pub(super) fn clear(&self) {
        *lock(&self.entries) = Entries::default();
    }

    /// Whether there is a session under exactly this key.
    pub(super) fn knows(&self, key: &[u8]) -> bool {
        lock(&self.entries).by_key.contains_key(key)
    }

    fn put(&self, key: Vec<u8>, entry: Entry) {
        let mut entries = lock(&self.entries);
        if entries.by_key.insert(key.clone(), entry).is_none() {
            entries.age.push_back(key);
        }
        while entries.age.len() > TABLE_LIMIT {
            if let Some(oldest) = entries.age.pop_front() {
                entries.by_key.remove(&oldest);
            }
        }
    }

    fn find(&self, key: &[u8], tolerate_forgery: bool, remove: bool) -> Option<Entry> {
        let mut entries = lock(&self.entries);
        let key = if entries.by_key.contains_key(key) {
            key.to_vec()
        } else if tolerate_forgery {
            entries
                .by_key
                .keys()
                .find(|known| differing_bits(known, key).is_some_and(|bits| bits <= FORGED_BITS))?
                .clone()
        } else {
            return None;
        };
        if remove {
            entries.age.retain(|known| *known != key);
            entries.by_key.remove(&key)
        } else {
            entries.by_key.get(&key).cloned()
        }
    }
}

fn differing_bits(left: &[u8], right: &[u8]) -> Option<u32> {
    (left.len() == right.len()).then(|| left.iter().zip(right).map(|(a, b)| (a ^ b).count_ones()).sum())
}

/// What one connection may do with the sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionRights {
    pub(super) label: u64,
    /// Whether sessions are issued at all.
    pub(super) issue: bool,
    /// Whether a session may be resumed here.
    pub(super) resume: bool,
    pub(super) single_use: bool,
    pub(super) faults: ServerFaults,
}

/// The table as one connection sees it.
#[derive(Debug)]
pub(super) struct SessionView {
    table: Arc<SessionTable>,
    rights: SessionRights,
    /// The name in this connection's ClientHello.
    server_name: Option<DnsName<'static>>,
    /// The last session given out, which is the resumed one when the handshake resumes.
    given: Mutex<Option<(u64, ResumedBy)>>,
    tls13: bool,
}

impl SessionView {
    pub(super) fn new(
        table: Arc<SessionTable>,
        rights: SessionRights,
        server_name: Option<&[u8]>,
        tls13: bool,
    ) -> Self {
        Self {
            table,
            rights,
            server_name: server_name.and_then(|name| Some(DnsName::try_from(name).ok()?.to_owned())),
            given: Mutex::default(),
            tls13,
        }
    }

    /// Label and way of the session that was given out last.
    pub(super) fn given(&self) -> Option<(u64, ResumedBy)> {
        *lock(&self.given)
    }

    fn give(&self, key: &[u8], by: ResumedBy) -> Option<Vec<u8>> {
        if !self.rights.resume {
            return None;
        }
        let entry = self.table.find(
            key,
            self.rights.faults.resumes_forged_tickets,
            self.rights.single_use,
        )?;
        *lock(&self.given) = Some((entry.label, by));
        if self.rights.faults.resumes_across_names {
            return self.renamed(&entry.value);
        }
        Some(entry.value)
    }

    /// The session with the name of this connection in place of its own. The library writes the name first: a flag,
    /// and when it is set a length byte and the name.
    fn renamed(&self, value: &[u8]) -> Option<Vec<u8>> {
        let (flag, rest) = value.split_first()?;
        let rest = match flag {
            0 => rest,
            _ => {
                let (length, rest) = rest.split_first()?;
                rest.get(usize::from(*length)..)?
            }
        };
        let mut renamed = Vec::with_capacity(value.len() + 64);
        match &self.server_name {
            None => renamed.push(0),
            Some(name) => {
                let name: &str = name.as_ref();
                renamed.extend([1, u8::try_from(name.len()).ok()?]);
                renamed.extend_from_slice(name.as_bytes());
            }
        }
        renamed.extend_from_slice(rest);
        Some(renamed)
    }

    fn store(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        if !self.rights.issue {
            return false;
        }
        let label = self.rights.label;
        self.table.put(key, Entry { label, value });
        true
    }
}

impl StoresServerSessions for SessionView {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.store(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.give(key, ResumedBy::SessionId)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.give(key, ResumedBy::Psk)
    }

    fn can_cache(&self) -> bool {
        self.rights.issue
    }
}

impl ProducesTickets for SessionView {
    fn enabled(&self) -> bool {
        self.rights.issue
    }

    fn lifetime(&self) -> u32 {
        self.rights.faults.ticket_lifetime.unwrap_or(TICKET_LIFETIME)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut ticket = vec![0; TICKET_BYTES];
        let random: &dyn SecureRandom = PROVIDER.secure_random;
        random.fill(&mut ticket).ok()?;
        self.store(ticket.clone(), plain.to_vec()).then_some(ticket)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let by = if self.tls13 {
            ResumedBy::Psk
        } else {
            ResumedBy::Ticket
        };
        self.give(ticket, by)
    }
}
