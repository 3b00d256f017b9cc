//! The embedded server as a target: which policy a case needs, and a pool of servers, one per policy and fault.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::profile::{Account, Limits, Permission, Profile, Provisioning, Timeouts, TlsMode, TrustChoice};
use super::provision::{ProvisionError, ProvisionErrorKind, Provisioner, Running};
use crate::base::Secret;
use crate::mock::{self, Fault, Habit};
use crate::requirement::Capability;

/// Name of the embedded target.
pub const EMBEDDED: &str = "embedded";

/// An address for documentation (RFC 5737): nobody has it.
const OTHER_NETWORK: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
/// The second name of the embedded server, for HOST, and the recipe of its certificate.
const HOST: &str = "ftpspec.test";
const HOST_RECIPE: &str = "second-host";

/// By how much the waits of slow scenarios are cut on the embedded server, whose time-outs are short enough then.
pub const HURRY: u32 = 40;

/// Bytes that an account may hold when a scenario requires a quota.
const QUOTA: u64 = 256 * 1024;

/// The settings of an embedded server that differ between cases. Each follows from a capability in `requires`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmbeddedPolicy {
    implicit: bool,
    ipv6: bool,
    reuse_required: bool,
    tls_required: bool,
    data_tls_required: bool,
    data_tls_disabled: bool,
    auth_ssl: bool,
    quota: bool,
    client_certificate: bool,
    habits: BTreeSet<Habit>,
    masquerade: bool,
    ccc: bool,
    active_off: bool,
    no_tls: bool,
    /// Time-outs of seconds instead of minutes, for slow scenarios.
    short_timeouts: bool,
    faults: BTreeSet<Fault>,
    /// The longest wait of the client, when it is shorter than usual.
    longest_wait: Option<Duration>,
}

impl EmbeddedPolicy {
    /// The policy that has all of `requires`.
    #[must_use]
    pub fn for_capabilities(requires: &BTreeSet<Capability>) -> Self {
        let has = |capability| requires.contains(&capability);
        Self {
            implicit: has(Capability::ImplicitTls),
            ipv6: has(Capability::Ipv6),
            reuse_required: has(Capability::SessionReuseRequired),
            tls_required: has(Capability::TlsRequired),
            data_tls_required: has(Capability::DataTlsRequired) || has(Capability::ProtCRefused),
            data_tls_disabled: has(Capability::ProtPRefused),
            auth_ssl: has(Capability::AuthSsl),
            quota: has(Capability::Quota),
            client_certificate: has(Capability::ClientCertificate)
                || has(Capability::ClientCertificateRequired),
            habits: BTreeSet::new(),
            masquerade: false,
            ccc: has(Capability::Ccc),
            active_off: has(Capability::ActiveOff),
            no_tls: has(Capability::NoTls),
            short_timeouts: false,
            faults: BTreeSet::new(),
            longest_wait: None,
        }
    }

    /// The same policy for a client that waits `longest` at most: the server gives up a little earlier.
    #[must_use]
    pub fn hurried(mut self, longest: Duration) -> Self {
        self.longest_wait = Some(longest);
        self
    }

    /// The same policy with a lawful habit.
    #[must_use]
    pub fn with_habit(mut self, habit: Habit) -> Self {
        self.habits.insert(habit);
        self
    }

    /// The same policy with time-outs that fit a slow scenario whose waits are cut by [`super::HURRY`].
    #[must_use]
    pub fn with_short_timeouts(mut self) -> Self {
        self.short_timeouts = true;
        self
    }

    /// The same policy with a deliberate mistake.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.insert(fault);
        self
    }

    /// The same policy behind address translation that nobody told it of: 227 names an address of another network.
    #[must_use]
    pub fn behind_translation(mut self) -> Self {
        self.masquerade = true;
        self
    }

    /// What a server with this policy can and cannot do. Complete: every capability is in it.
    #[must_use]
    pub fn capabilities(&self) -> BTreeMap<Capability, bool> {
        Capability::ALL
            .iter()
            .map(|capability| {
                let has = match capability {
                    Capability::ImplicitTls => self.implicit,
                    Capability::AuthTls => !self.implicit && !self.no_tls,
                    Capability::NoTls => self.no_tls,
                    Capability::Ccc => self.ccc,
                    Capability::ActiveOff => self.active_off,
                    Capability::SessionReuseRequired => self.reuse_required,
                    Capability::TlsRequired => self.tls_required,
                    Capability::ClearLogin => !self.tls_required && !self.implicit,
                    Capability::DataTlsRequired | Capability::ProtCRefused => self.data_tls_required,
                    Capability::ClearData => !self.data_tls_required,
                    Capability::ProtPRefused => self.data_tls_disabled,
                    Capability::AuthSsl => self.auth_ssl,
                    Capability::Quota => self.quota,
                    Capability::ClientCertificate | Capability::ClientCertificateRequired => {
                        self.client_certificate
                    }
                    Capability::Ipv6 => self.ipv6,
                    Capability::Pasv => !self.ipv6,
                    Capability::Port => !self.ipv6 && !self.active_off,
                    Capability::Eprt => !self.active_off,
                    _ => true,
                };
                (*capability, has)
            })
            .collect()
    }
}

