//! Starting, reaching and stopping a target.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::process::{self, Process, ServeScript};
use super::profile::{Account, Profile, Provisioning, TlsMode, TrustChoice, unpack_bundled};
use crate::base::{Masker, Secret, SystemClock, Timeline};
use crate::tls::certificate::{self, Authority};
use crate::tls::{ClientTrust, Identity};
use crate::trace::{Channel, Recorder};
use crate::transport::{Incoming, Link, LinkErrorKind};

/// A target could not be provided. Nothing is said about the target itself.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct ProvisionError {
    /// Whose fault it is.
    pub kind: ProvisionErrorKind,
    /// One lower-case sentence, with the end of the server's log where there is one.
    pub detail: String,
}

/// Whose fault it is that a target could not be provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisionErrorKind {
    /// The server is not installed; the detail says how to install it.
    NotInstalled,
    /// It did not start, ended at once, or does not greet like an FTP server.
    DidNotStart,
    /// Nobody listens there, or the name is unknown.
    Unreachable,
    /// This machine: no port, no disk, a broken profile.
    Local,
}

/// Starts targets. Holds the authority of this run and the folder that everything is written below.
#[derive(Clone, Debug)]
pub struct Provisioner {
    authority: Arc<Authority>,
    identity: Identity,
    state: Arc<StateFolder>,
}

/// The private folder of a run; removed with the last clone of its provisioner.
#[derive(Debug)]
struct StateFolder {
    path: PathBuf,
    /// The bundled serve scripts, unpacked by the first who needs one.
    bundled: OnceLock<Result<PathBuf, String>>,
}

impl StateFolder {
    fn bundled(&self) -> Result<&Path, String> {
        let unpacked = self.bundled.get_or_init(|| {
            let path = self.path.join("bundled");
            match unpack_bundled(&path) {
                Ok(()) => Ok(path),
                Err(error) => Err(format!("cannot unpack {}: {error}", path.display())),
            }
        });
        unpacked.as_deref().map_err(Clone::clone)
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        // Only ours; nothing can be done about a failure here.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A target that can be reached. Stop it with [`Running::stop`]; dropping it kills what was started.
#[derive(Debug)]
pub struct Running {
    /// Its profile.
    pub profile: Profile,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// What its certificates are checked against.
    pub trust: ClientTrust,
    /// Its version, as far as known.
    pub version: Option<String>,
    process: Option<Process>,
}

impl Running {
    /// A server of the embedded pool.
    pub(super) fn embedded(
        profile: Profile,
        address: SocketAddr,
        accounts: Vec<Account>,
        trust: ClientTrust,
    ) -> Self {
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        Self {
            profile,
            address,
            accounts,
            trust,
            version,
            process: None,
        }
    }

    /// Stops what was started for it, and removes its folder.
    pub async fn stop(self) {
        if let Some(process) = self.process {
            process.stop().await;
        }
    }

    /// Whether a process that was started for it has ended by itself: its exit code and the end of its log.
    pub fn ended(&mut self) -> Option<(i32, String)> {
        let process = self.process.as_mut()?;
        let code = process.ended()?;
        Some((code, process.log_tail()))
    }
}

impl Provisioner {
    /// A provisioner that writes below `state`, a folder of its own that is made now and removed at the end.
    ///
    /// # Errors
    /// When the folder cannot be made or the certificates cannot.
    pub fn new(state: PathBuf) -> Result<Self, ProvisionError> {
        let local = |detail: String| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail,
        };
        std::fs::create_dir_all(&state)
            .map_err(|error| local(format!("cannot make the folder {}: {error}", state.display())))?;
        let state = StateFolder {
            path: state,
            bundled: OnceLock::new(),
        };
        restrict(&state.path)
            .map_err(|error| local(format!("cannot protect {}: {error}", state.path.display())))?;
        let authority = Authority::new().map_err(|error| local(error.to_string()))?;
        let identity = certificate::recipe("valid")
            .and_then(|recipe| certificate::make(recipe, &authority))
            .map_err(|error| local(error.to_string()))?;
        Ok(Self {
            authority: Arc::new(authority),
            identity,
            state: Arc::new(state),
        })
    }

    /// The authority of this run.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The valid server certificate of this run.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A certificate made from a recipe and signed by the authority of this run.
    ///
    /// # Errors
    /// When there is no such recipe, with the names there are.
    pub fn certificate(&self, recipe: &str) -> Result<Identity, String> {
        certificate::recipe(recipe)
            .and_then(|recipe| certificate::make(recipe, &self.authority))
            .map_err(|error| error.to_string())
    }

    /// Provides `profile`: starts its process and waits for the greeting, or looks up the address of an external one.
    ///
    /// # Errors
    /// See [`ProvisionErrorKind`].
    pub async fn provide(&self, profile: &Profile) -> Result<Running, ProvisionError> {
        match profile.provisioning {
            Provisioning::Process => self.start_process(profile).await,
            Provisioning::External => self.find(profile).await,
            Provisioning::Embedded => Err(ProvisionError {
                kind: ProvisionErrorKind::Local,
                detail: "the embedded server is provided by its pool".into(),
            }),
        }
    }

    /// The serve script of a profile, unpacked when the profile is bundled.
    ///
    /// # Errors
    /// When it cannot be unpacked or the profile has none.
    pub fn script(&self, profile: &Profile) -> Result<PathBuf, ProvisionError> {
        let local = |detail: String| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail,
        };
        let folder = if let Some(folder) = &profile.folder {
            folder.clone()
        } else {
            self.state.bundled().map_err(local)?.join(&profile.software)
        };
        let script = folder.join("serve.sh");
        if script.is_file() {
            Ok(script)
        } else {
            Err(local(format!("there is no {}", script.display())))
        }
    }

