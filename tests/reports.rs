//! Runs against several targets and what can be done with stored runs, as users type it.
//!
//! The targets are embedded servers in processes of their own, so that each can have mistakes and nothing has to be
//! installed.

#![expect(clippy::unwrap_used, reason = "a test file: a panic is the report")]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use ftpspec::report::baseline::{Baseline, EntryOutcome};
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

/// Two things that can be wrong, of grade fail and of grade warn.
const FAIL: &str = "falls-to-clear-on-bad-prot";
const WARN: &str = "accepts-prot-without-pbsz";
/// The scenarios that show them, and one more.
const CHECKED: [&str; 3] = ["protection/refused-prot-keeps-the-level", PROT, PBSZ];

/// Runs [`CHECKED`] against `target` with these further arguments.
fn check(folder: &Path, target: &str, extra: &[&str]) -> Done {
    let mut args = vec!["run", "-q", "-t", target];
    args.extend(CHECKED);
    args.extend(extra);
    ftpspec(folder, &args)
}

/// What stands behind `compared with`.
fn comparison(done: &Done) -> &str {
    let at = done.out.find("compared with").unwrap_or_default();
    &done.out[at..]
}

#[test]
fn a_baseline_goes_red_for_what_got_worse_and_tells_what_got_better() {
    let folder = acme(&[("good", &[])]);
    let (folder, target) = (folder.path(), "acme.yaml:good");
    let made = check(folder, target, &["--baseline", "base.json", "--update-baseline"]);
    assert_eq!(made.code, Some(0), "{}{}", made.out, made.err);
    assert!(made.out.ends_with("written  base.json\n"), "{}", made.out);
    let clean = std::fs::read_to_string(folder.join("base.json")).unwrap();
    assert!(clean.contains("\"entries\": []"), "{clean}");

    break_it(folder, "good", &[FAIL, WARN]);
    let red = check(folder, target, &["--baseline", "base.json"]);
    assert_eq!(red.code, Some(1), "{}{}", red.out, red.err);
    let text = comparison(&red);
    assert_eq!(text.matches("x worse").count(), 2, "{text}");
    assert!(
        text.contains("good protection/refused-prot-keeps-the-level [command=PROT PP] [command=PROT X]"),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "good {PROT}\n      new warn: expected 503 or 530, got 200"
        )),
        "{text}"
    );
    assert!(
        text.ends_with("2 worse, 0 inconclusive, 0 better, 0 different\n"),
        "{text}"
    );

    break_it(folder, "good", &[]);
    let green = check(folder, target, &["--baseline", "base.json"]);
    assert_eq!(green.code, Some(0), "{}{}", green.out, green.err);
    assert!(comparison(&green).ends_with("0 worse, 0 inconclusive, 0 better, 0 different\n"));

    break_it(folder, "good", &[FAIL, WARN]);
    check(folder, target, &["--baseline", "base.json", "--update-baseline"]);
    let accepted = check(folder, target, &["--baseline", "base.json"]);
    assert_eq!(accepted.code, Some(0), "{}{}", accepted.out, accepted.err);
    assert!(accepted.out.contains("known"), "{}", accepted.out);
    let same = check(folder, target, &["--baseline", "base.json", "--update-baseline"]);
    assert!(
        same.out.ends_with("the baseline says that already\n"),
        "{}",
        same.out
    );

    break_it(folder, "good", &[FAIL]);
    let better = check(folder, target, &["--baseline", "base.json"]);
    assert_eq!(better.code, Some(0), "{}{}", better.out, better.err);
    let text = comparison(&better);
    assert!(
        text.contains(&format!(
            "+ better       good {PROT}\n      no longer there (warn)"
        )),
        "{text}"
    );
    assert!(
        text.ends_with("0 worse, 0 inconclusive, 1 better, 0 different\n"),
        "{text}"
    );
}