/// Embedded servers, started on demand and kept until the pool is dropped. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EmbeddedPool {
    provisioner: Provisioner,
    servers: Arc<Mutex<BTreeMap<EmbeddedPolicy, Arc<mock::Server>>>>,
}

impl EmbeddedPool {
    /// An empty pool.
    #[must_use]
    pub fn new(provisioner: Provisioner) -> Self {
        Self {
            provisioner,
            servers: Arc::default(),
        }
    }

    /// A server with `policy`, started when there is none yet.
    ///
    /// # Errors
    /// Local trouble: no port, or a certificate that cannot be made.
    pub async fn provide(&self, policy: &EmbeddedPolicy) -> Result<Running, ProvisionError> {
        let mut servers = self.servers.lock().await;
        let server = if let Some(server) = servers.get(policy) {
            Arc::clone(server)
        } else {
            let server = Arc::new(self.start(policy).await?);
            servers.insert(policy.clone(), Arc::clone(&server));
            server
        };
        Ok(Running::embedded(
            embedded_profile(policy),
            server.address(),
            accounts(),
            self.provisioner.trust(&TrustChoice::HarnessAuthority)?,
        ))
    }

    /// Stops the servers that have `fault`.
    pub async fn release(&self, fault: Fault) {
        let mut servers = self.servers.lock().await;
        servers.retain(|policy, _| !policy.faults.contains(&fault));
    }

    async fn start(&self, policy: &EmbeddedPolicy) -> Result<mock::Server, ProvisionError> {
        let local = |detail: String| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail,
        };
        let mut options = mock::Options::new(self.provisioner.identity().clone());
        if policy.ipv6 {
            options.address = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0));
        }
        options.accounts = accounts()
            .into_iter()
            .map(|account| mock::Account {
                user: account.user,
                password: account.password,
            })
            .collect();
        options.implicit = policy.implicit;
        if policy.reuse_required {
            options.reuse = mock::ReusePolicy::ThisControl;
        }
        options.tls_required = policy.tls_required;
        options.data_tls_required = policy.data_tls_required;
        options.data_tls_disabled = policy.data_tls_disabled;
        options.auth_ssl_accepted = policy.auth_ssl;
        options.ccc_allowed = policy.ccc;
        options.active_allowed = !policy.active_off;
        options.tls_disabled = policy.no_tls;
        if policy.short_timeouts {
            options.idle_timeout = Duration::from_secs(10);
            options.data_timeout = Duration::from_secs(1);
            options.handshake_timeout = Duration::from_secs(1);
        }
        options.quota = policy.quota.then_some(QUOTA);
        let host = self.provisioner.certificate(HOST_RECIPE).map_err(local)?;
        options.second_host = Some((HOST.to_owned(), host));
        if policy.client_certificate {
            options.client_authorities = Some(self.provisioner.authority().pem().into());
        }
        if let Some(longest) = policy.longest_wait {
            let wait = longest * 3 / 4;
            options.data_timeout = options.data_timeout.min(wait);
            options.handshake_timeout = options.handshake_timeout.min(wait);
        }
        options.habits.clone_from(&policy.habits);
        options.masquerade = policy.masquerade.then_some(OTHER_NETWORK);
        options.faults.clone_from(&policy.faults);
        mock::Server::start(options)
            .await
            .map_err(|error| local(error.to_string()))
    }
}

/// The accounts of every embedded server. Not secret: it listens on loopback and holds nothing.
fn accounts() -> Vec<Account> {
    let account = |user: &str, password: &str| Account {
        user: user.into(),
        password: Secret::new(password),
    };
    vec![account("alice", "alice-password"), account("bob", "bob-password")]
}

fn embedded_profile(policy: &EmbeddedPolicy) -> Profile {
    let allow = [
        Permission::Write,
        Permission::SecondAccount,
        Permission::BounceToHarness,
    ];
    Profile {
        name: EMBEDDED.into(),
        variant: EMBEDDED.into(),
        network: None,
        software: "ftpspec".into(),
        licence: None,
        provisioning: Provisioning::Embedded,
        tls: if policy.implicit {
            TlsMode::Implicit
        } else {
            TlsMode::Explicit
        },
        server_name: "localhost".into(),
        second_host: Some(HOST.into()),
        trust: TrustChoice::HarnessAuthority,
        accounts: accounts(),
        pending: Vec::new(),
        client_certificate: None,
        declares: policy.capabilities(),
        allow: allow.into_iter().collect(),
        limits: Limits { max_connections: 64 },
        timeouts: Timeouts::default(),
        known_deviations: Vec::new(),
        folder: None,
        address: None,
        unusable: None,
    }
}
