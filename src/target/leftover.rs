//! What ftpspec started and is still there: containers and networks by their label, processes by their environment.
//!
//! `down_all` removes what no running ftpspec uses any more. `down` ends one target by name, whoever started it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::container;
use super::docker_cli::{Call, LABEL};
use super::owner::{Owner, started};
use super::provision::{ProvisionError, ProvisionErrorKind};

/// How long a process may take to end before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Something of ours that is still there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// The target.
    pub target: String,
    /// What it is, e.g. `container ftpspec-x-vsftpd` or `process 123`.
    pub what: String,
    /// The ftpspec process that uses it, when that still runs.
    pub used_by: Option<u32>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Container(String),
    Network(String),
    Process { group: u32, run: PathBuf },
}

/// Ends what belongs to the target `name`; returns what was ended.
///
/// # Errors
/// When something could not be ended.
pub async fn down(name: &str) -> Result<Vec<Leftover>, ProvisionError> {
    let mut found = find().await?;
    found.retain(|leftover| leftover.target == name);
    remove(&found).await?;
    Ok(found)
}

/// Ends everything that no running ftpspec uses: what was ended, and what was left alone.
///
/// # Errors
/// When something could not be ended.
pub async fn down_all() -> Result<(Vec<Leftover>, Vec<Leftover>), ProvisionError> {
    let (used, unused): (Vec<_>, Vec<_>) = find()
        .await?
        .into_iter()
        .partition(|leftover| leftover.used_by.is_some());
    remove(&unused).await?;
    Ok((unused, used))
}

/// What the server of target `name` wrote, of every instance that is there.
///
/// # Errors
/// When there is none, or docker does not answer.
pub async fn logs(name: &str) -> Result<String, ProvisionError> {
    let mut text = String::new();
    let mut found = find().await?;
    found.retain(|leftover| leftover.target == name);
    let several = found
        .iter()
        .filter(|one| !matches!(one.kind, Kind::Network(_)))
        .count()
        > 1;
    let mut is_there = false;
    for leftover in &found {
        let log = match &leftover.kind {
            Kind::Container(id) => container::logs(id, None).await?,
            Kind::Process { run, .. } => process_logs(&run.join(name)),
            Kind::Network(_) => continue,
        };
        is_there = true;
        if several {
            text.push_str("== ");
            text.push_str(&leftover.what);
            text.push('\n');
        }
        text.push_str(&log);
    }
    if is_there {
        Ok(text)
    } else {
        Err(ProvisionError {
            kind: ProvisionErrorKind::Unreachable,
            detail: format!(
                "no server of the target `{name}` is there (`ftpspec targets up {name}` starts one)"
            ),
        })
    }
}