#[test]
fn a_baseline_keeps_what_people_wrote_and_what_was_not_run() {
    let folder = acme(&[("bad", &[FAIL, WARN])]);
    let (folder, target) = (folder.path(), "acme.yaml:bad");
    check(folder, target, &["--baseline", "base.json", "--update-baseline"]);
    let path = folder.join("base.json");
    let written = std::fs::read_to_string(&path).unwrap();
    let lines = |text: &str| text.lines().filter(|line| line.contains("\"scenario\"")).count();
    assert_eq!(lines(&written), 2, "{written}");
    let mut baseline = json(&path);
    baseline["targets"]["bad"]["entries"][1]["reason"] = "on purpose".into();
    baseline["targets"]["bad"]["entries"][0]["expires"] = "2020-01-31".into();
    std::fs::write(&path, baseline.to_string()).unwrap();

    let expired = check(folder, target, &["--baseline", "base.json"]);
    assert_eq!(expired.code, Some(1), "{}", expired.out);
    assert!(
        comparison(&expired).contains("warn, accepted until 2020-01-31 only: "),
        "{}",
        expired.out
    );

    let part = ftpspec(
        folder,
        &[
            "run",
            PROT,
            "-q",
            "-t",
            target,
            "--baseline",
            "base.json",
            "--update-baseline",
        ],
    );
    assert_eq!(part.code, Some(0), "{}{}", part.out, part.err);
    let after = std::fs::read_to_string(&path).unwrap();
    assert_eq!(lines(&after), 2, "{after}");
    assert!(
        after.contains("\"reason\": \"on purpose\"") && after.contains("2020-01-31"),
        "{after}"
    );

    std::fs::write(folder.join("reports/none"), "").unwrap();
    let by_run = check(folder, target, &["--baseline", "reports/latest"]);
    // The stored run is the one of a single scenario: what it did not look at is new.
    assert_eq!(by_run.code, Some(1), "{}{}", by_run.out, by_run.err);
    assert!(
        comparison(&by_run).starts_with("compared with reports/latest\n"),
        "{}",
        by_run.out
    );
}