    async fn start_process(&self, profile: &Profile) -> Result<Running, ProvisionError> {
        let local = |detail: String| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail,
        };
        let script = self.script(profile)?;
        let version = process::installed(&script)
            .await
            .map_err(|detail| ProvisionError {
                kind: ProvisionErrorKind::NotInstalled,
                detail,
            })?;
        let state = self.state.path.join(&profile.name);
        std::fs::create_dir_all(&state)
            .map_err(|error| local(format!("cannot make the folder {}: {error}", state.display())))?;
        let accounts = made_up_accounts(&self.identity);
        let serve = ServeScript {
            script,
            variant: profile.name.clone(),
            state,
            identity: self.identity.clone(),
            authority_pem: self.authority.pem().to_owned(),
            accounts: accounts.clone(),
        };
        let mut process = Process::start(&serve, profile).await?;
        if let Err(problem) = self.wait_until_ready(profile, &mut process).await {
            let log = process.log_tail();
            process.stop().await;
            let detail = format!("{} {problem}\n{log}", profile.name);
            return Err(ProvisionError {
                kind: ProvisionErrorKind::DidNotStart,
                detail: detail.trim_end().into(),
            });
        }
        Ok(Running {
            address: process.address,
            accounts,
            trust: self.trust(&profile.trust)?,
            version: Some(version),
            process: Some(process),
            profile: profile.clone(),
        })
    }

    async fn find(&self, profile: &Profile) -> Result<Running, ProvisionError> {
        let unreachable = |detail: String| ProvisionError {
            kind: ProvisionErrorKind::Unreachable,
            detail,
        };
        let Some((host, port)) = profile.address.clone() else {
            return Err(unreachable(format!("{} has no address", profile.name)));
        };
        let found = tokio::time::timeout(
            profile.timeouts.connect,
            tokio::net::lookup_host((host.as_str(), port)),
        )
        .await;
        let address = match found {
            Ok(Ok(mut addresses)) => addresses.next(),
            Ok(Err(error)) => return Err(unreachable(format!("cannot find the address of {host}: {error}"))),
            Err(_) => return Err(unreachable(format!("the name {host} was not resolved in time"))),
        };
        let address = address.ok_or_else(|| unreachable(format!("the name {host} has no address")))?;
        greeting(address, profile.tls, profile.timeouts.greeting)
            .await
            .map_err(|problem| unreachable(format!("{address} {problem}")))?;
        Ok(Running {
            address,
            accounts: profile.accounts.clone(),
            trust: self.trust(&profile.trust)?,
            version: None,
            process: None,
            profile: profile.clone(),
        })
    }

    /// What clients shall believe for `choice`.
    ///
    /// # Errors
    /// When a file of authorities cannot be read.
    pub fn trust(&self, choice: &TrustChoice) -> Result<ClientTrust, ProvisionError> {
        match choice {
            TrustChoice::HarnessAuthority => Ok(ClientTrust::Authorities {
                pem: self.authority.pem().into(),
                enforce: false,
            }),
            TrustChoice::Insecure => Ok(ClientTrust::Anything),
            TrustChoice::File(path) => match std::fs::read_to_string(path) {
                Ok(pem) => Ok(ClientTrust::Authorities {
                    pem: pem.into(),
                    enforce: false,
                }),
                Err(error) => Err(ProvisionError {
                    kind: ProvisionErrorKind::Local,
                    detail: format!("cannot read the authorities in {}: {error}", path.display()),
                }),
            },
        }
    }

    /// Until the greeting comes, the process ends, or the time is up.
    async fn wait_until_ready(&self, profile: &Profile, process: &mut Process) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + profile.timeouts.start;
        loop {
            if let Some(code) = process.ended() {
                return Err(format!("ended with exit code {code} before it greeted"));
            }
            let problem = match greeting(process.address, profile.tls, profile.timeouts.greeting).await {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            };
            if tokio::time::Instant::now() >= deadline {
                return Err(format!(
                    "was not ready after {:?}: {problem}",
                    profile.timeouts.start
                ));
            }
            // Nothing announces that a foreign process listens; asking again is the only way.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Connects and reads the first bytes of the greeting (explicit), or just connects (implicit: it waits for us).
async fn greeting(address: SocketAddr, tls: TlsMode, patience: Duration) -> Result<(), String> {
    let recorder = Recorder::new(Timeline::start(Arc::new(SystemClock::new())), Masker::default());
    let channel = Channel::control(Channel::MAIN);
    let mut link = match Link::connect(address, None, None, patience, channel, recorder).await {
        Ok(link) => link,
        Err(error) if error.kind == LinkErrorKind::Refused => {
            return Err(format!("does not listen: {}", error.detail));
        }
        Err(error) => return Err(error.detail),
    };
    if tls == TlsMode::Implicit {
        return Ok(());
    }
    match tokio::time::timeout(patience, link.receive()).await {
        Ok(Incoming::Bytes(bytes)) if bytes.first().is_some_and(u8::is_ascii_digit) => Ok(()),
        Ok(Incoming::Bytes(bytes)) => Err(format!(
            "does not greet like an FTP server: {}",
            crate::base::escape_peer(&bytes)
        )),
        Ok(_) => Err("closed the connection without a greeting".into()),
        Err(_) => Err(format!(
            "sent no greeting within {patience:?}; is it an implicit TLS port?"
        )),
    }
}

/// Two accounts for a server that the harness starts. The passwords follow from the fresh private key of the run, so
/// nobody else on the machine can guess them.
fn made_up_accounts(identity: &Identity) -> Vec<Account> {
    let account = |user: &str| {
        let digest = Sha256::new()
            .chain_update(user)
            .chain_update(identity.key_pem.as_bytes())
            .finalize();
        let password: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Account {
            user: user.into(),
            password: Secret::new(password),
        }
    };
    vec![account("ftpspec-one"), account("ftpspec-two")]
}

/// Makes a folder traversable by servers that drop their rights, and listable by its owner only.
fn restrict(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))
}
