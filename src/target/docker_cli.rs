//! The docker command line: one call, its deadline, and what its failures mean.
//!
//! The CLI is the interface, so `DOCKER_HOST` and contexts work as people know them. Knows nothing about targets.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::provision::{ProvisionError, ProvisionErrorKind};

/// Every container, network and image of ours has this label.
pub(super) const LABEL: &str = "org.ftpspec";

/// How much of what docker says an error shows, in characters; the reason stands at the end.
const SHOWN: usize = 1500;

/// How long a call that only asks or stops may take.
pub(super) const QUICK: Duration = Duration::from_secs(60);

/// A call of `docker` with these arguments.
#[derive(Debug)]
pub(super) struct Call {
    words: Vec<String>,
    variables: Vec<(String, String)>,
    patience: Duration,
}

impl Call {
    pub(super) fn new<I>(words: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            variables: Vec::new(),
            patience: QUICK,
        }
    }

    pub(super) fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    pub(super) fn args<I>(mut self, words: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// `--env NAME`: the value goes through the environment of the CLI, so that no password stands on a command line.
    pub(super) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.words.extend(["--env".to_owned(), name.to_owned()]);
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What the call prints, without the last line end.
    ///
    /// # Errors
    /// When docker is absent, its daemon does not answer, or the call failed; the detail says what to do next.
    pub(super) async fn run(self) -> Result<String, ProvisionError> {
        let output = self.output().await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let mut words = String::from_utf8_lossy(&output.stderr).into_owned();
        if words.trim().is_empty() {
            words = String::from_utf8_lossy(&output.stdout).into_owned();
        }
        Err(failure(self.words.first().map_or("", String::as_str), &words))
    }

    /// Everything the call prints, standard error behind standard output.
    pub(super) async fn run_both(self) -> Result<String, ProvisionError> {
        let output = self.output().await?;
        let both = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&both).into_owned())
    }

    async fn output(&self) -> Result<std::process::Output, ProvisionError> {
        let mut command = Command::new("docker");
        command
            .args(&self.words)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn().map_err(|error| absent(&error))?;
        let run = child.wait_with_output();
        match tokio::time::timeout(self.patience, run).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(absent(&error)),
            Err(_) => Err(ProvisionError {
                kind: ProvisionErrorKind::Local,
                detail: format!(
                    "`docker {}` did not end within {:?}",
                    self.words.first().map_or("", String::as_str),
                    self.patience
                ),
            }),
        }
    }
}

fn absent(error: &std::io::Error) -> ProvisionError {
    let detail = if error.kind() == std::io::ErrorKind::NotFound {
        "there is no `docker` on this machine; install it (Debian: apt-get install docker.io), or run with --via process".to_owned()
    } else {
        format!("cannot run `docker`: {error}")
    };
    ProvisionError {
        kind: ProvisionErrorKind::NotInstalled,
        detail,
    }
}

/// What a failed call means, with the next step where there is a usual one.
fn failure(what: &str, words: &str) -> ProvisionError {
    let lower = words.to_lowercase();
    let has = |text: &str| lower.contains(text);
    let (kind, next) = if has("cannot connect to the docker daemon")
        || has("is the docker daemon running")
        || has("error during connect")
        || has("failed to connect to the docker api")
    {
        (
            ProvisionErrorKind::NotInstalled,
            "start the daemon (systemctl start docker), set DOCKER_HOST, or run with --via process",
        )
    } else if has("permission denied") && has("socket") {
        (
            ProvisionErrorKind::NotInstalled,
            "this user may not use docker: add it to the group `docker`, or set DOCKER_HOST",
        )
    } else if has("port is already allocated") || has("address already in use") {
        (
            ProvisionErrorKind::Local,
            "something else listens on that port; end it, or try again (another port is taken)",
        )
    } else if has("address pool") {
        (
            ProvisionErrorKind::Local,
            "docker has no address range left; `ftpspec targets down --all` removes what crashed runs left behind",
        )
    } else if what == "build"
        && has("debian")
        && (has("pull") || has("registry") || has("manifest") || has("resolv"))
    {
        (
            ProvisionErrorKind::DidNotStart,
            "where debian:bookworm-slim cannot be pulled, docker/base.sh makes it from the Debian archive",
        )
    } else if what == "build" {
        (
            ProvisionErrorKind::DidNotStart,
            "docker/README.md says what an image build needs from this machine (proxy, authorities)",
        )
    } else {
        (ProvisionErrorKind::Local, "")
    };
    let mut detail = format!("`docker {what}` failed: {}", tail(words));
    if !next.is_empty() {
        detail.push('\n');
        detail.push_str(next);
    }
    ProvisionError { kind, detail }
}

/// The end of a text.
fn tail(words: &str) -> String {
    let words = words.trim();
    let skip = words.chars().count().saturating_sub(SHOWN);
    words.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_failure_names_the_next_step() {
        let cases = [
            (
                "version",
                "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
                "DOCKER_HOST",
            ),
            (
                "start",
                "driver failed: Bind for 127.0.0.1:21 failed: port is already allocated",
                "listens on that port",
            ),
            (
                "network",
                "could not find an available, non-overlapping IPv4 address pool",
                "targets down --all",
            ),
            (
                "build",
                "pull access denied for debian: Get https://registry: dial tcp: lookup",
                "docker/base.sh",
            ),
            (
                "build",
                "The command '/bin/sh -c x' returned a non-zero code: 100",
                "docker/README.md",
            ),
        ];
        for (what, words, next) in cases {
            let error = failure(what, words);
            assert!(error.detail.contains(next), "{what}: {}", error.detail);
            assert!(error.detail.contains(words), "{}", error.detail);
        }
    }

    #[test]
    fn a_long_complaint_is_shown_by_its_end() {
        let error = failure("build", &format!("{}the reason", "noise ".repeat(5000)));
        assert!(error.detail.contains("the reason") && error.detail.chars().count() < 2000);
    }

    #[tokio::test]
    async fn a_password_never_stands_on_the_command_line() {
        let call = Call::new(["create"]).env("FTPSPEC_PASSWORD", "hunter2");
        assert!(!call.words.iter().any(|word| word.contains("hunter2")));
        assert_eq!(call.variables.len(), 1);
    }
}
