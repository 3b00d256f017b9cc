//! Two runs held against each other.
//!
//! Findings are compared as with a baseline made from the older run. Besides them: which targets and cases are only in
//! one, how long cases took, and, for who has the traces, what was replied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::baseline::{Baseline, Comparison, compare, render_comparison, stable};
use super::terminal::Paint;
use super::text;
use crate::judge::Verdict;
use crate::runner::outcome::{CaseOutcome, PropertyOutcome, RunOutcome};
use crate::trace::{Event, EventKind};

/// How many lines of a kind are shown.
const SHOWN: usize = 40;

/// How long a case takes, roughly. A waited-out deadline moves a case by a class or two; the load of a machine does not,
/// since neighbouring classes overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimingClass {
    /// Below half a second.
    Quick,
    /// Below three seconds.
    Seconds,
    /// Below eight seconds: it waited for something.
    Slow,
    /// Longer: it waited until a deadline.
    Waiting,
}

impl TimingClass {
    /// The class of a case that took so long, in seconds.
    #[must_use]
    pub fn of(seconds: f64) -> Self {
        match seconds {
            s if s < 0.5 => Self::Quick,
            s if s < 3.0 => Self::Seconds,
            s if s < 8.0 => Self::Slow,
            _ => Self::Waiting,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Seconds => "seconds",
            Self::Slow => "slow",
            Self::Waiting => "waiting",
        }
    }
}

/// A case that takes much longer or shorter than before.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TimingChange {
    /// `target scenario[cell]`.
    pub case: String,
    /// The class of the older run.
    pub was: TimingClass,
    /// The class of the newer run.
    pub is: TimingClass,
    /// How long it took, in seconds.
    pub was_seconds: f64,
    /// How long it takes, in seconds.
    pub is_seconds: f64,
}

/// A property with another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PropertyChange {
    /// Name of the target.
    pub target: String,
    /// Name of the property.
    pub property: String,
    /// Axis to value, in the order of the axes.
    pub cell: Vec<(String, String)>,
    /// The value in the older run; none when it was not found out.
    pub was: Option<String>,
    /// The value in the newer run.
    pub is: Option<String>,
    /// The exchange that shows the value of the newer run, or why there is none.
    pub evidence: String,
}

/// A reply with another text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReplyChange {
    /// `target scenario[cell]`.
    pub case: String,
    /// What was sent before it; empty for a greeting.
    pub command: String,
    /// The reply of the older run; none when there was none.
    pub was: Option<String>,
    /// The reply of the newer run.
    pub is: Option<String>,
}

/// What is different in the newer run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunDiff {
    /// Findings, capabilities, versions.
    pub findings: Comparison,
    /// Cases that only the newer run has, by target.
    pub added: BTreeMap<String, usize>,
    /// Cases that only the older run has, by target.
    pub removed: BTreeMap<String, usize>,
    /// Cases that say something in one run and do not apply in the other.
    pub applicability: Vec<String>,
    /// Properties with another value, of targets that were asked for them in both runs.
    pub properties: Vec<PropertyChange>,
    /// Facts that no RFC judges (findings of grade info).
    pub facts: Vec<String>,
    /// Cases of another timing class.
    pub timing: Vec<TimingChange>,
    /// Replies with another text, as far as they were asked for.
    pub replies: Vec<ReplyChange>,
}

type CaseKey<'a> = (&'a str, &'a str, &'a [(String, String)]);

fn key(case: &CaseOutcome) -> CaseKey<'_> {
    (&case.target, &case.scenario, &case.cell)
}

/// Name of a case among several targets.
fn name(case: &CaseOutcome) -> String {
    format!("{} {}", text::plain(&case.target), text::case_name(case))
}

