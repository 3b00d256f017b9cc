//! The recipes for CI services: their files are well-formed, and the command lines in them do what they are for. The services
//! themselves are not here; what they would set is set by the tests.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test file: a panic is the report"
)]

mod common;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use common::Served;

/// A few scenarios that are over at once; they need no more than a server.
const FEW: &str = "protection/pbsz-0-is-accepted auth/auth-tls-is-answered-234 command-order/pass-needs-user";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    text.split("\n---\n")
        .map(|document| serde_yaml::from_str(document).unwrap())
        .collect()
}

/// The step with this id or name.
fn step<'a>(steps: &'a Value, name: &str) -> &'a Value {
    let mut steps = steps.as_array().unwrap().iter();
    steps
        .find(|step| step["id"] == name || step["name"] == name)
        .unwrap_or_else(|| panic!("no step {name}"))
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs `script` in `folder` with these variables, as a step would. `bin` stands first on the path.
fn shell(shell: &str, folder: &Path, script: &str, variables: &[(&str, &str)]) -> Output {
    let path = format!(
        "{}:{}",
        folder.join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    Command::new(shell)
        .args(["-e", "-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// Its URL with the account `user`; the password comes from elsewhere.
fn url_of(served: &Served) -> String {
    format!("ftps://user@{}", served.address)
}

/// A folder with `bin/ftpspec`, this script around the program, which it knows as `$FTPSPEC`.
fn folder_with(wrapper: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let program = bin.join("ftpspec");
    let text = format!(
        "#!/bin/bash\nFTPSPEC='{}'\n{wrapper}\n",
        env!("CARGO_BIN_EXE_ftpspec")
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The scenarios that the report at `path` has cases of.
fn scenarios(path: &Path) -> BTreeSet<String> {
    let report: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = report["cases"].as_array().unwrap();
    cases
        .iter()
        .map(|case| case["scenario"].as_str().unwrap().to_owned())
        .collect()
}

fn few() -> BTreeSet<String> {
    FEW.split(' ').map(str::to_owned).collect()
}

#[test]
fn the_action_is_well_formed() {
    let action = &yaml("action.yml")[0];
    assert_eq!(action["runs"]["using"], "composite");
    let inputs: BTreeSet<&str> = action["inputs"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let source = std::fs::read_to_string(root().join("action.yml")).unwrap();
    let used: BTreeSet<&str> = source
        .match_indices("inputs.")
        .map(|(at, word)| {
            let name = &source[at + word.len()..];
            &name[..name
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .unwrap()]
        })
        .collect();
    assert_eq!(inputs, used, "every input is used, and nothing else");
    for (name, input) in action["inputs"].as_object().unwrap() {
        assert!(input["description"].is_string(), "{name}");
        assert!(
            input["required"] == true || input["default"].is_string(),
            "{name}"
        );
    }
    for step in action["runs"]["steps"].as_array().unwrap() {
        assert!(step["run"].is_string() != step["uses"].is_string(), "{step}");
        assert!(step["run"].is_null() || step["shell"] == "bash", "{step}");
        // What comes from outside gets into a script by a variable, never by its text.
        assert!(!step["run"].as_str().unwrap_or("").contains("${{"), "{step}");
    }
}

#[test]
fn the_action_runs_hands_on_the_exit_code_and_keeps_the_password_to_itself() {
    let action = &yaml("action.yml")[0];
    let script = step(&action["runs"]["steps"], "run")["run"].as_str().unwrap();
    let conclude = step(&action["runs"]["steps"], "conclude")["run"]
        .as_str()
        .unwrap();
    let served = Served::start(&["--account", "user:s3kr1t word"]);
    for (filter, code) in [(FEW, "0"), ("'no such  scenario'", "4")] {
        let folder = folder_with("exec \"$FTPSPEC\" \"$@\"");
        let path = folder.path();
        let file = |name: &str| path.join(name).display().to_string();
        let wanted = format!("{} --name mine {filter}", url_of(&served));
        let output = shell(
            "bash",
            path,
            script,
            &[
                ("GITHUB_ACTION_PATH", &root().display().to_string()),
                ("GITHUB_OUTPUT", &file("output")),
                ("GITHUB_STEP_SUMMARY", &file("summary")),
                ("RUNNER_TEMP", &file("temp")),
                ("FTPSPEC_BINARY", &file("bin/ftpspec")),
                ("FTPSPEC_RUN", &wanted),
                ("FTPSPEC_PASSWORD", "s3kr1t word"),
                ("FTPSPEC_BASELINE", ""),
                ("FTPSPEC_SHARD", ""),
                ("FTPSPEC_REPORTS", "out"),
            ],
        );
        assert!(output.status.success(), "{}", text(&output));
        assert!(!text(&output).contains("s3kr1t"));
        let handed_on = std::fs::read_to_string(path.join("output")).unwrap();
        assert_eq!(handed_on, format!("exit-code={code}\n"), "{}", text(&output));
        if code == "0" {
            let summary = std::fs::read_to_string(path.join("summary")).unwrap();
            assert!(summary.contains("mine"), "{summary}");
            let run = path.join("out/run/report.json");
            assert!(!run.symlink_metadata().unwrap().is_symlink());
            assert_eq!(scenarios(&run), few());
        } else {
            assert!(
                text(&output).contains("no such  scenario"),
                "quotes are kept: {}",
                text(&output)
            );
        }
        let end = shell("bash", path, conclude, &[("EXIT_CODE", code)]);
        assert_eq!(end.status.code().unwrap().to_string(), code);
    }
}

#[test]
fn a_machine_that_cannot_run_docker_is_told_what_it_takes_and_how_to_go_without() {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for (name, script) in [
        ("dpkg-query", "#!/bin/sh\nprintf installed\n"),
        (
            "dockerd",
            "#!/bin/sh\necho 'operation not permitted' >&2\nexit 1\n",
        ),
        ("docker", "#!/bin/sh\nexit 1\n"),
    ] {
        std::fs::write(bin.join(name), script).unwrap();
        std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script = format!("'{}' run echo RAN", root().join(".ci/docker.sh").display());
    let data = folder.path().join("data").display().to_string();
    let output = shell("bash", folder.path(), &script, &[("FTPSPEC_DOCKER_ROOT", &data)]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    for words in [
        "operation not permitted",
        "--privileged",
        "FTPSPEC_WITHOUT_DOCKER=1",
    ] {
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
    }
    assert!(!text(&output).contains("RAN"), "{}", text(&output));
    let run = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(run.contains("FTPSPEC_WITHOUT_DOCKER"));
}

#[test]
fn the_workflows_name_what_is_there() {
    for path in [".github/workflows/ci.yml", ".github/workflows/matrix.yml"] {
        let workflow = &yaml(path)[0];
        let jobs = workflow["jobs"].as_object().unwrap();
        for (name, job) in jobs {
            assert!(
                job["runs-on"].is_string() && job["timeout-minutes"].is_number(),
                "{path} {name}"
            );
            if let Some(needs) = job["needs"].as_str() {
                assert!(jobs.contains_key(needs), "{path} {name} needs {needs}");
            }
            for step in job["steps"].as_array().unwrap() {
                assert!(
                    step["run"].is_string() != step["uses"].is_string(),
                    "{path} {step}"
                );
                let run = step["run"].as_str().unwrap_or("");
                assert!(!run.contains("${{"), "{path} {step}");
                if let Some(script) = run.strip_prefix(".ci/") {
                    assert!(root().join(".ci").join(script).is_file(), "{path} {run}");
                }
            }
        }
    }
    let workflow = &yaml(".github/workflows/matrix.yml")[0];
    let parts = workflow["jobs"]["shard"]["strategy"]["matrix"]["shard"]
        .as_array()
        .unwrap();
    let expected: Vec<Value> = (1..=workflow["env"]["SHARDS"].as_u64().unwrap())
        .map(Value::from)
        .collect();
    assert_eq!(*parts, expected);
}

#[test]
fn the_matrix_workflow_runs_its_parts_and_joins_them() {
    let workflow = &yaml(".github/workflows/matrix.yml")[0];
    let jobs = &workflow["jobs"];
    let run = step(&jobs["shard"]["steps"], "run this part")["run"]
        .as_str()
        .unwrap();
    let join = step(&jobs["merge"]["steps"], "join the parts")["run"]
        .as_str()
        .unwrap();
    // The servers need not be installed for this: the embedded one stands for all.
    let folder = folder_with("exec \"$FTPSPEC\" \"${@/--all-targets/--target=embedded}\"");
    let path = folder.path();
    std::fs::create_dir(path.join("docker")).unwrap();
    std::fs::write(
        path.join("docker/baseline.json"),
        "{\"ftpspec-baseline\": 1, \"targets\": {}}",
    )
    .unwrap();
    for part in ["1", "2", "3"] {
        let output = shell(
            "bash",
            path,
            run,
            &[("SHARDS", "3"), ("SHARD", part), ("FILTER", FEW)],
        );
        assert!(output.status.success(), "{}", text(&output));
    }
    let joined = shell("bash", path, join, &[("SHARDS", "3")]);
    assert!(joined.status.success(), "{}", text(&joined));
    assert!(
        text(&joined).contains("compared with docker"),
        "{}",
        text(&joined)
    );
    assert_eq!(scenarios(&path.join("reports/latest/report.json")), few());
}

#[test]
fn the_cluster_job_runs_its_parts_and_joins_them() {
    let job = yaml("docker/kubernetes/job.yaml");
    let merge = &yaml("docker/kubernetes/merge.yaml")[0];
    let claim = &job[0]["metadata"]["name"];
    let spec = &job[1]["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    let container = &spec["template"]["spec"]["containers"][0];
    let shards = container["env"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "SHARDS")
        .unwrap();
    assert_eq!(shards["value"], spec["completions"].to_string());
    for one in [&job[1], merge] {
        let pod = &one["spec"]["template"]["spec"];
        assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], *claim);
        assert_eq!(
            pod["containers"][0]["command"],
            serde_json::json!(["/bin/sh", "-c"])
        );
        assert_eq!(
            pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"],
            true
        );
    }
    let served = Served::start(&["--account", "user:pw"]);
    let url = url_of(&served);
    // Three scenarios are enough to see that each part does its own.
    let folder = folder_with(&format!(
        "if [ \"$1\" = run ]; then set -- \"$@\" {FEW}; fi; exec \"$FTPSPEC\" \"$@\""
    ));
    let path = folder.path();
    let reports = path.join("reports").display().to_string();
    let script = |one: &Value| {
        let args = &one["spec"]["template"]["spec"]["containers"][0]["args"];
        // Not `set -e`: the script looks at the exit code itself, and sh -c has no -e there.
        format!("set +e\n{}", args[0].as_str().unwrap())
    };
    for index in ["0", "1", "2"] {
        let variables = [
            ("JOB_COMPLETION_INDEX", index),
            ("SHARDS", "3"),
            ("REPORTS", reports.as_str()),
            ("TARGET", url.as_str()),
            ("FTPSPEC_PASSWORD", "pw"),
        ];
        let output = shell("sh", path, &script(&job[1]), &variables);
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains(&format!("shard {}/3", index.parse::<u32>().unwrap() + 1)));
    }
    let output = shell("sh", path, &script(merge), &[("REPORTS", &reports)]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(scenarios(&path.join("reports/joined/latest/report.json")), few());
}

/// What cargo-nextest asks of a test program before it splits the tests, and how it runs one of them.
#[test]
fn the_tests_can_be_listed_and_run_one_by_one() {
    let conformance = std::env::current_exe().unwrap();
    let folder = conformance.parent().unwrap();
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("conformance-")
        })
        .collect();
    found.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
    // Built by `cargo test`, not by `cargo test --test ci`.
    let Some(program) = found.last() else { return };
    let list = Command::new(program)
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    assert!(names.len() > 300 && names.len() == list.lines().count(), "{list}");
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>().len(),
        names.len(),
        "no name is there twice"
    );
    let name = names.iter().find(|name| name.ends_with("@embedded")).unwrap();
    let one = Command::new(program)
        .args(["--exact", name, "--nocapture"])
        .output()
        .unwrap();
    assert!(one.status.success(), "{}", text(&one));
    assert!(text(&one).contains("1 passed"), "{}", text(&one));
}
