//! The client side: one context per FTP session, one [`Connection`] per TLS connection.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;

use super::engine::Engine;
use super::session::{SessionSecret, SessionSlot, allow_early_data};
use super::trust::{NO_CERTIFICATE, PROVIDER, ServerTrust, TicketClock, certified_key, versions};
use super::{
    ClientOptions, ClientTrust, Connection, Identity, KeyLogCallback, KeyLogSink, Tls12Resumption,
    TlsSetupError,
};
use crate::trace::{Channel, TlsVersion};

/// The name that stands for no name; never sent.
pub(super) const NO_NAME: &str = "unnamed.invalid";

/// Trust and client certificate of one FTP session; the connections made from it can resume each other's sessions.
#[derive(Clone, Debug)]
pub struct ClientContext {
    trust: ServerTrust,
    certificates: Arc<dyn ResolvesClientCert>,
    key_log: Option<KeyLogSink>,
}

/// What a connection must remember on the client side.
pub(super) struct ClientSide {
    pub(super) trust: ServerTrust,
    pub(super) name: ServerName<'static>,
    pub(super) slot: Arc<SessionSlot>,
    pub(super) clock: Arc<TicketClock>,
    pub(super) channel: Channel,
    pub(super) offered: Option<String>,
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    pub(super) certificates: Arc<dyn ResolvesClientCert>,
}

impl ClientContext {
    /// A context. `key_log` receives NSS key log lines (for captures).
    ///
    /// # Errors
    /// When the authorities or the identity cannot be read.
    pub fn new(
        trust: &ClientTrust,
        identity: Option<&Identity>,
        key_log: Option<KeyLogCallback>,
    ) -> Result<Self, TlsSetupError> {
        let certificates: Arc<dyn ResolvesClientCert> = match identity {
            Some(identity) => Arc::new(SingleCertAndKey::from(certified_key(identity)?)),
            None => NO_CERTIFICATE.clone(),
        };
        Ok(Self {
            trust: ServerTrust::new(trust)?,
            certificates,
            key_log: key_log.map(KeyLogSink),
        })
    }

    /// A connection about to start; its ClientHello is in the output. `channel` becomes the origin of its sessions.
    /// A session that is offered brings its own trust and client certificate.
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn connect(&self, options: &ClientOptions, channel: &Channel) -> Result<Connection, TlsSetupError> {
        let (name, named) = server_name(&options.server_name)?;
        let slot = Arc::new(SessionSlot::default());
        if let Some(group) = options.group_hint {
            slot.hint_group(group);
        }
        let (verifier, certificates) = match &options.offer {
            Some(session) => (session.verifier.clone(), session.certificates.clone()),
            None => (self.trust.verifier.clone(), self.certificates.clone()),
        };
        if let Some(session) = &options.offer {
            match &session.secret {
                SessionSecret::Tls12(session) => slot.offer12(session.0.clone()),
                SessionSecret::Tls13 {
                    source,
                    payload,
                    received,
                } => {
                    let allowing = (!options.early_data.is_empty()).then(|| allow_early_data(payload));
                    let payload = allowing.as_deref().unwrap_or(payload);
                    let value = source.read(payload, *received).map_err(|error| {
                        TlsSetupError::new(format!("the session cannot be offered: {error}"))
                    })?;
                    slot.offer13(value);
                }
            }
        }
        let clock = Arc::new(TicketClock::default());
        let mut config = ClientConfig::builder_with_provider(PROVIDER.clone())
            .with_protocol_versions(&versions(&options.versions))
            .map_err(|error| TlsSetupError::new(format!("unusable versions: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(certificates.clone());
        config.time_provider = clock.clone();
        config.resumption = Resumption::store(slot.clone()).tls12_resumption(match options.tls12 {
            Tls12Resumption::TicketsOrIds => rustls::client::Tls12Resumption::SessionIdOrTickets,
            Tls12Resumption::IdsOnly => rustls::client::Tls12Resumption::SessionIdOnly,
        });
        config.alpn_protocols.clone_from(&options.alpn);
        // What the server selects is for the judge.
        config.check_selected_alpn = false;
        config.enable_sni = options.send_sni && named;
        config.enable_early_data = !options.early_data.is_empty();
        config.enable_secret_extraction = true;
        if let Some(key_log) = &self.key_log {
            config.key_log = Arc::new(key_log.clone());
        }
        let connection = UnbufferedClientConnection::new(Arc::new(config), name.clone())
            .map_err(|error| TlsSetupError::new(format!("the handshake cannot start: {error}")))?;
        let side = ClientSide {
            trust: self.trust.clone(),
            name,
            slot,
            clock,
            channel: channel.clone(),
            offered: offered_channel(options),
            verifier,
            certificates,
        };
        Ok(Connection::client(
            Engine::Client(Box::new(connection)),
            side,
            &options.early_data,
        ))
    }
}

/// The name to check and send, and whether there is one.
fn server_name(name: &str) -> Result<(ServerName<'static>, bool), TlsSetupError> {
    let wanted = if name.is_empty() { NO_NAME } else { name };
    let parsed = ServerName::try_from(wanted.to_owned())
        .map_err(|_| TlsSetupError::new(format!("`{wanted}` is neither a host name nor an address")))?;
    Ok((parsed, !name.is_empty()))
}

/// Where the offered session came from; none when the versions do not let it be offered.
fn offered_channel(options: &ClientOptions) -> Option<String> {
    let session = options.offer.as_ref()?;
    let version = match session.secret {
        SessionSecret::Tls12(_) => TlsVersion::Tls12,
        SessionSecret::Tls13 { .. } => TlsVersion::Tls13,
    };
    let possible = options.versions.is_empty() || options.versions.contains(&version);
    possible.then(|| session.origin().channel.to_string())
}
