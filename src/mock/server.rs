//! The embedded server as a whole: start, accept, stop. One task per control connection; see `session`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::observation::OBSERVATION_LIMIT;
use super::session::Session;
use super::{Fault, Habit, Observation, Options, ReusePolicy, Store};
use crate::base::{Clock, Masker, SystemClock, Timeline};
use crate::tls::certificate::{self, Authority, CertificateError};
use crate::tls::{Identity, ServerContext, ServerPolicy, TlsSetupError};
use crate::trace::{Channel, Recorder, TlsVersion};
use crate::transport::{Link, LinkError, Listener, Reservation, TcpClose};

/// How long a reply may take to be written.
pub(super) const REPLY_DEADLINE: Duration = Duration::from_secs(10);
/// Where the fault `counts-passive-ports-up` begins.
const FIRST_COUNTED_PORT: u16 = 20_000;
/// How often a pair of neighbouring ports is looked for.
const PAIR_TRIES: u32 = 16;
/// How many logins the fault `restores-login-from-session` remembers.
const LOGIN_LIMIT: usize = 10_000;

/// The embedded server could not be started. Never the peer's fault.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the embedded server cannot start: {reason}")]
pub struct MockError {
    /// One lower-case sentence.
    pub reason: String,
}

/// A running server. Dropping it closes every connection at once.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// What all control connections of a server have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) tls: ServerContext,
    pub(super) store: Store,
    /// Another certificate for data connections; for a fault.
    pub(super) other_identity: Option<Identity>,
    /// TLS for data connections that asks for no certificate; for a fault.
    pub(super) lenient_tls: Option<ServerContext>,
    /// The port below that of the control connection, for active data connections (RFC 959 section 5.2); none where it is
    /// not ours to take.
    pub(super) source: Option<Reservation>,
    /// Held during a handshake; for a fault.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// The last passive port; for a fault.
    pub(super) last_port: AtomicU16,
    epochs: AtomicU64,
    sessions: AtomicU32,
    observations: Mutex<Vec<Observation>>,
    /// Who was logged in when the session of an epoch was made; for a fault.
    logins: Mutex<BTreeMap<u64, String>>,
}