fn process_logs(folder: &Path) -> String {
    ["serve.log", "state/server.log"]
        .iter()
        .filter_map(|name| std::fs::read(folder.join(name)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// Everything of ours, containers before their networks.
async fn find() -> Result<Vec<Leftover>, ProvisionError> {
    let mut found = processes();
    match docker_things().await {
        Ok(things) => found.extend(things),
        // Without docker there are no containers of ours.
        Err(error) if error.kind == ProvisionErrorKind::NotInstalled => {}
        Err(error) => return Err(error),
    }
    found.sort();
    Ok(found)
}

async fn docker_things() -> Result<Vec<Leftover>, ProvisionError> {
    let format = format!("{{{{.Label \"{LABEL}.target\"}}}}\t{{{{.Label \"{LABEL}.owner\"}}}}");
    let filter = format!("label={LABEL}=target");
    let containers = Call::new([
        "ps",
        "--all",
        "--no-trunc",
        "--filter",
        filter.as_str(),
        "--format",
    ])
    .arg(format!("{{{{.ID}}}}\t{{{{.Names}}}}\t{{{{.State}}}}\t{format}"))
    .run()
    .await?;
    let networks = Call::new([
        "network",
        "ls",
        "--no-trunc",
        "--filter",
        filter.as_str(),
        "--format",
    ])
    .arg(format!("{{{{.ID}}}}\t{{{{.Name}}}}\t\t{format}"))
    .run()
    .await?;
    let mut found = Vec::new();
    found.extend(
        containers
            .lines()
            .filter_map(|line| thing(line, "container", Kind::Container)),
    );
    found.extend(
        networks
            .lines()
            .filter_map(|line| thing(line, "network", Kind::Network)),
    );
    Ok(found)
}

/// One line of docker's list: id, name, state, target, owner.
fn thing(line: &str, word: &str, kind: fn(String) -> Kind) -> Option<Leftover> {
    let mut fields = line.split('\t');
    let (id, name, state, target) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let owner: Option<Owner> = fields.next().and_then(|text| text.parse().ok());
    let used_by = owner.and_then(|owner| match owner.lives() {
        Some(true) => Some(owner.pid),
        Some(false) => None,
        // Of another machine, or from before a boot: what runs there may be in use.
        None => (state == "running").then_some(owner.pid),
    });
    Some(Leftover {
        target: target.to_owned(),
        what: format!("{word} {name}"),
        used_by,
        kind: kind(id.to_owned()),
    })
}

/// Process groups that a serve script was started in: the guard is the leader and has the script's environment.
fn processes() -> Vec<Leftover> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut groups: BTreeMap<u32, Leftover> = BTreeMap::new();
    for entry in entries.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else {
            continue;
        };
        let Some((run, target)) = run_and_target(&environment) else {
            continue;
        };
        let Some(group) = group_of(pid).filter(|group| started(*group).is_ok() || started(pid).is_ok())
        else {
            continue;
        };
        groups.entry(group).or_insert_with(|| Leftover {
            target,
            what: format!("process group {group}"),
            used_by: owner_of(&run).filter(|owner| is_older(*owner, pid)),
            kind: Kind::Process { group, run },
        });
    }
    groups.into_values().collect()
}

/// The folder of the run, and the target, from the environment of a serve script that ftpspec started.
fn run_and_target(environment: &[u8]) -> Option<(PathBuf, String)> {
    let value = |name: &str| {
        environment
            .split(|byte| *byte == 0)
            .find_map(|pair| pair.strip_prefix(name.as_bytes()))
            .map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let (state, target) = (value("FTPSPEC_STATE=")?, value("FTPSPEC_VARIANT=")?);
    // <run>/<target>/state
    let folder = Path::new(&state).parent()?;
    let run = folder.parent()?;
    owner_of(run).map(|_| (run.to_owned(), target))
}

/// The process in the name of a run's folder, `ftpspec-PID-ID` or `ftpspec-test-PID-ID`.
fn owner_of(run: &Path) -> Option<u32> {
    let name = run.file_name()?.to_str()?;
    let rest = name.strip_prefix("ftpspec-")?;
    let rest = rest.strip_prefix("test-").unwrap_or(rest);
    rest.split('-').next()?.parse().ok()
}

/// Whether `owner` runs, and did so before `pid` was started; a later process only got the same number.
fn is_older(owner: u32, pid: u32) -> bool {
    match (started(owner), started(pid)) {
        (Ok(owner), Ok(pid)) => owner <= pid,
        _ => false,
    }
}

fn group_of(pid: u32) -> Option<u32> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    let group = rustix::process::getpgid(Some(pid)).ok()?;
    u32::try_from(group.as_raw_nonzero().get()).ok()
}

async fn remove(found: &[Leftover]) -> Result<(), ProvisionError> {
    // Containers first: a network in use cannot be removed.
    for leftover in found {
        match &leftover.kind {
            Kind::Container(id) => {
                gone(Call::new(["rm", "--force", "--volumes", id.as_str()]).run().await)?;
            }
            Kind::Process { group, run } => end_group(*group, &run.join(&leftover.target)).await,
            Kind::Network(_) => {}
        }
    }
    for leftover in found {
        if let Kind::Network(id) = &leftover.kind {
            gone(Call::new(["network", "rm", id.as_str()]).run().await)?;
        }
    }
    Ok(())
}

/// Somebody else removing it at the same time is fine.
fn gone(result: Result<String, ProvisionError>) -> Result<(), ProvisionError> {
    match result {
        Err(error)
            if !error.detail.to_lowercase().contains("no such") && !error.detail.contains("not found") =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Ends a process group and removes its folder.
async fn end_group(group: u32, folder: &Path) {
    let signal = |signal| {
        let id = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw);
        id.is_some_and(|id| rustix::process::kill_process_group(id, signal).is_ok())
    };
    signal(rustix::process::Signal::TERM);
    let deadline = tokio::time::Instant::now() + STOP_PATIENCE;
    // Nothing announces the end of a process that is not our child.
    while signal_zero(group) && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal(rustix::process::Signal::KILL);
    // Only a folder that ftpspec made; its guard may have removed it already.
    let _ = std::fs::remove_dir_all(folder);
}

/// Whether anything of the group still runs.
fn signal_zero(group: u32) -> bool {
    i32::try_from(group)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|id| rustix::process::test_kill_process_group(id).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_recognised_by_its_environment_alone() {
        let environment =
            |state: &str| format!("HOME=/root\0FTPSPEC_STATE={state}\0FTPSPEC_VARIANT=vsftpd\0").into_bytes();
        let found = run_and_target(&environment("/tmp/ftpspec-123-abc/vsftpd/state"));
        assert_eq!(found, Some(("/tmp/ftpspec-123-abc".into(), "vsftpd".into())));
        assert_eq!(owner_of(Path::new("/tmp/ftpspec-test-77-abc")), Some(77));
        // Somebody who runs a serve script by hand.
        assert_eq!(run_and_target(&environment("/home/me/state")), None);
        assert_eq!(run_and_target(b"FTPSPEC_VARIANT=vsftpd"), None);
    }

    #[test]
    fn what_a_running_ftpspec_uses_is_told_apart() {
        let myself = Owner::myself().unwrap();
        let line = |state: &str, owner: &str| format!("id\tname\t{state}\tvsftpd\t{owner}");
        let of = |state: &str, owner: &str| thing(&line(state, owner), "container", Kind::Container).unwrap();
        assert_eq!(
            of("running", &myself.to_string()).used_by,
            Some(std::process::id())
        );
        let gone = myself
            .to_string()
            .replacen(&std::process::id().to_string(), "4000000", 1);
        assert_eq!(of("running", &gone).used_by, None);
        assert_eq!(of("running", "5.1.another-boot").used_by, Some(5));
        assert_eq!(of("exited", "5.1.another-boot").used_by, None);
        assert_eq!(of("running", "").used_by, None);
        assert!(thing("id\tname", "network", Kind::Network).is_none());
    }
}
