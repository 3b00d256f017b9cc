//! What the page of a case shows beyond its place in the matrix: findings, the scenario, the timeline.
//!
//! Only cases that have something to tell get it, the worst first, and only as much as a page can hold; the traces on disk
//! have the rest. Each is a script element of its own, read by the browser when somebody opens it.

use std::cmp::Reverse;

use serde::Serialize;

use super::embed;
use super::index::verdict_number;
use super::summary::encode;
use super::timeline::{Timeline, timeline};
use crate::judge::{Finding, Verdict};
use crate::report::input::Input;
use crate::report::text;
use crate::runner::outcome::CaseOutcome;
use crate::trace::Phase;

/// How many bytes all details may take together.
const BYTES: usize = 12 * 1024 * 1024;
/// In a run of at most so many cases, those that passed get details too.
const SMALL_RUN: usize = 60;
/// How many findings of a case are kept.
const FINDINGS: usize = 40;
/// How many characters of a text of a finding are kept.
const TEXT: usize = 600;

/// The details that are in the page.
#[derive(Default)]
pub(super) struct Details {
    /// Case number, and the content of its script element.
    pub json: Vec<(usize, String)>,
    /// How many cases would have some and are left out for the size of the page.
    pub left_out: usize,
    /// How many cases have some whose trace cannot be read.
    pub unreadable: usize,
}

#[derive(Serialize)]
struct Detail {
    findings: Vec<FindingEntry>,
    /// Requirements that held, each with the steps that proved it.
    held: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<FileLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<FileLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Timeline>,
}

/// A file beside the page.
#[derive(Serialize)]
struct FileLink {
    /// As people read it.
    path: String,
    /// Relative address; none for a path that leads out of the report folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<String>,
}

impl FileLink {
    fn to(path: &str) -> Self {
        // A stored run may come from a stranger.
        let is_inside = path
            .split(['/', '\\'])
            .all(|part| !matches!(part, "" | "." | ".."));
        Self {
            path: text::plain(path),
            href: is_inside.then(|| encode(path)),
        }
    }
}

#[derive(Serialize)]
struct FindingEntry {
    requirement: Option<String>,
    grade: Option<String>,
    step: String,
    message: String,
    expected: String,
    observed: String,
    /// Position in the trace.
    event: usize,
    /// Lines of the scenario: what we did, and what did not hold.
    action: Option<(usize, usize)>,
    broken: Option<(usize, usize)>,
}

/// A scenario as the page of a case shows it.
#[derive(Serialize)]
struct ScenarioText {
    file: String,
    text: String,
}

/// The details of the cases that deserve them.
pub(super) fn details(input: &Input<'_>) -> Result<Details, serde_json::Error> {
    let mut order: Vec<(usize, &CaseOutcome)> = input
        .run
        .cases
        .iter()
        .enumerate()
        .filter(|(_, case)| deserves(case, input.run.cases.len()))
        .collect();
    order.sort_by_key(|(number, case)| (rank(case), Reverse(case.severity), *number));
    let mut details = Details::default();
    let mut room = BYTES;
    for (number, case) in order {
        if room == 0 {
            details.left_out += 1;
            continue;
        }
        let json = embed::json(&detail(input, case, &mut details.unreadable))?;
        if json.len() > room {
            // What is less important is left out as well: the reader must not wonder about the order.
            room = 0;
            details.left_out += 1;
            continue;
        }
        room -= json.len();
        details.json.push((number, json));
    }
    details.json.sort_by_key(|(number, _)| *number);
    Ok(details)
}

fn deserves(case: &CaseOutcome, cases: usize) -> bool {
    match case.judgement.verdict {
        Verdict::Pass => cases <= SMALL_RUN,
        Verdict::NotApplicable => false,
        _ => true,
    }
}

/// Which details matter most; smaller is better.
fn rank(case: &CaseOutcome) -> u8 {
    // In the order of the verdicts of the page.
    [6, 5, 3, 4, 0, 2, 7, 1]
        .get(verdict_number(case))
        .copied()
        .unwrap_or(u8::MAX)
}

fn detail(input: &Input<'_>, case: &CaseOutcome, unreadable: &mut usize) -> Detail {
    let events = case.folder.as_ref().and_then(|folder| {
        let events = (input.traces)(folder);
        *unreadable += usize::from(events.is_none());
        events
    });
    let findings = case.judgement.findings.iter().take(FINDINGS);
    let mut held: Vec<(String, String)> = Vec::new();
    for proven in &case.judgement.held {
        let id = text::plain(&proven.requirement);
        if !held.iter().any(|(known, _)| *known == id) {
            held.push((id, step_name(proven.step.phase, proven.step.index)));
        }
    }
    Detail {
        findings: findings.map(|finding| entry(input, case, finding)).collect(),
        held,
        known: case.known.as_deref().map(safe),
        reason: case.judgement.reason.as_deref().map(safe),
        trace: case
            .folder
            .as_deref()
            .map(|folder| FileLink::to(&format!("{folder}/trace.jsonl"))),
        capture: case.capture.as_deref().map(FileLink::to),
        timeline: events.map(|events| timeline(&events, input.sources.scenarios.get(&case.scenario))),
    }
}

fn entry(input: &Input<'_>, case: &CaseOutcome, finding: &Finding) -> FindingEntry {
    let place = input.sources.place(&case.scenario, finding);
    FindingEntry {
        requirement: finding.requirement.as_deref().map(text::plain),
        grade: finding.grade.map(|grade| grade.to_string()),
        step: step_name(finding.step.phase, finding.step.index),
        message: safe(&finding.message),
        expected: safe(&finding.expected),
        observed: safe(&finding.observed),
        event: finding.event,
        action: place.action,
        broken: place.broken,
    }
}

fn step_name(phase: Phase, index: usize) -> String {
    let phase = match phase {
        Phase::Setup => "set-up step",
        Phase::Steps => "step",
        Phase::Cleanup => "clean-up step",
    };
    format!("{phase} {}", index.saturating_add(1))
}

fn safe(words: &str) -> String {
    text::short(words, TEXT)
}

/// The scenarios of the cases in `details`, as JSON by id.
pub(super) fn scenarios(input: &Input<'_>, details: &Details) -> Result<String, serde_json::Error> {
    let mut texts = std::collections::BTreeMap::new();
    for (number, _) in &details.json {
        let Some(case) = input.run.cases.get(*number) else {
            continue;
        };
        if let Some(source) = input.sources.scenarios.get(&case.scenario) {
            let lines: Vec<String> = source.text.lines().map(text::plain).collect();
            let shown = ScenarioText {
                file: text::plain(&source.file),
                text: lines.join("\n"),
            };
            texts.insert(text::plain(&case.scenario), shown);
        }
    }
    embed::json(&texts)
}
