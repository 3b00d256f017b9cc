//! Targets in containers: the same verdicts as natively, and nothing left behind whatever happens.
//!
//! The tests that need a docker daemon are ignored with a message where there is none, and fail with `FTPSPEC_REQUIRE_DOCKER=1`.
//! Those about docker that is absent or down need none.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper that fails is a failed test, and a test that is skipped must be seen"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long a server may take until it listens, its image included.
const DEADLINE: Duration = Duration::from_secs(600);

fn ftpspec() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ftpspec"));
    command.stdin(Stdio::null());
    command
}

fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().unwrap()
}

/// Whether a daemon answers; a message when not, and a failure when one is required.
fn has_docker() -> bool {
    let answers = Command::new("docker")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        answers || std::env::var_os("FTPSPEC_REQUIRE_DOCKER").is_none(),
        "FTPSPEC_REQUIRE_DOCKER is set, and no docker daemon answers"
    );
    if !answers {
        println!("skipped: no docker daemon answers (.ci/docker.sh run starts one)");
    }
    answers
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn report(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("latest/report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Scenario and cell to verdict.
fn verdicts(folder: &Path) -> BTreeMap<String, String> {
    let report = report(folder);
    let cases = report["cases"].as_array().unwrap();
    cases
        .iter()
        .map(|case| {
            let name = format!("{} {}", case["scenario"].as_str().unwrap(), case["cell"]);
            (name, case["judgement"]["verdict"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn run_via(how: &str, target: &str, filters: &[&str]) -> BTreeMap<String, String> {
    let folder = TempDir::new().unwrap();
    let output = ftpspec()
        .args(["run", "--quiet", "--via", how, "--target", target, "--reports"])
        .arg(folder.path())
        .args(filters)
        .output()
        .unwrap();
    assert!(
        folder.path().join("latest/report.json").is_file(),
        "{}",
        text(&output)
    );
    verdicts(folder.path())
}

/// Containers and networks of this target.
fn things_of(target: &str) -> String {
    let filter = format!("label=org.ftpspec.target={target}");
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &filter]);
    let networks = docker(&["network", "ls", "--quiet", "--filter", &filter]);
    text(&containers) + &text(&networks)
}

/// Starts a target and waits until it listens.
fn up(target: &str) -> Child {
    let mut child = ftpspec()
        .args(["targets", "up", target, "--via", "docker"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let (sender, first) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(lines.next()));
    let line = first.recv_timeout(DEADLINE).unwrap().unwrap().unwrap();
    assert!(line.contains("listens on"), "{line}");
    child
}

#[test]
fn process_and_container_give_the_same_verdicts() {
    if !has_docker() {
        return;
    }
    let filters = ["protection", "session-reuse", "data-channel/epsv-*", "listing"];
    for target in ["vsftpd", "proftpd-no-reuse"] {
        let native = run_via("process", target, &filters);
        let contained = run_via("docker", target, &filters);
        assert!(native.values().any(|verdict| verdict == "pass"), "{native:?}");
        assert_eq!(native, contained, "{target}");
        assert_eq!(things_of(target), "", "nothing is left of {target}");
    }
}

#[test]
fn what_a_killed_ftpspec_left_is_removed_and_what_a_running_one_uses_is_kept() {
    if !has_docker() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut killed = ftpspec()
        .args([
            "run",
            "-q",
            "--via",
            "docker",
            "-t",
            "vsftpd-optional",
            "shutdown",
            "--reports",
        ])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut kept = up("vsftpd-no-reuse");
    wait_for_cases(&mut killed, folder.path());
    // SIGKILL: it cannot tidy up.
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_ne!(things_of("vsftpd-optional"), "");
    let output = ftpspec().args(["targets", "down", "--all"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(things_of("vsftpd-optional"), "", "{}", text(&output));
    assert!(
        text(&output).contains(&format!("ftpspec process {} uses it", kept.id())),
        "{}",
        text(&output)
    );
    let logs = ftpspec()
        .args(["targets", "logs", "vsftpd-no-reuse"])
        .output()
        .unwrap();
    assert!(text(&logs).contains("CONNECT"), "{}", text(&logs));
    let down = ftpspec()
        .args(["targets", "down", "vsftpd-no-reuse"])
        .output()
        .unwrap();
    assert!(down.status.success(), "{}", text(&down));
    // Its keeper notices and ends with the reason.
    assert_eq!(kept.wait().unwrap().code(), Some(3));
    assert_eq!(things_of("vsftpd-no-reuse"), "");
}

#[test]
fn a_container_that_dies_makes_its_cases_inconclusive_and_never_passes() {
    if !has_docker() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut run = ftpspec()
        .args([
            "run",
            "--quiet",
            "--via",
            "docker",
            "-t",
            "vsftpd-strict-shutdown",
            "shutdown",
            "--jobs",
            "1",
            "--reports",
        ])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let filter = "label=org.ftpspec.target=vsftpd-strict-shutdown";
    wait_for_cases(&mut run, folder.path());
    let containers = text(&docker(&["ps", "--quiet", "--filter", filter]));
    docker(&["kill", containers.trim()]);
    assert_eq!(run.wait().unwrap().code(), Some(3));
    let report = report(folder.path());
    let target = &report["targets"]["vsftpd-strict-shutdown"];
    assert!(
        target["unavailable"]
            .as_str()
            .unwrap()
            .contains("the server is gone"),
        "{target}"
    );
    let cases = report["cases"].as_array().unwrap();
    let gone: Vec<_> = cases
        .iter()
        .filter(|case| case["judgement"]["verdict"] == "inconclusive")
        .collect();
    assert!(gone.len() > 5, "{} cases", gone.len());
    assert!(cases.iter().all(|case| case["judgement"]["verdict"] != "fail"));
}

/// Until the first case has left its trace; nothing else announces it.
fn wait_for_cases(run: &mut Child, folder: &Path) {
    let mut waited = Duration::ZERO;
    while !has_trace(folder) {
        assert!(
            run.try_wait().unwrap().is_none(),
            "the run ended before its first case"
        );
        assert!(waited < DEADLINE, "no case came about");
        std::thread::sleep(Duration::from_millis(50));
        waited += Duration::from_millis(50);
    }
}

fn has_trace(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        path.file_name().is_some_and(|name| name == "trace.jsonl") || path.is_dir() && has_trace(&path)
    })
}

#[test]
fn a_network_that_the_kernel_lacks_is_not_applicable() {
    if !has_docker() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let output = ftpspec()
        .args([
            "run",
            "--quiet",
            "--via",
            "docker",
            "-t",
            "vsftpd",
            "--network",
            "delay-20ms",
            "--network",
            "rate-64k",
        ])
        .args(["shutdown/control-connection-*", "--reports"])
        .arg(folder.path())
        .output()
        .unwrap();
    let report = report(folder.path());
    for case in report["cases"].as_array().unwrap() {
        let verdict = case["judgement"]["verdict"].as_str().unwrap();
        let reason = case["judgement"]["reason"].as_str().unwrap_or_default();
        let lacks = verdict == "not-applicable" && reason.contains("queueing discipline");
        assert!(
            lacks || ["pass", "warn", "info"].contains(&verdict),
            "{case} {}",
            text(&output)
        );
    }
}

#[test]
fn without_docker_or_its_daemon_the_next_step_is_named_and_the_other_target_still_runs() {
    let empty = TempDir::new().unwrap();
    let nowhere = "unix:///nonexistent/docker.sock";
    let cases: [(&str, Option<&Path>, &str); 2] = [
        ("no docker", Some(empty.path()), "apt-get install docker.io"),
        ("no daemon", None, "DOCKER_HOST"),
    ];
    for (what, path, next) in cases {
        let folder = TempDir::new().unwrap();
        let mut command = ftpspec();
        command.env("DOCKER_HOST", nowhere);
        if let Some(path) = path {
            command.env("PATH", path);
        } else if Command::new("docker").arg("--version").output().is_err() {
            println!("skipped: there is no docker CLI");
            continue;
        }
        let output = command
            .args([
                "run",
                "--via",
                "docker",
                "-t",
                "vsftpd",
                "-t",
                "embedded",
                "listing",
                "--reports",
            ])
            .arg(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{what}: {}", text(&output));
        let report = report(folder.path());
        let reason = report["targets"]["vsftpd"]["unavailable"].as_str().unwrap();
        assert!(reason.contains(next), "{what}: {reason}");
        for case in report["cases"].as_array().unwrap() {
            let verdict = case["judgement"]["verdict"].as_str().unwrap();
            match case["target"].as_str().unwrap() {
                "vsftpd" => assert_eq!(verdict, "inconclusive", "{what}"),
                _ => assert_ne!(verdict, "inconclusive", "{what}"),
            }
        }
    }
}

#[test]
fn compose_has_every_target_on_ports_of_its_own() {
    let compose = std::fs::read_to_string("docker/compose.yaml").unwrap();
    let profiles = ftpspec::target::embedded_profiles().unwrap();
    for profile in &profiles {
        assert!(
            compose.contains(&format!("\n  {}:\n", profile.name)),
            "{}",
            profile.name
        );
        assert!(
            compose.contains(&format!("docker/{}/Dockerfile", profile.software)),
            "{}",
            profile.software
        );
    }
    let ports: Vec<&str> = compose.lines().filter(|line| line.contains("ports:")).collect();
    assert_eq!(ports.len(), profiles.len());
    let different: std::collections::BTreeSet<&&str> = ports.iter().collect();
    assert_eq!(different.len(), ports.len(), "no two services share ports");
    assert!(
        ports.iter().all(|line| line.matches("\"127.0.0.1:").count() == 2),
        "loopback alone"
    );
}
