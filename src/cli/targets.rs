//! `ftpspec targets`: what can be started here. Also finds targets by name for the other subcommands.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::{TargetsArgs, TargetsCommand, Via};
use super::exit::{CliError, Exit};
use super::interrupt::Interrupts;
use super::output;
use crate::base::{RunId, closest};
use crate::runner::TargetChoice;
use crate::target::{
    self, EMBEDDED, Leftover, Network, Profile, ProvisionError, ProvisionErrorKind, Provisioner,
    Provisioning, Running,
};

/// Names the folder with what image builds need from this machine; `.ci/context` when it is not set.
const IMAGE_CONTEXT: &str = "FTPSPEC_IMAGE_CONTEXT";

/// How often a server that was started is asked whether it still runs.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

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
        TargetsCommand::Up { name, via } => up(&provisioner, name, *via).await?,
        TargetsCommand::Down { name: Some(name), .. } => down(name).await?,
        TargetsCommand::Down { name: None, .. } => down_all().await?,
        TargetsCommand::Logs { name } => output::print(&target::logs(name).await.map_err(trouble)?)?,
    }
    Ok(Exit::Success)
}

async fn up(provisioner: &Provisioner, name: &str, via: Option<Via>) -> Result<(), CliError> {
    let mut choice = find(name)?;
    if let Some(via) = via {
        start_via(&mut choice, via)?;
    }
    let TargetChoice::Profile(profile) = choice else {
        return Err(CliError::usage(
            "the embedded server is started by `ftpspec serve`",
        ));
    };
    let mut interrupts = Interrupts::catch();
    let provided = tokio::select! {
        provided = provisioner.provide(&profile) => provided,
        () = interrupts.wait() => return Ok(()),
    };
    let running = provided.map_err(|error| CliError::inconclusive(error.detail))?;
    let mut text = format!("{} listens on {}\n", profile.name, running.address);
    for account in &running.accounts {
        // Passwords of a server of this machine alone that lives until Ctrl-C; without them nobody could use it.
        let _ = writeln!(text, "account {} {}", account.user, account.password.reveal());
    }
    output::print(&text)?;
    let gone = tokio::select! {
        () = interrupts.wait() => None,
        gone = ended(&running) => Some(gone),
    };
    running.stop().await;
    match gone {
        None => Ok(()),
        Some(reason) => Err(CliError::inconclusive(format!(
            "{} ended: {reason}",
            profile.name
        ))),
    }
}

/// Until the server ends by itself: the exit code and the end of its log.
async fn ended(running: &Running) -> String {
    loop {
        if let Some((code, log)) = running.ended().await {
            return format!("exit code {code}\n{}", log.trim_end());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn down(name: &str) -> Result<(), CliError> {
    let ended = target::down(name).await.map_err(trouble)?;
    if ended.is_empty() {
        return Err(CliError::nothing(format!(
            "nothing of the target `{name}` is there (see `ftpspec targets list`)"
        )));
    }
    output::print(&ended_words(&ended))
}

async fn down_all() -> Result<(), CliError> {
    let (ended, used) = target::down_all().await.map_err(trouble)?;
    let mut text = ended_words(&ended);
    if ended.is_empty() {
        text.push_str("nothing was left behind\n");
    }
    for leftover in used {
        let pid = leftover.used_by.unwrap_or(0);
        let _ = writeln!(text, "kept {}: ftpspec process {pid} uses it", leftover.what);
    }
    output::print(&text)
}

fn ended_words(ended: &[Leftover]) -> String {
    ended.iter().fold(String::new(), |mut text, leftover| {
        let _ = writeln!(text, "ended {} ({})", leftover.what, leftover.target);
        text
    })
}

fn trouble(error: ProvisionError) -> CliError {
    match error.kind {
        ProvisionErrorKind::Unreachable => CliError::nothing(error.detail),
        _ => CliError::internal(error.detail),
    }
}

/// Every target behind every network.
pub(super) fn behind(choices: &[TargetChoice], networks: &[String]) -> Result<Vec<TargetChoice>, CliError> {
    let networks: Vec<Network> = networks
        .iter()
        .map(|word| word.parse().map_err(CliError::usage))
        .collect::<Result<_, _>>()?;
    let mut all = Vec::new();
    for choice in choices {
        let TargetChoice::Profile(profile) = choice else {
            return Err(CliError::usage(
                "--network is for targets in containers (--via docker)",
            ));
        };
        if profile.provisioning != Provisioning::Docker {
            return Err(CliError::usage(format!(
                "--network is for targets in containers, and {} is none (--via docker)",
                profile.name
            )));
        }
        all.extend(
            networks
                .iter()
                .map(|network| TargetChoice::Profile(Box::new(profile.behind(*network)))),
        );
    }
    Ok(all)
}

/// Sets how a target that ftpspec starts is started.
pub(super) fn start_via(choice: &mut TargetChoice, via: Via) -> Result<(), CliError> {
    let TargetChoice::Profile(profile) = choice else {
        return Ok(());
    };
    match (profile.provisioning, via) {
        (Provisioning::Process | Provisioning::Docker, Via::Docker) => {
            profile.provisioning = Provisioning::Docker;
        }
        (Provisioning::Process | Provisioning::Docker, Via::Process) => {
            profile.provisioning = Provisioning::Process;
        }
        (Provisioning::External | Provisioning::Embedded, _) => {
            return Err(CliError::usage(format!(
                "--via is for targets that ftpspec starts; {} is there already",
                profile.name
            )));
        }
    }
    Ok(())
}

/// A provisioner with a folder of its own.
pub(super) fn provisioner() -> Result<Provisioner, CliError> {
    let folder = std::env::temp_dir().join(format!("ftpspec-{}-{}", std::process::id(), fresh_id()));
    let context = std::env::var_os(IMAGE_CONTEXT).map_or_else(|| PathBuf::from(".ci/context"), PathBuf::from);
    Provisioner::new(folder)
        .map(|provisioner| provisioner.with_image_context(context.is_dir().then_some(context)))
        .map_err(|error| CliError::internal(error.detail))
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

/// The file and the variant of `FILE:VARIANT`.
fn file_and_variant(name: &str) -> (String, Option<&str>) {
    match name.rsplit_once(".yaml:") {
        Some((file, variant)) => (format!("{file}.yaml"), Some(variant)),
        None => (name.to_owned(), None),
    }
}

/// Whether `name` is that of a target file, whatever is in it.
pub(super) fn is_file(name: &str) -> bool {
    Path::new(&file_and_variant(name).0).is_file()
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
    let (file, variant) = file_and_variant(name);
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