#[test]
fn baselines_that_do_not_fit_are_refused() {
    let folder = acme(&[("good", &[]), ("other", &[])]);
    let path = folder.path();
    let write = |name: &str, text: &str| {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let entry = |entry: &str| {
        format!("{{\"ftpspec-baseline\": 1, \"targets\": {{\"good\": {{\"entries\": [{entry}]}}}}}}")
    };
    write("fine.json", &entry(""));
    write("junk.json", "junk");
    write("newer.json", "{\"ftpspec-baseline\": 2, \"targets\": {}}");
    write(
        "key.json",
        "{\"ftpspec-baseline\": 1, \"targets\": {}, \"colour\": 1}",
    );
    write(
        "scenario.json",
        &entry(
            "{\"scenario\": \"protection/pbsz-0-is-acepted\", \"outcome\": \"fail\", \"requirement\": \"r\"}",
        ),
    );
    write(
        "requirement.json",
        &entry(&format!(
            "{{\"scenario\": \"{PBSZ}\", \"outcome\": \"fail\", \"requirement\": \"rfc959.x\"}}"
        )),
    );
    write(
        "cell.json",
        &entry(&format!(
            "{{\"scenario\": \"{PBSZ}\", \"outcome\": \"inconclusive\", \"cells\": [\"tls=tls1.9\"]}}"
        )),
    );
    write(
        "day.json",
        &entry(&format!(
            "{{\"scenario\": \"{PBSZ}\", \"outcome\": \"inconclusive\", \"expires\": \"soon\"}}"
        )),
    );
    write("twice/baseline.json", &entry(""));
    write("twice/acme/baseline.json", &entry(""));
    write("empty/file", "");
    for (baseline, words) in [
        (
            "missing.json",
            "cannot read the baseline missing.json: No such file",
        ),
        (
            "empty",
            "cannot read the baseline empty: there is no baseline.json",
        ),
        ("junk.json", "cannot read the baseline junk.json: not a baseline"),
        (
            "newer.json",
            "a baseline of format 2; this version reads format 1",
        ),
        ("key.json", "unknown field `colour`"),
        (
            "scenario.json",
            "there is no scenario `protection/pbsz-0-is-acepted`; did you mean `protection/pbsz-0-is-accepted`?",
        ),
        (
            "requirement.json",
            "protection/pbsz-0-is-accepted does not check rfc959.x",
        ),
        (
            "cell.json",
            "protection/pbsz-0-is-accepted has no cell `tls=tls1.9`",
        ),
        (
            "day.json",
            "expected `expires` as YYYY-MM-DD in the entry for protection/pbsz-0-is-accepted, got `soon`",
        ),
        ("twice", "the target `good` has two baselines"),
    ] {
        let done = check(path, "acme.yaml:good", &["--baseline", baseline]);
        assert_eq!(done.code, Some(2), "{baseline} {}{}", done.out, done.err);
        assert!(
            done.err.contains(words),
            "{baseline}: expected {words:?} in\n{}",
            done.err
        );
    }
    assert!(!path.join("reports").exists(), "nothing was run");
}

#[test]
fn a_baseline_of_another_target_or_made_of_a_part_is_refused() {
    let folder = acme(&[("good", &[]), ("other", &[])]);
    let path = folder.path();
    let text = "{\"ftpspec-baseline\": 1, \"targets\": {\"good\": {}}}";
    std::fs::write(path.join("fine.json"), text).unwrap();
    let other = check(path, "acme.yaml:other", &["--baseline", "fine.json"]);
    assert_eq!(other.code, Some(2));
    assert!(
        other
            .err
            .contains("fine.json has no baseline of the target `other`, but of good"),
        "{}",
        other.err
    );
    for extra in [&["--shard", "1/2"][..], &["--matrix", "command=PROT X"]] {
        let mut args = vec!["--baseline", "fine.json", "--update-baseline"];
        args.extend(extra);
        let done = check(path, "acme.yaml:good", &args);
        assert_eq!(done.code, Some(2), "{}", done.err);
        assert!(
            done.err.contains("a baseline is made of whole scenarios"),
            "{}",
            done.err
        );
    }
    let alone = check(path, "acme.yaml:good", &["--update-baseline"]);
    assert!(alone.err.contains("--baseline"), "{}", alone.err);
    assert!(!path.join("reports").exists(), "nothing was run");
}

#[test]
fn two_runs_are_compared() {
    let folder = acme(&[("one", &[WARN])]);
    let (folder, target) = (folder.path(), "acme.yaml:one");
    check(folder, target, &["--reports", "old"]);
    let same = ftpspec(
        folder,
        &["report", "diff", "old/latest", "old/latest", "--replies"],
    );
    assert_eq!(same.code, Some(0), "{}", same.err);
    assert_eq!(
        same.out,
        "compared with old/latest\n0 worse, 0 inconclusive, 0 better, 0 different\n"
    );
    break_it(folder, "one", &[FAIL]);
    check(folder, target, &["--reports", "new"]);
    let differs = ftpspec(
        folder,
        &["report", "diff", "old/latest", "new/latest", "--replies"],
    );
    assert_eq!(differs.code, Some(1), "{}", differs.err);
    for words in [
        "x worse        one protection/refused-prot-keeps-the-level",
        &format!("+ better       one {PROT}"),
        "\nreplies\n",
        "`PROT P`: `503 ",
        "was `200 ",
    ] {
        assert!(
            differs.out.contains(words),
            "{words:?} is not in\n{}",
            differs.out
        );
    }
    let as_json = ftpspec(folder, &["report", "diff", "new/latest", "old/latest", "--json"]);
    let diff: serde_json::Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(
        diff["findings"]["better"][0]["requirement"],
        "rfc4217.s9.failed-prot-keeps-level"
    );
    let fewer = ftpspec(folder, &["run", PBSZ, "-q", "-t", target, "--reports", "fewer"]);
    assert_eq!(fewer.code, Some(0));
    let fewer = ftpspec(folder, &["report", "diff", "old/latest", "fewer/latest"]);
    assert!(
        fewer.out.contains("only in the older run\n  one: 3 cases"),
        "{}",
        fewer.out
    );
    ftpspec(
        folder,
        &[
            "run",
            "auth/auth-tls-is-answered-234",
            "-q",
            "-t",
            target,
            "--reports",
            "else",
        ],
    );
    let nothing = ftpspec(folder, &["report", "diff", "fewer/latest", "else/latest"]);
    assert_eq!(nothing.code, Some(4));
    assert!(nothing.err.contains("no case in common"), "{}", nothing.err);
}

#[test]
fn properties_with_another_value_are_told_with_both_values() {
    let folder = acme(&[("one", &[])]);
    let folder = folder.path();
    let run = |reports: &str| {
        let done = ftpspec(
            folder,
            &[
                "run",
                "properties/preliminary-reply",
                "properties/ccc",
                PBSZ,
                "-q",
                "-t",
                "acme.yaml:one",
                "--reports",
                reports,
            ],
        );
        assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    };
    run("old");
    // Another lawful way: it is no finding, and a client may depend on it all the same.
    std::fs::write(folder.join("one.faults"), "--habit sends-150-after-handshake").unwrap();
    run("new");
    let diff = ftpspec(folder, &["report", "diff", "old/latest", "new/latest"]);
    assert_eq!(diff.code, Some(0), "nothing is worse: {}", diff.out);
    let (_, properties) = diff.out.split_once("\nproperties\n").unwrap();
    assert!(!properties.contains("ccc"), "{properties}");
    let as_json = ftpspec(folder, &["report", "diff", "old/latest", "new/latest", "--json"]);
    let as_json: serde_json::Value = serde_json::from_str(&as_json.out).unwrap();
    let changes = as_json["properties"].as_array().unwrap();
    assert!(!changes.is_empty());
    for change in changes {
        assert_eq!(change["target"], "one");
        assert_eq!(change["property"], "preliminary-reply");
        assert_eq!(change["was"], "before-handshake");
        assert_eq!(change["is"], "behind-handshake");
    }
    assert!(
        properties.contains("one preliminary-reply: behind-handshake, was before-handshake (")
            || properties.contains("one preliminary-reply[tls="),
        "{properties}"
    );
    for change in changes {
        assert!(!change["evidence"].as_str().unwrap().is_empty(), "{change}");
    }
}

#[test]
fn what_the_profile_says_happens_now_and_then_is_not_worse() {
    let folder = acme(&[("one", &[])]);
    let (folder, target) = (folder.path(), "acme.yaml:one");
    let yaml = std::fs::read_to_string(folder.join("acme.yaml")).unwrap();
    let with = |varies: bool| {
        let deviation = format!(
            "known-deviations: [{{ requirement: rfc4217.s9.pbsz-before-prot, scenario: {PROT}, reason: a race, varies: {varies} }}]\n"
        );
        std::fs::write(folder.join("acme.yaml"), format!("{deviation}{yaml}")).unwrap();
        check(folder, target, &["--baseline", "base.json"])
    };
    check(folder, target, &["--baseline", "base.json", "--update-baseline"]);
    break_it(folder, "one", &[WARN]);
    let rare = with(true);
    assert_eq!(rare.code, Some(0), "{}{}", rare.out, rare.err);
    assert!(
        comparison(&rare).ends_with("0 worse, 0 inconclusive, 0 better, 0 different\n"),
        "{}",
        rare.out
    );
    let new = with(false);
    assert_eq!(new.code, Some(1), "{}{}", new.out, new.err);
}

/// The same when the baseline was made while something milder of the same requirement happened.
#[test]
fn what_happens_now_and_then_may_be_worse_than_what_the_baseline_saw() {
    let folder = acme(&[("one", &[FAIL])]);
    let (folder, target) = (folder.path(), "acme.yaml:one");
    let (scenario, requirement) = (CHECKED[0], "rfc4217.s9.failed-prot-keeps-level");
    let yaml = std::fs::read_to_string(folder.join("acme.yaml")).unwrap();
    check(folder, target, &["--baseline", "base.json", "--update-baseline"]);
    let mut base = json(&folder.join("base.json"));
    for entry in base["targets"]["one"]["entries"].as_array_mut().unwrap() {
        assert_eq!(
            (&entry["scenario"], &entry["outcome"]),
            (&scenario.into(), &"fail".into())
        );
        entry["outcome"] = "warn".into();
    }
    std::fs::write(folder.join("base.json"), base.to_string()).unwrap();
    for (varies, code) in [(true, 0), (false, 1)] {
        let deviation = format!(
            "known-deviations: [{{ requirement: {requirement}, scenario: {scenario}, reason: a race, varies: {varies} }}]\n"
        );
        std::fs::write(folder.join("acme.yaml"), format!("{deviation}{yaml}")).unwrap();
        let seen = check(folder, target, &["--baseline", "base.json"]);
        assert_eq!(seen.code, Some(code), "{}{}", seen.out, seen.err);
    }
}

/// A run that sees the milder of two outcomes says nothing against the other one.
#[test]
fn an_update_keeps_the_worse_outcome_of_what_varies() {
    let folder = acme(&[("one", &[WARN])]);
    let (folder, target) = (folder.path(), "acme.yaml:one");
    let update = || {
        let done = check(folder, target, &["--baseline", "base.json", "--update-baseline"]);
        assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    };
    let outcomes = || -> Vec<String> {
        let base = json(&folder.join("base.json"));
        let entries = base["targets"]["one"]["entries"].as_array().unwrap().iter();
        let own = entries.filter(|entry| entry["scenario"] == PROT);
        own.map(|entry| entry["outcome"].as_str().unwrap().to_owned())
            .collect()
    };
    update();
    assert_eq!(outcomes(), ["warn"]);
    for (varies, kept) in [(true, true), (false, false)] {
        let mut base = json(&folder.join("base.json"));
        let entries = base["targets"]["one"]["entries"].as_array_mut().unwrap();
        for entry in entries.iter_mut().filter(|entry| entry["scenario"] == PROT) {
            entry["outcome"] = "fail".into();
            entry["reason"] = "a race".into();
            entry["varies"] = varies.into();
        }
        std::fs::write(folder.join("base.json"), base.to_string()).unwrap();
        update();
        assert_eq!(outcomes().contains(&"fail".to_owned()), kept, "{:?}", outcomes());
        assert!(outcomes().contains(&"warn".to_owned()));
    }
}

/// The report without what a time, a port or an id is.
fn timeless(path: &Path) -> serde_json::Value {
    let mut report = json(path);
    for key in ["id", "started", "seconds"] {
        report["run"][key] = serde_json::Value::Null;
    }
    for target in report["targets"].as_object_mut().unwrap().values_mut() {
        target["address"] = serde_json::Value::Null;
        for evidence in target["capabilities"].as_object_mut().unwrap().values_mut() {
            let words = evidence.as_str().unwrap();
            *evidence = words.split(':').next().unwrap().into();
        }
    }
    for case in report["cases"].as_array_mut().unwrap() {
        case["seconds"] = serde_json::Value::Null;
        // The evidence in brackets says how fast the answer came.
        if let Some(reason) = case["judgement"]["reason"].as_str() {
            case["judgement"]["reason"] = reason.split(" (").next().unwrap().into();
        }
        for finding in case["judgement"]["findings"].as_array_mut().unwrap() {
            for key in ["at", "event", "observed", "message"] {
                finding[key] = serde_json::Value::Null;
            }
        }
    }
    report
}

#[test]
fn three_shards_joined_are_the_run_in_one_piece() {
    let folder = acme(&[("good", &[]), ("bad", &[FAIL, WARN])]);
    let folder = folder.path();
    let run = |reports: &str, extra: &[&str]| {
        let mut args = vec![
            "run",
            "protection",
            "command-order",
            "-q",
            "-t",
            "acme.yaml:good",
            "-t",
            "acme.yaml:bad",
            "--reports",
            reports,
        ];
        args.extend(extra);
        ftpspec(folder, &args)
    };
    let whole = run("whole", &[]);
    let parts = ["1/3", "2/3", "3/3"].map(|shard| run(&format!("part-{}", &shard[..1]), &["--shard", shard]));
    let sizes = ["part-1", "part-2", "part-3"].map(|part| {
        json(&folder.join(part).join("latest/report.json"))["cases"]
            .as_array()
            .unwrap()
            .len()
    });
    assert!(
        sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1,
        "{sizes:?}"
    );
    let merged = ftpspec(
        folder,
        &[
            "report",
            "merge",
            "part-3/latest",
            "part-1/latest",
            "part-2/latest",
            "--reports",
            "joined",
        ],
    );
    assert_eq!(merged.code, whole.code, "{}{}", merged.out, merged.err);
    assert!(parts.iter().any(|part| part.code == whole.code));
    let [joined, whole_report] =
        ["joined", "whole"].map(|run| timeless(&folder.join(run).join("latest/report.json")));
    let cases = |report: &serde_json::Value| report["cases"].as_array().unwrap().clone();
    for (one, other) in cases(&joined).iter().zip(&cases(&whole_report)) {
        assert_eq!(one, other);
    }
    assert!(joined == whole_report, "the rest is the same, too");
    let judged = ftpspec(folder, &["judge", "joined/latest"]);
    assert!(
        judged.out.contains("every verdict is the same"),
        "{}{}",
        judged.out,
        judged.err
    );
    let diff = ftpspec(folder, &["report", "diff", "whole/latest", "joined/latest"]);
    assert!(
        diff.out
            .contains("0 worse, 0 inconclusive, 0 better, 0 different"),
        "{}",
        diff.out
    );
}

#[test]
fn what_does_not_belong_together_is_not_joined() {
    let folder = acme(&[("good", &[]), ("other", &[])]);
    let folder = folder.path();
    let run = |reports: &str, target: &str, extra: &[&str]| {
        let mut args = vec!["--reports", reports];
        args.extend(extra);
        let done = check(folder, target, &args);
        assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
        folder.join(reports).join("latest/report.json")
    };
    let good = "acme.yaml:good";
    let first = run("1", good, &["--shard", "1/3"]);
    run("2", good, &["--shard", "2/3"]);
    run("3", good, &["--shard", "3/3"]);
    run("half", good, &["--shard", "2/2"]);
    run("repeated", good, &["--shard", "2/3", "--repeat", "2"]);
    run("whole", good, &[]);
    run("other", "acme.yaml:other", &["--shard", "2/3"]);
    let copy = |name: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let mut report = json(&first);
        change(&mut report);
        std::fs::create_dir(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("report.json"), report.to_string()).unwrap();
    };
    copy("corpus", &|report| {
        report["run"]["corpus"] = "00ff".into();
        report["run"]["shard"] = "2/3".into();
    });
    copy("duplicate", &|report| report["run"]["shard"] = "2/3".into());
    for (parts, words) in [
        (&["1/latest", "3/latest"][..], "missing: shard 2/3"),
        (
            &["1/latest", "2/latest", "3/latest", "2/latest"],
            "shard 2/3 is there twice: 2/latest and 2/latest",
        ),
        (
            &["1/latest", "half/latest"],
            "half/latest has the number of shards `2`, 1/latest has `3`",
        ),
        (
            &["1/latest", "repeated/latest", "3/latest"],
            "repeated/latest has the options",
        ),
        (
            &["1/latest", "whole/latest"],
            "whole/latest is no shard, but a run in one piece",
        ),
        (
            &["1/latest", "other/latest", "3/latest"],
            "other/latest has the targets `other`, 1/latest has `good`",
        ),
        (
            &["1/latest", "corpus", "3/latest"],
            "corpus has scenarios of digest `00ff`",
        ),
        (
            &["1/latest", "duplicate", "3/latest"],
            " is in 1/latest and in duplicate",
        ),
        (&["1"], "did you mean 1/latest?"),
        (&["missing"], "cannot read missing/report.json"),
    ] {
        let mut args = vec!["report", "merge", "--reports", "joined"];
        args.extend(parts);
        let done = ftpspec(folder, &args);
        assert_eq!(done.code, Some(2), "{parts:?} {}{}", done.out, done.err);
        assert!(
            done.err.contains(words),
            "{parts:?}: expected {words:?} in\n{}",
            done.err
        );
        assert!(!folder.join("joined").exists(), "{parts:?}");
    }
}

