//! Sessions that can be resumed, and the store that keeps those of one control connection and its data connections.
//!
//! A TLS 1.3 session is kept as the message it came in and read again each time it is offered, so one ticket can be
//! offered many times (RFC 8446 section 4.6.1 advises against it; clients in the field do it).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{
    ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::{ServerName, UnixTime};

use super::engine::ClientKernel;
use super::hello::Input;
use super::trust::TicketClock;
use crate::trace::Channel;

/// Early data that is sent at most, in bytes.
const EARLY_DATA_LIMIT: u32 = 16_384;
/// Sessions kept per store at most; the first and the newest stay.
const STORE_LIMIT: usize = 256;

/// Where a session came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOrigin {
    /// The connection that received it.
    pub channel: Channel,
    /// Counted from 1 on that connection.
    pub number: u32,
}

/// A session that can be offered, more than once if wanted. Cheap to clone.
///
/// It brings the trust and client certificate it was made with: a connection that offers it uses those of the session,
/// because the TLS library refuses to resume otherwise.
#[derive(Clone, Debug)]
pub struct Session {
    origin: SessionOrigin,
    pub(super) secret: SessionSecret,
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    pub(super) certificates: Arc<dyn ResolvesClientCert>,
}

/// What a ClientHello made by hand offers of a TLS 1.2 session. Not secret: both went over the wire in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls12Offer {
    /// Its suite, IANA number: a server may not resume under another (RFC 5246 section 7.4.1.3).
    pub suite: u16,
    /// The id that the server gave; empty when it gave none.
    pub session_id: Vec<u8>,
    /// The ticket; empty when there was none.
    pub ticket: Vec<u8>,
}

/// What is needed to offer a session.
#[derive(Clone)]
pub(super) enum SessionSecret {
    /// TLS 1.2: the value itself.
    Tls12(Box<(Tls12ClientSessionValue, Tls12Offer)>),
    /// TLS 1.3: the NewSessionTicket message and the connection that can read it.
    Tls13 {
        source: Arc<TicketSource>,
        payload: Arc<[u8]>,
        received: UnixTime,
    },
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12(_) => "Tls12(***)",
            Self::Tls13 { .. } => "Tls13(***)",
        })
    }
}

impl Session {
    /// A session with its origin.
    pub(super) fn new(
        origin: SessionOrigin,
        secret: SessionSecret,
        verifier: Arc<dyn ServerCertVerifier>,
        certificates: Arc<dyn ResolvesClientCert>,
    ) -> Self {
        Self {
            origin,
            secret,
            verifier,
            certificates,
        }
    }

    /// Where it came from.
    #[must_use]
    pub fn origin(&self) -> &SessionOrigin {
        &self.origin
    }

    /// What a ClientHello made by hand can offer of it; none for TLS 1.3.
    #[must_use]
    pub fn tls12_offer(&self) -> Option<&Tls12Offer> {
        match &self.secret {
            SessionSecret::Tls12(session) => Some(&session.1),
            SessionSecret::Tls13 { .. } => None,
        }
    }

    /// The same session with one bit of its ticket flipped (RFC 5077 section 5.3); none where there is no ticket we
    /// can alter (TLS 1.2).
    #[must_use]
    pub fn forged(&self) -> Option<Self> {
        let SessionSecret::Tls13 {
            source,
            payload,
            received,
        } = &self.secret
        else {
            return None;
        };
        let position = last_byte_of_ticket(payload)?;
        let mut altered = payload.to_vec();
        *altered.get_mut(position)? ^= 1;
        Some(Self {
            secret: SessionSecret::Tls13 {
                source: source.clone(),
                payload: altered.into(),
                received: *received,
            },
            ..self.clone()
        })
    }
}

/// Position of the last byte of the ticket in a NewSessionTicket message of TLS 1.3.
fn last_byte_of_ticket(payload: &[u8]) -> Option<usize> {
    let mut input = Input(payload);
    input.take(8)?;
    input.vector8()?;
    let ticket = input.vector16()?;
    let end = payload.len() - input.0.len();
    (!ticket.is_empty()).then(|| end - 1)
}

/// A NewSessionTicket message of TLS 1.3 that allows early data, whatever it did before: the library sends none otherwise. The
/// server sees nothing of it. A message that cannot be read stays as it is.
pub(super) fn allow_early_data(payload: &[u8]) -> Vec<u8> {
    altered_extensions(payload).unwrap_or_else(|| payload.to_vec())
}

fn altered_extensions(payload: &[u8]) -> Option<Vec<u8>> {
    let mut input = Input(payload);
    input.take(8)?;
    input.vector8()?;
    input.vector16()?;
    let start = payload.len() - input.0.len();
    let mut altered = payload.get(..start)?.to_vec();
    // early_data (RFC 8446 section 4.2.10), and no other extension.
    altered.extend([0, 8, 0, 42, 0, 4]);
    altered.extend(EARLY_DATA_LIMIT.to_be_bytes());
    Some(altered)
}

