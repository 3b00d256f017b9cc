//! Lawful servers that differ from the embedded server's usual ways get no red line: every scenario against every habit of
//! the embedded server, each as a target of its own that is discovered like any other.
//!
//! The habits that order the replies of a transfer are asked one by one in `tests/conformance.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test file: a panic is the report"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use ftpspec::mock::Habit;
use snapbox::cmd::Command;

use common::Served;

/// Warnings that a habit earns: what security practice or the TLS documents ask for and the habit leaves out.
const WARNED: &[(Habit, &str)] = &[
    (Habit::IgnoresAlpn, "security/browsers-get-no-data"),
    (Habit::IgnoresAlpn, "tls-hygiene/alpn-mismatch-is-refused"),
    (
        Habit::KeepsCutUploads,
        "shutdown/partial-upload-does-not-pass-for-a-file",
    ),
    (
        Habit::LeavesCloseNotifyUnanswered,
        "shutdown/half-closed-upload-is-read-to-its-end",
    ),
    (
        Habit::LeavesCloseNotifyUnanswered,
        "shutdown/upload-close-notify-is-answered-tls12",
    ),
];

#[test]
fn no_lawful_habit_is_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mut yaml = "name: lawful\nprovision: process\nallow: [write, second-account]\nlimits: { max-connections: 8 }\nvariants:\n".to_owned();
    let habits: Vec<&str> = Habit::ALL
        .iter()
        .filter(|habit| !habit.orders_transfers())
        .map(|habit| habit.name())
        .collect();
    for habit in &habits {
        let _ = writeln!(yaml, "  {habit}:\n    tls: explicit");
    }
    std::fs::write(folder.path().join("lawful.yaml"), yaml).unwrap();
    let script = format!(
        "#!/bin/sh\n\
         if [ \"${{1-}}\" = --check ]; then echo lawful 1.0; exit; fi\n\
         exec '{}' serve --listen \"$FTPSPEC_ADDRESS:$FTPSPEC_PORT\" --cert \"$FTPSPEC_CERT\" --key \"$FTPSPEC_KEY\" \\\n\
         --account \"$FTPSPEC_USER:$FTPSPEC_PASSWORD\" --account \"$FTPSPEC_USER2:$FTPSPEC_PASSWORD2\" \\\n\
         --habit \"$FTPSPEC_VARIANT\"\n",
        env!("CARGO_BIN_EXE_ftpspec")
    );
    let path = folder.path().join("serve.sh");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();

    let targets: Vec<String> = habits
        .iter()
        .map(|habit| format!("lawful.yaml:{habit}"))
        .collect();
    let mut args = vec!["run", "--quiet", "--capture", "none"];
    for target in &targets {
        args.extend(["--target", target]);
    }
    let done = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .timeout(Duration::from_secs(600))
        .args(args)
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    let report = std::fs::read_to_string(folder.path().join("reports/latest/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();

    let mut passed: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut warned = BTreeSet::new();
    for case in report["cases"].as_array().unwrap() {
        let (target, scenario) = (
            case["target"].as_str().unwrap(),
            case["scenario"].as_str().unwrap(),
        );
        let judgement = &case["judgement"];
        match judgement["verdict"].as_str().unwrap() {
            "pass" => *passed.entry(target.to_owned()).or_default() += 1,
            "not-applicable" | "info" => {}
            "warn"
                if WARNED
                    .iter()
                    .any(|(habit, known)| habit.name() == target && *known == scenario) =>
            {
                warned.insert((target, scenario));
            }
            verdict => wrong.push(format!("{target}: {scenario}: {verdict}: {judgement}")),
        }
    }
    assert_eq!(wrong, [""; 0], "{out}");
    assert_eq!(
        warned.len(),
        WARNED.len(),
        "a warning that no longer comes is listed: {warned:?}"
    );
    for habit in habits {
        // Nothing came to nothing: more than the habit takes away was asked.
        let count = passed.get(habit).copied().unwrap_or_default();
        assert!(count > 400, "{habit}: only {count} cases passed\n{out}");
    }
}

/// The verdicts of the scenario about the chain, with these options and with these as the authorities of the machine (or
/// those it has).
fn verdicts_on_the_chain(
    served: &Served,
    options: &[&str],
    machine: Option<&Path>,
) -> (BTreeSet<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("ftps://user:pw@127.0.0.1:{}", served.address.port());
    let command = Command::new(env!("CARGO_BIN_EXE_ftpspec")).env_remove("SSL_CERT_DIR");
    let command = match machine {
        Some(file) => command.env("SSL_CERT_FILE", file),
        None => command.env_remove("SSL_CERT_FILE"),
    };
    let done = command
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .timeout(Duration::from_secs(60))
        .args([
            "run",
            "tls-hygiene/certificate-is-valid",
            &url,
            "--server-name",
            "localhost",
        ])
        .args(options)
        .output()
        .unwrap();
    let report = std::fs::read_to_string(folder.path().join("reports/latest/report.json"));
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let cases = report["cases"].as_array().unwrap();
    let word = |case: &serde_json::Value| case["judgement"]["verdict"].as_str().unwrap().to_owned();
    (cases.iter().map(word).collect(), report.to_string())
}

#[test]
fn a_chain_is_judged_where_its_authority_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let named = ca.to_str().unwrap();
    let good = Served::start(&["--write-ca", named]);
    let other = folder.path().join("other.pem");
    let broken = Served::start(&[
        "--fault",
        "omits-intermediate",
        "--write-ca",
        other.to_str().unwrap(),
    ]);

    // Nobody said who signed it, and the machine does not know: no word against the server.
    let (verdicts, report) = verdicts_on_the_chain(&good, &[], None);
    assert_eq!(
        verdicts,
        BTreeSet::from(["not-applicable".to_owned()]),
        "{report}"
    );
    assert!(report.contains("got unknown issuer"), "{report}");
    let (verdicts, report) = verdicts_on_the_chain(&good, &["--insecure"], Some(&ca));
    assert!(
        report.contains("given absent: the certificate is not looked at"),
        "{report}"
    );
    assert_eq!(
        verdicts,
        BTreeSet::from(["not-applicable".to_owned()]),
        "{report}"
    );
    // The machine knows.
    let (verdicts, report) = verdicts_on_the_chain(&good, &[], Some(&ca));
    assert_eq!(verdicts, BTreeSet::from(["pass".to_owned()]), "{report}");
    // The user says it.
    let (verdicts, report) = verdicts_on_the_chain(&good, &["--ca", named], None);
    assert_eq!(verdicts, BTreeSet::from(["pass".to_owned()]), "{report}");
    let (verdicts, report) = verdicts_on_the_chain(&broken, &["--ca", other.to_str().unwrap()], Some(&ca));
    assert_eq!(verdicts, BTreeSet::from(["fail".to_owned()]), "{report}");
    // No authority at all is the same as none that knows it.
    let (verdicts, report) = verdicts_on_the_chain(&good, &[], Some(Path::new("/dev/null")));
    assert_eq!(
        verdicts,
        BTreeSet::from(["not-applicable".to_owned()]),
        "{report}"
    );
}