/// Holds `new` against `old`.
#[must_use]
pub fn diff(old: &RunOutcome, new: &RunOutcome) -> RunDiff {
    let mut diff = RunDiff {
        // No entry of a baseline made here has a last day that could have passed.
        findings: compare(&only_common(new, old), &Baseline::of(old), ""),
        ..RunDiff::default()
    };
    for (target, outcome) in &new.targets {
        if let Some(was) = old.targets.get(target) {
            diff_properties(&mut diff.properties, target, &was.properties, &outcome.properties);
        }
    }
    let before: BTreeMap<CaseKey<'_>, &CaseOutcome> =
        old.cases.iter().map(|case| (key(case), case)).collect();
    let now: BTreeSet<CaseKey<'_>> = new.cases.iter().map(key).collect();
    for case in old.cases.iter().filter(|case| !now.contains(&key(case))) {
        *diff.removed.entry(case.target.clone()).or_default() += 1;
    }
    for case in &new.cases {
        let Some(was) = before.get(&key(case)) else {
            *diff.added.entry(case.target.clone()).or_default() += 1;
            continue;
        };
        diff_case(&mut diff, (old, was), (new, case));
    }
    diff
}

/// `run` without what `other` has nothing to compare with.
fn only_common(run: &RunOutcome, other: &RunOutcome) -> RunOutcome {
    let common: BTreeSet<CaseKey<'_>> = other.cases.iter().map(key).collect();
    let mut run = run.clone();
    run.cases.retain(|case| common.contains(&key(case)));
    run.targets.retain(|name, _| other.targets.contains_key(name));
    run
}

/// What has another value now. A property that one of the runs did not ask for is no change.
fn diff_properties(
    changes: &mut Vec<PropertyChange>,
    target: &str,
    old: &[PropertyOutcome],
    new: &[PropertyOutcome],
) {
    for is in new {
        let same = |was: &&PropertyOutcome| was.property == is.property && was.cell == is.cell;
        let Some(was) = old.iter().find(same).filter(|was| was.value != is.value) else {
            continue;
        };
        changes.push(PropertyChange {
            target: target.to_owned(),
            property: is.property.clone(),
            cell: is.cell.clone(),
            was: was.value.clone(),
            is: is.value.clone(),
            evidence: is.evidence.clone(),
        });
    }
}

fn diff_case(
    diff: &mut RunDiff,
    (old, was): (&RunOutcome, &CaseOutcome),
    (new, is): (&RunOutcome, &CaseOutcome),
) {
    let applies = |case: &CaseOutcome| case.judgement.verdict != Verdict::NotApplicable;
    match (applies(was), applies(is)) {
        (true, false) => {
            let reason = is.judgement.reason.as_deref().unwrap_or_default();
            diff.applicability
                .push(format!("{} no longer applies: {}", name(is), text::plain(reason)));
            return;
        }
        (false, true) => {
            let verdict = text::verdict(is);
            diff.applicability
                .push(format!("{} applies now: {verdict}", name(is)));
            return;
        }
        (false, false) => return,
        (true, true) => {}
    }
    let (facts_before, facts_now) = (facts(old, was), facts(new, is));
    for fact in facts_before.difference(&facts_now) {
        diff.facts.push(format!("{} no longer: {fact}", name(is)));
    }
    for fact in facts_now.difference(&facts_before) {
        diff.facts.push(format!("{} now: {fact}", name(is)));
    }
    let (before, now) = (TimingClass::of(was.seconds), TimingClass::of(is.seconds));
    let (short, long) = if was.seconds < is.seconds {
        (was.seconds, is.seconds)
    } else {
        (is.seconds, was.seconds)
    };
    // At the border of two classes a little load is no change.
    if before != now && long > short * 2.0 && long - short > 0.5 {
        diff.timing.push(TimingChange {
            case: name(is),
            was: before,
            is: now,
            was_seconds: was.seconds,
            is_seconds: is.seconds,
        });
    }
}

/// What a case says without judging it.
fn facts(run: &RunOutcome, case: &CaseOutcome) -> BTreeSet<String> {
    let facts = case
        .judgement
        .findings
        .iter()
        .filter(|finding| finding.grade == Some(crate::requirement::Grade::Info));
    facts
        .map(|finding| {
            let requirement = finding.requirement.as_deref().unwrap_or_default();
            let said = format!("expected {}, got {}", finding.expected, finding.observed);
            text::plain(&format!("{requirement}: {}", stable(&said, &run.run.id)))
        })
        .collect()
}

