//! The command line as its users meet it: what is typed, what is said, and the exit code.
//!
//! Exit codes: 0 passed, 1 a check failed, 2 cannot read what was typed or given, 3 inconclusive, 4 nothing selected, 70 own
//! trouble. `tests/hostile.rs` has the servers that misbehave.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test file: a panic is the report, and its own time is the machine's"
)]

mod common;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use snapbox::cmd::Command;

use common::Served;

const QUICK: &str = "auth/auth-tls-is-answered-234";

/// What a command line did.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(folder: &Path) -> Command {
    Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "120")
        .env_remove("FTPSPEC_PASSWORD")
        .timeout(Duration::from_secs(120))
}

fn done(command: Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let done = Done {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(!done.err.contains("panicked"), "{}", done.err);
    done
}

fn ftpspec(folder: &Path, args: &[&str]) -> Done {
    done(command(folder).args(args))
}

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Every line of `table` is a command line, its exit code and what standard error says.
fn complains(folder: &Path, table: &[(&[&str], i32, &str)]) {
    for (args, code, words) in table {
        let done = ftpspec(folder, args);
        assert_eq!(done.code, Some(*code), "{args:?}: {}", done.err);
        assert!(
            done.err.contains(words),
            "{args:?}: expected {words:?} in\n{}",
            done.err
        );
        assert_eq!(done.out, "", "{args:?}");
    }
}

#[test]
fn misspelt_names_are_answered_with_the_right_ones() {
    let folder = empty();
    complains(
        folder.path(),
        &[
            (&["run", "-t", "vsftpdd"], 2, "did you mean `vsftpd`?"),
            (
                &["run", "-t", "missing.yaml"],
                2,
                "there is no target `missing.yaml`",
            ),
            (&["targets", "up", "pyftpdlip"], 2, "did you mean `pyftpdlib`?"),
            (
                &["run", "auth/auth-tls-is-answered-243"],
                4,
                "did you mean `auth/auth-tls-is-answered-234`",
            ),
            (&["run", "zzzzzz"], 4, "matches nothing (see `ftpspec list`)"),
            (&["list", "shutdwn"], 4, "did you mean `shutdown`"),
            (&["prove", "zzzzzz"], 4, "matches nothing"),
            (&["run", "requires:uplaod"], 2, "unknown capability"),
            (&["run", "--matrix", "tsl=tls1.3"], 4, "did you mean `tls=tls1.3`"),
            (&["run", "--matrix", "tls"], 2, "expected `AXIS=VALUE`"),
            (
                &["serve", "--fault", "refuses-pbsz-zer"],
                2,
                "did you mean `refuses-pbsz-zero`?",
            ),
            (&["serve", "--fault", "zzz"], 2, "see `ftpspec list --faults`"),
            (&["certs", "make", "vald"], 2, "did you mean `valid`?"),
            (&["explain", "clear-logn"], 4, "did you mean `clear-login`?"),
            (&["explain", "zzzzzz"], 4, "see `ftpspec list`"),
            (
                &["run", "ftps://u:p@127.0.0.1:1", "--allow", "wrte"],
                2,
                "did you mean `write`?",
            ),
            (
                &["run", "ftps://u:p@127.0.0.1:1", "--declare", "tls1.33"],
                2,
                "did you mean `tls1.3`?",
            ),
            (&["serv"], 2, "'serve'"),
        ],
    );
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "something was written"
    );
}

#[test]
fn numbers_and_parts_out_of_range_are_refused() {
    let folder = empty();
    complains(
        folder.path(),
        &[
            (
                &["run", "--shard", "3/2"],
                2,
                "expected `I/N` with I from 1 to N, got `3/2`",
            ),
            (&["run", "--shard", "0/2"], 2, "expected `I/N`"),
            (&["run", "--shard", "half"], 2, "expected `I/N`"),
            (&["run", "--repeat", "0"], 2, "--repeat"),
            (&["run", "--jobs", "0"], 2, "--jobs"),
            (&["run", "--timeout", "0"], 2, "--timeout"),
            (
                &["serve", "--passive-ports", "9-1"],
                2,
                "expected `--passive-ports MIN-MAX`",
            ),
            (&["serve", "--listen", "here"], 2, "--listen"),
            (&["serve", "--tls", "tls1.1"], 2, "expected `tls1.2` or `tls1.3`"),
            (
                &["serve", "--account", "nobody"],
                2,
                "expected `--account USER:PASSWORD`",
            ),
        ],
    );
}

