//! `target.yaml`: what a target says about itself.
//!
//! One file describes one piece of software with several variants; each variant is a target. The format is documented
//! in `docs/targets.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use include_dir::{Dir, include_dir};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::Network;
use super::password::{PasswordPlace, PendingPassword};
use crate::base::{Secret, closest};
use crate::requirement::Capability;
use crate::tls::Identity;

/// The folder `docker/` as it was when this binary was built.
static BUNDLED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/docker");

/// Explicit or implicit TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// AUTH TLS on a clear connection (RFC 4217).
    Explicit,
    /// TLS from the first byte.
    Implicit,
}

/// How a target comes into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provisioning {
    /// The server inside this program.
    Embedded,
    /// A container of its own.
    Docker,
    /// A process that a serve script starts on this machine.
    Process,
    /// It is there already.
    External,
}

impl Provisioning {
    /// The word in profiles and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Docker => "docker",
            Self::Process => "process",
            Self::External => "external",
        }
    }
}

/// What certificates are checked against. Problems are recorded; they refuse nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustChoice {
    /// The certificate that the harness made for the target.
    HarnessAuthority,
    /// The authorities that this machine believes; usual for targets that the harness does not start.
    System,
    /// Certificates of this PEM file.
    File(PathBuf),
    /// Nothing (`--insecure`).
    Insecure,
}

/// What the harness may do to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Ask it to connect to the harness's own listener on another address.
    BounceToHarness,
    /// Send a password without protection, though the target is not on this machine.
    ClearPassword,
    /// Follow a PASV address of another host.
    ForeignPasv,
    /// Log in with the second account.
    SecondAccount,
    /// Write, rename and delete files that the harness made itself.
    Write,
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Name for USER.
    pub user: String,
    /// For PASS.
    pub password: Secret,
}

/// The certificate that a client shows to a target, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl ClientCertificate {
    /// Certificate and key, which belong together.
    ///
    /// # Errors
    /// When they cannot be read or used, with the files.
    pub fn read(&self) -> Result<Identity, String> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        let identity = Identity {
            chain_pem: read(&self.certificate)?.into(),
            key_pem: read(&self.key)?.into(),
        };
        identity.check().map_err(|error| {
            format!(
                "cannot use {} with {}: {}",
                self.certificate.display(),
                self.key.display(),
                error.reason
            )
        })?;
        Ok(identity)
    }
}

/// The time allowed for each kind of wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connections.
    pub connect: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// Any other reply.
    pub reply: Duration,
    /// A handshake.
    pub handshake: Duration,
    /// The next piece of data.
    pub data: Duration,
    /// The end of a connection.
    pub close: Duration,
    /// How long a ClientHello on the control connection is held back; none for almost all targets.
    pub before_tls: Duration,
    /// From the start of a process to its greeting.
    pub start: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let usual = Duration::from_secs(10);
        Self {
            connect: Duration::from_secs(5),
            greeting: usual,
            reply: usual,
            handshake: usual,
            data: usual,
            close: usual,
            before_tls: Duration::ZERO,
            start: Duration::from_secs(15),
        }
    }
}

/// What the target can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Control connections at the same time.
    pub max_connections: usize,
}

/// A finding that is known and accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct KnownDeviation {
    /// The requirement that is broken.
    pub requirement: String,
    /// Scenario it is limited to; any when none.
    pub scenario: Option<String>,
    /// Cells of the scenario's matrix it is limited to, as `axis=value,axis=value`; any when empty.
    pub cells: Vec<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Where more is said about it.
    pub link: Option<String>,
    /// Last day it holds, `YYYY-MM-DD`; for ever when none.
    pub expires: Option<String>,
    /// It does not happen every time, so its absence says nothing.
    pub varies: bool,
    /// The targets it was written for: every variant of a file, or one. It is out of date only when it happens in none.
    pub targets: Vec<String>,
}

impl KnownDeviation {
    /// Whether it speaks of this scenario and cell (as text).
    #[must_use]
    pub fn speaks_of(&self, scenario: &str, cell: &str) -> bool {
        self.scenario.as_ref().is_none_or(|only| only == scenario)
            && (self.cells.is_empty() || self.cells.iter().any(|only| only == cell))
    }