impl Server {
    /// Starts listening. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address cannot be used, or the certificate cannot be read.
    pub async fn start(options: Options) -> Result<Self, MockError> {
        let wrong = |reason: String| MockError { reason };
        let identity = wrong_identity(&options).map_err(|error| wrong(error.to_string()))?;
        let identity = identity.unwrap_or_else(|| options.identity.clone());
        let tls_policy = policy(&options, identity);
        let tls = ServerContext::new(&tls_policy).map_err(|error| wrong(error.reason))?;
        let lenient_tls = lenient_tls(&options, &tls_policy).map_err(|error| wrong(error.reason))?;
        let (listener, source) = listen(options.address).map_err(|error| wrong(error.detail))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = Store::new(
            options.accounts.iter().map(|account| account.user.as_str()),
            options.quota,
            clock,
        );
        let other_identity = other_identity(&options).map_err(|error| wrong(error.to_string()))?;
        let address = listener.local_address();
        let shared = Arc::new(Shared {
            options,
            tls,
            store,
            other_identity,
            lenient_tls,
            source,
            turn: tokio::sync::Mutex::default(),
            last_port: AtomicU16::new(FIRST_COUNTED_PORT),
            epochs: AtomicU64::new(1),
            sessions: AtomicU32::new(0),
            observations: Mutex::default(),
            logins: Mutex::default(),
        });
        let task = tokio::spawn(accept_all(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            address,
            task,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The files of its accounts.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// What it saw of its data connections, oldest first.
    #[must_use]
    pub fn observations(&self) -> Vec<Observation> {
        self.shared.observations().clone()
    }

    /// Stops listening and closes every connection; returns when all of them are gone.
    pub async fn stop(mut self) {
        self.task.abort();
        // The join error is the abort itself.
        drop((&mut self.task).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// A number for the sessions of one control connection from one AUTH (or implicit start) to the next.
    pub(super) fn next_epoch(&self) -> u64 {
        self.epochs.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether `fault` is asked for.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.options.has(fault)
    }

    /// Whether the server has `habit`.
    pub(super) fn does(&self, habit: Habit) -> bool {
        self.options.does(habit)
    }

    /// Keeps an observation, up to a limit.
    pub(super) fn observe(&self, observation: Observation) {
        let mut observations = self.observations();
        if observations.len() < OBSERVATION_LIMIT {
            observations.push(observation);
        }
    }

    /// Notes who is logged in under an epoch's session.
    pub(super) fn remember_login(&self, epoch: u64, user: &str) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.len() < LOGIN_LIMIT {
            logins.insert(epoch, user.to_owned());
        }
    }

    /// Who was logged in under an epoch's session.
    pub(super) fn remembered_login(&self, epoch: u64) -> Option<String> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.get(&epoch).cloned()
    }

    fn observations(&self) -> MutexGuard<'_, Vec<Observation>> {
        self.observations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener on `address`, and the port below it.
fn listen(address: SocketAddr) -> Result<(Listener, Option<Reservation>), LinkError> {
    let mut tries = if address.port() == 0 { PAIR_TRIES } else { 1 };
    loop {
        let listener = Listener::bind(address, None)?;
        let mut below = listener.local_address();
        below.set_port(below.port().saturating_sub(1));
        tries = tries.saturating_sub(1);
        match Reservation::take(below) {
            Ok(source) => return Ok((listener, Some(source))),
            // Active data connections come from any port then, as those of most servers do.
            Err(_) if tries == 0 => return Ok((listener, None)),
            Err(_) => {}
        }
    }
}

/// What data connections get from a fault that asks for no certificate there.
fn lenient_tls(options: &Options, usual: &ServerPolicy) -> Result<Option<ServerContext>, TlsSetupError> {
    if !options.has(Fault::IgnoresMissingClientCertificate) {
        return Ok(None);
    }
    let policy = ServerPolicy {
        client_authorities: None,
        ..usual.clone()
    };
    ServerContext::new(&policy).map(Some)
}

/// The second certificate, when a fault shows one.
fn other_identity(options: &Options) -> Result<Option<Identity>, CertificateError> {
    if !options.has(Fault::ShowsAnotherCertificateOnData) {
        return Ok(None);
    }
    let authority = Authority::new()?;
    certificate::make(certificate::recipe("self-signed")?, &authority).map(Some)
}

/// A certificate with a mistake in it, when a fault shows one. Its authority is nobody's: what is under test is not.
fn wrong_identity(options: &Options) -> Result<Option<Identity>, CertificateError> {
    let recipe = if options.has(Fault::OmitsIntermediate) {
        "missing-intermediate"
    } else if options.has(Fault::ShowsExpiredCertificate) {
        "expired"
    } else if options.has(Fault::ShowsNamelessCertificate) {
        "common-name-only"
    } else {
        return Ok(None);
    };
    certificate::make(certificate::recipe(recipe)?, &Authority::new()?).map(Some)
}

/// What the options and faults mean for TLS.
fn policy(options: &Options, identity: Identity) -> ServerPolicy {
    let has = |fault| options.has(fault);
    let mut alpn = vec![b"ftp".to_vec()];
    if has(Fault::SelectsUnofferedAlpn) {
        alpn.extend([b"h2".to_vec(), b"http/1.1".to_vec(), b"imap".to_vec()]);
    }
    let mut versions = options.versions.clone();
    if has(Fault::RefusesTls12) {
        versions.retain(|version| *version != TlsVersion::Tls12);
    }
    ServerPolicy {
        identity,
        versions,
        alpn,
        alpn_required: true,
        tls13_tickets: if options.does(Habit::SendsFourTickets) {
            4
        } else if options.does(Habit::SendsOneTicket) {
            1
        } else if has(Fault::DemandsReuseWithoutTickets) || has(Fault::OmitsTls13Tickets) {
            0
        } else {
            2
        },
        resumption: true,
        single_use_sessions: has(Fault::RunsOutOfTickets),
        client_authorities: options
            .client_authorities
            .clone()
            .filter(|_| !has(Fault::AsksForNoCertificate)),
    }
}

/// What data connections must resume, with the faults that demand it.
pub(super) fn reuse_policy(options: &Options) -> ReusePolicy {
    let demanding = [Fault::DemandsReuseWithoutTickets, Fault::RunsOutOfTickets];
    if options.reuse == ReusePolicy::Optional && demanding.into_iter().any(|fault| options.has(fault)) {
        ReusePolicy::ThisControl
    } else {
        options.reuse
    }
}

async fn accept_all(listener: Listener, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let number = shared.sessions.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let name = format!("session-{number}");
        let recorder = recorder(&shared);
        let accepted = listener
            .accept(None, None, Channel::control(&name), recorder.clone())
            .await;
        match accepted {
            Ok(link) if sessions.len() < shared.options.max_connections => {
                sessions.spawn(Session::new(Arc::clone(&shared), number, link, recorder).run());
            }
            Ok(link) => {
                let is_implicit = shared.options.implicit;
                sessions.spawn(refuse(link, is_implicit));
            }
            // Local trouble, no descriptors left say: the ones that run may end and make room.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The trace of a server's connection is for its links only and goes away with the connection.
fn recorder(shared: &Shared) -> Recorder {
    let secrets = shared
        .options
        .accounts
        .iter()
        .map(|account| account.password.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    Recorder::new(Timeline::start(clock), Masker::new(secrets))
}

async fn refuse(mut link: Link, is_implicit: bool) {
    if !is_implicit {
        // A peer that is gone already does not need the reply.
        drop(link.send(b"421 Too many connections.\r\n", REPLY_DEADLINE).await);
    }
    link.close(TcpClose::Fin);
}
