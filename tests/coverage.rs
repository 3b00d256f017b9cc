//! Every server requirement has a scenario or a waiver with a reason, and no waiver is left over.
//!
//! Whether the proofs hold is asked by `tests/conformance.rs`; that scenarios name no unknown requirement, by the loader.

use ftpspec::report::coverage::{self, Coverage};
use ftpspec::runner::Corpus;

fn computed() -> Coverage {
    let corpus = Corpus::load(&[]).expect("the scenarios of this program are in order");
    let scenarios = corpus.scenarios.iter().map(|scenario| &**scenario);
    coverage::compute(&coverage::wanted(&corpus.catalogue), scenarios)
}

#[test]
fn every_server_requirement_is_covered_or_waived() {
    let coverage = computed();
    assert_eq!(coverage.rows.len(), 317);
    let forgotten: Vec<&str> = coverage.uncovered().map(|row| row.id.as_str()).collect();
    assert!(forgotten.is_empty(), "neither covered nor waived: {forgotten:#?}");
}

#[test]
fn every_covered_requirement_has_a_scenario_that_detects_a_fault() {
    let coverage = computed();
    assert_eq!(
        coverage.total().unproven,
        0,
        "{}",
        coverage::render_totals(&coverage)
    );
    assert_eq!(coverage.unknown, []);
}

#[test]
fn no_waiver_is_left_over() {
    let coverage = computed();
    let needless: Vec<&str> = coverage
        .rows
        .iter()
        .filter(|row| row.is_needlessly_waived())
        .map(|row| row.id.as_str())
        .collect();
    assert!(needless.is_empty(), "waived, but covered: {needless:#?}");
}