#[test]
fn urls_that_cannot_be_used_are_refused_without_showing_a_password() {
    let folder = empty();
    let table: &[(&[&str], i32, &str)] = &[
        (
            &["run", "ftps://ada@127.0.0.1:1"],
            2,
            "no password for `ada`: put it in the URL, in FTPSPEC_PASSWORD",
        ),
        (
            &["run", "ftps://ada:s3kr1t@127.0.0.1:1/dir"],
            2,
            "the URL may not have a path",
        ),
        (
            &["run", "https://ada:s3kr1t@127.0.0.1"],
            2,
            "got the scheme `https`",
        ),
        (&["run", "ftps://"], 2, "the URL names no host"),
        (
            &["run", "ftps://ada:s3kr1t@127.0.0.1:99999"],
            2,
            "cannot read the URL",
        ),
        (
            &["run", "ftps//ada:s3kr1t@127.0.0.1"],
            2,
            "a URL begins with `ftps://`",
        ),
        (&["ftps://ada:s3kr1t@127.0.0.1"], 2, "`ftpspec run URL`"),
        (
            &[
                "run",
                "ftps://ada:x@127.0.0.1:1",
                "--second-account",
                "bob s3kr1t",
            ],
            2,
            "USER:PASSWORD",
        ),
        (
            &["run", "ftps://ada@127.0.0.1:1", "--password-file", "missing"],
            2,
            "cannot read missing",
        ),
    ];
    complains(folder.path(), table);
    for (args, _, _) in table {
        assert!(!ftpspec(folder.path(), args).err.contains("s3kr1t"), "{args:?}");
    }
}

#[test]
fn the_password_may_come_from_the_environment_or_a_file() {
    let folder = empty();
    std::fs::write(folder.path().join("pass"), "from-a-file\n").unwrap();
    let served = Served::start(&[
        "--account",
        "ada:from-the-environment",
        "--account",
        "bob:from-a-file",
    ]);
    let url = |user: &str| format!("ftps://{user}@127.0.0.1:{}", served.address.port());
    let run = |extra: &[&str], url: String| {
        let command = command(folder.path()).env("FTPSPEC_PASSWORD", "from-the-environment");
        done(
            command
                .args(["run", "protection/pbsz-0-is-accepted", "-q"])
                .arg(url)
                .args(extra),
        )
    };
    let by_environment = run(&[], url("ada"));
    assert_eq!(by_environment.code, Some(0), "{}", by_environment.out);
    let by_file = run(&["--password-file", "pass"], url("bob"));
    assert_eq!(by_file.code, Some(0), "{}", by_file.out);
}

