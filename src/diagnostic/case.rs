//! A case that went wrong: its findings in full, each with help, or why nothing is said about the target.

use super::finding::{FindingView, render_finding};
use crate::base::{escape_peer, shell_word};
use crate::judge::{Finding, Judgement, Verdict};
use crate::plan::CaseId;
use crate::requirement::{Catalogue, Grade};
use crate::scenario::Scenario;
use crate::trace::Event;
use std::fmt::Write as _;

/// What a rendered case is made of.
#[derive(Clone, Copy, Debug)]
pub struct CaseView<'a> {
    /// Its name.
    pub id: &'a CaseId,
    /// Its scenario.
    pub scenario: &'a Scenario,
    /// The judge's word.
    pub judgement: &'a Judgement,
    /// The whole trace.
    pub events: &'a [Event],
    /// Version of the target, as far as known.
    pub version: Option<&'a str>,
    /// Whether it was named by a URL or a file of the user, so that its name alone does not find it again.
    pub is_external: bool,
    /// Where the trace is, when it was written.
    pub folder: Option<&'a str>,
    /// Where the capture is, when there is one.
    pub capture: Option<&'a str>,
    /// Where requirements are looked up.
    pub catalogue: &'a Catalogue,
}

/// The findings of at least `grade` (and broken preconditions), one after the other; the reason where there is none.
#[must_use]
pub fn render_case(view: &CaseView<'_>, grade: Grade, colour: bool) -> String {
    let mut text = String::new();
    let said_nothing = matches!(view.judgement.verdict, Verdict::Inconclusive | Verdict::Error);
    if said_nothing && let Some(reason) = &view.judgement.reason {
        let whose = if view.judgement.verdict == Verdict::Error {
            "trouble in the harness"
        } else {
            "inconclusive"
        };
        let _ = writeln!(
            text,
            "{whose}: {}: nothing is said about the target: {reason}",
            view.id
        );
    }
    for finding in view
        .judgement
        .findings
        .iter()
        .filter(|finding| finding.grade.is_none_or(|own| own >= grade))
    {
        let help = help(view, finding);
        let finding_view = FindingView {
            target: &view.id.target,
            scenario: view.scenario,
            finding,
            events: view.events,
            help: &help,
        };
        text.push_str(&render_finding(&finding_view, colour));
        text.push('\n');
    }
    text
}

fn help<'a>(view: &CaseView<'a>, finding: &Finding) -> Vec<(&'a str, String)> {
    let mut lines = Vec::new();
    let mut target = view.id.target.clone();
    if let Some(version) = view.version {
        let _ = write!(target, " ({})", escape_peer(version.as_bytes()));
    }
    if !view.id.cell.0.is_empty() {
        let _ = write!(target, ", {}", view.id.cell);
    }
    lines.push(("target", target));
    let requirement = finding
        .requirement
        .as_deref()
        .and_then(|id| view.catalogue.get(id));
    if let Some(requirement) = requirement {
        lines.push((
            "because",
            format!("{}: {}", requirement.citation(), one_line(&requirement.summary)),
        ));
    }
    let mut rerun = format!("ftpspec run {}", view.id.scenario);
    if !view.is_external {
        let _ = write!(rerun, " --target {}", view.id.target);
    }
    for (axis, value) in &view.id.cell.0 {
        let _ = write!(rerun, " --matrix {}", shell_word(&format!("{axis}={value}")));
    }
    if view.is_external {
        rerun.push_str(" and the URL or target file as before");
    }
    lines.push(("rerun", rerun));
    if let Some(folder) = view.folder {
        lines.push(("trace", format!("{folder}/trace.jsonl")));
    }
    if let Some(capture) = view.capture {
        lines.push(("capture", format!("{capture} (opens decrypted; holds secrets)")));
    }
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