#[test]
fn shards_follow_the_durations_they_are_given() {
    let folder = acme(&[("good", &[])]);
    let folder = folder.path();
    let id = format!("{PBSZ}@good");
    std::fs::write(folder.join("durations.json"), format!("{{\"{id}\": 60}}")).unwrap();
    std::fs::write(folder.join("odd.json"), "[]").unwrap();
    let done = check(
        folder,
        "acme.yaml:good",
        &["--shard", "1/2", "--durations", "durations.json"],
    );
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    let report = json(&folder.join("reports/latest/report.json"));
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1, "the long case has a part of its own");
    assert_eq!(cases[0]["scenario"], PBSZ);
    let odd = check(folder, "acme.yaml:good", &["--durations", "odd.json"]);
    assert_eq!(odd.code, Some(2));
    assert!(
        odd.err.contains("cannot read odd.json: not a list of durations"),
        "{}",
        odd.err
    );
    let list = ftpspec(folder, &["report", "durations", "reports/latest"]);
    assert!(
        list.out.starts_with('{') && list.out.ends_with("}\n"),
        "{}",
        list.out
    );
}

#[test]
fn the_committed_baselines_fit_the_scenarios_and_say_why_something_fails() {
    let corpus = ftpspec::runner::Corpus::load(&[]).unwrap();
    let mut targets = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docker")).unwrap() {
        let path = entry.unwrap().path().join("baseline.json");
        if !path.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let baseline = Baseline::parse(&text).unwrap();
        assert_eq!(
            baseline.render().unwrap(),
            text,
            "{} was written by hand",
            path.display()
        );
        for (name, target) in &baseline.targets {
            targets += 1;
            let unknown = target.unknown_entries(&corpus.scenarios);
            assert!(unknown.is_empty(), "{name}: {unknown:?}");
            for entry in target
                .entries
                .iter()
                .filter(|entry| entry.outcome == EntryOutcome::Fail)
            {
                let reason = entry.reason.as_deref().unwrap_or_default();
                assert!(
                    !reason.is_empty(),
                    "{name}: {} fails without a reason",
                    entry.scenario
                );
            }
        }
    }
    assert!(targets > 3, "{targets} baselines were found");
}