    /// Whether it holds on that day, `YYYY-MM-DD`.
    #[must_use]
    pub fn holds_on(&self, today: &str) -> bool {
        // Dates of this form compare as text.
        self.expires.as_deref().is_none_or(|last| today <= last)
    }
}

/// One target.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name, unique among the targets of a run.
    pub name: String,
    /// Name of the software (the folder below `docker/`).
    pub software: String,
    /// Its variant, for the serve script.
    pub variant: String,
    /// The network between, for a container.
    pub network: Option<Network>,
    /// Licence of the software, SPDX.
    pub licence: Option<String>,
    /// How it comes into being.
    pub provisioning: Provisioning,
    /// Explicit or implicit TLS.
    pub tls: TlsMode,
    /// The name its certificate must be for.
    pub server_name: String,
    /// A second name that HOST can choose (capability `second-host`).
    pub second_host: Option<String>,
    /// What its certificates are checked against.
    pub trust: TrustChoice,
    /// Accounts; the harness makes some up for targets it starts.
    pub accounts: Vec<Account>,
    /// Accounts whose password has to be fetched first; see [`Profile::fetch_passwords`].
    pub pending: Vec<PendingPassword>,
    /// What every session shows when it is asked for a certificate, unless a scenario names another one.
    pub client_certificate: Option<ClientCertificate>,
    /// Capabilities it is declared to have (`true`) or to lack (`false`).
    pub declares: BTreeMap<Capability, bool>,
    /// What the harness may do.
    pub allow: BTreeSet<Permission>,
    /// What it can bear.
    pub limits: Limits,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Accepted findings.
    pub known_deviations: Vec<KnownDeviation>,
    /// Where the serve script is; none for bundled ones until they are unpacked.
    pub folder: Option<PathBuf>,
    /// Host and port, for external targets.
    pub address: Option<(String, u16)>,
    /// Why nothing can be done with it, when its file cannot be read; its cases are inconclusive for that reason.
    pub unusable: Option<String>,
}

impl Profile {
    /// Stands for a target whose file cannot be read, so that the other targets of a run need not wait for its correction.
    #[must_use]
    pub fn unusable(name: &str, reason: String) -> Self {
        Self {
            name: name.to_owned(),
            software: name.to_owned(),
            variant: name.to_owned(),
            network: None,
            licence: None,
            provisioning: Provisioning::External,
            tls: TlsMode::Explicit,
            server_name: String::new(),
            second_host: None,
            trust: TrustChoice::System,
            accounts: Vec::new(),
            pending: Vec::new(),
            client_certificate: None,
            declares: BTreeMap::new(),
            allow: BTreeSet::new(),
            limits: Limits { max_connections: 1 },
            timeouts: Timeouts::default(),
            known_deviations: Vec::new(),
            folder: None,
            address: None,
            unusable: Some(reason),
        }
    }

    /// The same target behind another network: a target of its own, named after both.
    #[must_use]
    pub fn behind(&self, network: Network) -> Self {
        Self {
            name: format!("{}@{network}", self.variant),
            network: Some(network),
            ..self.clone()
        }
    }

    /// Fetches the passwords that are not there yet: `environment` looks up a variable, `ask` asks whoever started the run for
    /// the password of a user.
    ///
    /// # Errors
    /// When a password cannot be had, with the account and the place.
    pub fn fetch_passwords<E: From<String>>(
        &mut self,
        environment: &dyn Fn(&str) -> Option<String>,
        ask: &mut dyn FnMut(&str) -> Result<Secret, E>,
    ) -> Result<(), E> {
        for pending in std::mem::take(&mut self.pending) {
            let Some(account) = self.accounts.get_mut(pending.account) else {
                continue;
            };
            account.password = pending.place.fetch(&account.user, environment, ask)?;
        }
        Ok(())
    }
}

/// A profile cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct ProfileError {
    /// The file.
    pub name: String,
    /// What is wrong with it; may have several lines, with the place in the file.
    pub reason: String,
}

