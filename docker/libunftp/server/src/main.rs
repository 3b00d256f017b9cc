//! An FTPS server on the libunftp crate with two accounts; everything comes from the environment that `serve.sh` describes.
//!
//! Holds settings alone: what is not set keeps libunftp's default. Not part of ftpspec and none of its dependencies.

use std::collections::BTreeMap;
use std::env::VarError;
use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use libunftp::ServerBuilder;
use libunftp::options::{ActivePassiveMode, PassiveHost, TlsFlags};
use slog::{Drain, KV as _};
use unftp_core::auth::{
    AuthenticationError, Authenticator, Credentials, Principal, UserDetail, UserDetailError, UserDetailProvider,
};
use unftp_sbe_fs::Filesystem;

type Failure = Box<dyn Error + Send + Sync>;

/// An account: its password and its home folder.
#[derive(Clone)]
struct Account {
    password: String,
    home: PathBuf,
}

/// The accounts by name. Authenticates, and tells libunftp where each is at home.
struct Accounts(BTreeMap<String, Account>);

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the passwords.
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[async_trait]
impl Authenticator for Accounts {
    async fn authenticate(&self, name: &str, given: &Credentials) -> Result<Principal, AuthenticationError> {
        let account = self.0.get(name).ok_or(AuthenticationError::BadUser)?;
        if given.password.as_deref() != Some(account.password.as_str()) {
            return Err(AuthenticationError::BadPassword);
        }
        Ok(Principal { username: name.to_owned() })
    }
}

#[async_trait]
impl UserDetailProvider for Accounts {
    type User = LoggedIn;

    async fn provide_user_detail(&self, principal: &Principal) -> Result<LoggedIn, UserDetailError> {
        let name = &principal.username;
        let account = self.0.get(name).ok_or_else(|| UserDetailError::UserNotFound { username: name.clone() })?;
        Ok(LoggedIn { name: name.clone(), home: account.home.clone() })
    }
}

/// Who is logged in; libunftp keeps it below its home.
#[derive(Debug)]
struct LoggedIn {
    name: String,
    home: PathBuf,
}

impl fmt::Display for LoggedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl UserDetail for LoggedIn {
    fn home(&self) -> Option<&Path> {
        Some(&self.home)
    }
}

/// libunftp's log, one line per record, on standard error.
struct Lines;

impl Drain for Lines {
    type Ok = ();
    type Err = std::io::Error;

    fn log(&self, record: &slog::Record<'_>, values: &slog::OwnedKVList) -> Result<(), Self::Err> {
        let mut pairs = Pairs(String::new());
        record.kv().serialize(record, &mut pairs).map_err(std::io::Error::other)?;
        values.serialize(record, &mut pairs).map_err(std::io::Error::other)?;
        writeln!(std::io::stderr().lock(), "{} {}{}", record.level(), record.msg(), pairs.0)
    }
}

/// ` key=value` for each pair.
struct Pairs(String);

impl slog::Serializer for Pairs {
    fn emit_arguments(&mut self, key: slog::Key, value: &fmt::Arguments<'_>) -> slog::Result {
        use fmt::Write as _;
        write!(self.0, " {key}={value}").map_err(Into::into)
    }
}

fn variable(name: &str) -> Result<String, Failure> {
    let name = format!("FTPSPEC_{name}");
    std::env::var(&name).map_err(|error| format!("{name}: {error}").into())
}

fn accounts() -> Result<Accounts, Failure> {
    let homes = PathBuf::from(variable("STATE")?).join("homes");
    let mut accounts = BTreeMap::new();
    for suffix in ["", "2"] {
        let name = variable(&format!("USER{suffix}"))?;
        let account = Account { password: variable(&format!("PASSWORD{suffix}"))?, home: homes.join(&name) };
        accounts.insert(name, account);
    }
    Ok(Accounts(accounts))
}

/// The TLS versions of a variant; resumption as libunftp has it by default.
fn tls_flags(variant: &str) -> Result<TlsFlags, Failure> {
    match variant {
        "libunftp" => Ok(TlsFlags::default()),
        "libunftp-tls1.3" => Ok(TlsFlags::default() | TlsFlags::V1_3),
        _ => Err(format!("no such variant: {variant}").into()),
    }
}

/// As it stands in the lock file that this program was built with.
fn libunftp_version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains("name = \"libunftp\""));
    entry.and_then(|entry| entry.split("version = \"").nth(1)?.split('"').next()).unwrap_or("of unknown version")
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).as_deref() == Some("--version") {
        writeln!(std::io::stdout(), "libunftp {}", libunftp_version())?;
        return Ok(());
    }
    let accounts = Arc::new(accounts()?);
    let homes = PathBuf::from(variable("STATE")?).join("homes");
    let (from, to): (u16, u16) = (variable("PASSIVE_MIN")?.parse()?, variable("PASSIVE_MAX")?.parse()?);
    let storage = move || Filesystem::new(&homes).expect("the folder of the homes was made before");
    let details: Arc<dyn UserDetailProvider<User = LoggedIn> + Send + Sync> = accounts.clone();
    let mut server = ServerBuilder::<Filesystem, LoggedIn>::with_user_detail_provider(Box::new(storage), details)
        .authenticator(accounts)
        .ftps(variable("CERT")?, variable("KEY")?)
        .ftps_tls_flags(tls_flags(&variable("VARIANT")?)?)
        .active_passive_mode(ActivePassiveMode::ActiveAndPassive)
        .passive_ports(from..=to)
        .logger(Some(slog::Logger::root(Lines.ignore_res(), slog::o!())));
    match std::env::var("FTPSPEC_PASV_ADDRESS") {
        Ok(address) => server = server.passive_host(PassiveHost::Ip(address.parse()?)),
        Err(VarError::NotPresent) => {}
        Err(error) => return Err(format!("FTPSPEC_PASV_ADDRESS: {error}").into()),
    }
    let address = format!("{}:{}", variable("ADDRESS")?, variable("PORT")?);
    server.build()?.listen(address).await?;
    Ok(())
}
