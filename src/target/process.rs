//! Targets that a serve script starts on this machine.
//!
//! The contract of the script is in `docker/README.md`. The script runs in a process group of its own under a small
//! guard that ends the group when this program goes away for whatever reason, so nothing is left behind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};

use super::provision::{ProvisionError, ProvisionErrorKind};
use super::serve::{PASSIVE_PORTS, Place, ServeScript};

/// How much of a server's log an error shows, in bytes.
const LOG_TAIL: usize = 2000;

/// How long a stopped server may take to end before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Starts the script in its own process group and ends the group when standard input reaches its end, that is, when
/// this program is gone. `$$` is the group: the guard is its leader.
const GUARD: &str = r#"
exec 3<&0 </dev/null
trap : TERM
"$1" 3<&- &
server=$!
(
    trap '' TERM
    read -r nothing <&3
    : >"$2/.gone"
    kill -TERM -$$ 2>/dev/null
    sleep 2
    rm -rf "$2"
    kill -KILL -$$ 2>/dev/null
) &
watcher=$!
exec 3<&-
# A wait that a signal ends is no end of the server.
while wait "$server"; status=$?; kill -0 "$server" 2>/dev/null; do :; done
if [ -e "$2/.gone" ]; then rm -rf "$2"; fi
kill -KILL "$watcher" 2>/dev/null
exit "$status"
"#;

/// A server that runs.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Open as long as this program is there: the guard takes its end for a reason to remove what the whole run left.
    _alive: Option<ChildStdin>,
    group: Option<rustix::process::Pid>,
    pub(super) address: SocketAddr,
    state: PathBuf,
    /// Its ports are nobody else's as long as this is there.
    _reserved: Reservation,
}

/// Whether the software of `profile` is installed: its version line, or what to do about it.
///
/// # Errors
/// The script's own words when the server is not there.
pub async fn installed(script: &Path) -> Result<String, String> {
    let output = Command::new(script)
        .arg("--check")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(Duration::from_secs(20), output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("cannot run {}: {error}", script.display())),
        Err(_) => return Err(format!("{} --check did not end within 20s", script.display())),
    };
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        let words = text(&output.stderr);
        Err(if words.is_empty() {
            text(&output.stdout)
        } else {
            words
        })
    }
}

impl Process {
    /// Starts the script. It is not ready yet; the caller waits for its greeting.
    pub(super) async fn start(serve: &ServeScript) -> Result<Self, ProvisionError> {
        let local = |detail: String| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail,
        };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (port, passive, reserved) =
            free_ports(address).ok_or_else(|| local("no free range of ports".into()))?;
        serve
            .write(&serve.state)
            .map_err(|error| local(format!("cannot write below {}: {error}", serve.state.display())))?;
        let place = Place {
            address,
            port,
            passive,
            public: None,
        };

