//! Starting, reaching and stopping a target.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::container::{Container, Reach};
use super::image;
use super::process::{self, Process};
use super::profile::{
    Account, ClientCertificate, Permission, Profile, Provisioning, TlsMode, TrustChoice, unpack_bundled,
};
use super::serve::ServeScript;
use crate::base::{Masker, Secret, SystemClock, Timeline};
use crate::requirement::Capability;
use crate::tls::certificate::{self, Authority};
use crate::tls::{ClientContext, ClientOptions, ClientTrust, Identity};
use crate::trace::{Channel, Recorder};
use crate::transport::{Incoming, Link, LinkError, LinkErrorKind};

/// How long a target may take to let a connection in that only asks whether it is there.
const KNOCK_PATIENCE: Duration = Duration::from_secs(1);
/// How long the news of the end of a server may take that takes no connection any more.
const END_PATIENCE: Duration = Duration::from_secs(5);

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
    /// This machine cannot do what was asked for; that says nothing about the target.
    Unsupported,
    /// This machine: no port, no disk, a broken profile.
    Local,
}

/// Starts targets. Holds the authority of this run and the folder that everything is written below.
#[derive(Clone, Debug)]
pub struct Provisioner {
    authority: Arc<Authority>,
    identity: Identity,
    state: Arc<StateFolder>,
    image_context: Option<PathBuf>,
    /// Images are built one after the other: two variants share one.
    images: Arc<Mutex<()>>,
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
    /// What is shown when it asks for a certificate.
    pub identity: Option<Identity>,
    /// Its version, as far as known.
    pub version: Option<String>,
    /// Another address of this machine that a client of it may come from.
    pub other_source: Option<IpAddr>,
    started: Option<Mutex<Started>>,
}

/// What was started for a target.
#[derive(Debug)]
enum Started {
    Container(Container),
    Process(Process),
}

