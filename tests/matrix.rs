//! The regression matrix of real servers: what its stored runs must have in common, and that it goes red for what is broken
//! on purpose.
//!
//! `.ci/matrix.sh` makes the runs and names their folder in `FTPSPEC_MATRIX`. The rest needs vsftpd and is skipped with a
//! message where it is not installed, unless `FTPSPEC_REQUIRE_TARGETS` names it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper that fails is a failed test, and a test that is skipped must be seen"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ftpspec::report::baseline::Baseline;
use serde_json::Value;

/// Software that runs in containers, too.
const IN_CONTAINERS: [&str; 3] = ["vsftpd", "proftpd", "pyftpdlib"];

/// Scenarios that ask whether they apply, where the answer is up to chance: a server may give the same port out twice in a
/// row, and ABOR may come when the whole file is on its way.
const APPLY_BY_CHANCE: [&str; 2] = [
    "data-channel/replaced-listener-is-closed",
    "shutdown/aborted-download-does-not-look-complete",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn ftpspec(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .args(args)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "160")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Whether the server of `software` is installed; a message when not, and a failure when it is required.
fn has(software: &str) -> bool {
    let list = text(&ftpspec(&["targets", "list"]));
    let is_there = list
        .lines()
        .any(|line| line.split_whitespace().next() == Some(software) && !line.contains("not installed"));
    let required = std::env::var("FTPSPEC_REQUIRE_TARGETS").unwrap_or_default();
    assert!(
        is_there || !required.split(',').any(|name| name == software || name == "all"),
        "{software} is required and not installed:\n{list}"
    );
    if !is_there {
        println!("skipped: {software} is not installed (.ci/install-targets.sh {software})");
    }
    is_there
}

fn report(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("latest/report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Target, scenario and cell.
type Name = (String, String, String);

/// What is said of a case: its verdict, and the broken requirements with their grades.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    verdict: String,
    broken: BTreeSet<(String, String)>,
}

fn said(report: &Value) -> BTreeMap<Name, Said> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = report["cases"].as_array().unwrap().iter();
    each.map(|case| {
        let cell: Vec<String> = case["cell"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| format!("{}={}", word(&pair[0]), word(&pair[1])))
            .collect();
        let name = (word(&case["target"]), word(&case["scenario"]), cell.join(","));
        let judgement = &case["judgement"];
        let findings = judgement["findings"].as_array().unwrap().iter();
        let said = Said {
            verdict: word(&judgement["verdict"]),
            broken: findings
                .map(|finding| (word(&finding["requirement"]), word(&finding["grade"])))
                .collect(),
        };
        (name, said)
    })
    .collect()
}

/// Cases that the committed baselines or the profiles say do not go the same way every time: target and scenario.
fn varying() -> BTreeSet<(String, String)> {
    let mut varying = BTreeSet::new();
    for software in IN_CONTAINERS {
        let file = root().join("docker").join(software).join("baseline.json");
        let baseline = Baseline::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
        for (target, known) in baseline.targets {
            let entries = known.entries.into_iter().filter(|entry| entry.varies);
            varying.extend(entries.map(|entry| (target.clone(), entry.scenario)));
        }
    }
    for profile in ftpspec::target::embedded_profiles().unwrap() {
        let deviations = profile
            .known_deviations
            .into_iter()
            .filter(|deviation| deviation.varies);
        let scenarios = deviations.filter_map(|deviation| deviation.scenario);
        varying.extend(scenarios.map(|scenario| (profile.name.clone(), scenario)));
    }
    varying
}

#[test]
fn process_and_container_give_the_same_verdicts_over_the_whole_corpus() {
    let Some(folder) = std::env::var_os("FTPSPEC_MATRIX").map(PathBuf::from) else {
        println!("skipped: there are no stored runs (.ci/matrix.sh makes them)");
        return;
    };
    let [process, docker] = ["process", "docker"].map(|how| report(&folder.join(how)));
    for (how, report) in [("process", &process), ("docker", &docker)] {
        for (name, target) in report["targets"].as_object().unwrap() {
            let provision = target["provision"].as_str().unwrap();
            assert!(
                provision == how || name == "embedded",
                "{name} was started by {provision}"
            );
        }
    }
    let (native, contained) = (said(&process), said(&docker));
    let targets: BTreeSet<&String> = contained.keys().map(|(target, ..)| target).collect();
    for software in IN_CONTAINERS {
        assert!(
            targets.iter().any(|target| *target == software),
            "{software} is missing: {targets:?}"
        );
    }
    let varying = varying();
    let mut differences = Vec::new();
    let mut compared = 0;
    for (name, there) in &contained {
        let Some(here) = native.get(name) else {
            differences.push(format!("{name:?} did not run as a process"));
            continue;
        };
        compared += 1;
        let same = (&here.verdict, &here.broken) == (&there.verdict, &there.broken);
        let is_chance = APPLY_BY_CHANCE.contains(&name.1.as_str())
            && [here, there].iter().any(|said| said.verdict == "not-applicable")
            && [here, there].iter().all(|said| said.verdict != "fail");
        if !same && !is_chance && !varying.contains(&(name.0.clone(), name.1.clone())) {
            differences.push(format!("{name:?}\n  process {here:?}\n  docker  {there:?}"));
        }
    }
    println!("{compared} cases compared");
    assert!(compared > 5000, "only {compared} cases were compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A copy of what `serve.sh` of vsftpd is made of.
fn copy_of_vsftpd() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (root().join("docker"), folder.path());
    std::fs::create_dir(to.join("vsftpd")).unwrap();
    std::fs::copy(from.join("lib.sh"), to.join("lib.sh")).unwrap();
    for file in ["serve.sh", "vsftpd.conf.in", "target.yaml"] {
        std::fs::copy(from.join("vsftpd").join(file), to.join("vsftpd").join(file)).unwrap();
    }
    folder
}

/// Runs the copy against the committed baseline.
fn against_the_baseline(copy: &Path) -> Output {
    let target = format!("{}:vsftpd", copy.join("vsftpd/target.yaml").display());
    let baseline = root().join("docker/vsftpd/baseline.json");
    ftpspec(&[
        "run",
        "session-reuse",
        "-q",
        "--no-reports",
        "-t",
        &target,
        "--baseline",
        baseline.to_str().unwrap(),
    ])
}

#[test]
fn a_server_that_is_broken_on_purpose_turns_its_baseline_red_and_green_again() {
    if !has("vsftpd") {
        return;
    }
    let copy = copy_of_vsftpd();
    let configuration = copy.path().join("vsftpd/vsftpd.conf.in");
    let right = std::fs::read_to_string(&configuration).unwrap();
    let green = against_the_baseline(copy.path());
    assert_eq!(green.status.code(), Some(0), "{}", text(&green));

    let broken = right.replace("require_ssl_reuse=@REQUIRE_SSL_REUSE@", "require_ssl_reuse=NO");
    assert_ne!(broken, right);
    std::fs::write(&configuration, broken).unwrap();
    let red = against_the_baseline(copy.path());
    assert_eq!(red.status.code(), Some(1), "{}", text(&red));
    let all = text(&red);
    let said = &all[all.find("compared with").unwrap()..];
    println!("{said}");
    let named: BTreeSet<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("x worse")?.split_whitespace().nth(1))
        .collect();
    let expected = [
        "session-reuse/reuse-required-refuses-full-handshake",
        "session-reuse/stranger-gets-no-file",
        "session-reuse/stranger-plants-no-file",
    ];
    assert_eq!(named, BTreeSet::from(expected), "{said}");
    assert!(
        said.contains("expected 0 bytes, got 4096 bytes\n      sec.reuse.unbound-data-channel"),
        "{said}"
    );
    assert!(said.contains(" 0 inconclusive"), "{said}");

    std::fs::write(&configuration, right).unwrap();
    let green = against_the_baseline(copy.path());
    assert_eq!(green.status.code(), Some(0), "{}", text(&green));
}
