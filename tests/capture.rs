//! Captures in the eyes of tshark: they open decrypted without any option, name the FTP commands, hold the file, and do
//! not hold the password.
//!
//! tshark that is not installed is skipped with a message, or with `FTPSPEC_REQUIRE_CLIENTS=1` fails the test. What frames
//! and records look like without tshark is tested beside `trace::capture` and `tls`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper that fails is a failed test, and a tool that is skipped must be seen"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PASSWORD: &str = "alice-password";
const CONTENT: &str = "what the file says";
const SCENARIO: &str = "\
title: A file comes back
why: Something has to be captured.
detects: [drops-last-partial-record]
requires: [upload, epsv]
matrix:
  tls: [tls1.2, tls1.3]
  data: [passive, extended-passive, active]
vars:
  path: captured-$(run.id).txt
setup:
  - reach: data-protected
  - provide-file: { path: $(path), text: what the file says, as: file }
steps:
  - retrieve: $(path)
    expect:
      data: { sha256: $(file.sha256) }
      requirement: rfc959.s3.1.1.3.image-roundtrip
";

fn has_tshark() -> bool {
    let mut command = Command::new("tshark");
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return true;
    }
    let is_required = std::env::var_os("FTPSPEC_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(
        !is_required,
        "tshark is not installed, and FTPSPEC_REQUIRE_CLIENTS=1 wants it"
    );
    println!("skipped: tshark is not installed");
    false
}

/// Runs the scenario above with `options`; gives the captures by cell.
fn captures(folder: &Path, options: &[&str]) -> Vec<(String, PathBuf)> {
    let scenarios = folder.join("scenarios");
    fs::create_dir_all(scenarios.join("capture")).unwrap();
    fs::write(scenarios.join("capture/file-comes-back.yaml"), SCENARIO).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .current_dir(folder)
        .args([
            "run",
            "capture/file-comes-back",
            "--scenarios",
            "scenarios",
            "--format",
            "json",
            "-q",
        ])
        .args(options)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases = report["cases"].as_array().unwrap();
    let all_pass = cases.iter().all(|case| case["judgement"]["verdict"] == "pass");
    assert!(all_pass && cases.len() == 6, "{report:#}");
    let with_capture = cases.iter().filter(|case| !case["capture"].is_null());
    with_capture
        .map(|case| {
            let path = case["capture"].as_str().unwrap();
            (case["cell"].to_string(), folder.join("reports/latest").join(path))
        })
        .collect()
}

/// What tshark says of `capture`, started in a home without settings.
fn tshark(capture: &Path, args: &[&str]) -> String {
    let home = capture.parent().unwrap();
    let output = Command::new("tshark")
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .arg("-r")
        .arg(capture)
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The commands that tshark reads on the control connections.
fn commands(capture: &Path) -> String {
    tshark(
        capture,
        &[
            "-Y",
            "ftp.request",
            "-T",
            "fields",
            "-e",
            "ftp.request.command",
            "-e",
            "ftp.request.arg",
        ],
    )
}

/// The numbers of the TCP streams that tshark decrypts and that are no control connection.
fn data_streams(capture: &Path) -> Vec<String> {
    let list = tshark(
        capture,
        &[
            "-Y",
            "tls && !(tcp.port == 21)",
            "-T",
            "fields",
            "-e",
            "tcp.stream",
        ],
    );
    let mut streams: Vec<String> = list.lines().map(str::to_owned).collect();
    streams.dedup();
    streams
}

#[test]
fn captures_of_both_versions_open_decrypted_without_an_option() {
    if !has_tshark() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let captures = captures(folder.path(), &["--capture", "all"]);
    assert_eq!(captures.len(), 6);
    for (cell, capture) in captures {
        let commands = commands(&capture);
        for wanted in [
            "AUTH\tTLS",
            "USER\talice",
            "PASS\t**************",
            "PROT\tP",
            "RETR\tcaptured-",
        ] {
            assert!(commands.contains(wanted), "{cell}: {wanted:?} in\n{commands}");
        }
        let contents: Vec<String> = data_streams(&capture)
            .iter()
            .map(|stream| tshark(&capture, &["-q", "-z", &format!("follow,tls,ascii,{stream}")]))
            .collect();
        let holding = contents.iter().filter(|text| text.contains(CONTENT)).count();
        assert_eq!(holding, 2, "{cell}: the upload and the download in {contents:?}");
        let wrong = tshark(
            &capture,
            &[
                "-o",
                "tcp.check_checksum:TRUE",
                "-o",
                "ip.check_checksum:TRUE",
                "-Y",
                "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.lost_segment",
            ],
        );
        assert_eq!(wrong, "", "{cell}");
        let everything = tshark(&capture, &["-V", "-x"]);
        assert!(
            !everything.contains(PASSWORD),
            "{cell}: the password is in the capture"
        );
    }
}

#[test]
fn passwords_stay_in_a_capture_when_that_is_asked_for() {
    if !has_tshark() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let captures = captures(folder.path(), &["--capture", "all", "--capture-secrets"]);
    for (cell, capture) in captures {
        let commands = commands(&capture);
        assert!(
            commands.contains(&format!("PASS\t{PASSWORD}")),
            "{cell}: {commands}"
        );
    }
}

#[test]
fn only_findings_are_captured_unless_all_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(captures(folder.path(), &[]), []);
    assert_eq!(captures(folder.path(), &["--capture", "none"]), []);
}

#[test]
fn files_with_secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for (cell, capture) in captures(folder.path(), &["--capture", "all"]) {
        for file in [capture.clone(), capture.with_file_name("keys.log")] {
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{cell}: {}", file.display());
        }
        let keys = fs::read_to_string(capture.with_file_name("keys.log")).unwrap();
        assert!(keys.lines().all(|line| line.split(' ').count() == 3), "{keys}");
    }
}
