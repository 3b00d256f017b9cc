//! What the embedded server is told: addresses, accounts, policy, limits, habits, faults.
//!
//! [`Options::new`] is the strict reading of the RFCs; a test changes the fields it is about. Checks nothing itself.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Habit};
use crate::base::Secret;
use crate::tls::Identity;
use crate::trace::TlsVersion;

/// A login. Every account has a home of its own; nothing outside of it can be reached.
#[derive(Clone, Debug)]
pub struct Account {
    /// The argument of USER.
    pub user: String,
    /// The argument of PASS.
    pub password: Secret,
}

impl Account {
    /// An account.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: Secret::new(password),
        }
    }
}

/// Which TLS session a private data connection has to resume (RFC 4217 section 10.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReusePolicy {
    /// None; full handshakes are served.
    #[default]
    Optional,
    /// Any session of this server.
    AnySession,
    /// A session of this very control connection, or of a data connection that resumed one.
    ThisControl,
}

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS at once, and the greeting inside of it. No RFC has this; PBSZ 0 and PROT P count as sent.
    pub implicit: bool,
    /// Who may log in.
    pub accounts: Vec<Account>,
    /// The certificate, on control and data connections alike.
    pub identity: Identity,
    /// TLS versions; must not be empty.
    pub versions: Vec<TlsVersion>,
    /// What data connections must resume.
    pub reuse: ReusePolicy,
    /// USER and PASS in clear are refused (RFC 4217 section 10.1).
    pub tls_required: bool,
    /// Transfers without PROT P are refused with 521 (RFC 4217 section 10.2).
    pub data_tls_required: bool,
    /// PROT P is refused with 534.
    pub data_tls_disabled: bool,
    /// There is no TLS; AUTH is refused with 502 (RFC 2228 section 3).
    pub tls_disabled: bool,
    /// CCC is served (RFC 4217 section 5).
    pub ccc_allowed: bool,
    /// AUTH SSL is another name of AUTH TLS; refused with 504 otherwise.
    pub auth_ssl_accepted: bool,
    /// PORT and EPRT are served; refused with 502 otherwise.
    pub active_allowed: bool,
    /// Ports for PASV and EPSV; any free one when none.
    pub passive_ports: Option<RangeInclusive<u16>>,
    /// The address shown in 227 instead of the real one.
    pub masquerade: Option<Ipv4Addr>,
    /// Limit of all file contents together, in bytes.
    pub quota: Option<u64>,
    /// Ask clients for a certificate of these authorities (PEM), and refuse those without.
    pub client_authorities: Option<Arc<str>>,
    /// Names the server goes by, for HOST (RFC 7151) and SNI. A name that is not in the list is refused with 504 or
    /// the alert `unrecognized_name`. An empty list accepts every name.
    pub hosts: Vec<String>,
    /// One of these names, and the certificate that a client gets who chose it with HOST before AUTH (RFC 7151 section 4).
    pub second_host: Option<(String, Identity)>,
    /// A control connection without command is closed with 421 after this time (RFC 1123 section 4.1.3.2: five
    /// minutes at least).
    pub idle_timeout: Duration,
    /// A data connection that does not come about, or on which nothing moves, is given up after this time.
    pub data_timeout: Duration,
    /// A handshake that is not finished is given up after this time.
    pub handshake_timeout: Duration,
    /// How long a refused password takes (RFC 2577 section 5).
    pub login_delay: Duration,
    /// Refused passwords before the connection is closed with 421 (RFC 2577 section 5).
    pub login_attempts: u32,
    /// Control connections at the same time; the next one gets 421.
    pub max_connections: usize,
    /// Text of the 220 greeting.
    pub greeting: String,
    /// Which lawful things the server does otherwise than usual.
    pub habits: BTreeSet<Habit>,
    /// What the server does wrong.
    pub faults: BTreeSet<Fault>,
}

impl Options {
    /// Explicit TLS on a free port of 127.0.0.1, TLS 1.2 and 1.3, no account yet, nothing required, no faults.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            implicit: false,
            accounts: Vec::new(),
            identity,
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            reuse: ReusePolicy::Optional,
            tls_required: false,
            data_tls_required: false,
            data_tls_disabled: false,
            tls_disabled: false,
            ccc_allowed: false,
            auth_ssl_accepted: false,
            active_allowed: true,
            passive_ports: None,
            masquerade: None,
            quota: Some(256 * 1024 * 1024),
            client_authorities: None,
            hosts: vec!["localhost".to_owned(), "ftpspec.test".to_owned()],
            second_host: None,
            idle_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            login_delay: Duration::from_millis(500),
            login_attempts: 5,
            max_connections: 128,
            greeting: "ftpspec embedded server ready".to_owned(),
            habits: BTreeSet::new(),
            faults: BTreeSet::new(),
        }
    }

    /// Whether `fault` is asked for.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Whether the server has `habit`.
    #[must_use]
    pub fn does(&self, habit: Habit) -> bool {
        self.habits.contains(&habit)
    }

    /// Whether the server goes by `name`; letter case does not count. An address is no name (RFC 6066 section 3), and
    /// clients that send one all the same (GnuTLS) are served as if they had sent none.
    #[must_use]
    pub fn serves_host(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_address = name.parse::<IpAddr>().is_ok();
        is_address || self.hosts.is_empty() || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }
}
