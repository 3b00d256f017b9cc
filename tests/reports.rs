//! Runs against several targets and what can be done with stored runs, as users type it.
//!
//! The targets are embedded servers in processes of their own, so that each can have mistakes and nothing has to be
//! installed.

#![expect(clippy::unwrap_used, reason = "a test file: a panic is the report")]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use snapbox::cmd::Command;

const PROT: &str = "command-order/prot-is-refused-before-pbsz";
const PBSZ: &str = "protection/pbsz-0-is-accepted";

/// What a command line did.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ftpspec(folder: &Path, args: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .env_remove("FTPSPEC_PASSWORD")
        .timeout(Duration::from_secs(120))
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let done = Done {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(!done.err.contains("panicked"), "{}", done.err);
    done
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A folder with `acme.yaml`: one target per entry, each with these faults.
fn acme(targets: &[(&str, &[&str])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut yaml = "name: acme\nprovision: process\nallow: [write, second-account]\nlimits: { max-connections: 8 }\nvariants:\n".to_owned();
    for (name, faults) in targets {
        let _ = writeln!(
            yaml,
            "  {name}:\n    tls: explicit\n    declares: [auth-tls, tls1.2, tls1.3]"
        );
        break_it(folder.path(), name, faults);
    }
    std::fs::write(folder.path().join("acme.yaml"), yaml).unwrap();
    let script = format!(
        "#!/bin/sh\n\
         if [ \"${{1-}}\" = --check ]; then echo acme 1.0; exit; fi\n\
         exec '{}' serve --listen \"$FTPSPEC_ADDRESS:$FTPSPEC_PORT\" --cert \"$FTPSPEC_CERT\" --key \"$FTPSPEC_KEY\" \\\n\
         --account \"$FTPSPEC_USER:$FTPSPEC_PASSWORD\" --account \"$FTPSPEC_USER2:$FTPSPEC_PASSWORD2\" \\\n\
         $(cat \"$(dirname \"$0\")/$FTPSPEC_VARIANT.faults\")\n",
        env!("CARGO_BIN_EXE_ftpspec")
    );
    let path = folder.path().join("serve.sh");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Gives the target `name` these faults from its next start on.
fn break_it(folder: &Path, name: &str, faults: &[&str]) {
    let options: Vec<String> = faults.iter().map(|fault| format!("--fault {fault}")).collect();
    std::fs::write(folder.join(format!("{name}.faults")), options.join(" ")).unwrap();
}

#[test]
fn targets_run_side_by_side_and_none_is_disturbed_by_the_end_of_another() {
    let faults: &[&str] = &["accepts-prot-without-pbsz"];
    let folder = acme(&[
        ("one", &[]),
        ("two", faults),
        ("three", &[]),
        ("four", &[]),
        ("five", &[]),
    ]);
    let mut args = vec!["run", PROT, PBSZ, "--parallel-targets", "2", "-q"];
    for target in [
        "acme.yaml:one",
        "acme.yaml:two",
        "acme.yaml:three",
        "acme.yaml:four",
        "acme.yaml:five",
    ] {
        args.extend(["-t", target]);
    }
    let done = ftpspec(folder.path(), &args);
    assert!(
        matches!(done.code, Some(0 | 1)),
        "{:?} {}{}",
        done.code,
        done.out,
        done.err
    );
    assert!(!done.out.contains("inconclusive:"), "{}", done.out);
    let report = json(&folder.path().join("reports/latest/report.json"));
    assert_eq!(report["targets"].as_object().unwrap().len(), 5);
    for case in report["cases"].as_array().unwrap() {
        let expected = case["target"] == "two" && case["scenario"] == PROT;
        assert_eq!(case["judgement"]["verdict"] != "pass", expected, "{case}");
    }
}

#[test]
fn a_stored_run_is_shown_down_to_one_scenario() {
    let folder = acme(&[("good", &[]), ("bad", &["accepts-prot-without-pbsz"])]);
    let ran = ftpspec(
        folder.path(),
        &[
            "run",
            PROT,
            PBSZ,
            "auth/auth-tls-is-answered-234",
            "-q",
            "-t",
            "acme.yaml:good",
            "-t",
            "acme.yaml:bad",
        ],
    );
    let shown = ftpspec(folder.path(), &["report", "show", "reports/latest"]);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(
        ran.out.starts_with(&shown.out),
        "the summary is the one of the run:\n{}",
        shown.out
    );
    assert!(shown.out.contains("pass/warn/fail/n.a."), "{}", shown.out);
    let scenario = ftpspec(folder.path(), &["report", "show", "reports/latest", PROT]);
    let row = scenario
        .out
        .lines()
        .find(|line| line.trim_start().starts_with('-'))
        .unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words.last(), Some(&"pass"), "{}", scenario.out);
    assert_ne!(words[1], "pass", "{}", scenario.out);
    assert!(
        scenario
            .out
            .contains("scenarios/command-order/prot-is-refused-before-pbsz.yaml"),
        "{}",
        scenario.out
    );
    assert!(!scenario.out.contains(PBSZ));
    let one = ftpspec(
        folder.path(),
        &[
            "report",
            "show",
            "reports/latest/report.json",
            "protection",
            "-t",
            "good",
        ],
    );
    assert!(one.out.contains(PBSZ) && !one.out.contains("bad"), "{}", one.out);
}

#[test]
fn what_is_no_run_or_not_in_it_is_told() {
    let folder = acme(&[("good", &[])]);
    ftpspec(folder.path(), &["run", PBSZ, "-q", "-t", "acme.yaml:good"]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (args, code, words) in [
        (
            &["show", "missing"][..],
            2,
            "cannot read missing/report.json: No such file",
        ),
        (&["show", "empty"], 2, "cannot read empty/report.json"),
        (&["show", "reports"], 2, "did you mean reports/latest?"),
        (&["show", "acme.yaml"], 2, "cannot read acme.yaml: not a report"),
        (
            &["show", "reports/latest", "protection/pbsz-0-is-acepted"],
            4,
            "did you mean `protection/pbsz-0-is-accepted`?",
        ),
        (
            &["show", "reports/latest", "-t", "goood"],
            4,
            "did you mean `good`?",
        ),
        (&["show"], 2, "DIR"),
    ] {
        let mut all = vec!["report"];
        all.extend(args);
        let done = ftpspec(folder.path(), &all);
        assert_eq!(done.code, Some(code), "{args:?} {}{}", done.out, done.err);
        assert!(
            done.err.contains(words),
            "{args:?}: expected {words:?} in\n{}",
            done.err
        );
        assert_eq!(done.out, "");
    }
}