#[test]
fn files_that_are_missing_or_no_certificates_are_the_users_fault() {
    let folder = empty();
    std::fs::write(folder.path().join("junk.pem"), "junk").unwrap();
    std::fs::write(
        folder.path().join("target.yaml"),
        "name: acme\nprovision: external\naddress: 127.0.0.1:1\ntrust: file:missing.pem\nvariants:\n  acme: { tls: explicit }\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("odd.yaml"), "name: acme\ncolour: red\n").unwrap();
    complains(
        folder.path(),
        &[
            (
                &["run", "ftps://u:p@127.0.0.1:1", "--ca", "missing.pem"],
                2,
                "missing.pem: No such file",
            ),
            (
                &["run", "ftps://u:p@127.0.0.1:1", "--ca", "junk.pem"],
                2,
                "junk.pem: the PEM text holds no authority certificate",
            ),
            (&["run", "-t", "target.yaml"], 2, "missing.pem: No such file"),
            (&["run", "-t", "odd.yaml"], 2, "unknown field `colour`"),
            (
                &["serve", "--cert", "missing.pem", "--key", "missing.pem"],
                2,
                "cannot read missing.pem",
            ),
            (
                &["serve", "--cert", "junk.pem", "--key", "junk.pem"],
                2,
                "cannot use junk.pem",
            ),
            (&["judge", "missing"], 2, "cannot read missing/report.json"),
            (&["judge", "."], 2, "cannot read ./report.json"),
            (&["check", "missing.yaml"], 2, "cannot read missing.yaml"),
            (&["run", "--scenarios", "missing"], 2, "cannot read missing"),
        ],
    );
    std::fs::write(folder.path().join("report.json"), "{}").unwrap();
    complains(folder.path(), &[(&["judge", "."], 2, "not a report")]);
}

#[test]
fn every_problem_of_every_scenario_is_shown_at_once() {
    let folder = empty();
    let write = |name: &str, text: &str| {
        let path = folder.path().join("own").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("mine/broken.yaml", "title: x\nsteps: [\n - foo\n");
    write(
        "mine/odd.yaml",
        "title: 5\nsevrity: high\nsteps:\n  - reech: authenticated\n  - send: {a: 1}\n",
    );
    for args in [
        &["check", "own"][..],
        &["run", "--scenarios", "own"],
        &["list", "--scenarios", "own"],
    ] {
        let done = ftpspec(folder.path(), args);
        assert_eq!(done.code, Some(2), "{args:?}");
        for words in [
            "mine/broken.yaml:3",
            "unknown key `sevrity`",
            "did you mean `severity`?",
            "did you mean `reach`?",
            "expected a text, got a mapping",
            "problems in the scenarios",
        ] {
            assert!(
                done.err.contains(words),
                "{args:?}: {words:?} is not in\n{}",
                done.err
            );
        }
        assert_eq!(done.out, "");
    }
}

#[test]
fn a_port_in_use_is_trouble_of_this_machine() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    complains(
        empty().path(),
        &[(
            &["serve", "--listen", &address],
            70,
            &format!("cannot listen on {address}"),
        )],
    );
}

#[test]
fn reports_that_cannot_be_written_are_trouble_of_this_machine() {
    let folder = empty();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for reports in ["file", "file/below", "/dev/null/below"] {
        let done = ftpspec(folder.path(), &["run", QUICK, "--reports", reports]);
        assert_eq!(done.code, Some(70), "{reports}");
        assert!(
            done.err.contains(&format!("error: cannot write {reports}/run-")),
            "{}",
            done.err
        );
    }
}

/// A full disk: a file system of a few kilobytes in a mount namespace of its own, which is gone with the process.
#[test]
fn a_full_disk_leaves_readable_reports_and_says_so() {
    let folder = empty();
    let mount = "mkdir -p reports && mount -t tmpfs -o size=64k ftpspec-test reports";
    let can_mount = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", mount])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !can_mount.is_ok_and(|status| status.success()) {
        // Without the right to mount there is no small disk to fill; the write path is tested by the one above.
        return;
    }
    let script =
        format!("{mount} && \"$0\" run auth; code=$?; find reports -type f -exec wc -c {{}} +; exit $code");
    let done = done(
        Command::new("unshare")
            .args(["-m", "sh", "-c", &script, env!("CARGO_BIN_EXE_ftpspec")])
            .current_dir(folder.path())
            .timeout(Duration::from_secs(120)),
    );
    assert_eq!(done.code, Some(70), "{}{}", done.out, done.err);
    assert!(done.err.contains("No space left on device"), "{}", done.err);
    assert!(
        !done.out.contains(".part"),
        "half a file was left behind:\n{}",
        done.out
    );
    assert!(done.out.contains(" pass, 0 fail"), "no summary:\n{}", done.out);
    assert!(done.err.contains("the run was stopped after"), "{}", done.err);
}

/// A limit on the size of files, which needs no rights: the traces below it are written, the first one above it stops the run.
#[test]
fn a_trace_that_cannot_be_written_ends_the_run_with_its_summary() {
    let folder = empty();
    // Blocks of 512 bytes (POSIX): more than the traces of properties need, less than one of the cases does. The signal that
    // comes with the limit is ignored.
    let script = "trap '' XFSZ; ulimit -f 52; exec \"$0\" run auth shutdown --jobs 1";
    let done = done(
        Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_ftpspec")])
            .current_dir(folder.path())
            .env("COLUMNS", "120")
            .timeout(Duration::from_secs(120)),
    );
    assert_eq!(done.code, Some(70), "{}{}", done.out, done.err);
    for words in ["cannot write", "trace.jsonl", "the run was stopped after"] {
        assert!(done.err.contains(words), "{words:?} is not in\n{}", done.err);
    }
    assert!(done.out.contains("did not run"), "no summary:\n{}", done.out);
    let mut traces = 0;
    each_file(&folder.path().join("reports"), &mut |path| {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(path.extension().is_none_or(|extension| extension != "part"));
        if path.ends_with("trace.jsonl") {
            for line in text.lines() {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
            traces += 1;
        }
    });
    assert!(traces > 0, "nothing was written before");
}

fn each_file(folder: &Path, see: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            each_file(&path, see);
        } else if path.is_file() {
            see(&path);
        }
    }
}

