//! What may be chosen for a TLS connection. Values only; `client` and `server` act on them.

use std::sync::Arc;

use crate::trace::TlsVersion;

/// A certificate chain (leaf first) and its private key, PEM.
#[derive(Clone)]
pub struct Identity {
    /// The chain, leaf first, PEM.
    pub chain_pem: Arc<str>,
    /// The key, PKCS#8 PEM.
    pub key_pem: Arc<str>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(***)")
    }
}

/// What a client believes.
#[derive(Clone, Debug)]
pub enum ClientTrust {
    /// These authorities (PEM), checked against the server name. A problem is recorded in
    /// `HandshakeFacts::certificate_problem` and the handshake goes on, unless `enforce`.
    Authorities {
        /// CA certificates, PEM.
        pem: Arc<str>,
        /// Refuse the handshake on a problem.
        enforce: bool,
    },
    /// The authorities that this machine believes. A problem is recorded, the handshake goes on.
    System,
    /// Anything; nothing is recorded.
    Anything,
}

/// How a TLS 1.2 client resumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls12Resumption {
    /// Ticket extension offered, ids too.
    #[default]
    TicketsOrIds,
    /// Session ids only.
    IdsOnly,
}

/// One client handshake.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Versions to offer; empty means 1.2 and 1.3.
    pub versions: Vec<TlsVersion>,
    /// The name the certificate must be for; also the SNI unless `send_sni` is false.
    pub server_name: String,
    /// Whether to send SNI (never sent for IP addresses).
    pub send_sni: bool,
    /// ALPN protocols to offer, in order; none means no extension.
    pub alpn: Vec<Vec<u8>>,
    /// The session to offer; none means a full handshake.
    pub offer: Option<super::Session>,
    /// How TLS 1.2 resumes.
    pub tls12: Tls12Resumption,
    /// The group of an earlier handshake with this peer (IANA number), offered first to avoid a HelloRetryRequest.
    pub group_hint: Option<u16>,
    /// Sent as early data under the offered session of TLS 1.3, whether or not its ticket allows that; nothing when
    /// empty, and where no such session is offered.
    pub early_data: Vec<u8>,
}

/// How a server treats TLS; one per server, shared by its connections.
#[derive(Clone, Debug)]
pub struct ServerPolicy {
    /// The certificate to show.
    pub identity: Identity,
    /// Versions to accept; never empty.
    pub versions: Vec<TlsVersion>,
    /// ALPN protocols to choose from; empty means ALPN is ignored. With `alpn_required`, no overlap is alert 120.
    pub alpn: Vec<Vec<u8>>,
    /// Refuse hellos whose ALPN list has none of ours (RFC 7301 section 3.2).
    pub alpn_required: bool,
    /// TLS 1.3 tickets sent after a handshake.
    pub tls13_tickets: usize,
    /// Whether sessions can be resumed at all.
    pub resumption: bool,
    /// A session can be resumed once only.
    pub single_use_sessions: bool,
    /// Ask for a client certificate signed by these authorities (PEM); none means do not ask.
    pub client_authorities: Option<Arc<str>>,
}

/// Receives NSS key log lines (`CLIENT_RANDOM …`).
pub type KeyLogCallback = Arc<dyn Fn(&str) + Send + Sync>;

/// A [`KeyLogCallback`] that options can hold.
#[derive(Clone)]
pub struct KeyLogSink(pub KeyLogCallback);

impl std::fmt::Debug for KeyLogSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyLogSink")
    }
}

/// Deliberate mistakes of a server that can only be made inside TLS. All off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerFaults {
    /// Resumes a session whose ticket has up to eight bits changed.
    pub resumes_forged_tickets: bool,
    /// Resumes a session under another server name than it was made with (RFC 6066 section 3 forbids it).
    pub resumes_across_names: bool,
    /// Tickets of TLS 1.3 allow this many bytes of early data.
    pub early_data: Option<u32>,
    /// Answers a ClientHello under TLS 1.2 with a ServerHello (and goes no further).
    pub accepts_renegotiation: bool,
    /// Refuses the first ClientHello under TLS 1.2 and answers the second (and goes no further).
    pub accepts_second_renegotiation: bool,
    /// Announces this ticket lifetime in seconds, TLS 1.2 and 1.3.
    pub ticket_lifetime: Option<u32>,
    /// Refuses hellos that offer a session in these ways, with handshake_failure.
    pub abort_when_offered: OfferedSession,
}

/// Ways in which a ClientHello offers a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfferedSession {
    /// A TLS 1.2 session id (not the random one that TLS 1.3 clients send, not the one beside a ticket).
    pub session_id: bool,
    /// A TLS 1.2 ticket.
    pub tls12_ticket: bool,
    /// A TLS 1.3 pre-shared key.
    pub psk: bool,
}

/// TLS could not be set up: a bad certificate, key or option. The configuration's fault, not the peer's.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct TlsSetupError {
    /// One lower-case sentence.
    pub reason: String,
}

impl TlsSetupError {
    /// With this reason.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}