impl Started {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Container(container) => container.address,
            Self::Process(process) => process.address,
        }
    }

    /// The exit code, when it ended by itself.
    async fn ended(&mut self) -> Option<i32> {
        match self {
            Self::Container(container) => container.ended().await,
            Self::Process(process) => process.ended(),
        }
    }

    async fn end(&mut self) {
        match self {
            Self::Container(container) => container.end().await,
            Self::Process(process) => process.end().await,
        }
    }

    async fn log_tail(&self) -> String {
        match self {
            Self::Container(container) => container.log_tail().await,
            Self::Process(process) => process.log_tail(),
        }
    }

    async fn stop(self) {
        match self {
            Self::Container(container) => container.stop().await,
            Self::Process(process) => process.stop().await,
        }
    }
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
            identity: None,
            version,
            other_source: second_loopback(address),
            started: None,
        }
    }

    /// Stops what was started for it, and removes its folder.
    pub async fn stop(self) {
        if let Some(started) = self.started {
            started.into_inner().stop().await;
        }
    }

    /// Whether what was started for it has ended by itself: its exit code and the end of its log.
    pub async fn ended(&self) -> Option<(i32, String)> {
        let mut started = self.started.as_ref()?.lock().await;
        let code = started.ended().await?;
        Some((code, started.log_tail().await))
    }

    /// The same after it has ended a connection. A server that dies ends its connections first, and the news of its death
    /// comes later: where it takes no connection any more, that is waited for.
    pub async fn ended_with_a_connection(&self) -> Option<(i32, String)> {
        if let Some(started) = &self.started
            && knock(self.address, KNOCK_PATIENCE).await.is_err()
        {
            let mut started = started.lock().await;
            // One that lives on is only too busy to answer.
            let _ = tokio::time::timeout(END_PATIENCE, started.end()).await;
        }
        self.ended().await
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
            image_context: None,
            images: Arc::default(),
        })
    }

    /// The same, with a folder of what image builds need from this machine.
    #[must_use]
    pub fn with_image_context(mut self, folder: Option<PathBuf>) -> Self {
        self.image_context = folder;
        self
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
        if let Some(reason) = &profile.unusable {
            return Err(ProvisionError {
                kind: ProvisionErrorKind::Local,
                detail: reason.clone(),
            });
        }
        match profile.provisioning {
            Provisioning::Docker => self.start_container(profile).await,
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
        let folder = match &profile.folder {
            Some(folder) => folder.clone(),
            None => self.bundled()?.join(&profile.software),
        };
        let script = folder.join("serve.sh");
        if script.is_file() {
            Ok(script)
        } else {
            Err(local(format!("there is no {}", script.display())))
        }
    }

    /// The folder with the bundled serve scripts.
    fn bundled(&self) -> Result<&Path, ProvisionError> {
        self.state.bundled().map_err(|detail| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail,
        })
    }

    async fn start_process(&self, profile: &Profile) -> Result<Running, ProvisionError> {
        let script = self.script(profile)?;
        let version = process::installed(&script)
            .await
            .map_err(|detail| ProvisionError {
                kind: ProvisionErrorKind::NotInstalled,
                detail,
            })?;
        let serve = self.serve(profile, script)?;
        let process = Process::start(&serve).await?;
        let mut running = self.ready(profile, serve, Started::Process(process)).await?;
        running.version = Some(version);
        Ok(running)
    }

    async fn start_container(&self, profile: &Profile) -> Result<Running, ProvisionError> {
        let script = self.script(profile)?;
        let folder = script.parent().unwrap_or(Path::new("."));
        let bundled = self.bundled()?;
        // A target file elsewhere may bring a library of its own.
        let own_library = folder.parent().map(|parent| parent.join("lib.sh"));
        let recipe = image::Recipe {
            software: &profile.software,
            folder,
            library: &own_library
                .filter(|library| library.is_file())
                .unwrap_or_else(|| bundled.join("lib.sh")),
            extra: self.image_context.as_deref(),
        };
        let tag = self.image(&recipe).await?;
        let run = self.state.path.file_name().map_or_else(String::new, |name| {
            name.to_string_lossy().trim_start_matches("ftpspec-").to_owned()
        });
        let serve = self.serve(profile, script)?;
        let container = Container::start(&serve, &profile.name, &tag, &run).await?;
        let (reach, other_source) = (container.reach, container.other_source);
        let version = container.version(&profile.software).await;
        let name = container.name().to_owned();
        let mut running = self.ready(profile, serve, Started::Container(container)).await?;
        if let Some(network) = profile.network {
            // Dropping what runs ends it, too.
            let tool = self.network_tool(bundled).await?;
            network.shape(&name, &tool).await?;
        }
        running.version = version;
        running.other_source = other_source;
        // Its network is of this machine alone, and so is what we send there.
        running.profile.allow.insert(Permission::ClearPassword);
        if reach == Reach::Published {
            for capability in [Capability::Port, Capability::Eprt] {
                running.profile.declares.insert(capability, false);
            }
        }
        Ok(running)
    }

    async fn image(&self, recipe: &image::Recipe<'_>) -> Result<String, ProvisionError> {
        let _turn = self.images.lock().await;
        image::provide(recipe, &self.state.path).await
    }

    /// The image with tc.
    async fn network_tool(&self, bundled: &Path) -> Result<String, ProvisionError> {
        self.image(&image::Recipe {
            software: "netem",
            folder: &bundled.join("netem"),
            library: &bundled.join("lib.sh"),
            extra: self.image_context.as_deref(),
        })
        .await
    }

    fn serve(&self, profile: &Profile, script: PathBuf) -> Result<ServeScript, ProvisionError> {
        let state = self.state.path.join(&profile.name);
        std::fs::create_dir_all(&state).map_err(|error| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail: format!("cannot make the folder {}: {error}", state.display()),
        })?;
        Ok(ServeScript {
            script,
            variant: profile.variant.clone(),
            state,
            identity: self.identity.clone(),
            authority_pem: self.authority.pem().to_owned(),
            accounts: made_up_accounts(&self.identity),
        })
    }

    /// Waits for the greeting of what was started; it is stopped when none comes.
    async fn ready(
        &self,
        profile: &Profile,
        serve: ServeScript,
        mut started: Started,
    ) -> Result<Running, ProvisionError> {
        if let Err(problem) = self.wait_until_ready(profile, &mut started).await {
            let log = started.log_tail().await;
            started.stop().await;
            let lower = log.to_lowercase();
            let taken = ["already in use", "could not bind", "failed binding"]
                .iter()
                .any(|words| lower.contains(words));
            let next = if taken {
                "\nsomething else listens on that port; end it, or run again: another port is taken then"
            } else {
                ""
            };
            let detail = format!("{} {problem}\n{}{next}", profile.name, log.trim_end());
            return Err(ProvisionError {
                kind: ProvisionErrorKind::DidNotStart,
                detail: detail.trim_end().into(),
            });
        }
        Ok(Running {
            address: started.address(),
            accounts: serve.accounts,
            trust: self.trust(&profile.trust)?,
            identity: None,
            version: None,
            other_source: second_loopback(started.address()),
            started: Some(Mutex::new(started)),
            profile: profile.clone(),
        })
    }

    async fn find(&self, profile: &Profile) -> Result<Running, ProvisionError> {
        let running = self.locate(profile).await?;
        let identity = running.identity.as_ref();
        greeting(running.address, profile.tls, identity, profile.timeouts.greeting)
            .await
            .map_err(|problem| ProvisionError {
                kind: ProvisionErrorKind::Unreachable,
                detail: format!(
                    "{} {problem}; check the host, the port and whether the server runs; `ftpspec diagnose` says more",
                    running.address
                ),
            })?;
        Ok(running)
    }

    /// A target that runs elsewhere, without asking whether it greets: for a diagnosis that is a question of its own.
    ///
    /// # Errors
    /// When its name cannot be resolved, a file of authorities or certificates cannot be read, or a password is missing.
    pub async fn locate(&self, profile: &Profile) -> Result<Running, ProvisionError> {
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
            Ok(Err(error)) => {
                return Err(unreachable(format!(
                    "cannot find the address of {host}: {error}\ncheck the name, or give an address"
                )));
            }
            Err(_) => return Err(unreachable(format!("the name {host} was not resolved in time"))),
        };
        let address = address.ok_or_else(|| unreachable(format!("the name {host} has no address")))?;
        let local = |detail: String| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail,
        };
        if let Some(account) = profile
            .pending
            .first()
            .and_then(|pending| profile.accounts.get(pending.account))
        {
            return Err(local(format!(
                "the password of `{}` was not fetched",
                account.user
            )));
        }
        Ok(Running {
            address,
            accounts: profile.accounts.clone(),
            trust: self.trust(&profile.trust)?,
            identity: profile
                .client_certificate
                .as_ref()
                .map(ClientCertificate::read)
                .transpose()
                .map_err(local)?,
            version: None,
            other_source: second_loopback(address),
            started: None,
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
            TrustChoice::System => Ok(ClientTrust::System),
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
    async fn wait_until_ready(&self, profile: &Profile, started: &mut Started) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + profile.timeouts.start;
        loop {
            if let Some(code) = started.ended().await {
                return Err(format!("ended with exit code {code} before it greeted"));
            }
            let problem =
                match greeting(started.address(), profile.tls, None, profile.timeouts.greeting).await {
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

/// Connects, and leaves no trace.
async fn knock(address: SocketAddr, patience: Duration) -> Result<Link, LinkError> {
    let recorder = Recorder::new(Timeline::start(Arc::new(SystemClock::new())), Masker::default());
    let channel = Channel::control(Channel::MAIN);
    Link::connect(address, None, None, patience, channel, recorder).await
}

/// Connects and reads the first bytes of the greeting, with implicit TLS after a handshake.
async fn greeting(
    address: SocketAddr,
    tls: TlsMode,
    identity: Option<&Identity>,
    patience: Duration,
) -> Result<(), String> {
    let mut link = match knock(address, patience).await {
        Ok(link) => link,
        Err(error) if error.kind == LinkErrorKind::Refused => {
            return Err(format!("does not listen: {}", error.detail));
        }
        Err(error) => return Err(error.detail),
    };
    if tls == TlsMode::Implicit {
        let context =
            ClientContext::new(&ClientTrust::Anything, identity, None).map_err(|error| error.reason)?;
        link.start_tls_client(&context, &ClientOptions::default(), patience)
            .await
            .map_err(|failure| format!("does not start TLS: {}", failure.reason))?;
    }
    let first = async {
        loop {
            match link.receive().await {
                // Tickets come before the greeting.
                Incoming::Ticket => {}
                other => return other,
            }
        }
    };
    match tokio::time::timeout(patience, first).await {
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

/// A second address that a client of a target on loopback may come from.
fn second_loopback(target: SocketAddr) -> Option<IpAddr> {
    (target.is_ipv4() && target.ip().is_loopback()).then(|| Ipv4Addr::new(127, 0, 0, 2).into())
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
