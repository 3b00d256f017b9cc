//! What goes wrong with one target of several: its trouble is told with the next step, the others run all the same, and its
//! cases are inconclusive and never pass.
//!
//! `tests/docker.rs` has docker that is absent or down and containers that die; here the docker command is a stand-in where one
//! is needed.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test file: a panic is the report, and its peers are made by hand"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

const PASSWORD: &str = "s3kr1t-Passw0rd";
/// Scenarios that begin with a login, and more of them than a limited server takes connections.
const AREA: &str = "protection";

/// `ftpspec serve` on a free port; killed when dropped.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start(extra: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
            .args(["serve", "--listen", "127.0.0.1:0", "--account"])
            .arg(format!("ada:{PASSWORD}"))
            .args(extra)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.split(' ').find_map(|word| word.parse().ok()).unwrap();
        Self { child, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ftpspec"));
    command
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "400")
        .stdin(Stdio::null());
    command
}

/// The report of a run of [`AREA`] against the embedded server and one more target.
struct Seen {
    code: Option<i32>,
    shown: String,
    report: Value,
}

fn finish(folder: &Path, output: &Output) -> Seen {
    let shown = text(output);
    assert!(!shown.contains("panicked"), "{shown}");
    let report = std::fs::read_to_string(folder.join("reports/latest/report.json"));
    assert!(report.is_ok(), "no report: {shown}");
    let report = report.unwrap();
    assert!(!shown.contains(PASSWORD) && !report.contains(PASSWORD), "{shown}");
    Seen {
        code: output.status.code(),
        shown,
        report: serde_json::from_str(&report).unwrap(),
    }
}

fn run(folder: &Path, args: &[&str]) -> Seen {
    let output = command(folder)
        .args(["run", AREA, "-q", "-t", "embedded"])
        .args(args)
        .output()
        .unwrap();
    finish(folder, &output)
}

impl Seen {
    fn verdicts(&self, target: &str) -> Vec<&str> {
        let cases = self.report["cases"].as_array().unwrap().iter();
        cases
            .filter(|case| case["target"] == target)
            .map(|case| case["judgement"]["verdict"].as_str().unwrap())
            .collect()
    }

    /// The embedded server was tested to the end, whatever happened to the other target.
    fn the_other_ran(&self) {
        let verdicts = self.verdicts("embedded");
        let passed = verdicts.iter().filter(|verdict| **verdict == "pass").count();
        assert!(passed > 20, "{}", self.shown);
        assert!(
            verdicts
                .iter()
                .all(|verdict| ["pass", "not-applicable"].contains(verdict)),
            "{verdicts:?}"
        );
    }

    /// Nothing at all is said about `target`, for a reason that has all of `words`.
    fn nothing_is_said(&self, target: &str, words: &[&str]) {
        assert_eq!(self.code, Some(3), "{}", self.shown);
        let verdicts = self.verdicts(target);
        assert!(verdicts.len() > 20, "{}", self.report["targets"]);
        assert!(
            verdicts.iter().all(|verdict| *verdict == "inconclusive"),
            "{verdicts:?} {}",
            self.shown
        );
        let reason = self.report["targets"][target]["unavailable"].as_str().unwrap();
        for word in words {
            assert!(reason.contains(word), "{word} is not in\n{reason}");
        }
        assert!(
            self.shown.contains(&format!("{target} could not be used")),
            "{}",
            self.shown
        );
        self.the_other_ran();
    }

    /// The note about `target` has these words.
    fn note(&self, target: &str, words: &str) {
        let notes = self.report["targets"][target]["contradictions"].to_string();
        assert!(notes.contains(words), "{notes}");
        assert!(self.shown.contains(words), "{}", self.shown);
    }
}

/// A folder with `acme.yaml` and a `serve.sh` of these lines.
fn acme(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "name: acme\nprovision: process\ntimeouts: { start: 5s }\nallow: [write]\nvariants: { acme: { tls: explicit } }\n";
    std::fs::write(folder.path().join("acme.yaml"), yaml).unwrap();
    let script = format!("#!/bin/sh\nif [ \"${{1-}}\" = --check ]; then echo acme 1.0; exit; fi\n{script}\n");
    executable(&folder.path().join("serve.sh"), &script);
    folder
}

fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The command of a server at this port.
fn serve_at(port: &str) -> String {
    format!(
        "exec '{}' serve --listen \"127.0.0.1:{port}\" --cert \"$FTPSPEC_CERT\" --key \"$FTPSPEC_KEY\" --account \
         \"$FTPSPEC_USER:$FTPSPEC_PASSWORD\"",
        env!("CARGO_BIN_EXE_ftpspec")
    )
}