/// What turns a NewSessionTicket message into a session: the connection it came over, after its handshake.
pub(super) struct TicketSource {
    pub(super) kernel: Arc<ClientKernel>,
    pub(super) slot: Arc<SessionSlot>,
    pub(super) clock: Arc<TicketClock>,
}

impl TicketSource {
    /// The session of a NewSessionTicket that came at `received`; the same message gives an equal one each time.
    pub(super) fn read(
        &self,
        payload: &[u8],
        received: UnixTime,
    ) -> Result<Tls13ClientSessionValue, rustls::Error> {
        let mut kernel = lock(&self.kernel.0);
        self.clock.pin(Some(received));
        let read = kernel.handle_new_session_ticket(payload);
        self.clock.pin(None);
        read?;
        self.slot
            .take_received13()
            .ok_or_else(|| rustls::Error::General("the ticket gave no session".into()))
    }
}

impl fmt::Debug for TicketSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketSource(***)")
    }
}

/// The session store of one TLS connection: what it offers, and what it received.
#[derive(Default)]
pub(super) struct SessionSlot {
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    group_hint: Option<NamedGroup>,
    offer12: Option<Tls12ClientSessionValue>,
    offer13: Option<Tls13ClientSessionValue>,
    received12: Option<Tls12ClientSessionValue>,
    received13: Option<Tls13ClientSessionValue>,
}

impl SessionSlot {
    pub(super) fn hint_group(&self, group: u16) {
        lock(&self.state).group_hint = Some(NamedGroup::from(group));
    }

    pub(super) fn offer12(&self, value: Tls12ClientSessionValue) {
        lock(&self.state).offer12 = Some(value);
    }

    pub(super) fn offer13(&self, value: Tls13ClientSessionValue) {
        lock(&self.state).offer13 = Some(value);
    }

    pub(super) fn take_received12(&self) -> Option<Tls12ClientSessionValue> {
        lock(&self.state).received12.take()
    }

    fn take_received13(&self) -> Option<Tls13ClientSessionValue> {
        lock(&self.state).received13.take()
    }
}

impl fmt::Debug for SessionSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSlot(***)")
    }
}

impl ClientSessionStore for SessionSlot {
    fn set_kx_hint(&self, _server_name: ServerName<'static>, _group: NamedGroup) {}

    fn kx_hint(&self, _server_name: &ServerName<'_>) -> Option<NamedGroup> {
        lock(&self.state).group_hint
    }

    fn set_tls12_session(&self, _server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        lock(&self.state).received12 = Some(value);
    }

    fn tls12_session(&self, _server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        lock(&self.state).offer12.clone()
    }

    fn remove_tls12_session(&self, _server_name: &ServerName<'static>) {
        lock(&self.state).offer12 = None;
    }

    fn insert_tls13_ticket(&self, _server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        lock(&self.state).received13 = Some(value);
    }

    fn take_tls13_ticket(&self, _server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        lock(&self.state).offer13.take()
    }
}

/// The sessions received by the connections of one FTP session, oldest first. Bounded; clones share the list.
#[derive(Clone, Debug, Default)]
pub struct SessionStore {
    sessions: Arc<Mutex<Vec<Session>>>,
}

impl SessionStore {
    /// Keeps `session`.
    pub fn put(&self, session: Session) {
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= STORE_LIMIT {
            // The first of the control connection is asked for by name; the next oldest goes.
            let keep = sessions.iter().position(|kept| !kept.origin.channel.is_data());
            sessions.remove(usize::from(keep == Some(0)));
        }
        sessions.push(session);
    }

    /// The newest session that came over the control connection.
    #[must_use]
    pub fn newest_of_control(&self) -> Option<Session> {
        let sessions = lock(&self.sessions);
        sessions
            .iter()
            .rev()
            .find(|session| !session.origin.channel.is_data())
            .cloned()
    }

    /// The first session that came over the control connection.
    #[must_use]
    pub fn first_of_control(&self) -> Option<Session> {
        let sessions = lock(&self.sessions);
        sessions
            .iter()
            .find(|session| !session.origin.channel.is_data())
            .cloned()
    }

    /// The newest session that came over any data connection.
    #[must_use]
    pub fn newest_of_data(&self) -> Option<Session> {
        let sessions = lock(&self.sessions);
        sessions
            .iter()
            .rev()
            .find(|session| session.origin.channel.is_data())
            .cloned()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.sessions).len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A panicking holder cannot leave these values half written: every change is one assignment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
