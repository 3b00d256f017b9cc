//! Targets that are there already: where their passwords come from, the certificate that is shown to them, and what is said
//! when one of the two is missing. Passwords and keys never show up in what is printed or written.

#![expect(clippy::unwrap_used, reason = "a test file: a panic is the report")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const FIRST: &str = "s3kr1t-Passw0rd";
const SECOND: &str = "0ther-s3kr1t-Passw0rd";

/// Logs in with both accounts, under TLS.
const BOTH: &str = "session-reuse/session-of-another-login-is-refused";
/// Logs in with the first one.
const ONE: &str = "protection/pbsz-0-is-accepted";

/// `ftpspec serve` on a free port; killed when dropped.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(extra: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args([
                "--account",
                &format!("ada:{FIRST}"),
                "--account",
                &format!("bob:{SECOND}"),
            ])
            .args(extra)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .split(' ')
            .find_map(|word| word.parse::<std::net::SocketAddr>().ok());
        Self {
            child,
            address: address.unwrap().to_string(),
        }
    }

    fn url(&self) -> String {
        format!("ftps://ada@{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ftpspec(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ftpspec"));
    command
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "200")
        .env_remove("FTPSPEC_PASSWORD")
        .env_remove("FTPSPEC_PASSWORD2")
        .stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// No secret is on the screen or in a file of the reports.