/// The profiles bundled with this program, each with its folder name.
///
/// # Errors
/// When a bundled profile is broken; a test keeps that from being shipped.
pub fn embedded_profiles() -> Result<Vec<Profile>, ProfileError> {
    let mut profiles = Vec::new();
    for folder in BUNDLED.dirs() {
        let Some(file) = folder.get_file(folder.path().join("target.yaml")) else {
            continue;
        };
        let name = format!("docker/{}", file.path().display());
        profiles.extend(parse(&name, file.contents_utf8().unwrap_or_default(), None)?);
    }
    Ok(profiles)
}

/// The text of the committed baseline of a bundled piece of software, where there is one.
#[must_use]
pub fn embedded_baseline(software: &str) -> Option<&'static str> {
    BUNDLED
        .get_file(Path::new(software).join("baseline.json"))?
        .contents_utf8()
}

/// Writes the bundled serve scripts to `into` (made when missing), for a program that runs without its sources.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn unpack_bundled(into: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(into)?;
    BUNDLED.extract(into)?;
    mark_executable(into)
}

/// Scripts lose their mode when they are bundled.
fn mark_executable(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            mark_executable(&path)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "sh" || extension == "pl" || extension == "py")
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// Reads the profiles of one `target.yaml`.
///
/// # Errors
/// When the file cannot be read or is not a profile.
pub fn load_profiles(path: &Path) -> Result<Vec<Profile>, ProfileError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ProfileError {
        name: name.clone(),
        reason: format!("cannot read it: {error}"),
    })?;
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    parse(&name, &text, Some(folder))
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawAccount {
    user: String,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    password_env: Option<String>,
    #[serde(default)]
    password_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawClientCertificate {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawTarget {
    name: String,
    #[serde(default)]
    licence: Option<String>,
    provision: Provisioning,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    timeouts: RawTimeouts,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    trust: Option<String>,
    #[serde(default)]
    server_name: Option<String>,
    #[serde(default)]
    accounts: Vec<RawAccount>,
    #[serde(default)]
    client_certificate: Option<RawClientCertificate>,
    #[serde(default)]
    second_host: Option<String>,
    #[serde(default)]
    allow: Vec<Permission>,
    #[serde(default)]
    known_deviations: Vec<RawDeviation>,
    variants: BTreeMap<String, RawVariant>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawTimeouts {
    connect: Option<String>,
    greeting: Option<String>,
    reply: Option<String>,
    handshake: Option<String>,
    data: Option<String>,
    close: Option<String>,
    before_tls: Option<String>,
    start: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawLimits {
    max_connections: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawVariant {
    tls: TlsMode,
    #[serde(default)]
    declares: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    known_deviations: Vec<RawDeviation>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawDeviation {
    requirement: String,
    #[serde(default)]
    scenario: Option<String>,
    #[serde(default)]
    cells: Vec<String>,
    reason: String,
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default)]
    varies: bool,
}

/// Reads profiles from text.
fn parse(name: &str, text: &str, folder: Option<PathBuf>) -> Result<Vec<Profile>, ProfileError> {
    let wrong = |reason: String| ProfileError {
        name: name.to_owned(),
        reason,
    };
    let raw: RawTarget = serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let timeouts = lower_timeouts(&raw.timeouts).map_err(wrong)?;
    let address = raw
        .address
        .as_deref()
        .map(lower_address)
        .transpose()
        .map_err(wrong)?;
    if raw.provision == Provisioning::External && address.is_none() {
        return Err(wrong("`provision: external` needs `address: HOST:PORT`".into()));
    }
    if raw.provision != Provisioning::External && !raw.accounts.is_empty() {
        return Err(wrong(
            "`accounts` is for `provision: external`; a server that is started here is told its accounts"
                .into(),
        ));
    }
    if raw.provision != Provisioning::External && raw.client_certificate.is_some() {
        return Err(wrong(
            "`client-certificate` is for `provision: external`; a server that is started here trusts the harness".into(),
        ));
    }
    let place = |path: &Path| folder.as_deref().unwrap_or(Path::new(".")).join(path);
    let client_certificate = raw.client_certificate.as_ref().map(|files| ClientCertificate {
        certificate: place(&files.certificate),
        key: place(&files.key),
    });
    let (mut accounts, mut pending) = (Vec::new(), Vec::new());
    for (number, account) in raw.accounts.iter().enumerate() {
        let (password, from) = lower_password(account, &place).map_err(wrong)?;
        accounts.push(Account {
            user: account.user.clone(),
            password,
        });
        pending.extend(from.map(|place| PendingPassword {
            account: number,
            place,
        }));
    }
    let mut profiles = Vec::new();
    for (variant, choice) in &raw.variants {
        let mut declares = BTreeMap::new();
        for (words, has) in [(&choice.declares, true), (&choice.lacks, false)] {
            for word in words {
                declares.insert(lower_capability(word).map_err(wrong)?, has);
            }
        }
        let all: Vec<String> = raw.variants.keys().cloned().collect();
        let shared = raw.known_deviations.iter().map(|one| (one, all.clone()));
        let own = choice
            .known_deviations
            .iter()
            .map(|one| (one, vec![variant.clone()]));
        let deviations = shared
            .chain(own)
            .map(|(one, targets)| lower_deviation(one.clone(), targets))
            .collect::<Result<Vec<_>, _>>()
            .map_err(wrong)?;
        profiles.push(Profile {
            name: variant.clone(),
            variant: variant.clone(),
            network: None,
            software: raw.name.clone(),
            licence: raw.licence.clone(),
            provisioning: raw.provision,
            tls: choice.tls,
            server_name: raw.server_name.clone().unwrap_or_else(|| "localhost".into()),
            second_host: raw.second_host.clone(),
            trust: lower_trust(raw.trust.as_deref(), raw.provision, folder.as_deref()).map_err(wrong)?,
            accounts: accounts.clone(),
            pending: pending.clone(),
            client_certificate: client_certificate.clone(),
            declares,
            allow: raw.allow.iter().copied().collect(),
            limits: Limits {
                max_connections: raw.limits.max_connections.unwrap_or(4).max(1),
            },
            timeouts,
            known_deviations: deviations,
            folder: folder.clone(),
            address: address.clone(),
            unusable: None,
        });
    }
    Ok(profiles)
}

/// The password of an account, or where it is to be fetched.
fn lower_password(
    account: &RawAccount,
    place: &dyn Fn(&Path) -> PathBuf,
) -> Result<(Secret, Option<PasswordPlace>), String> {
    let places = (&account.password, &account.password_env, &account.password_file);
    Ok(match places {
        (Some(password), None, None) => (Secret::new(password), None),
        (None, Some(variable), None) => (
            Secret::default(),
            Some(PasswordPlace::Environment(variable.clone())),
        ),
        (None, None, Some(file)) => (Secret::default(), Some(PasswordPlace::File(place(file)))),
        (None, None, None) => (Secret::default(), Some(PasswordPlace::Prompt)),
        _ => {
            return Err(format!(
                "the account `{}` has its password in several places; keep one of `password`, `password-env` and `password-file`",
                account.user
            ));
        }
    })
}

fn lower_deviation(raw: RawDeviation, targets: Vec<String>) -> Result<KnownDeviation, String> {
    if let Some(day) = &raw.expires
        && day.parse::<jiff::civil::Date>().is_err()
    {
        return Err(format!(
            "expected `expires: YYYY-MM-DD` for {}, got `{day}`",
            raw.requirement
        ));
    }
    Ok(KnownDeviation {
        requirement: raw.requirement,
        scenario: raw.scenario,
        cells: raw.cells,
        reason: raw.reason,
        link: raw.link,
        expires: raw.expires,
        varies: raw.varies,
        targets,
    })
}

fn lower_capability(word: &str) -> Result<Capability, String> {
    word.parse().map_err(|problem: String| {
        let names = Capability::ALL.iter().map(|capability| capability.name());
        closest(word, names).map_or(problem.clone(), |near| {
            format!("{problem}; did you mean `{near}`?")
        })
    })
}

fn lower_trust(
    word: Option<&str>,
    provisioning: Provisioning,
    folder: Option<&Path>,
) -> Result<TrustChoice, String> {
    match word {
        None if provisioning == Provisioning::External => Ok(TrustChoice::System),
        None | Some("harness-ca") => Ok(TrustChoice::HarnessAuthority),
        Some("system") => Ok(TrustChoice::System),
        Some("insecure") => Ok(TrustChoice::Insecure),
        Some(file) => match file.strip_prefix("file:") {
            Some(path) => Ok(TrustChoice::File(folder.unwrap_or(Path::new(".")).join(path))),
            None => Err(format!(
                "expected `trust: harness-ca`, `system`, `insecure` or `file:PATH`, got `{file}`"
            )),
        },
    }
}

fn lower_address(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("expected `HOST:PORT`, got `{text}`");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), port.parse().map_err(|_| wrong())?))
}

fn lower_timeouts(raw: &RawTimeouts) -> Result<Timeouts, String> {
    let usual = Timeouts::default();
    let pick = |text: &Option<String>, default: Duration| text.as_deref().map_or(Ok(default), lower_duration);
    Ok(Timeouts {
        connect: pick(&raw.connect, usual.connect)?,
        greeting: pick(&raw.greeting, usual.greeting)?,
        reply: pick(&raw.reply, usual.reply)?,
        handshake: pick(&raw.handshake, usual.handshake)?,
        data: pick(&raw.data, usual.data)?,
        close: pick(&raw.close, usual.close)?,
        before_tls: pick(&raw.before_tls, usual.before_tls)?,
        start: pick(&raw.start, usual.start)?,
    })
}

/// `10s`, `300ms`, `2m`.
fn lower_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a time like `10s` or `300ms`, got `{text}`");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str =
        "name: acme\nprovision: external\naddress: 127.0.0.1:2121\nvariants:\n  acme:\n    tls: explicit\n";

    #[test]
    fn a_profile_is_read() {
        let profiles = parse("target.yaml", MINIMAL, None).unwrap();
        assert_eq!(profiles.len(), 1);
        assert_eq!(profiles[0].address, Some(("127.0.0.1".into(), 2121)));
        assert_eq!(profiles[0].timeouts, Timeouts::default());
    }

    #[test]
    fn accounts_are_for_servers_that_are_there_already() {
        let with = |text: &str| format!("accounts: [{{ user: ada, password: pw }}]\n{text}");
        let profiles = parse("target.yaml", &with(MINIMAL), None).unwrap();
        assert_eq!(profiles[0].accounts[0].user, "ada");
        assert_eq!(profiles[0].accounts[0].password.reveal(), "pw");
        let process = with(&MINIMAL.replace("provision: external", "provision: process"));
        let error = parse("target.yaml", &process, None).unwrap_err();
        assert!(error.to_string().contains("`accounts` is for"), "{error}");
    }

    #[test]
    fn only_a_target_that_needs_it_has_its_client_hellos_held_back() {
        let slow = format!("timeouts: {{ before-tls: 50ms }}\n{MINIMAL}");
        let profile = |text: &str| parse("target.yaml", text, None).unwrap().remove(0);
        assert_eq!(profile(&slow).timeouts.before_tls, Duration::from_millis(50));
        assert!(profile(MINIMAL).timeouts.before_tls.is_zero());
        let bundled = embedded_profiles().unwrap();
        let held = bundled
            .iter()
            .filter(|profile| !profile.timeouts.before_tls.is_zero());
        let held: BTreeSet<&str> = held.map(|profile| profile.software.as_str()).collect();
        assert_eq!(
            held,
            BTreeSet::from(["libunftp"]),
            "each has its reason in docs/real-servers.md"
        );
    }

    #[test]
    fn a_password_may_be_elsewhere() {
        let with = |account: &str| {
            let text = format!("accounts: [{{ user: ada, {account} }}]\n{MINIMAL}");
            parse("target.yaml", &text, Some("/etc/acme".into()))
        };
        let fetched = |account: &str| {
            let mut profile = with(account).unwrap().remove(0);
            let environment = |name: &str| (name == "ACME_PASSWORD").then(|| "from-env".to_owned());
            let mut ask = |user: &str| Ok::<_, String>(Secret::new(format!("asked-{user}")));
            profile.fetch_passwords(&environment, &mut ask).map(|()| {
                assert!(profile.pending.is_empty());
                profile.accounts[0].password.reveal().to_owned()
            })
        };
        assert_eq!(fetched("password-env: ACME_PASSWORD").unwrap(), "from-env");
        assert_eq!(fetched("password: here").unwrap(), "here");
        assert_eq!(
            parse(
                "target.yaml",
                &format!("accounts: [{{ user: ada }}]\n{MINIMAL}"),
                None
            )
            .unwrap()[0]
                .pending[0]
                .place,
            PasswordPlace::Prompt
        );
        let missing = fetched("password-env: ACME_PASSWROD").unwrap_err();
        assert!(
            missing.contains("ACME_PASSWROD") && missing.contains("`ada`"),
            "{missing}"
        );
        let unreadable = fetched("password-file: secret").unwrap_err();
        assert!(unreadable.contains("/etc/acme/secret"), "{unreadable}");
        let error = with("password: x, password-env: Y").unwrap_err();
        assert!(error.to_string().contains("several places"), "{error}");
    }

    #[test]
    fn a_client_certificate_is_found_beside_its_profile_and_is_for_servers_that_are_there() {
        let text = format!("client-certificate: {{ certificate: me.pem, key: me.key }}\n{MINIMAL}");
        let profile = parse("target.yaml", &text, Some("/etc/acme".into()))
            .unwrap()
            .remove(0);
        let files = profile.client_certificate.unwrap();
        assert_eq!(files.certificate, Path::new("/etc/acme/me.pem"));
        assert_eq!(files.key, Path::new("/etc/acme/me.key"));
        let process = text.replace("provision: external", "provision: process");
        let error = parse("target.yaml", &process, None).unwrap_err();
        assert!(
            error.to_string().contains("`client-certificate` is for"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_capability_is_named_with_a_suggestion() {
        let text = MINIMAL.replace("tls: explicit", "tls: explicit\n    declares: [auth-tsl]");
        let error = parse("target.yaml", &text, None).unwrap_err();
        assert!(error.to_string().contains("did you mean `auth-tls`"), "{error}");
    }

    #[test]
    fn a_known_deviation_knows_whom_it_is_for_and_until_when() {
        let text = format!(
            "{MINIMAL}    known-deviations: [{{ requirement: r.own, reason: ours, expires: 2027-01-31 }}]\n  other: {{ tls: implicit }}\n\
             known-deviations: [{{ requirement: r.all, scenario: a/b, cells: [tls=tls1.2], reason: all }}]\n"
        );
        let profiles = parse("target.yaml", &text, None).unwrap();
        let own = &profiles[0].known_deviations[1];
        assert_eq!(
            (own.requirement.as_str(), &own.targets[..]),
            ("r.own", &["acme".to_owned()][..])
        );
        assert!(own.holds_on("2027-01-31") && !own.holds_on("2027-02-01"));
        let all = &profiles[1].known_deviations[0];
        assert_eq!(all.targets, ["acme", "other"]);
        assert!(all.speaks_of("a/b", "tls=tls1.2"));
        assert!(!all.speaks_of("a/b", "tls=tls1.3") && !all.speaks_of("a/c", "tls=tls1.2"));
        let error = parse("target.yaml", &text.replace("2027-01-31", "soon"), None).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("expected `expires: YYYY-MM-DD` for r.own, got `soon`")
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = parse("target.yaml", &format!("{MINIMAL}colour: red\n"), None).unwrap_err();
        assert!(error.to_string().contains("colour"), "{error}");
    }

    #[test]
    fn the_bundled_profiles_can_be_read() {
        let profiles = embedded_profiles().unwrap();
        let mut names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "names are unique");
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(lower_duration("300ms"), Ok(Duration::from_millis(300)));
        assert!(lower_duration("10").is_err());
        assert!(lower_duration("s").is_err());
    }
}