#[test]
fn a_port_that_is_taken_is_told_with_the_words_of_the_server() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = acme(&serve_at(&taken.local_addr().unwrap().port().to_string()));
    let seen = run(folder.path(), &["-t", "acme.yaml"]);
    seen.nothing_is_said(
        "acme",
        &[
            "ended with exit code 70 before it greeted",
            "in use",
            "end it, or run again",
        ],
    );
}

#[test]
fn a_server_that_dies_in_the_middle_is_told_and_what_follows_says_nothing() {
    let folder = acme(&format!(
        "echo $$ >\"$(dirname \"$0\")/pid\"\n{}",
        serve_at("$FTPSPEC_PORT")
    ));
    let folder = folder.path();
    let mut child = command(folder)
        .args([
            "run",
            AREA,
            "listing",
            "-q",
            "-t",
            "embedded",
            "-t",
            "acme.yaml",
            "--jobs",
            "2",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nothing announces that cases have begun but their traces.
    while !has_trace(&folder.join("reports")) {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before its first case"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = std::fs::read_to_string(folder.join("pid")).unwrap();
    assert!(
        Command::new("kill")
            .args(["-9", pid.trim()])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let seen = finish(folder, &output);
    assert_eq!(seen.code, Some(3), "{}", seen.shown);
    let reason = seen.report["targets"]["acme"]["unavailable"].as_str().unwrap();
    assert!(reason.contains("the server is gone"), "{reason}");
    let cases = seen.report["cases"].as_array().unwrap();
    let failed = |case: &&Value| case["target"] == "acme" && case["judgement"]["verdict"] == "fail";
    assert_eq!(cases.iter().find(failed), None, "{}", seen.shown);
    let gone: Vec<&Value> = cases
        .iter()
        .filter(|case| case["target"] == "acme" && case["judgement"]["verdict"] == "inconclusive")
        .collect();
    assert!(gone.len() > 20, "{}", seen.shown);
    seen.the_other_ran();
}

fn has_trace(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        // Of the target, not of the embedded server.
        path.ends_with("trace.jsonl") && path.components().any(|part| part.as_os_str() == "acme")
            || path.is_dir() && !path.is_symlink() && has_trace(&path)
    })
}

/// Lets the first `limit` connections through to `server`; every further one is told that there are too many.
fn limited(server: SocketAddr, limit: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = AtomicUsize::new(0);
    std::thread::spawn(move || {
        for mut client in listener.incoming().take(5000).flatten() {
            if count.fetch_add(1, Ordering::Relaxed) >= limit {
                let _ = client.write_all(b"421 Too many connections from this address.\r\n");
                continue;
            }
            let server = TcpStream::connect(server).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    address
}

#[test]
fn a_server_that_refuses_connections_after_a_while_leaves_the_rest_inconclusive() {
    let served = Served::start(&[]);
    let address = limited(served.address, 40);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("ftps://ada:{PASSWORD}@{address}");
    let seen = run(
        folder.path(),
        &[&url, "--name", "acme", "--max-connections", "2", "--timeout", "3"],
    );
    assert_eq!(seen.code, Some(3), "{}", seen.shown);
    let verdicts = seen.verdicts("acme");
    let count = |wanted: &str| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    assert!(count("pass") > 0, "before the limit it is tested: {verdicts:?}");
    assert!(count("inconclusive") > 5, "{verdicts:?}");
    assert_eq!(count("fail") + count("warn"), 0, "{}", seen.shown);
    seen.note("acme", "allow fewer at a time (--max-connections");
    assert!(seen.shown.contains("421"), "{}", seen.shown);
    seen.the_other_ran();
}

#[test]
fn wrong_credentials_are_told_with_where_they_come_from() {
    let served = Served::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("ftps://ada:wrong@{}", served.address);
    let seen = run(folder.path(), &[&url, "--name", "acme", "--allow", "write"]);
    assert_eq!(seen.code, Some(3), "{}", seen.shown);
    seen.note("acme", "logins were refused; check user and password");
    let cases = seen.report["cases"].as_array().unwrap().iter();
    let mut refused = 0;
    for case in cases.filter(|case| case["target"] == "acme") {
        let reason = case["judgement"]["reason"].as_str().unwrap_or_default();
        if reason.contains("PASS") {
            refused += 1;
            assert_eq!(case["judgement"]["verdict"], "inconclusive", "{case}");
        }
    }
    assert!(refused > 20, "{}", seen.shown);
    seen.the_other_ran();
}

#[test]
fn a_host_that_cannot_be_reached_is_told_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, words) in [
        (
            format!("ftps://ada:{PASSWORD}@{nobody}"),
            [
                "does not listen",
                "check the host, the port and whether the server runs",
            ],
        ),
        (
            format!("ftps://ada:{PASSWORD}@nowhere.invalid:2121"),
            ["cannot find the address of nowhere.invalid", "check the name"],
        ),
    ] {
        let seen = run(folder.path(), &[&url, "--name", "acme", "--timeout", "5"]);
        seen.nothing_is_said("acme", &words);
    }
}

#[test]
fn a_certificate_that_is_not_trusted_never_passes_and_insecure_is_spelled_out() {
    let served = Served::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = command(folder)
        .args(["certs", "make", "valid", "--out", "."])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made));
    let url = format!("ftps://ada:{PASSWORD}@{}", served.address);
    let check = |extra: &[&str]| {
        let output = command(folder)
            .args([
                "run",
                "tls-hygiene/certificate-is-valid",
                "protection/pbsz-0-is-accepted",
                "-q",
                "--name",
                "acme",
            ])
            .args(["-t", "embedded", &url])
            .args(extra)
            .output()
            .unwrap();
        let seen = finish(folder, &output);
        let cases = seen.report["cases"].as_array().unwrap().iter();
        let judged: Vec<String> = cases
            .filter(|case| case["target"] == "acme" && case["scenario"] == "tls-hygiene/certificate-is-valid")
            .map(|case| case["judgement"].to_string())
            .collect();
        assert_eq!(judged.len(), 2, "{}", seen.shown);
        assert!(
            seen.verdicts("embedded").iter().all(|verdict| *verdict == "pass"),
            "{}",
            seen.shown
        );
        (seen, judged)
    };
    // The authorities that were named did not sign it: that is a finding.
    let (named, judged) = check(&["--ca", "ca.pem"]);
    assert_eq!(named.code, Some(1), "{}", named.shown);
    for judgement in judged {
        assert!(
            judgement.contains("rfc8446.s4.4.2.certificate-chain"),
            "{judgement}"
        );
    }
    // Nobody said who signs it: nothing can be said, and how to say it is.
    let (unknown, judged) = check(&[]);
    for judgement in judged {
        assert!(judgement.contains("\"not-applicable\""), "{judgement}");
    }
    unknown.note("acme", "name the authority (--ca FILE");
    assert_eq!(unknown.code, Some(0), "{}", unknown.shown);
    let (insecure, judged) = check(&["--insecure"]);
    for judgement in judged {
        assert!(judgement.contains("--insecure"), "{judgement}");
    }
    assert!(
        insecure.shown.contains("acme: certificates were not checked"),
        "{}",
        insecure.shown
    );
}

#[test]
fn a_target_file_that_cannot_be_read_is_one_target_less() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let yaml = "name: acme\nprovision: external\naddress: 127.0.0.1:1\ncolour: red\nvariants: { acme: { tls: explicit } }\n";
    std::fs::write(folder.join("odd.yaml"), yaml).unwrap();
    let seen = run(folder, &["-t", "odd.yaml"]);
    seen.nothing_is_said("odd.yaml", &["odd.yaml", "colour"]);
    // Alone, or where it would be held against a baseline, it is the command line that is wrong.
    for args in [
        &["run", AREA, "-t", "odd.yaml"][..],
        &[
            "run",
            AREA,
            "-t",
            "embedded",
            "-t",
            "odd.yaml",
            "--baseline",
            "x.json",
        ],
    ] {
        let alone = command(folder).args(args).output().unwrap();
        assert_eq!(alone.status.code(), Some(2), "{}", text(&alone));
        assert!(text(&alone).contains("colour"), "{}", text(&alone));
    }
}

/// A folder whose `docker` answers as one whose builds fail.
fn docker_that_cannot_build() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\ncase $1 in\n\
        build) echo 'E: Unable to locate package vsftpd' >&2; echo 'The command returned a non-zero code: 100' >&2; exit 1 ;;\n\
        image) echo 'Error: No such image' >&2; exit 1 ;;\n\
        *) exit 0 ;;\nesac\n";
    executable(&folder.path().join("docker"), script);
    folder
}

#[test]
fn an_image_that_cannot_be_built_is_told_with_the_end_of_the_build() {
    let (docker, folder) = (docker_that_cannot_build(), tempfile::tempdir().unwrap());
    let path = format!("{}:{}", docker.path().display(), std::env::var("PATH").unwrap());
    let output = command(folder.path())
        .args([
            "run", AREA, "-q", "-t", "embedded", "-t", "vsftpd", "--via", "docker",
        ])
        .env("PATH", path)
        .output()
        .unwrap();
    let seen = finish(folder.path(), &output);
    seen.nothing_is_said(
        "vsftpd",
        &[
            "the image of vsftpd could not be built",
            "Unable to locate package vsftpd",
            "docker/README.md",
        ],
    );
}
