//! `ftpspec targets`: what can be started here. Also finds targets by name for the other subcommands.

use std::fmt::Write as _;
use std::path::Path;

use super::args::{TargetsArgs, TargetsCommand};
use super::exit::{CliError, Exit};
use super::interrupt::Interrupts;
use super::output;
use crate::base::{RunId, closest};
use crate::runner::TargetChoice;
use crate::target::{self, EMBEDDED, Profile, Provisioner};

pub(super) async fn run(args: &TargetsArgs) -> Result<Exit, CliError> {
    let provisioner = provisioner()?;
    match &args.command {
        TargetsCommand::List => {
            let mut text = format!("{EMBEDDED:28} built in\n");
            for profile in bundled()? {
                let state = match installed(&provisioner, &profile).await {
                    Ok(version) => version,
                    Err(reason) => format!("not installed: {reason}"),
                };
                let _ = writeln!(text, "{:28} {state}", profile.name);
            }
            output::print(&text)?;
        }
        TargetsCommand::Up { name } => {
            let TargetChoice::Profile(profile) = find(name)? else {
                return Err(CliError::usage(
                    "the embedded server is started by `ftpspec serve`",
                ));
            };
            let mut interrupts = Interrupts::catch();
            let provided = tokio::select! {
                provided = provisioner.provide(&profile) => provided,
                () = interrupts.wait() => return Ok(Exit::Success),
            };
            let running = provided.map_err(|error| CliError::inconclusive(error.detail))?;
            let mut text = format!("{} listens on {}\n", profile.name, running.address);
            for account in &running.accounts {
                // Passwords of a server that lives on loopback until Ctrl-C; without them nobody could use it.
                let _ = writeln!(text, "account {} {}", account.user, account.password.reveal());
            }
            output::print(&text)?;
            interrupts.wait().await;
            running.stop().await;
        }
    }
    Ok(Exit::Success)
}

/// A provisioner with a folder of its own.
pub(super) fn provisioner() -> Result<Provisioner, CliError> {
    let folder = std::env::temp_dir().join(format!("ftpspec-{}-{}", std::process::id(), fresh_id()));
    Provisioner::new(folder).map_err(|error| CliError::internal(error.detail))
}

/// An id for a run: the time and the process.
pub(super) fn fresh_id() -> RunId {
    use crate::base::{Clock as _, SystemClock};
    let milliseconds = u64::try_from(SystemClock::new().wall().as_millis()).unwrap_or(0);
    RunId::from_number(
        milliseconds
            .wrapping_mul(0x8000)
            .wrapping_add(u64::from(std::process::id()) & 0x7fff),
    )
}

/// The version of the server of `profile`, or why it cannot be started.
pub(super) async fn installed(provisioner: &Provisioner, profile: &Profile) -> Result<String, String> {
    let script = provisioner.script(profile).map_err(|error| error.detail)?;
    target::installed(&script).await
}

/// The bundled profiles.
pub(super) fn bundled() -> Result<Vec<Profile>, CliError> {
    target::embedded_profiles().map_err(|error| CliError::internal(error.to_string()))
}

/// A target by name, or the only one of a `target.yaml`, or `FILE:VARIANT`.
pub(super) fn find(name: &str) -> Result<TargetChoice, CliError> {
    if name == EMBEDDED {
        return Ok(TargetChoice::Embedded);
    }
    let profiles = bundled()?;
    if let Some(profile) = profiles.iter().find(|profile| profile.name == name) {
        return Ok(TargetChoice::Profile(Box::new(profile.clone())));
    }
    let (file, variant) = match name.rsplit_once(".yaml:") {
        Some((file, variant)) => (format!("{file}.yaml"), Some(variant)),
        None => (name.to_owned(), None),
    };
    if !Path::new(&file).is_file() {
        let names = profiles
            .iter()
            .map(|profile| profile.name.as_str())
            .chain([EMBEDDED]);
        let near = closest(name, names)
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        return Err(CliError::usage(format!(
            "there is no target `{name}`{near} (see `ftpspec targets list`)"
        )));
    }
    let mut found =
        target::load_profiles(Path::new(&file)).map_err(|error| CliError::usage(error.to_string()))?;
    if let Some(variant) = variant {
        found.retain(|profile| profile.name == variant);
    }
    match found.len() {
        1 => Ok(TargetChoice::Profile(Box::new(found.remove(0)))),
        0 => Err(CliError::usage(format!("{file} has no such variant"))),
        _ => Err(CliError::usage(format!(
            "{file} has several variants; name one: {file}:VARIANT"
        ))),
    }
}
