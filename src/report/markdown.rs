//! A short summary in Markdown, for the job page of a CI service.

use std::fmt::Write as _;

use super::baseline::Comparison;
use super::gather::{Group, groups};
use super::input::Input;
use super::text;
use crate::diagnostic::render_event;
use crate::judge::Verdict;
use crate::runner::outcome::{CaseOutcome, Counts, RunOutcome};

/// How many findings, and how many inconclusive cases, are shown.
const SHOWN: usize = 20;

/// How many events a details block shows.
const EVENTS: usize = 12;

/// How many characters of an event are shown.
const EVENT: usize = 160;

/// How many characters of a change are shown.
const CHANGE: usize = 300;

/// The summary of the run.
#[must_use]
pub fn render(input: &Input<'_>) -> String {
    let run = input.run;
    let mut out = String::new();
    let version = escape(&run.run.version);
    let _ = writeln!(out, "## ftpspec {version}: {}\n", headline(run));
    table(&mut out, run);
    if let Some(comparison) = input.changes {
        changes(&mut out, comparison);
    }
    findings(&mut out, input);
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

/// What is different from the baseline, the worst first: what the reader of a pull request asks.
fn changes(out: &mut String, comparison: &Comparison) {
    out.push_str("\n### Since the baseline\n\n");
    if comparison.is_empty() {
        out.push_str("Nothing is different from the baseline.\n");
    }
    let kinds = [
        ("worse", &comparison.worse),
        ("nothing is said any more", &comparison.open),
        ("better", &comparison.better),
        ("different", &comparison.other),
    ];
    for (word, changes) in kinds {
        for change in changes.iter().take(SHOWN) {
            let scenario = change.scenario.as_deref().unwrap_or("");
            let cells: Vec<&str> = change.cells.iter().map(String::as_str).collect();
            let place = format!("{} {scenario} {}", change.target, cells.join("; "));
            let requirement = change
                .requirement
                .as_deref()
                .map_or_else(String::new, |id| format!(" ({id})"));
            let _ = writeln!(
                out,
                "- **{word}** {}: {}{}",
                escape(place.trim_end()),
                escape(&text::short(&change.text, CHANGE)),
                escape(&requirement)
            );
        }
        if changes.len() > SHOWN {
            let _ = writeln!(out, "- … and {} more", changes.len() - SHOWN);
        }
    }
}

fn findings(out: &mut String, input: &Input<'_>) {
    let groups = groups(input.run);
    if groups.is_empty() {
        return;
    }
    out.push_str("\n### Findings\n\n");
    for group in groups.iter().take(SHOWN) {
        finding(out, input, group);
    }
    if groups.len() > SHOWN {
        let _ = writeln!(out, "… and {} more", groups.len() - SHOWN);
    }
}

/// One line, and behind it what its reader needs to act.
fn finding(out: &mut String, input: &Input<'_>, group: &Group<'_>) {
    let finding = group.finding;
    let grade = match (finding.grade, &group.case.known) {
        (Some(_), Some(_)) => "known".to_owned(),
        (Some(grade), None) => grade.to_string(),
        (None, _) => String::new(),
    };
    let cells = if group.cells.is_empty() {
        String::new()
    } else {
        format!(" ({})", html(&group.cells.join("; ")))
    };
    // A summary is HTML: Markdown in it is text.
    let _ = writeln!(
        out,
        "<details><summary><b>{grade}</b> {}, {} {}{cells}: {}</summary>\n",
        text::severity(group.case.severity),
        html(&group.case.target),
        html(&group.case.scenario),
        html(&finding.message),
    );
    let _ = writeln!(out, "{}\n", escape(&text::expected_got(finding)));
    let id = finding.requirement.as_deref().unwrap_or("");
    if let Some(source) = input.sources.requirements.get(id) {
        let _ = writeln!(
            out,
            "{} ({}): {}\n",
            escape(&source.citation),
            escape(id),
            escape(&source.summary)
        );
    } else if !id.is_empty() {
        let _ = writeln!(out, "{}\n", escape(id));
    }
    if let Some(reason) = &group.case.known {
        let _ = writeln!(out, "known: {}\n", escape(reason));
    }
    // Every line of the block begins with a word of ours, so nothing in it can end it.
    let _ = writeln!(out, "```text\n$ {}", text::rerun(input.run, group.case));
    let events = group
        .case
        .folder
        .as_deref()
        .and_then(input.traces)
        .unwrap_or_default();
    let until = finding.event.saturating_add(1).min(events.len());
    for event in events.iter().take(until).skip(until.saturating_sub(EVENTS)) {
        let _ = writeln!(out, "{}", text::cut(&text::plain(&render_event(event)), EVENT));
    }
    out.push_str("```\n</details>\n\n");
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

/// Text that HTML shows as it is.
fn html(text: &str) -> String {
    text::plain(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
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
