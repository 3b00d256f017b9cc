//! What the parts work with: the program itself, servers in processes of their own, and the reports of a run.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The program.
pub(crate) fn ftpspec() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ftpspec"));
    command.env("NO_COLOR", "1").env_remove("FTPSPEC_PASSWORD");
    command
}

/// Whether `program` is there, asked with `--version`.
pub(crate) fn is_installed(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// `ftpspec serve`, ended when dropped.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Served {
    /// With these options more.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut child = ftpspec()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.split_whitespace().find_map(|word| word.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, address }
    }

    /// Its URL with the usual account.
    pub(crate) fn url(&self) -> String {
        format!("ftps://user:pw@{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The stored report of a run below `reports`.
pub(crate) fn report(reports: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(reports.join("latest/report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The seconds of each case of a report.
pub(crate) fn case_seconds(report: &serde_json::Value) -> Vec<f64> {
    let cases = report["cases"].as_array().unwrap();
    cases
        .iter()
        .map(|case| case["seconds"].as_f64().unwrap_or(0.0))
        .collect()
}
