//! What the engine needs to know about the target and the case. Values only.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::base::Secret;
use crate::scenario::model::DataPathChoice;
use crate::tls::{ClientTrust, Identity};
use crate::trace::TlsVersion;
use crate::wire::ReplyLimits;

/// Receives NSS key log lines.
pub type KeyLog = Arc<dyn Fn(&str) + Send + Sync>;

/// Makes the client certificate of a recipe (`client`, `client-expired`, …), or says why it cannot.
pub type IdentitySource = Arc<dyn Fn(&str) -> Result<Identity, String> + Send + Sync>;

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The argument of USER.
    pub user: String,
    /// The argument of PASS.
    pub password: Secret,
    /// The argument of ACCT, for targets that ask for it.
    pub account: Option<Secret>,
}

/// The deadlines of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a TCP connection, ours or the target's.
    pub connect: Duration,
    /// For the first reply on a control connection.
    pub greeting: Duration,
    /// For every other reply.
    pub reply: Duration,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the next bytes of a data connection, and for room to write some.
    pub data: Duration,
    /// For all bytes of a data connection together, however steadily they drip.
    pub transfer: Duration,
    /// For the peer's end of a connection.
    pub close: Duration,
    /// How long a ClientHello on the control connection is held back, for a target that takes one right behind its reply to AUTH
    /// TLS for a command; none for almost all targets.
    pub before_tls: Duration,
}

impl Default for Timeouts {
    /// Ten seconds; five for connections, greetings excepted, three for the end of one, and five minutes for a transfer.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            greeting: Duration::from_secs(10),
            reply: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            data: Duration::from_secs(10),
            transfer: Duration::from_secs(300),
            close: Duration::from_secs(3),
            before_tls: Duration::ZERO,
        }
    }
}

impl Timeouts {
    /// The same deadlines, none longer than `limit`.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            connect: self.connect.min(limit),
            greeting: self.greeting.min(limit),
            reply: self.reply.min(limit),
            handshake: self.handshake.min(limit),
            data: self.data.min(limit),
            transfer: self.transfer.min(limit),
            close: self.close.min(limit),
            before_tls: self.before_tls.min(limit),
        }
    }
}

/// Target, accounts, trust and deadlines of one case.
#[derive(Clone)]
pub struct Settings {
    /// The control port of the target.
    pub address: SocketAddr,
    /// TLS starts at once (implicit TLS).
    pub implicit: bool,
    /// The name the certificate must be for, and the SNI.
    pub server_name: String,
    /// The accounts of the profile, first and second.
    pub accounts: Vec<Credentials>,
    /// What the client believes.
    pub trust: ClientTrust,
    /// The client certificate of the profile; none shows none.
    pub identity: Option<Identity>,
    /// Client certificates by recipe name, for `certificate:`.
    pub identities: Option<IdentitySource>,
    /// TLS versions of the case (its `tls` axis); empty means both.
    pub versions: Vec<TlsVersion>,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// How data connections come about when an action does not say.
    pub default_data_path: DataPathChoice,
    /// Follow a 227 that names another host than the control connection's peer.
    pub follow_foreign_pasv: bool,
    /// Send a password without protection to a target that is not on this machine.
    pub allow_clear_password: bool,
    /// How much a reply may hold.
    pub reply_limits: ReplyLimits,
    /// Further addresses of this machine, for `from: other`.
    pub other_sources: Vec<IpAddr>,
    /// Where TLS secrets go, for captures.
    pub key_log: Option<KeyLog>,
    /// Seed of the pseudo-random content of uploads; the same for all cells of a scenario.
    pub content_seed: u64,
}

impl Settings {
    /// The settings for a target at `address` that shows no certificate worth checking and has no account.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            implicit: false,
            server_name: address.ip().to_string(),
            accounts: Vec::new(),
            trust: ClientTrust::Anything,
            identity: None,
            identities: None,
            versions: Vec::new(),
            timeouts: Timeouts::default(),
            default_data_path: DataPathChoice::AnyPassive,
            follow_foreign_pasv: false,
            allow_clear_password: false,
            reply_limits: ReplyLimits::default(),
            other_sources: match address.ip() {
                IpAddr::V4(ip) if ip.is_loopback() => vec![IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))],
                _ => Vec::new(),
            },
            key_log: None,
            content_seed: 0,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("address", &self.address)
            .field("implicit", &self.implicit)
            .field("server_name", &self.server_name)
            .field("accounts", &self.accounts.len())
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
