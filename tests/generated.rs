//! Files that are made from the code and kept beside it: fails when one is stale.
//!
//! `SNAPSHOTS=overwrite cargo test --test generated` makes them again.

use std::path::Path;

use snapbox::Data;

fn assert_fresh(path: &str, text: String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    snapbox::assert_data_eq!(Data::text(text).raw(), Data::read_from(&file, None).raw());
}

#[test]
fn the_schema_of_scenarios_is_fresh() {
    assert_fresh(
        "docs/schema/scenario.schema.json",
        ftpspec::scenario::schema::json(),
    );
}

#[test]
fn the_schema_of_diagnoses_is_fresh_and_holds_for_one() {
    let ftpspec = |arguments: &[&str]| {
        let output = snapbox::cmd::Command::new(env!("CARGO_BIN_EXE_ftpspec"))
            .args(arguments)
            .env_remove("FTPSPEC_PASSWORD")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = ftpspec(&["schema", "diagnosis"]);
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_fresh("docs/schema/diagnosis.schema.json", text);
    let described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    // A server that is well, and one that is not there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("ftps://user:pw@{}", free.local_addr().unwrap());
    drop(free);
    let cases: [&[&str]; 2] = [
        &["diagnose", "--target", "embedded", "--format", "json"],
        &["diagnose", &nobody, "--format", "json"],
    ];
    for arguments in cases {
        let text = ftpspec(arguments);
        let diagnosis: serde_json::Value = serde_json::from_str(&text).unwrap();
        let fields = diagnosis.as_object().unwrap();
        let unknown: Vec<&String> = fields.keys().filter(|field| !described.contains(field)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        for field in schema["required"].as_array().unwrap() {
            assert!(fields.contains_key(field.as_str().unwrap()), "{field}");
        }
        assert_eq!(fields["unreachable"].is_null(), arguments.contains(&"embedded"));
    }
}

#[test]
fn the_reference_of_scenarios_is_fresh() {
    assert_fresh("docs/scenarios.md", ftpspec::scenario::reference::render());
}