fn keeps_secrets(folder: &Path, shown: &str, secrets: &[&str]) {
    let mut files = vec![folder.join("reports")];
    let mut count = 0;
    while let Some(path) = files.pop() {
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        count += 1;
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {}", path.display());
        }
    }
    assert!(count >= 4, "only {count} report files");
    for secret in secrets {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Every case of the run passed.
fn passed(folder: &Path, output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", text(output));
    let report = std::fs::read_to_string(folder.join("reports/latest/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let cases = report["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        assert_eq!(case["judgement"]["verdict"], "pass", "{case}");
    }
    keeps_secrets(folder, &text(output), &[FIRST, SECOND]);
}

#[test]
fn both_passwords_may_come_from_the_environment_or_from_files() {
    let served = Served::start(&["--reuse", "control"]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("one"), format!("{FIRST}\n")).unwrap();
    std::fs::write(folder.join("two"), format!("{SECOND}\r\n")).unwrap();
    let run = |variables: &[(&str, &str)], extra: &[&str]| {
        let mut command = ftpspec(folder);
        command
            .args(["run", BOTH, &served.url(), "--second-account", "bob"])
            .args([
                "--allow",
                "write,second-account",
                "--declare",
                "session-reuse-required",
            ])
            .args(extra)
            .envs(variables.iter().copied());
        let output = command.output().unwrap();
        passed(folder, &output);
    };
    run(&[("FTPSPEC_PASSWORD", FIRST), ("FTPSPEC_PASSWORD2", SECOND)], &[]);
    run(&[], &["--password-file", "one", "--second-password-file", "two"]);
    run(
        &[("FTPSPEC_PASSWORD", "the file comes first")],
        &["--password-file", "one", "--second-password-file", "two"],
    );
}

/// Of a target by URL nothing is declared: what it can do is asked first, and a mistake in the answer must not pass for a lack
/// that makes the scenario about that mistake not applicable.
#[test]
fn a_mistake_in_the_answer_to_discovery_is_found_and_not_taken_for_a_lack() {
    for (fault, extra, scenario) in [
        (
            "answers-auth-tls-with-334",
            &[][..],
            "auth/auth-tls-is-answered-234",
        ),
        ("answers-rein-in-clear", &[], "auth/rein-is-answered-under-tls"),
        ("answers-host-with-200", &[], "extensions/host-is-answered-220"),
        (
            "closes-on-idle-abor",
            &[],
            "replies/abor-without-transfer-is-harmless",
        ),
        (
            "aborts-on-tls12-ticket",
            &[],
            "session-reuse/tls12-ticket-is-accepted-on-data",
        ),
        (
            "ignores-extended-master-secret",
            &[],
            "tls-hygiene/extended-master-secret-is-supported",
        ),
        (
            "drops-data-silently-without-reuse",
            &["--reuse", "control"],
            "session-reuse/reuse-required-refuses-full-handshake",
        ),
        (
            "demands-reuse-without-tickets",
            &["--reuse", "control"],
            "session-reuse/required-reuse-is-possible",
        ),
    ] {
        let served = Served::start(&[&["--fault", fault], extra].concat());
        let folder = tempfile::tempdir().unwrap();
        let mut command = ftpspec(folder.path());
        let output = command
            .args(["run", scenario, &served.url(), "--insecure", "--allow", "write"])
            .env("FTPSPEC_PASSWORD", FIRST)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{fault}: {}", text(&output));
    }
}

/// What no server says of itself: whether it insists on a certificate. One that lets everybody in is not charged with it.
#[test]
fn whether_a_certificate_is_needed_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let ca = folder.join("ca.pem").display().to_string();
    for (extra, verdict) in [(&["--client-ca", &ca][..], "pass"), (&[][..], "not-applicable")] {
        let served = Served::start(extra);
        let mut command = ftpspec(folder);
        let output = command
            .args(["run", "auth/no-login-without-the-certificate-that-is-needed"])
            .args([&served.url(), "--insecure", "--declare", "client-certificate"])
            .args(["--client-cert", "client.pem", "--client-key", "client.key"])
            .env("FTPSPEC_PASSWORD", FIRST)
            .output()
            .unwrap();
        let report = std::fs::read_to_string(folder.join("reports/latest/report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let case = &report["cases"][0];
        assert_eq!(case["judgement"]["verdict"], verdict, "{}", text(&output));
    }
}

/// An area is a filter and no scenario.
#[test]
fn explain_of_an_area_leads_to_its_list() {
    let folder = tempfile::tempdir().unwrap();
    let output = ftpspec(folder.path()).args(["explain", "auth"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(
        text(&output).contains("`ftpspec list auth` names them"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_target_file_names_where_its_passwords_are() {
    let served = Served::start(&["--reuse", "control"]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("etc")).unwrap();
    std::fs::write(folder.join("etc/two"), SECOND).unwrap();
    let yaml = format!(
        "name: acme\nprovision: external\naddress: {}\nallow: [write, second-account]\naccounts:\n  \
         - {{ user: ada, password-env: ACME_PASSWORD }}\n  - {{ user: bob, password-file: two }}\nvariants:\n  \
         acme: {{ tls: explicit, declares: [session-reuse-required, second-account] }}\n",
        served.address
    );
    std::fs::write(folder.join("etc/target.yaml"), yaml).unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = ftpspec(folder);
        command.args(["run", BOTH, "-t", "etc/target.yaml"]);
        command.envs(variables.iter().copied()).output().unwrap()
    };
    passed(folder, &run(&[("ACME_PASSWORD", FIRST)]));
    let missing = run(&[]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing));
    assert!(
        text(&missing).contains("no password for `ada`: the environment variable ACME_PASSWORD is not set"),
        "{}",
        text(&missing)
    );
}

#[test]
fn nobody_is_asked_where_nobody_can_type() {
    let folder = tempfile::tempdir().unwrap();
    for (url, extra, user) in [
        ("ftps://ada@127.0.0.1:1", &[][..], "ada"),
        (
            "ftps://ada:x@127.0.0.1:1",
            &["--second-account", "bob"][..],
            "bob",
        ),
    ] {
        let mut command = ftpspec(folder.path());
        let output = command.args(["run", ONE, url]).args(extra).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        for words in [
            &format!("no password for `{user}`"),
            "FTPSPEC_PASSWORD2",
            "--password-file",
        ] {
            assert!(text(&output).contains(words), "{words}: {}", text(&output));
        }
    }
}

/// `ftpspec` with these words at a terminal of its own, made by script(1).
fn at_a_terminal(folder: &Path, words: &str) -> Child {
    // Without `exec` some shells stay, and a Ctrl-C ends them too: the exit code would be theirs.
    let line = format!("exec '{}' {words}", env!("CARGO_BIN_EXE_ftpspec"));
    Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(folder)
        .env("SHELL", "/bin/sh")
        .env("NO_COLOR", "1")
        .env_remove("FTPSPEC_PASSWORD")
        .env_remove("FTPSPEC_PASSWORD2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads until `end` has come; everything that came.
fn read_until(from: &mut impl std::io::Read, end: &str) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(end.as_bytes()) {
        assert_eq!(
            from.read(&mut byte).unwrap(),
            1,
            "{}",
            String::from_utf8_lossy(&seen)
        );
        seen.push(byte[0]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn at_a_terminal_a_password_is_asked_for_and_not_shown() {
    let served = Served::start(&["--reuse", "control"]);
    let folder = tempfile::tempdir().unwrap();
    let words = format!(
        "run {BOTH} {} --second-account bob --allow write,second-account --declare session-reuse-required",
        served.url()
    );
    let mut child = at_a_terminal(folder.path(), &words);
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = String::new();
    for (user, password) in [("ada", FIRST), ("bob", SECOND)] {
        shown += &read_until(&mut screen, ": ");
        assert!(
            shown.contains(&format!("password of {user} at 127.0.0.1-")),
            "{shown}"
        );
        keyboard.write_all(format!("{password}\n").as_bytes()).unwrap();
    }
    let mut rest = Vec::new();
    screen.read_to_end(&mut rest).unwrap();
    shown += &String::from_utf8_lossy(&rest);
    assert_eq!(child.wait().unwrap().code(), Some(0), "{shown}");
    keeps_secrets(folder.path(), &shown, &[FIRST, SECOND]);
}

#[test]
fn an_interrupt_ends_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = at_a_terminal(folder.path(), "run ftps://ada@127.0.0.1:1");
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    read_until(&mut screen, ": ");
    // Ctrl-C, as a keyboard sends it.
    keyboard.write_all(b"\x03").unwrap();
    let mut rest = Vec::new();
    screen.read_to_end(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(String::from_utf8_lossy(&rest).contains("interrupted"));
    assert!(!folder.path().join("reports").exists());
}

/// Makes the certificates of the harness in `folder`: `client.pem`, `client.key`, `ca.pem` and others.
fn certificates(folder: &Path) {
    let made = ftpspec(folder)
        .args(["certs", "make", "client", "client-other-ca", "--out", "."])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made));
}

#[test]
fn a_client_certificate_is_shown_where_one_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let ca = folder.join("ca.pem").display().to_string();
    let key = std::fs::read_to_string(folder.join("client.key")).unwrap();
    let key = key.lines().nth(1).unwrap();
    for extra in [&["--client-ca", &ca][..], &["--client-ca", &ca, "--implicit"][..]] {
        let served = Served::start(extra);
        let implicit = extra.get(2).copied();
        let run = |words: &[&str]| {
            let mut command = ftpspec(folder);
            command
                .args(["run", ONE, &served.url(), "--timeout", "3"])
                .args(implicit)
                .args(words);
            command.env("FTPSPEC_PASSWORD", FIRST).output().unwrap()
        };
        let output = run(&["--client-cert", "client.pem", "--client-key", "client.key"]);
        passed(folder, &output);
        keeps_secrets(folder, &text(&output), &[key]);
        for words in [
            &[][..],
            &[
                "--client-cert",
                "client-other-ca.pem",
                "--client-key",
                "client-other-ca.key",
            ],
        ] {
            let output = run(words);
            assert_eq!(output.status.code(), Some(3), "{words:?} {}", text(&output));
        }
        if implicit.is_none() {
            let yaml = format!(
                "name: acme\nprovision: external\naddress: {}\naccounts: [{{ user: ada, password-env: FTPSPEC_PASSWORD }}]\n\
                 client-certificate: {{ certificate: client.pem, key: client.key }}\nvariants: {{ acme: {{ tls: explicit }} }}\n",
                served.address
            );
            std::fs::write(folder.join("acme.yaml"), yaml).unwrap();
            let mut command = ftpspec(folder);
            command.args(["run", ONE, "-t", "acme.yaml"]);
            let output = command.env("FTPSPEC_PASSWORD", FIRST).output().unwrap();
            passed(folder, &output);
        }
    }
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_the_users_fault() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    for (certificate, key, words) in [
        ("missing.pem", "client.key", "cannot read missing.pem"),
        ("client.pem", "client.pem", "bad PEM of a private key"),
        (
            "client.pem",
            "client-other-ca.key",
            "the key is not the one of the certificate",
        ),
    ] {
        let output = ftpspec(folder)
            .args(["run", ONE, "ftps://ada:x@127.0.0.1:1"])
            .args(["--client-cert", certificate, "--client-key", key])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
    }
    let alone = ftpspec(folder)
        .args([
            "run",
            ONE,
            "ftps://ada:x@127.0.0.1:1",
            "--client-cert",
            "client.pem",
        ])
        .output()
        .unwrap();
    assert!(text(&alone).contains("--client-key"), "{}", text(&alone));
}