#[test]
fn a_new_user_in_an_empty_folder_can_look_around() {
    let folder = empty();
    for (args, words) in [
        (&["check"][..], "scenarios without problems"),
        (&["list"], QUICK),
        (&["list", "shutdown/*"], "shutdown/"),
        (
            &["list", "--uncovered"],
            "server requirements without a scenario or a waiver",
        ),
        (&["list", "--coverage"], "answers-auth-tls-with-334"),
        (&["list", "--faults"], "refuses-pbsz-zero"),
        (&["list", "--habits"], "lacks-rein"),
        (&["explain", "lacks-rein"], "Has no REIN."),
        (&["explain", "properties/rein"], "ends-tls if"),
        (&["list", "--capabilities"], "clear-login"),
        (&["explain", QUICK], "AUTH TLS"),
        (&["explain", "rfc4217.s9.pbsz-0-accepted"], "RFC 4217 section 9"),
        (&["explain", "rfc4217.s9"], "rfc4217.s9.pbsz-0-accepted"),
        (
            &["explain", "refuses-pbsz-zero"],
            "ftpspec serve --fault refuses-pbsz-zero",
        ),
        (&["explain", "clear-login"], "clear-login"),
        (&["certs", "list"], "expired"),
        (&["targets", "list"], "embedded"),
        (&["--help"], "Exit codes:"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let done = ftpspec(folder.path(), args);
        assert_eq!(done.code, Some(0), "{args:?}: {}", done.err);
        assert!(
            done.out.contains(words),
            "{args:?}: {words:?} is not in\n{}",
            done.out
        );
        assert_eq!(done.err, "", "{args:?}");
    }
    for of in ["scenario", "report"] {
        let schema = ftpspec(folder.path(), &["schema", of]);
        let schema: serde_json::Value = serde_json::from_str(&schema.out).unwrap();
        assert!(schema["$schema"].is_string());
    }
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "something was written"
    );
}

#[test]
fn one_scenario_can_be_proven() {
    let done = ftpspec(empty().path(), &["prove", QUICK]);
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert!(
        done.out.contains("caught  answers-auth-tls-with-334"),
        "{}",
        done.out
    );
    assert!(done.out.contains("1 of 1 scenarios proven"), "{}", done.out);
    assert_eq!(
        done.out.matches("proven in").count() + done.out.matches("faults caught").count(),
        1,
        "{}",
        done.out
    );
}

#[test]
fn certificates_are_made_where_they_are_asked_for() {
    let folder = empty();
    let done = ftpspec(
        folder.path(),
        &["certs", "make", "valid", "expired", "--out", "here"],
    );
    assert_eq!(done.code, Some(0), "{}", done.err);
    for name in ["ca.pem", "valid.pem", "expired.pem"] {
        let text = std::fs::read_to_string(folder.path().join("here").join(name)).unwrap();
        assert!(text.contains("BEGIN CERTIFICATE"), "{name}");
    }
    assert!(done.out.contains("here/valid.pem"), "{}", done.out);
}

#[test]
fn a_run_writes_reports_that_can_be_judged_again_with_the_same_verdicts() {
    let folder = empty();
    let run = ftpspec(
        folder.path(),
        &["run", "auth/*", "shutdown/ccc-is-answered-under-tls"],
    );
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert!(run.out.contains("reports  reports/latest"), "{}", run.out);
    for name in ["report.json", "junit.xml", "summary.md", "summary.txt"] {
        assert!(
            folder.path().join("reports/latest").join(name).is_file(),
            "{name}"
        );
    }
    let judged = ftpspec(folder.path(), &["judge"]);
    assert_eq!(judged.code, Some(0), "{}", judged.err);
    assert!(judged.out.contains("every verdict is the same"), "{}", judged.out);
    assert_eq!(judged.err, "");
}

