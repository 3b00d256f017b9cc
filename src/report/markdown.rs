//! A short summary in Markdown, for the job page of a CI service.

use std::fmt::Write as _;

use super::gather::groups;
use super::text;
use crate::judge::Verdict;
use crate::runner::outcome::{CaseOutcome, Counts, RunOutcome};

/// How many findings, and how many inconclusive cases, are shown.
const SHOWN: usize = 20;

/// The summary of `run`.
#[must_use]
pub fn render(run: &RunOutcome) -> String {
    let mut out = String::new();
    let version = escape(&run.run.version);
    let _ = writeln!(out, "## ftpspec {version}: {}\n", headline(run));
    table(&mut out, run);
    findings(&mut out, run);
    inconclusive(&mut out, run);
    out
}

fn headline(run: &RunOutcome) -> String {
    let counts = run.counts();
    let parts: Vec<String> = text::columns(&counts)
        .iter()
        .filter(|(name, number)| *number > 0 || matches!(*name, "pass" | "fail"))
        .map(|(name, number)| format!("{number} {name}"))
        .collect();
    parts.join(", ")
}

fn table(out: &mut String, run: &RunOutcome) {
    let heads: Vec<&str> = text::columns(&Counts::default())
        .iter()
        .map(|(name, _)| *name)
        .collect();
    let _ = writeln!(out, "| target | {} |", heads.join(" | "));
    let _ = writeln!(out, "|---|{}", "---:|".repeat(heads.len()));
    for (name, target) in &run.targets {
        let label = format!(
            "{} {}",
            escape(name),
            escape(target.version.as_deref().unwrap_or(""))
        );
        let counts = Counts::of(run.cases_of(name));
        let numbers: Vec<String> = text::columns(&counts)
            .iter()
            .map(|(_, number)| number.to_string())
            .collect();
        let _ = writeln!(out, "| {} | {} |", label.trim_end(), numbers.join(" | "));
    }
    for (name, target) in &run.targets {
        if let Some(reason) = &target.unavailable {
            let _ = writeln!(out, "\n{} could not be used: {}", escape(name), escape(reason));
        }
    }
}

fn findings(out: &mut String, run: &RunOutcome) {
    let groups = groups(run);
    if groups.is_empty() {
        return;
    }
    out.push_str("\n### Findings\n\n");
    for group in groups.iter().take(SHOWN) {
        let finding = group.finding;
        let grade = match (finding.grade, &group.case.known) {
            (Some(_), Some(_)) => "known".to_owned(),
            (Some(grade), None) => grade.to_string(),
            (None, _) => String::new(),
        };
        let cells = if group.cells.is_empty() {
            String::new()
        } else {
            format!(" ({})", escape(&group.cells.join("; ")))
        };
        let _ = writeln!(
            out,
            "- **{grade}** {}, {} {}{cells}: {}; {} ({})",
            text::severity(group.case.severity),
            escape(&group.case.target),
            escape(&group.case.scenario),
            escape(&finding.message),
            escape(&text::expected_got(finding)),
            escape(finding.requirement.as_deref().unwrap_or("")),
        );
    }
    if groups.len() > SHOWN {
        let _ = writeln!(out, "- … and {} more", groups.len() - SHOWN);
    }
}

fn inconclusive(out: &mut String, run: &RunOutcome) {
    let is_open =
        |case: &&CaseOutcome| matches!(case.judgement.verdict, Verdict::Inconclusive | Verdict::Error);
    let cases: Vec<&CaseOutcome> = run.cases.iter().filter(is_open).collect();
    if cases.is_empty() {
        return;
    }
    out.push_str("\n### Nothing is said about\n\n");
    for case in cases.iter().take(SHOWN) {
        let reason = case.judgement.reason.as_deref().unwrap_or("no reason given");
        let name = escape(&text::case_name(case));
        let _ = writeln!(
            out,
            "- {} {name} ({}): {}",
            escape(&case.target),
            text::verdict(case),
            escape(reason)
        );
    }
    if cases.len() > SHOWN {
        let _ = writeln!(out, "- … and {} more", cases.len() - SHOWN);
    }
}

/// Text that Markdown and the HTML inside it show as it is.
fn escape(text: &str) -> String {
    let mut safe = String::new();
    for character in text::plain(text).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' | '@' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}
