//! What can be known about a TLS connection: handshakes, tickets, alerts, certificates.
//!
//! RFC 8446 and RFC 5246. Values only; `tls` fills them in.

use serde::{Deserialize, Serialize};

/// A protocol version that the harness can speak to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246.
    #[serde(rename = "tls1.2")]
    Tls12,
    /// TLS 1.3, RFC 8446.
    #[serde(rename = "tls1.3")]
    Tls13,
}

impl TlsVersion {
    /// `tls1.2` or `tls1.3`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
    }
}

/// Full or resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeKind {
    /// A full handshake, certificates shown.
    Full,
    /// A resumed (abbreviated or PSK) handshake.
    Resumed,
}

/// By what means a session was resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResumedBy {
    /// TLS 1.2 session id (RFC 5246 section 7.3).
    SessionId,
    /// TLS 1.2 session ticket (RFC 5077).
    Ticket,
    /// TLS 1.3 pre-shared key from a ticket (RFC 8446 section 4.6.1).
    Psk,
}

/// Something that a server shows in its hello or behind it, and that a check can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsSign {
    /// The handshake that was answered is an abbreviated one (up to TLS 1.2).
    Abbreviated,
    /// A compression method other than none (RFC 3749).
    Compression,
    /// The random tells of a version above the one that was negotiated (RFC 8446 section 4.1.3).
    DowngradeSentinel,
    /// A ticket that allows early data (RFC 8446 section 4.6.1).
    EarlyData,
    /// `encrypt_then_mac` (RFC 7366).
    EncryptThenMac,
    /// `extended_master_secret` (RFC 7627).
    ExtendedMasterSecret,
    /// A key share, or another ephemeral key exchange (TLS 1.3).
    KeyShare,
    /// A KeyUpdate (RFC 8446 section 4.6.3).
    KeyUpdate,
    /// A pre-shared key was chosen (TLS 1.3).
    PreSharedKey,
    /// A ServerHello inside a connection that was protected already.
    Renegotiation,
    /// `renegotiation_info` (RFC 5746).
    RenegotiationInfo,
    /// `server_name`: the server used the name that the client sent (RFC 6066 section 3).
    ServerName,
    /// `truncated_hmac` (RFC 6066 section 7).
    TruncatedHmac,
    /// An alert of level warning before the handshake was over.
    WarningAlert,
}

impl TlsSign {
    /// Every sign.
    pub const ALL: &'static [Self] = &[
        Self::Abbreviated,
        Self::Compression,
        Self::DowngradeSentinel,
        Self::EarlyData,
        Self::EncryptThenMac,
        Self::ExtendedMasterSecret,
        Self::KeyShare,
        Self::KeyUpdate,
        Self::PreSharedKey,
        Self::Renegotiation,
        Self::RenegotiationInfo,
        Self::ServerName,
        Self::TruncatedHmac,
        Self::WarningAlert,
    ];

    /// The kebab-case word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Abbreviated => "abbreviated",
            Self::Compression => "compression",
            Self::DowngradeSentinel => "downgrade-sentinel",
            Self::EarlyData => "early-data",
            Self::EncryptThenMac => "encrypt-then-mac",
            Self::ExtendedMasterSecret => "extended-master-secret",
            Self::KeyShare => "key-share",
            Self::KeyUpdate => "key-update",
            Self::PreSharedKey => "pre-shared-key",
            Self::Renegotiation => "renegotiation",
            Self::RenegotiationInfo => "renegotiation-info",
            Self::ServerName => "server-name",
            Self::TruncatedHmac => "truncated-hmac",
            Self::WarningAlert => "warning-alert",
        }
    }
}

/// The certificate problem of a chain that no authority vouches for.
pub const UNKNOWN_ISSUER: &str = "unknown issuer";

/// What can be said of a server's certificate beyond its contents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct CertificateAccount {
    /// Whether the chain was held against authorities; without them `certificate_problem` says nothing of the issuer.
    pub is_checked: bool,
    /// Whether a subject alternative name of the leaf is the name that was asked for; none when no name was.
    pub names_server: Option<bool>,
    /// A certificate of the chain that is out of its validity, in words.
    pub date_problem: Option<String>,
    /// A key or signature of the chain that is too weak (RFC 9325 section 4.5), in words.
    pub weakness: Option<String>,
}

/// A finished handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HandshakeFacts {
    /// Negotiated version.
    pub version: TlsVersion,
    /// Negotiated suite, IANA name.
    pub suite: String,
    /// Key exchange group, IANA name; none where the handshake had none (TLS 1.2 resumption).
    pub group: Option<String>,
    /// Full or resumed.
    pub kind: HandshakeKind,
    /// How it was resumed; none for full handshakes and where the peer's hello does not tell.
    pub by: Option<ResumedBy>,
    /// Channel whose session was offered (`control`, `data 1`, …); none when nothing was offered.
    pub session_of: Option<String>,
    /// Whether a HelloRetryRequest took place.
    pub retried: bool,
    /// The protocol chosen by ALPN (RFC 7301), escaped.
    pub alpn: Option<String>,
    /// The server name that was sent (client) or received (server).
    pub sni: Option<String>,
    /// The chain the peer showed, leaf first; empty when resumed.
    pub chain: Vec<CertificateFacts>,
    /// What the verifier said against the peer's certificate, recorded and ignored unless trust is enforced.
    pub certificate_problem: Option<String>,
    /// Client side, full handshakes: what else can be said of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateAccount>,
    /// TLS 1.2: whether the extended master secret (RFC 7627) is in use; none when unknown.
    pub extended_master_secret: Option<bool>,
}

/// Why a handshake did not finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HandshakeFailure {
    /// One lower-case sentence.
    pub reason: String,
    /// The alert the peer sent, when it sent one.
    pub alert: Option<AlertFacts>,
    /// The first bytes that were not TLS, escaped; when the peer spoke clear text.
    pub plaintext: Option<String>,
}

/// A certificate in brief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CertificateFacts {
    /// SHA-256 of the DER, hex.
    pub sha256: String,
    /// Subject, escaped.
    pub subject: String,
    /// Issuer, escaped.
    pub issuer: String,
    /// Subject alternative names, escaped.
    pub names: Vec<String>,
    /// Validity, RFC 3339.
    pub not_before: String,
    /// Validity, RFC 3339.
    pub not_after: String,
    /// Key algorithm, e.g. `ecdsa-p256`, `rsa-2048`, `ed25519`.
    pub key: String,
}

/// A session ticket that arrived (TLS 1.2 NewSessionTicket or TLS 1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TicketFacts {
    /// The lifetime in seconds as sent (RFC 8446 section 4.6.1: at most 604800); none where it is not visible.
    pub lifetime: Option<u32>,
    /// How many bytes of early data the ticket allows; none where it allows none, or where that is not visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_data: Option<u32>,
    /// Size of the ticket message in bytes, none where it is not visible.
    pub bytes: Option<usize>,
    /// How many tickets this connection has received so far, this one included.
    pub count: u32,
}

/// Warning or fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertLevel {
    /// Level 1.
    Warning,
    /// Level 2.
    Fatal,
    /// Neither; a violation.
    Unknown,
}

/// An alert (RFC 8446 section 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AlertFacts {
    /// Level; none where the TLS library hides it.
    pub level: Option<AlertLevel>,
    /// Description number.
    pub description: u8,
    /// IANA name, e.g. `close_notify`.
    pub name: String,
}