/// The first reply of a case with another text. `old` and `new` are events and the id of their run.
#[must_use]
pub fn diff_replies(case: &CaseOutcome, old: (&[Event], &str), new: (&[Event], &str)) -> Option<ReplyChange> {
    let (was, is) = (replies(old.0, old.1), replies(new.0, new.1));
    let length = was.len().max(is.len());
    let place =
        (0..length).find(|place| was.get(*place).map(|one| &one.1) != is.get(*place).map(|one| &one.1))?;
    let command = is.get(place).or_else(|| was.get(place)).map(|one| one.0.clone());
    Some(ReplyChange {
        case: name(case),
        command: command.unwrap_or_default(),
        was: was.get(place).map(|one| one.1.clone()),
        is: is.get(place).map(|one| one.1.clone()),
    })
}

/// Commands and their replies, without what differs from run to run.
fn replies(events: &[Event], id: &str) -> Vec<(String, String)> {
    let mut command = String::new();
    let mut replies = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::CommandSent { line, .. } => command = stable(line, id),
            EventKind::ReplyReceived { code, lines, .. } => {
                replies.push((
                    command.clone(),
                    stable(&format!("{code} {}", lines.join(" / ")), id),
                ));
            }
            _ => {}
        }
    }
    replies
}

/// The difference for a screen of `width` characters.
#[must_use]
pub fn render_diff(diff: &RunDiff, old: &str, width: usize, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = render_comparison(&diff.findings, old, width, colour);
    let counts = |cases: &BTreeMap<String, usize>| -> Vec<String> {
        let each = cases.iter();
        each.map(|(target, count)| format!("{}: {}", text::plain(target), text::count(*count, "case")))
            .collect()
    };
    let timing: Vec<String> = diff
        .timing
        .iter()
        .map(|change| {
            format!(
                "{}: {} ({:.1}s), was {} ({:.1}s)",
                change.case,
                change.is.name(),
                change.is_seconds,
                change.was.name(),
                change.was_seconds
            )
        })
        .collect();
    let properties: Vec<String> = diff.properties.iter().map(property_words).collect();
    let replies: Vec<String> = diff.replies.iter().map(reply_words).collect();
    for (head, lines) in [
        ("only in the newer run", &counts(&diff.added)),
        ("only in the older run", &counts(&diff.removed)),
        ("applicability", &diff.applicability),
        ("properties", &properties),
        ("facts", &diff.facts),
        ("time taken", &timing),
        ("replies", &replies),
    ] {
        if lines.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{}", paint.bold(head));
        for line in lines.iter().take(SHOWN) {
            for (position, part) in text::wrap(line, width.saturating_sub(4), 4).iter().enumerate() {
                let indent = if position == 0 { 2 } else { 4 };
                let _ = writeln!(out, "{:indent$}{part}", "");
            }
        }
        if lines.len() > SHOWN {
            let _ = writeln!(out, "  … and {} more", lines.len() - SHOWN);
        }
    }
    out
}

fn property_words(change: &PropertyChange) -> String {
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "not found out".to_owned(), text::plain)
    };
    let cell: Vec<String> = change
        .cell
        .iter()
        .map(|(axis, value)| format!("{axis}={value}"))
        .collect();
    let cell = if cell.is_empty() {
        String::new()
    } else {
        format!("[{}]", text::plain(&cell.join(",")))
    };
    format!(
        "{} {}{cell}: {}, was {} ({})",
        text::plain(&change.target),
        text::plain(&change.property),
        value(&change.is),
        value(&change.was),
        text::plain(&change.evidence)
    )
}

fn reply_words(change: &ReplyChange) -> String {
    let quoted = |reply: &Option<String>| {
        reply.as_deref().map_or_else(
            || "nothing".to_owned(),
            |reply| format!("`{}`", text::plain(reply)),
        )
    };
    format!(
        "{}, `{}`: {}, was {}",
        change.case,
        text::plain(&change.command),
        quoted(&change.is),
        quoted(&change.was)
    )
}
