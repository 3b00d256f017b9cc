//! What the program writes and what the project ships fits the published JSON Schemas, to the last nested field.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test file: a panic is the report"
)]

mod common;

use std::path::Path;

use common::Served;
use jsonschema::Validator;
use serde_json::Value;

fn ftpspec(folder: &Path, arguments: &[&str]) -> String {
    let output = snapbox::cmd::Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("FTPSPEC_PASSWORD")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn schema(of: &str) -> Validator {
    let text = ftpspec(Path::new("."), &["schema", of]);
    let schema: Value = serde_json::from_str(&text).unwrap();
    // Against the schema of schemas first: a keyword written wrongly would hold for everything.
    assert!(jsonschema::meta::is_valid(&schema), "{of}");
    jsonschema::validator_for(&schema).unwrap()
}

/// What does not fit, and where.
fn misfits(schema: &Validator, value: &Value) -> Vec<String> {
    schema
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// `value` with what `path` names set to something of another type. The validator has to find it there.
fn is_refused_when_wrong_at(schema: &Validator, value: &Value, path: &str) {
    let mut wrong = value.clone();
    *wrong.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = serde_json::json!([[true]]);
    let found = misfits(schema, &wrong);
    assert!(!found.is_empty(), "{path}");
}

#[test]
fn every_scenario_fits_the_schema_for_editors() {
    let schema = schema("scenario");
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let Ok(value) = serde_yaml::from_str::<Value>(&text) else {
                panic!("{} is no YAML", path.display());
            };
            // Beside the scenarios lie advice, requirements and waivers.
            if value.get("steps").is_none() {
                continue;
            }
            assert_eq!(
                misfits(&schema, &value),
                Vec::<String>::new(),
                "{}",
                path.display()
            );
            is_refused_when_wrong_at(&schema, &value, "/steps/0");
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn reports_of_a_sound_and_a_faulty_server_fit_the_schema() {
    let schema = schema("report");
    let served = Served::start(&["--account", "user:pw", "--fault", "refuses-pbsz-zero"]);
    let url = format!("ftps://user:pw@{}", served.address);
    for (target, has_findings) in [(&["-t", "embedded"][..], false), (&[&url], true)] {
        let folder = tempfile::tempdir().unwrap();
        let words = [&["run", "protection/**", "--format", "json"], target].concat();
        let report: Value = serde_json::from_str(&ftpspec(folder.path(), &words)).unwrap();
        assert_eq!(misfits(&schema, &report), Vec::<String>::new(), "{target:?}");
        is_refused_when_wrong_at(&schema, &report, "/cases/0/judgement/held");
        let found = report["cases"].as_array().unwrap().iter().position(|case| {
            let findings = case.pointer("/judgement/findings");
            findings.is_some_and(|findings| !findings.as_array().unwrap().is_empty())
        });
        assert_eq!(found.is_some(), has_findings);
        if let Some(case) = found {
            is_refused_when_wrong_at(
                &schema,
                &report,
                &format!("/cases/{case}/judgement/findings/0/step"),
            );
        }
    }
}

#[test]
fn diagnoses_of_a_sound_a_faulty_and_an_absent_server_fit_the_schema() {
    let schema = schema("diagnosis");
    let served = Served::start(&["--account", "user:pw", "--fault", "refuses-pbsz-zero"]);
    let faulty = format!("ftps://user:pw@{}", served.address);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let absent = format!("ftps://user:pw@{}", free.local_addr().unwrap());
    drop(free);
    for (target, path) in [
        (&["--target", "embedded"][..], "/target"),
        (&[&faulty], "/advice/0"),
        (&[&absent], "/unreachable"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let words = [&["diagnose", "--format", "json"], target].concat();
        let diagnosis: Value = serde_json::from_str(&ftpspec(folder.path(), &words)).unwrap();
        assert_eq!(misfits(&schema, &diagnosis), Vec::<String>::new(), "{target:?}");
        is_refused_when_wrong_at(&schema, &diagnosis, path);
    }
}
