//! The matrix as comma-separated values (RFC 4180): a row per scenario and cell, a column per target.

use std::collections::BTreeMap;

use super::text;
use crate::runner::outcome::{CaseOutcome, RunOutcome};

/// `run` as CSV with a head.
///
/// # Errors
/// Never in practice; it is written to memory.
pub fn render(run: &RunOutcome) -> Result<String, csv::Error> {
    let targets: Vec<&str> = run.targets.keys().map(String::as_str).collect();
    let mut rows: BTreeMap<(&str, String), BTreeMap<&str, &CaseOutcome>> = BTreeMap::new();
    for case in &run.cases {
        rows.entry((&case.scenario, text::cell(case)))
            .or_default()
            .insert(&case.target, case);
    }
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let head = ["area", "scenario", "cell", "severity", "title"];
    let names = targets.iter().map(|name| field(name));
    writer.write_record(head.map(str::to_owned).into_iter().chain(names))?;
    for ((scenario, cell), cases) in rows {
        let Some(case) = cases.values().next() else {
            continue;
        };
        let named = [
            field(case.area()),
            field(scenario),
            field(&cell),
            text::severity(case.severity).to_owned(),
            field(&case.title),
        ];
        let verdicts = targets.iter().map(|target| {
            cases
                .get(target)
                .map_or("", |case| text::verdict(case))
                .to_owned()
        });
        writer.write_record(named.into_iter().chain(verdicts))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Text that no spreadsheet takes for a formula.
fn field(words: &str) -> String {
    let words = text::plain(words);
    if words.starts_with(['=', '+', '-', '@']) {
        format!("'{words}")
    } else {
        words
    }
}
