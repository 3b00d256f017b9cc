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
fn the_schema_of_diagnoses_is_fresh() {
    let output = snapbox::cmd::Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .args(["schema", "diagnosis"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_fresh("docs/schema/diagnosis.schema.json", text);
}

#[test]
fn the_reference_of_scenarios_is_fresh() {
    assert_fresh("docs/scenarios.md", ftpspec::scenario::reference::render());
}
