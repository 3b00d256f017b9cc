//! The page: the template with everything that can be read without a script, and the data for the script.

use askama::Template;

use super::summary::{self, ChangesView, CoverageView, Facts, FindingView, ProofView, TallyView, TargetView};
use super::{detail, embed, index};
use crate::report::input::Input;

/// How many findings the first view lists; the matrix has all of them.
const FINDINGS: usize = 60;

/// A page that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// Data that JSON cannot hold.
    #[error("cannot write the data of the page: {0}")]
    Json(#[from] serde_json::Error),
    /// The template failed, which only a full memory does.
    #[error("cannot fill the template of the page: {0}")]
    Template(#[from] askama::Error),
}

#[derive(Template)]
#[template(path = "html/page.html")]
struct Page {
    policy: String,
    style: &'static str,
    script: &'static str,
    title: String,
    facts: Facts,
    tally: TallyView,
    targets: Vec<TargetView>,
    findings: Vec<FindingView>,
    more_findings: usize,
    coverage: CoverageView,
    proof: Option<ProofView>,
    changes: Option<ChangesView>,
    index: String,
    scenarios: String,
    details: Vec<(usize, String)>,
}

/// The whole report as one HTML file.
///
/// # Errors
/// When the data cannot be written down.
pub fn render(input: &Input<'_>) -> Result<String, HtmlError> {
    let run = input.run;
    let details = detail::details(input)?;
    let numbers = details.json.iter().map(|(number, _)| *number).collect();
    let groups = crate::report::gather::groups(run);
    let page = Page {
        policy: embed::policy(),
        style: embed::STYLE,
        script: embed::SCRIPT,
        title: format!("ftpspec: {}", summary::headline(run)),
        facts: summary::facts(input, &details),
        tally: summary::tally(&run.counts()),
        targets: summary::targets(run, &groups),
        findings: groups
            .iter()
            .take(FINDINGS)
            .map(|group| summary::finding(input, group))
            .collect(),
        more_findings: groups.len().saturating_sub(FINDINGS),
        coverage: summary::coverage(input),
        proof: input.proofs.map(summary::proof),
        changes: input.changes.map(summary::changes),
        index: embed::json(&index::index(input, numbers))?,
        scenarios: detail::scenarios(input, &details)?,
        details: details.json,
    };
    Ok(page.render()?)
}
