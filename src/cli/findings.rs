//! What went wrong, in full: one text per finding and target, with the cases that went the same way named below it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::output;
use crate::diagnostic::{CaseView, render_case};
use crate::judge::Verdict;
use crate::plan::{CaseId, Cell};
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, RunOutcome};
use crate::runner::{Corpus, read_case};
use crate::target::Provisioning;
use crate::trace::Event;

/// How many findings are shown in full; the rest is in the reports.
const FINDINGS: usize = 20;

/// How many ways of being inconclusive are shown in full.
const INCONCLUSIVE: usize = 4;

/// How many cases that went the same way are named.
const NAMED: usize = 4;

/// Cases that went wrong in the same way.
struct Group<'a> {
    key: String,
    cases: Vec<&'a CaseOutcome>,
}

/// A report folder.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The folder that the traces are read from.
    pub(super) traces: &'a Path,
    /// What it is called in the text.
    pub(super) named: &'a Path,
}

/// What is shown, and where it lies.
pub(super) struct Shown<'a> {
    /// Where the traces are on disk.
    pub(super) place: Option<Place<'a>>,
    /// Traces that are not on disk.
    pub(super) kept: &'a BTreeMap<CaseId, Vec<Event>>,
    /// Warnings, facts and known deviations too.
    pub(super) everything: bool,
}

impl Shown<'_> {
    /// Whether `case` went wrong in a way that is shown.
    fn has(&self, case: &CaseOutcome) -> bool {
        let graded = || {
            case.judgement
                .findings
                .iter()
                .any(|finding| finding.grade.is_some())
        };
        case.has_failed() || self.everything && !self.is_open(case) && graded()
    }

    /// Whether `case` says nothing about its target, and there is something to see.
    fn is_open(&self, case: &CaseOutcome) -> bool {
        matches!(case.judgement.verdict, Verdict::Inconclusive | Verdict::Error)
            && (case.folder.is_some() || self.kept.contains_key(&id_of(case)))
    }

    /// The trace of a case, from disk or from memory.
    fn events(&self, case: &CaseOutcome) -> Option<Vec<Event>> {
        match (self.place, &case.folder) {
            // That it cannot be read back was reported when it was written.
            (Some(place), Some(folder)) => read_case(place.traces, folder).ok(),
            _ => self.kept.get(&id_of(case)).cloned(),
        }
    }

    /// The mildest grade that is shown.
    fn grade(&self) -> Grade {
        if self.everything { Grade::Info } else { Grade::Fail }
    }
}

/// What failed or says nothing about its target, as far as there are traces; failures first.
pub(super) fn render(corpus: &Corpus, outcome: &RunOutcome, shown: &Shown<'_>) -> String {
    let mut text = String::new();
    let mut failed = groups(outcome.cases.iter().filter(|case| shown.has(case)), failure_key);
    failed.sort_by_key(|group| group.cases.first().is_none_or(|case| !case.has_failed()));
    let open = groups(outcome.cases.iter().filter(|case| shown.is_open(case)), open_key);
    for (groups, limit) in [(failed, FINDINGS), (open, INCONCLUSIVE)] {
        for group in groups.iter().take(limit) {
            text.push_str(&group_text(group, corpus, outcome, shown));
        }
        if groups.len() > limit {
            let _ = write!(text, "… and {} more of this kind", groups.len() - limit);
            if let Some(place) = shown.place {
                let _ = write!(text, ", in {}", place.named.join("report.json").display());
            }
            text.push_str("\n\n");
        }
    }
    text
}

fn id_of(case: &CaseOutcome) -> CaseId {
    CaseId {
        scenario: case.scenario.clone(),
        target: case.target.clone(),
        cell: Cell(case.cell.clone()),
    }
}

fn groups<'a>(
    cases: impl Iterator<Item = &'a CaseOutcome>,
    key: fn(&CaseOutcome) -> String,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for case in cases {
        let key = key(case);
        match groups.iter_mut().find(|group| group.key == key) {
            Some(group) => group.cases.push(case),
            None => groups.push(Group {
                key,
                cases: vec![case],
            }),
        }
    }
    groups
}

/// Cells of one scenario that break the same checks.
fn failure_key(case: &CaseOutcome) -> String {
    let mut key = format!("{} {}", case.target, case.scenario);
    for finding in &case.judgement.findings {
        let _ = write!(key, " {:?} {:?}", finding.step, finding.check);
    }
    key
}

/// Cases of one target that stopped for the same reason, in whatever scenario.
fn open_key(case: &CaseOutcome) -> String {
    let finding = case.judgement.findings.first();
    let why = finding.map_or_else(
        || case.judgement.reason.clone().unwrap_or_default(),
        |finding| format!("{} {}", finding.message, finding.observed),
    );
    format!("{} {why}", case.target)
}

fn group_text(group: &Group<'_>, corpus: &Corpus, outcome: &RunOutcome, shown: &Shown<'_>) -> String {
    let Some((case, others)) = group.cases.split_first() else {
        return String::new();
    };
    let mut text = case_text(case, corpus, outcome, shown).unwrap_or_default();
    if !text.is_empty() && !others.is_empty() {
        let names: Vec<String> = others.iter().take(NAMED).map(|case| name(case)).collect();
        let more = if others.len() > NAMED { ", …" } else { "" };
        let noun = if others.len() == 1 { "case" } else { "cases" };
        let _ = writeln!(
            text,
            "the same in {} more {noun}: {}{more}\n",
            others.len(),
            names.join(", ")
        );
    }
    text
}

fn name(case: &CaseOutcome) -> String {
    let cell = Cell(case.cell.clone()).to_string();
    if cell.is_empty() {
        case.scenario.clone()
    } else {
        format!("{}[{cell}]", case.scenario)
    }
}

/// The case in full; nothing without its trace.
fn case_text(case: &CaseOutcome, corpus: &Corpus, outcome: &RunOutcome, shown: &Shown<'_>) -> Option<String> {
    let scenario = corpus
        .scenarios
        .iter()
        .find(|scenario| scenario.id == case.scenario)?;
    let events = shown.events(case)?;
    let named = |path: &String| {
        shown
            .place
            .map(|place| place.named.join(path).display().to_string())
    };
    let folder = case.folder.as_ref().and_then(named);
    let capture = case.capture.as_ref().and_then(named);
    let target = outcome.targets.get(&case.target);
    let view = CaseView {
        id: &id_of(case),
        scenario,
        judgement: &case.judgement,
        events: &events,
        version: target.and_then(|target| target.version.as_deref()),
        is_external: target.is_some_and(|target| target.provision == Provisioning::External.name()),
        folder: folder.as_deref(),
        capture: capture.as_deref(),
        catalogue: &corpus.catalogue,
    };
    Some(render_case(&view, shown.grade(), output::colour()))
}
