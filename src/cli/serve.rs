//! `ftpspec serve`: the embedded server for other clients.

use std::path::Path;
use std::sync::Arc;

use super::args::{ReuseArg, ServeArgs};
use super::exit::{CliError, Exit};
use super::interrupt::Interrupts;
use super::output;
use crate::base::{Secret, closest};
use crate::mock::{Account, Fault, Habit, Options, ReusePolicy, Server};
use crate::tls::certificate::{self, Authority};
use crate::tls::{ClientContext, ClientTrust, Identity};
use crate::trace::TlsVersion;

pub(super) async fn run(args: &ServeArgs) -> Result<Exit, CliError> {
    let options = lower(args)?;
    let faults: Vec<&str> = options.faults.iter().map(|fault| fault.name()).collect();
    let habits: Vec<&str> = options.habits.iter().map(|habit| habit.name()).collect();
    let mode = if args.implicit {
        "implicit TLS"
    } else {
        "explicit TLS"
    };
    let faults_text = if faults.is_empty() {
        "strict".to_owned()
    } else {
        format!("faults: {}", faults.join(", "))
    };
    let habits_text = if habits.is_empty() {
        String::new()
    } else {
        format!(", habits: {}", habits.join(", "))
    };
    let mut interrupts = Interrupts::catch();
    let server = Server::start(options)
        .await
        .map_err(|error| CliError::internal(error.to_string()))?;
    output::print(&format!(
        "serving on {} ({mode}, {faults_text}{habits_text}); end with Ctrl-C\n",
        server.address()
    ))?;
    interrupts.wait().await;
    server.stop().await;
    Ok(Exit::Success)
}

fn lower(args: &ServeArgs) -> Result<Options, CliError> {
    let mut options = Options::new(identity(args)?);
    options.address = args.listen;
    options.implicit = args.implicit;
    options.accounts = args
        .accounts
        .iter()
        .map(|text| account(text))
        .collect::<Result<_, _>>()?;
    options.reuse = match args.reuse {
        ReuseArg::Optional => ReusePolicy::Optional,
        ReuseArg::Any => ReusePolicy::AnySession,
        ReuseArg::Control => ReusePolicy::ThisControl,
    };
    options.client_authorities = args.client_ca.as_deref().map(read).transpose()?;
    options.tls_required = args.require_tls;
    options.data_tls_required = args.require_data_tls;
    if !args.versions.is_empty() {
        options.versions = args
            .versions
            .iter()
            .map(|word| version(word))
            .collect::<Result<_, _>>()?;
    }
    for name in &args.faults {
        options.faults.insert(fault(name)?);
    }
    for name in &args.habits {
        options.habits.insert(habit(name)?);
    }
    if let Some(range) = &args.passive_ports {
        let (low, high) = range
            .split_once('-')
            .and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)))
            .filter(|(low, high): &(u16, u16)| low <= high)
            .ok_or_else(|| CliError::usage(format!("expected `--passive-ports MIN-MAX`, got `{range}`")))?;
        options.passive_ports = Some(low..=high);
    }
    Ok(options)
}

fn identity(args: &ServeArgs) -> Result<Identity, CliError> {
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        let identity = Identity {
            chain_pem: read(cert)?,
            key_pem: read(key)?,
        };
        // Whether they can be used shows as well when a client would show them.
        ClientContext::new(&ClientTrust::Anything, Some(&identity), None).map_err(|error| {
            CliError::usage(format!(
                "cannot use {} with {}: {}",
                cert.display(),
                key.display(),
                error.reason
            ))
        })?;
        return Ok(identity);
    }
    let authority = Authority::new().map_err(|error| CliError::internal(error.to_string()))?;
    if let Some(path) = &args.write_ca {
        std::fs::write(path, authority.pem())
            .map_err(|error| CliError::internal(format!("cannot write {}: {error}", path.display())))?;
    }
    certificate::recipe("valid")
        .and_then(|recipe| certificate::make(recipe, &authority))
        .map_err(|error| CliError::internal(error.to_string()))
}

fn read(path: &Path) -> Result<Arc<str>, CliError> {
    std::fs::read_to_string(path)
        .map(Into::into)
        .map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))
}

fn account(text: &str) -> Result<Account, CliError> {
    let (user, password) = text
        .split_once(':')
        .ok_or_else(|| CliError::usage("expected `--account USER:PASSWORD`".to_owned()))?;
    Ok(Account {
        user: user.to_owned(),
        password: Secret::new(password),
    })
}

/// A TLS version by its word.
pub(super) fn version(word: &str) -> Result<TlsVersion, CliError> {
    [TlsVersion::Tls12, TlsVersion::Tls13]
        .into_iter()
        .find(|version| version.name() == word)
        .ok_or_else(|| CliError::usage(format!("expected `tls1.2` or `tls1.3`, got `{word}`")))
}

fn fault(name: &str) -> Result<Fault, CliError> {
    let known = Fault::ALL.iter().map(|fault| fault.name());
    name.parse()
        .map_err(|problem: String| unknown(name, &problem, known, "faults"))
}

fn habit(name: &str) -> Result<Habit, CliError> {
    let known = Habit::ALL.iter().map(|habit| habit.name());
    name.parse()
        .map_err(|problem: String| unknown(name, &problem, known, "habits"))
}

fn unknown<'a>(name: &str, problem: &str, known: impl Iterator<Item = &'a str>, list: &str) -> CliError {
    CliError::usage(closest(name, known).map_or_else(
        || format!("{problem} (see `ftpspec list --{list}`)"),
        |near| format!("{problem}; did you mean `{near}`?"),
    ))
}