        // The private folder of the whole run: when this program is killed, all of it is left over.
        let run = serve.state.parent().unwrap_or(&serve.state);
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(GUARD)
            .arg("guard")
            .arg(&serve.script)
            .arg(run);
        command.envs(serve.variables(&place, &serve.state));
        let output = std::fs::File::create(serve.state.join("serve.log"))
            .map_err(|error| local(format!("cannot write the log of the server: {error}")))?;
        let errors = output
            .try_clone()
            .map_err(|error| local(format!("cannot write the log: {error}")))?;
        command
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| local(format!("cannot start a shell: {error}")))?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        Ok(Self {
            _alive: child.stdin.take(),
            child,
            group,
            address: SocketAddr::new(address, port),
            state: serve.state.clone(),
            _reserved: reserved,
        })
    }

    /// The exit code, when the server ended by itself.
    pub(super) fn ended(&mut self) -> Option<i32> {
        self.child
            .try_wait()
            .ok()
            .flatten()
            .map(|status| status.code().unwrap_or(-1))
    }

    /// Comes back when the server has ended by itself.
    pub(super) async fn end(&mut self) {
        // Where its end cannot be waited for, it cannot be noticed either.
        drop(self.child.wait().await);
    }

    /// The end of what the server and its script wrote.
    pub(super) fn log_tail(&self) -> String {
        let mut tail = String::new();
        for name in ["serve.log", "state/server.log"] {
            let text = std::fs::read(self.state.join(name)).unwrap_or_default();
            let from = text.len().saturating_sub(LOG_TAIL);
            tail.push_str(&String::from_utf8_lossy(text.get(from..).unwrap_or_default()));
        }
        tail
    }

    /// Ends the process group and removes the state folder.
    pub(super) async fn stop(mut self) {
        self.signal(rustix::process::Signal::TERM);
        if tokio::time::timeout(STOP_PATIENCE, self.child.wait())
            .await
            .is_err()
        {
            self.signal(rustix::process::Signal::KILL);
            // Reaps it; a killed process cannot refuse.
            let _ = self.child.wait().await;
        }
        // Children that the server left in its group.
        self.signal(rustix::process::Signal::KILL);
        self.group = None;
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(group) = self.group {
            // The group may be gone already, which is what we want.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
        // Only a folder that the harness made; nothing can be done about a failure here.
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

/// A range of ports that no other program like this one takes, also before the server listens there: the first one is bound for
/// UDP, which FTP has no use for, and which the system gives to one program alone and takes back when that ends.
#[derive(Debug)]
pub(super) struct Reservation {
    _first: UdpSocket,
}

/// A port for the control connection and a range of passive ones.
pub(super) fn free_ports(address: IpAddr) -> Option<(u16, RangeInclusive<u16>, Reservation)> {
    let (ports, reserved) = free_range(address)?;
    Some((*ports.start(), ports.start() + 1..=*ports.end(), reserved))
}

/// A port nobody listens on at this moment.
fn free_port(address: IpAddr) -> std::io::Result<u16> {
    Ok(TcpListener::bind((address, 0))?.local_addr()?.port())
}

/// A range of ports nobody listens on at this moment: one for the control connection and [`PASSIVE_PORTS`] more, below
/// those that the system gives to connections. This program never gives the same range twice until it has given all;
/// programs that look at the same time start at different places.
fn free_range(address: IpAddr) -> Option<(RangeInclusive<u16>, Reservation)> {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let length = PASSIVE_PORTS + 1;
    let lowest = 12_000_u16;
    let places = (32_000 - lowest) / length;
    let next = NEXT.get_or_init(|| AtomicU16::new(free_port(address).unwrap_or(0)));
    (0..places).find_map(|_| {
        let place = next.fetch_add(1, Ordering::Relaxed) % places;
        let first = lowest + place * length;
        let range = first..=first + length - 1;
        let reserved = Reservation {
            _first: UdpSocket::bind((address, first)).ok()?,
        };
        range
            .clone()
            .all(|port| TcpListener::bind((address, port)).is_ok())
            .then_some((range, reserved))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::tls::certificate::{self, Authority};

    #[tokio::test]
    async fn the_end_of_one_server_leaves_the_others_of_the_run_alone() {
        let run = std::env::temp_dir().join(format!("ftpspec-test-process-{}", std::process::id()));
        std::fs::create_dir_all(&run).unwrap();
        let script = run.join("serve.sh");
        std::fs::write(&script, "#!/bin/sh\nexec sleep 60\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let authority = Authority::new().unwrap();
        let recipe = certificate::recipe("valid").unwrap();
        let identity = certificate::make(recipe, &authority).unwrap();
        let serve = |name: &str| ServeScript {
            script: script.clone(),
            variant: name.into(),
            state: run.join(name),
            identity: identity.clone(),
            authority_pem: authority.pem().to_owned(),
            accounts: Vec::new(),
        };
        std::fs::create_dir_all(run.join("one")).unwrap();
        std::fs::create_dir_all(run.join("two")).unwrap();
        let one = Process::start(&serve("one")).await.unwrap();
        let mut two = Process::start(&serve("two")).await.unwrap();
        one.stop().await;
        assert!(!run.join("one").exists(), "its own folder is removed");
        assert!(
            run.join("two/given/server.key").is_file(),
            "the folder of the other stays"
        );
        assert_eq!(two.ended(), None, "the other runs on");
        two.stop().await;
        std::fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    fn a_range_that_is_reserved_is_given_to_nobody_else() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (range, reserved) = free_range(address).unwrap();
        // As another program would ask for it.
        assert!(UdpSocket::bind((address, *range.start())).is_err());
        assert!(
            TcpListener::bind((address, *range.start())).is_ok(),
            "its server can listen there"
        );
        drop(reserved);
        assert!(UdpSocket::bind((address, *range.start())).is_ok());
    }

    #[test]
    fn servers_of_one_run_never_share_ports() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut seen = BTreeSet::new();
        for _ in 0..40 {
            let (range, _) = free_range(address).unwrap();
            assert!(
                range.clone().all(|port| seen.insert(port)),
                "{range:?} was given before"
            );
        }
    }
}
