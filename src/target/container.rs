//! Targets that run in a container of their own, with a network and an address of their own.
//!
//! On the machine of the daemon the harness talks to the container's address: the server sees what it would see natively,
//! active mode included, and no port is published. Where that address cannot be reached (Docker Desktop, a remote daemon)
//! the ports are published on loopback, PASV replies name that, and active mode is out of reach.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::docker_cli::{Call, LABEL};
use super::owner::Owner;
use super::process::{Reservation, free_ports};
use super::provision::{ProvisionError, ProvisionErrorKind};
use super::serve::{PASSIVE_PORTS, Place, ServeScript};

/// Where a container finds what it is given and may write.
const ROOT: &str = "/ftpspec-run";

/// Control port in a network where no port is taken.
const PORT: u16 = 2121;

/// The first passive port there, below those that the kernel gives to active data connections.
const PASSIVE: u16 = 20_000;

/// Lines of a log that an error shows.
const LOG_LINES: &str = "20";

/// How long a server may take to end before it is killed, in seconds.
const STOP_SECONDS: &str = "3";

/// What a container may use: enough for any of the servers, too little to hurt the machine.
const LIMITS: &[&str] = &[
    "--memory=512m",
    "--memory-swap=512m",
    "--pids-limit=512",
    "--security-opt=no-new-privileges",
    "--log-opt=max-size=8m",
];

/// How the harness gets to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Its own address.
    Direct,
    /// Ports of loopback.
    Published,
}

/// A container that runs.
#[derive(Debug)]
pub(super) struct Container {
    name: String,
    pub(super) address: SocketAddr,
    pub(super) reach: Reach,
    /// Another address of this machine that the container can reach; a client may come from there.
    pub(super) other_source: Option<IpAddr>,
    /// `docker wait`: ends when the container does.
    waiter: Option<Child>,
    /// Keeps published ports from other programs like this one.
    reserved: Option<Reservation>,
    is_removed: bool,
}

