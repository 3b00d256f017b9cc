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
fn the_reference_of_scenarios_is_fresh() {
    assert_fresh("docs/scenarios.md", ftpspec::scenario::reference::render());
}