#[test]
fn properties_are_judged_again_and_a_value_that_differs_is_named() {
    let folder = empty();
    let run = ftpspec(folder.path(), &["run", "properties/rein", "properties/list-end"]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    let same = "every value of a property is the same";
    let judged = ftpspec(folder.path(), &["judge"]);
    assert_eq!(judged.code, Some(0), "{}", judged.err);
    assert!(judged.out.contains(same), "{}", judged.out);
    // A stored value that the trace does not show.
    let report = folder.path().join("reports/latest/report.json");
    let text = std::fs::read_to_string(&report).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let properties = json["targets"]["embedded"]["properties"].as_array_mut().unwrap();
    let rein = properties
        .iter_mut()
        .find(|one| one["property"] == "rein")
        .unwrap();
    assert_eq!(rein["value"], "ends-tls");
    rein["value"] = "refused".into();
    std::fs::write(&report, json.to_string()).unwrap();
    let judged = ftpspec(folder.path(), &["judge"]);
    assert!(!judged.out.contains(same), "{}", judged.out);
    let line = "embedded rein: ends-tls, stored as refused";
    assert!(judged.out.contains(line), "{}", judged.out);
    assert_eq!(judged.code, Some(0), "{}", judged.err);
}

#[test]
fn a_faulty_server_fails_a_run_and_its_finding_says_everything() {
    let folder = empty();
    let served = Served::start(&["--account", "ada:s3kr1t-pw", "--fault", "refuses-pbsz-zero"]);
    let url = format!("ftps://ada:s3kr1t-pw@127.0.0.1:{}", served.address.port());
    let run = ftpspec(folder.path(), &["run", "protection/pbsz-0-is-accepted", &url]);
    assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
    for words in [
        "fail[rfc4217.s9.pbsz-0-accepted]",
        "protection/pbsz-0-is-accepted.yaml",
        "PASS ***",
        "RFC 4217 section 9",
        "ftpspec run protection/pbsz-0-is-accepted and the URL or target file as before",
        "1 fail",
    ] {
        assert!(run.out.contains(words), "{words:?} is not in\n{}", run.out);
    }
    assert!(!run.out.contains("s3kr1t"));
    let judged = ftpspec(folder.path(), &["judge"]);
    assert_eq!(judged.code, Some(1));
    assert!(judged.out.contains("every verdict is the same"), "{}", judged.out);
}

#[test]
fn findings_are_shown_in_full_when_no_reports_are_written() {
    let served = Served::start(&["--account", "ada:pw", "--fault", "refuses-pbsz-zero"]);
    let url = format!("ftps://ada:pw@127.0.0.1:{}", served.address.port());
    let what = ["run", "protection/pbsz-0-is-accepted", &url];
    let with = ftpspec(empty().path(), &what);
    let folder = empty();
    let without = ftpspec(folder.path(), &[&what[..], &["--no-reports"]].concat());
    assert_eq!(without.code, Some(1), "{}{}", without.out, without.err);
    for words in ["fail[rfc4217.s9.pbsz-0-accepted]", "PBSZ 0", "PASS ***", "1 fail"] {
        assert!(with.out.contains(words), "{words:?} is not in\n{}", with.out);
        assert!(
            without.out.contains(words),
            "{words:?} is not in\n{}",
            without.out
        );
    }
    assert!(!without.out.contains("reports/"), "{}", without.out);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn traces_that_cannot_be_read_are_all_named_and_the_rest_is_judged() {
    let folder = empty();
    let run = ftpspec(folder.path(), &["run", "auth/*"]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    let mut broken = Vec::new();
    each_file(&folder.path().join("reports"), &mut |path| {
        if path.ends_with("trace.jsonl") && broken.len() < 2 {
            broken.push(path.to_owned());
        }
    });
    std::fs::write(&broken[0], "no trace\n").unwrap();
    std::fs::remove_file(&broken[1]).unwrap();
    let judged = ftpspec(folder.path(), &["judge"]);
    assert_eq!(judged.code, Some(2), "{}{}", judged.out, judged.err);
    assert!(judged.out.contains(" pass, 0 fail"), "{}", judged.out);
    assert!(
        judged
            .out
            .contains("every verdict that could be judged is the same"),
        "{}",
        judged.out
    );
    assert!(
        judged.err.contains("2 cases could not be judged again"),
        "{}",
        judged.err
    );
    for path in &broken {
        let name = path.parent().unwrap().parent().unwrap().file_name().unwrap();
        let name = name.to_string_lossy();
        assert!(judged.err.contains(&*name), "{name} is not in\n{}", judged.err);
    }
}

#[test]
fn json_stands_alone_on_standard_output() {
    let folder = empty();
    let run = ftpspec(folder.path(), &["run", QUICK, "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["ftpspec-report"], 1);
    let written = std::fs::read_to_string(folder.path().join("reports/latest/report.json")).unwrap();
    assert_eq!(written, run.out);
    assert_eq!(run.err, "");
}

#[test]
fn quiet_shows_the_summary_and_no_reports_writes_none() {
    let folder = empty();
    let run = ftpspec(folder.path(), &["run", QUICK, "-q", "--no-reports"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.ends_with("pass, 0 fail\n"), "{}", run.out);
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "something was written"
    );
}

#[test]
fn colours_come_when_they_are_forced_and_never_with_no_color() {
    let folder = empty();
    let run = |variable: &str| {
        let command = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
            .current_dir(folder.path())
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .env(variable, "1");
        done(command.args(["run", QUICK, "--no-reports"])).out
    };
    assert!(!run("NO_COLOR").contains('\u{1b}'));
    assert!(run("CLICOLOR_FORCE").contains('\u{1b}'));
}

#[test]
fn two_shards_cover_everything_exactly_once() {
    let folder = empty();
    let mut seen: Vec<String> = Vec::new();
    for shard in ["1/2", "2/2"] {
        let run = ftpspec(
            folder.path(),
            &[
                "run",
                "replies/*",
                "auth/*",
                "--shard",
                shard,
                "--format",
                "json",
                "--no-reports",
            ],
        );
        assert_eq!(run.code, Some(0), "{}", run.err);
        let part = names(&run.out);
        assert!(!part.is_empty());
        seen.extend(part);
    }
    let whole = ftpspec(
        folder.path(),
        &["run", "replies/*", "auth/*", "--format", "json", "--no-reports"],
    );
    let whole = names(&whole.out);
    assert_eq!(
        seen.iter().collect::<BTreeSet<_>>().len(),
        seen.len(),
        "a case ran twice"
    );
    assert_eq!(
        seen.iter().collect::<BTreeSet<_>>(),
        whole.iter().collect::<BTreeSet<_>>()
    );
}

fn names(report: &str) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    let cases = report["cases"].as_array().unwrap();
    cases
        .iter()
        .map(|case| format!("{}{}", case["scenario"], case["cell"]))
        .collect()
}

#[test]
fn repetitions_are_counted() {
    let run = ftpspec(empty().path(), &["run", QUICK, "--repeat", "3"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.contains("each 3 times"), "{}", run.out);
}

#[test]
fn fail_fast_stops_and_says_what_did_not_run() {
    let served = Served::start(&["--account", "ada:pw", "--fault", "refuses-pbsz-zero"]);
    let url = format!("ftps://ada:pw@127.0.0.1:{}", served.address.port());
    let run = ftpspec(
        empty().path(),
        &[
            "run",
            "protection",
            "command-order",
            "replies",
            &url,
            "--fail-fast",
            "--jobs",
            "1",
        ],
    );
    assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
    assert!(run.out.contains("did not run"), "{}", run.out);
    assert!(run.out.contains("1 fail"), "{}", run.out);
}

#[test]
fn own_scenarios_join_the_others() {
    let folder = empty();
    std::fs::create_dir_all(folder.path().join("own/mine")).unwrap();
    std::fs::write(
        folder.path().join("own/mine/noop.yaml"),
        "title: NOOP is answered\nwhy: >\n  Only for this test.\nseverity: low\ndetects: [refuses-pbsz-zero]\n\nsetup:\n  \
         - reach: authenticated\n\nsteps:\n  - send: PBSZ 0\n    expect: { reply: 200, requirement: \
         rfc4217.s9.pbsz-0-accepted }\n",
    )
    .unwrap();
    let run = ftpspec(folder.path(), &["run", "mine/noop", QUICK, "--scenarios", "own"]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert!(run.out.contains("of 2 scenarios"), "{}", run.out);
    let judged = ftpspec(folder.path(), &["judge", "--scenarios", "own"]);
    assert_eq!(judged.code, Some(0), "{}", judged.err);
    let without = ftpspec(folder.path(), &["judge"]);
    assert_eq!(without.code, Some(2));
    assert!(without.err.contains("mine/noop"), "{}", without.err);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = empty();
    for args in [&["list"][..], &["list", "--faults"], &["run", QUICK]] {
        let mut child = start(folder.path(), args);
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {err}");
        assert_eq!(err, "", "{args:?}");
    }
}

fn start(folder: &Path, args: &[&str]) -> Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .args(args)
        .current_dir(folder)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn interrupt(child: &Child) {
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
}

/// Waits until `condition` holds.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a trace below `folder` was written.
fn has_traces(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        path.ends_with("trace.jsonl") || path.is_dir() && has_traces(&path)
    })
}

#[test]
fn an_interrupted_run_reports_what_ran() {
    let folder = empty();
    let mut child = start(folder.path(), &["run", "--jobs", "1", "--repeat", "50"]);
    until("the first case", || has_traces(&folder.path().join("reports")));
    interrupt(&child);
    let output = {
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        out
    };
    assert_eq!(child.wait().unwrap().code(), Some(3), "{output}");
    assert!(output.contains("did not run"), "{output}");
    let report = std::fs::read_to_string(folder.path().join("reports/latest/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["run"]["interrupted"], true);
    assert!(!report["cases"].as_array().unwrap().is_empty());
    nothing_is_left(folder.path());
}

/// What a stopped case has put on the target is taken away again.
#[test]
fn an_interrupted_run_tidies_up_on_the_target() {
    let served = Served::start(&["--account", "ada:pw"]);
    let url = format!("ftps://ada:pw@127.0.0.1:{}", served.address.port());
    let folder = empty();
    let scenarios = folder.path().join("own/slow");
    std::fs::create_dir_all(&scenarios).unwrap();
    let scenario = "title: A file that stays while the case waits\nwhy: It must not stay for ever\nseverity: low\n\
        detects: [accepts-any-password]\nrequires: [upload]\n\
        setup:\n  - reach: data-protected\n  - provide-file: { path: stays.bin, bytes: 10, as: file }\n\
        steps:\n  - wait: 60s\n  - send: NOOP\n    expect: { reply: 200, requirement: rfc959.s4.2.every-command-replied }\n\
        cleanup:\n  - send: DELE stays.bin\n";
    std::fs::write(scenarios.join("waits.yaml"), scenario).unwrap();
    let looks = scenario
        .replace("wait: 60s", "wait: 10ms")
        .replace("  - provide-file: { path: stays.bin, bytes: 10, as: file }\n", "")
        .replace("send: NOOP", "send: SIZE stays.bin")
        .replace("reply: 200", "reply: $CODE")
        .replace("cleanup:\n  - send: DELE stays.bin\n", "");
    for (name, code) in [("there", "213"), ("gone", "550")] {
        std::fs::write(
            scenarios.join(format!("{name}.yaml")),
            looks.replace("$CODE", code),
        )
        .unwrap();
    }
    let look = |name: &str| {
        let what = format!("slow/{name}");
        let args = [
            "run",
            &what,
            &url,
            "--scenarios",
            "own",
            "--allow",
            "write",
            "--no-reports",
        ];
        ftpspec(folder.path(), &args).code == Some(0)
    };
    let mut child = start(
        folder.path(),
        &[
            "run",
            "slow/waits",
            &url,
            "--scenarios",
            "own",
            "--allow",
            "write",
        ],
    );
    until("the upload", || look("there"));
    interrupt(&child);
    let begun = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(look("gone"), "the file is still there");
}

/// Neither a state folder nor a process that works in one.
fn nothing_is_left(temporary: &Path) {
    let left: Vec<_> = std::fs::read_dir(temporary)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| name.to_string_lossy().starts_with("ftpspec-"))
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    until("the end of every process", || processes_of(temporary).is_empty());
}

/// Processes that were told to keep their state below `temporary`.
fn processes_of(temporary: &Path) -> Vec<String> {
    let needle = format!("FTPSPEC_STATE={}", temporary.display());
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            environment
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn an_interrupted_run_leaves_no_server_behind() {
    let folder = empty();
    let listed = ftpspec(folder.path(), &["targets", "list"]).out;
    let installed = ["pyftpdlib", "vsftpd", "proftpd", "pure-ftpd"]
        .into_iter()
        .find(|name| {
            listed
                .lines()
                .any(|line| line.split_whitespace().next() == Some(name) && !line.contains("not installed"))
        });
    // Where no server is installed there is none to leave behind.
    let Some(name) = installed else { return };
    for moment in ["starting", "running"] {
        let mut child = start(folder.path(), &["run", "-t", name, "--reports", moment]);
        until("the start of the server", || {
            !processes_of(folder.path()).is_empty()
        });
        if moment == "running" {
            until("the first case", || has_traces(&folder.path().join(moment)));
        }
        interrupt(&child);
        let mut err = String::new();
        drop(child.stdout.take());
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = child.wait().unwrap().code();
        assert!(matches!(code, Some(1 | 3)), "{moment}: {code:?} {err}");
        assert!(err.contains("interrupted"), "{err}");
        nothing_is_left(folder.path());
        assert!(folder.path().join(moment).join("latest/report.json").is_file());
    }
}

#[test]
fn serve_ends_with_an_interrupt_and_success() {
    let mut served = Served::start(&[]);
    interrupt(&served.child);
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_fault_gets_a_verdict_and_the_kill_matrix_is_written() {
    let folder = empty();
    let done = ftpspec(
        folder.path(),
        &["prove", "--all", "--shard", "1/8", "--quiet", QUICK],
    );
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert!(
        done.out.contains("0 errors, 0 broke down, 0 panics"),
        "{}",
        done.out
    );
    let path = done
        .out
        .lines()
        .find_map(|line| line.strip_prefix("kill matrix  "))
        .unwrap();
    let text = std::fs::read_to_string(folder.path().join(path)).unwrap();
    let matrix: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(matrix["ftpspec-kill-matrix"], 1);
    assert!(!matrix["faults"].as_array().unwrap().is_empty());
}

#[test]
fn a_stored_run_is_rendered_in_every_format_as_the_run_did() {
    let folder = empty();
    let run = ftpspec(folder.path(), &["run", QUICK, "-v"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.contains("  > AUTH TLS  [clear]"), "{}", run.out);
    let latest = folder.path().join("reports/latest");
    for (format, file) in [
        ("csv", "matrix.csv"),
        ("github", "annotations.txt"),
        ("html", "index.html"),
        ("json", "report.json"),
        ("junit", "junit.xml"),
        ("markdown", "summary.md"),
        ("summary", "summary.txt"),
        ("tap", "results.tap"),
        ("badge", "badge-embedded.svg"),
    ] {
        let rendered = ftpspec(folder.path(), &["report", "render", "--format", format]);
        assert_eq!(rendered.code, Some(0), "{}", rendered.err);
        let written = std::fs::read_to_string(latest.join(file)).unwrap();
        assert!(rendered.out == written, "{file} differs");
    }
    // Without what it quotes, today's scenarios do, and that is said.
    std::fs::remove_file(latest.join("sources.json")).unwrap();
    let rendered = ftpspec(folder.path(), &["report", "render", "--format", "html"]);
    assert!(
        rendered.err.contains("sources.json is missing"),
        "{}",
        rendered.err
    );
    assert!(rendered.out.contains("AUTH TLS"));
    for (args, says) in [
        (
            ["report", "render", "--format=all"].as_slice(),
            "needs `--out FOLDER`",
        ),
        (
            &["report", "render", "--format=badge", "-t", "other"],
            "no target `other`",
        ),
    ] {
        let refused = ftpspec(folder.path(), args);
        assert_eq!(refused.code, Some(2));
        assert!(refused.err.contains(says), "{}", refused.err);
    }
}

#[test]
fn the_kill_matrix_joins_a_stored_report() {
    let folder = empty();
    assert_eq!(ftpspec(folder.path(), &["run", QUICK]).code, Some(0));
    let proof = ftpspec(folder.path(), &["prove", QUICK, "--report", "reports/latest"]);
    assert_eq!(proof.code, Some(0), "{}", proof.err);
    let latest = folder.path().join("reports/latest");
    let page = std::fs::read_to_string(latest.join("index.html")).unwrap();
    assert!(page.contains("1 of 1 scenarios proven"));
    let again = ftpspec(folder.path(), &["report", "render", "--format", "html"]);
    assert!(again.out == page, "the proof is part of the stored run");
}

#[test]
fn formats_on_standard_output() {
    let folder = empty();
    let tap = ftpspec(folder.path(), &["run", QUICK, "--no-reports", "--format", "tap"]);
    assert!(tap.out.starts_with("TAP version 14\n1.."), "{}", tap.out);
    let github = ftpspec(
        folder.path(),
        &["run", QUICK, "--no-reports", "--format", "github"],
    );
    assert!(github.out.contains("0 fail"), "{}", github.out);
    assert_eq!((tap.code, github.code), (Some(0), Some(0)));
}

#[test]
fn completions_and_manual_pages_come_from_the_command_line_itself() {
    let folder = empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = ftpspec(folder.path(), &["completions", shell]);
        assert_eq!(script.code, Some(0));
        assert!(script.out.contains("fail-fast"), "{shell}");
    }
    let page = ftpspec(folder.path(), &["man"]);
    assert!(page.out.contains(".TH ftpspec 1"), "{}", page.out);
    let page = ftpspec(folder.path(), &["man", "report", "render"]);
    assert!(page.out.contains("badge"), "{}", page.out);
    assert_eq!(ftpspec(folder.path(), &["man", "nothing"]).code, Some(2));
    assert_eq!(ftpspec(folder.path(), &["man", "--out", "pages"]).code, Some(0));
    assert!(folder.path().join("pages/ftpspec-run.1").is_file());
}

#[test]
fn a_diagnosis_of_nobody_says_that_nothing_listens() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let folder = empty();
    let done = ftpspec(folder.path(), &["diagnose", &format!("ftps://user:pw@{address}")]);
    assert_eq!(done.code, Some(3), "{}{}", done.out, done.err);
    for words in [
        &format!("no connection to {address}: "),
        "refused",
        "nothing listens at this port",
        "whoever runs the server",
        "nothing can be said about the server",
    ] {
        assert!(done.out.contains(words), "{words}\n{}", done.out);
    }
}
