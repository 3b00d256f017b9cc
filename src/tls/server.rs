//! The server side, for the embedded server: one context per server, one [`Connection`] per TLS connection.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::config::{KeyLogSink, OfferedSession, ServerFaults};
use super::engine::Engine;
use super::hello::ClientHello;
use super::server_session::{SessionRights, SessionTable, SessionView};
use super::trust::{PROVIDER, TicketClock, certified_key, root_store, versions};
use super::{Connection, ServerPolicy, TlsSetupError};
use crate::trace::TlsVersion;

/// Policy, certificate and session store of one server.
#[derive(Clone, Debug)]
pub struct ServerContext {
    policy: Arc<ServerPolicy>,
    key: Arc<CertifiedKey>,
    client_verifier: Arc<dyn ClientCertVerifier>,
    table: Arc<SessionTable>,
}

/// One server handshake.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// The control connection this TLS connection belongs to: its sessions carry this label, and a resumed session's
    /// label is reported (`HandshakeStep::Finished::resumed_label`), TLS 1.2 and 1.3, ids and tickets.
    pub label: u64,
    /// Overrides the number of TLS 1.3 tickets of the policy.
    pub tls13_tickets: Option<usize>,
    /// Refuse to resume (full handshakes only).
    pub never_resume: bool,
    /// Shows another certificate than the policy's.
    pub identity: Option<super::Identity>,
    /// Overrides the versions of the policy.
    pub versions: Option<Vec<TlsVersion>>,
    /// Overrides the ALPN protocols of the policy.
    pub alpn: Option<Vec<Vec<u8>>>,
    /// Overrides `single_use_sessions` of the policy.
    pub single_use_sessions: Option<bool>,
    /// Deliberate mistakes.
    pub faults: ServerFaults,
    /// Receives NSS key log lines.
    pub key_log: Option<KeyLogSink>,
}

impl ServerContext {
    /// A context.
    ///
    /// # Errors
    /// When certificate, key or authorities cannot be read.
    pub fn new(policy: &ServerPolicy) -> Result<Self, TlsSetupError> {
        let client_verifier = match &policy.client_authorities {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(pem) => WebPkiClientVerifier::builder_with_provider(root_store(pem)?, PROVIDER.clone())
                .build()
                .map_err(|error| TlsSetupError::new(format!("unusable client authorities: {error}")))?,
        };
        Ok(Self {
            key: certified_key(&policy.identity)?,
            policy: Arc::new(policy.clone()),
            client_verifier,
            table: Arc::default(),
        })
    }

    /// A connection that waits for a ClientHello.
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn accept(&self, options: &ServerOptions) -> Result<Connection, TlsSetupError> {
        let key = match &options.identity {
            Some(identity) => certified_key(identity)?,
            None => self.key.clone(),
        };
        let versions = options
            .versions
            .clone()
            .unwrap_or_else(|| self.policy.versions.clone());
        if versions.is_empty() {
            return Err(TlsSetupError::new("a server needs at least one TLS version"));
        }
        Ok(Connection::server(ServerSide {
            context: self.clone(),
            options: options.clone(),
            key,
            versions,
            view: None,
        }))
    }

    /// Forgets every session (fault injection).
    pub fn forget_sessions(&self) {
        self.table.clear();
    }
}

/// What a connection must remember on the server side.
pub(super) struct ServerSide {
    context: ServerContext,
    options: ServerOptions,
    key: Arc<CertifiedKey>,
    versions: Vec<TlsVersion>,
    /// The sessions as this connection sees them; from the ClientHello on.
    pub(super) view: Option<Arc<SessionView>>,
}

impl ServerSide {
    /// Whether this hello is to be refused outright (a fault).
    pub(super) fn must_abort(&self, hello: &ClientHello) -> bool {
        let OfferedSession {
            session_id,
            tls12_ticket,
            psk,
        } = self.options.faults.abort_when_offered;
        // A TLS 1.3 client sends a random id that means nothing; only one of ours is an offer then.
        let offers_id = !hello.session_id.is_empty()
            && !hello.offers_ticket
            && (!hello.offers_tls13() || self.context.table.knows(&hello.session_id));
        (session_id && offers_id) || (tls12_ticket && hello.offers_ticket) || (psk && hello.offers_psk)
    }

    /// Whether a renegotiation is accepted behind so many that were refused (a fault).
    pub(super) fn accepts_renegotiation(&self, refused: u32) -> bool {
        let faults = &self.options.faults;
        faults.accepts_renegotiation || (faults.accepts_second_renegotiation && refused > 0)
    }

    /// The connection that answers `hello`.
    pub(super) fn begin(&mut self, hello: &ClientHello) -> Result<Engine, rustls::Error> {
        let policy = &self.context.policy;
        let options = &self.options;
        let rights = SessionRights {
            label: options.label,
            issue: policy.resumption,
            resume: policy.resumption && !options.never_resume,
            single_use: options.single_use_sessions.unwrap_or(policy.single_use_sessions),
            faults: options.faults,
        };
        let tls13 = hello.offers_tls13() && self.versions.contains(&TlsVersion::Tls13);
        let view = Arc::new(SessionView::new(
            self.context.table.clone(),
            rights,
            hello.server_name.as_deref(),
            tls13,
        ));
        let mut config = ServerConfig::builder_with_provider(PROVIDER.clone())
            .with_protocol_versions(&versions(&self.versions))?
            .with_client_cert_verifier(self.context.client_verifier.clone())
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.key.clone())));
        config.time_provider = Arc::new(TicketClock::default());
        config.enable_secret_extraction = true;
        config.send_tls13_tickets = options.tls13_tickets.unwrap_or(policy.tls13_tickets);
        config.max_early_data_size = options.faults.early_data.unwrap_or(0);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if policy.resumption {
            config.session_storage = view.clone();
            // The library allows early data for sessions that it keeps itself, and for no others.
            if options.faults.early_data.is_none() {
                config.ticketer = view.clone();
            }
        }
        let ours = options.alpn.as_ref().unwrap_or(&policy.alpn);
        let overlap = hello.alpn.iter().any(|protocol| ours.contains(protocol));
        if overlap || policy.alpn_required {
            config.alpn_protocols.clone_from(ours);
        }
        if let Some(key_log) = &options.key_log {
            config.key_log = Arc::new(key_log.clone());
        }
        self.view = Some(view);
        Ok(Engine::Server(Box::new(UnbufferedServerConnection::new(
            Arc::new(config),
        )?)))
    }
}