impl Container {
    /// Starts the server of `serve` from the image `tag`. It is not ready yet; the caller waits for its greeting.
    pub(super) async fn start(
        serve: &ServeScript,
        target: &str,
        tag: &str,
        run: &str,
    ) -> Result<Self, ProvisionError> {
        let owner = Owner::myself().map_err(|error| local(format!("cannot tell who I am: {error}")))?;
        let safe = target.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        let name = format!("ftpspec-{run}-{safe}");
        let labels = [
            format!("--label={LABEL}=target"),
            format!("--label={LABEL}.target={target}"),
            format!("--label={LABEL}.owner={owner}"),
        ];
        // From here on dropping it removes what there is.
        let mut container = Self {
            name,
            address: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT),
            reach: Reach::Direct,
            other_source: None,
            waiter: None,
            reserved: None,
            is_removed: false,
        };
        match container.start_parts(serve, tag, &labels).await {
            Ok(()) => Ok(container),
            Err(error) => {
                container.remove().await;
                Err(error)
            }
        }
    }

    /// Its name, and that of its network.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    async fn start_parts(
        &mut self,
        serve: &ServeScript,
        tag: &str,
        labels: &[String],
    ) -> Result<(), ProvisionError> {
        let gateway = make_network(&self.name, labels).await?;
        let mut place = Place {
            address: Ipv4Addr::UNSPECIFIED.into(),
            port: PORT,
            passive: PASSIVE..=PASSIVE + PASSIVE_PORTS - 1,
            public: None,
        };
        let mut create = Call::new(["create", "--init", "--restart=no"])
            .args([
                format!("--name={0}", self.name),
                format!("--network={0}", self.name),
            ])
            .args(labels.iter().cloned())
            .args(LIMITS.iter().copied());
        if is_here(gateway) {
            let other = make_network(&other_network(&self.name), labels).await?;
            self.other_source = Some(other).filter(|other| is_here(*other));
        } else {
            self.reach = Reach::Published;
            let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
            let (port, passive, reserved) =
                free_ports(loopback).ok_or_else(|| local("no free range of ports".into()))?;
            self.reserved = Some(reserved);
            let range = format!("{}-{}", passive.start(), passive.end());
            create = create.args([
                format!("--publish={loopback}:{port}:{port}"),
                format!("--publish={loopback}:{range}:{range}"),
            ]);
            place.port = port;
            place.passive = passive;
            place.public = Some(loopback);
        }
        for (variable, value) in serve.variables(&place, Path::new(ROOT)) {
            create = create.env(&variable, value);
        }
        create.arg(tag).run().await?;
        let folder = serve.state.join("run");
        serve
            .write(&folder)
            .map_err(|error| local(format!("cannot write {}: {error}", folder.display())))?;
        // Copied, not mounted: a daemon elsewhere has no access to our files.
        Call::new([
            "cp".to_owned(),
            folder.display().to_string(),
            format!("{}:{ROOT}", self.name),
        ])
        .run()
        .await?;
        Call::new(["start", self.name.as_str()]).run().await?;
        self.waiter = Some(waiter(&self.name)?);
        self.address = SocketAddr::new(
            match self.reach {
                Reach::Direct => self.own_address().await?,
                Reach::Published => Ipv4Addr::LOCALHOST.into(),
            },
            place.port,
        );
        Ok(())
    }

    async fn own_address(&self) -> Result<IpAddr, ProvisionError> {
        let format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let text = Call::new(["container", "inspect", format, self.name.as_str()])
            .run()
            .await?;
        match text.parse() {
            Ok(address) => Ok(address),
            // It has none once it has ended.
            Err(_) => Err(ProvisionError {
                kind: ProvisionErrorKind::DidNotStart,
                detail: format!("the container ended at once\n{}", self.log_tail().await),
            }),
        }
    }

    /// What the server says its version is.
    pub(super) async fn version(&self, software: &str) -> Option<String> {
        let script = format!("/ftpspec/docker/{software}/serve.sh");
        // A server that has ended is told about elsewhere.
        let text = Call::new(["exec", self.name.as_str(), script.as_str(), "--check"])
            .run()
            .await
            .ok()?;
        text.lines().next().map(|line| line.trim().to_owned())
    }

    /// The exit code, when the container ended by itself or was removed by somebody; -1 when nobody can tell.
    pub(super) async fn ended(&mut self) -> Option<i32> {
        // Its end is noticed without asking the daemon each time.
        let waiter = self.waiter.as_mut()?;
        waiter.try_wait().ok().flatten()?;
        let format = "--format={{.State.ExitCode}}";
        let code = Call::new(["container", "inspect", format, self.name.as_str()])
            .run()
            .await;
        Some(code.ok().and_then(|code| code.parse().ok()).unwrap_or(-1))
    }

    /// Comes back when the server has ended by itself, and never when nobody watches it.
    pub(super) async fn end(&mut self) {
        match self.waiter.as_mut() {
            // Where its end cannot be waited for, it cannot be noticed either.
            Some(waiter) => drop(waiter.wait().await),
            None => std::future::pending().await,
        }
    }

    /// The end of what the server and its script wrote.
    pub(super) async fn log_tail(&self) -> String {
        logs(&self.name, Some(LOG_LINES)).await.unwrap_or_default()
    }

    /// Ends the server and removes its container and network.
    pub(super) async fn stop(mut self) {
        // Gone already is what we want.
        let _ = Call::new(["stop", "--time", STOP_SECONDS, self.name.as_str()])
            .run()
            .await;
        self.remove().await;
    }

    async fn remove(&mut self) {
        // What cannot be removed now is found by its label later (`ftpspec targets down --all`).
        let _ = Call::new(["rm", "--force", "--volumes", self.name.as_str()])
            .run()
            .await;
        for network in [self.name.clone(), other_network(&self.name)] {
            let _ = Call::new(["network", "rm"]).arg(network).run().await;
        }
        self.is_removed = true;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.is_removed {
            return;
        }
        // Nobody waits here: an interrupted program ends at once, the removal goes on.
        let script = r#"docker rm --force --volumes "$1"; docker network rm "$1" "$2""#;
        let _ = std::process::Command::new("/bin/sh")
            .args(["-c", script, "remove", &self.name, &other_network(&self.name)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}

/// A call that ends when the container `name` does.
fn waiter(name: &str) -> Result<Child, ProvisionError> {
    Command::new("docker")
        .args(["wait", name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| local(format!("cannot run `docker wait`: {error}")))
}

/// A network for one container, from which nothing gets out: its address of this machine.
async fn make_network(name: &str, labels: &[String]) -> Result<IpAddr, ProvisionError> {
    Call::new(["network", "create", "--driver=bridge"])
        .arg("--opt=com.docker.network.bridge.enable_ip_masquerade=false")
        .args(labels.iter().cloned())
        .arg(name)
        .run()
        .await?;
    network_gateway(name)
        .await
        .ok_or_else(|| local(format!("docker gave the network {name} no IPv4 gateway")))
}

async fn network_gateway(name: &str) -> Option<IpAddr> {
    let format = "--format={{range .IPAM.Config}}{{.Gateway}} {{end}}";
    let text = Call::new(["network", "inspect", format, name]).run().await.ok()?;
    text.split(' ')
        .filter_map(|word| word.parse::<IpAddr>().ok())
        .find(IpAddr::is_ipv4)
}

/// The network beside that of a container: this machine's address in it is the second one that a client may come from. Not the
/// one of docker's default network: what comes from there is masqueraded, and the server would see the first address again.
fn other_network(name: &str) -> String {
    format!("{name}-other")
}

/// Whether `address` is one of this machine.
fn is_here(address: IpAddr) -> bool {
    TcpListener::bind((address, 0)).is_ok()
}

/// What a container wrote: its standard output, and the server's log.
pub(super) async fn logs(name: &str, lines: Option<&str>) -> Result<String, ProvisionError> {
    let mut text = Call::new(["logs", "--tail", lines.unwrap_or("all"), name])
        .run_both()
        .await?;
    // Out of the file system, so that it works for a container that has ended.
    let place = format!("{name}:{ROOT}/state/server.log");
    let script = r#"docker cp "$1" - | tar -xO"#;
    let output = Command::new("/bin/sh")
        .args(["-c", script, "copy", &place])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    if let Ok(Ok(output)) = tokio::time::timeout(Duration::from_secs(20), output).await {
        let log = String::from_utf8_lossy(&output.stdout);
        let skip = lines
            .and_then(|lines| lines.parse::<usize>().ok())
            .map_or(0, |lines| log.lines().count().saturating_sub(lines));
        for line in log.lines().skip(skip) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

fn local(detail: String) -> ProvisionError {
    ProvisionError {
        kind: ProvisionErrorKind::Local,
        detail,
    }
}
