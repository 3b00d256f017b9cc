//! What went wrong, in full: one text per finding and target, with the cases that went the same way named below it.

use std::fmt::Write as _;

use super::output;
use crate::diagnostic::{CaseView, render_case};
use crate::judge::Verdict;
use crate::plan::{CaseId, Cell};
use crate::requirement::Grade;
use crate::runner::outcome::CaseOutcome;
use crate::runner::{Corpus, Finished, ReportFolder, read_case};
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

/// What failed or says nothing about its target, as far as the traces are on disk or in memory; failures first.
pub(super) fn render(corpus: &Corpus, finished: &Finished, folder: Option<&ReportFolder>) -> String {
    let source = Source {
        corpus,
        finished,
        folder,
    };
    let outcome = &finished.outcome;
    let mut text = String::new();
    let failed = groups(outcome.cases.iter().filter(|case| case.has_failed()), failure_key);
    let open = groups(outcome.cases.iter().filter(|case| source.is_open(case)), open_key);
    for (groups, limit) in [(failed, FINDINGS), (open, INCONCLUSIVE)] {
        for group in groups.iter().take(limit) {
            text.push_str(&group_text(group, &source));
        }
        if groups.len() > limit {
            let _ = write!(text, "… and {} more of this kind", groups.len() - limit);
            if let Some(folder) = folder {
                let _ = write!(text, ", in {}", folder.latest().join("report.json").display());
            }
            text.push_str("\n\n");
        }
    }
    text
}

/// Where findings are looked up.
struct Source<'a> {
    corpus: &'a Corpus,
    finished: &'a Finished,
    folder: Option<&'a ReportFolder>,
}

impl Source<'_> {
    fn is_open(&self, case: &CaseOutcome) -> bool {
        matches!(case.judgement.verdict, Verdict::Inconclusive | Verdict::Error)
            && (case.folder.is_some() || self.finished.traces.contains_key(&id_of(case)))
    }

    /// The trace of a case, from disk or from memory.
    fn events(&self, case: &CaseOutcome) -> Option<Vec<Event>> {
        match (self.folder, &case.folder) {
            // That it cannot be read back was reported when it was written.
            (Some(folder), Some(place)) => read_case(folder.path(), place).ok(),
            _ => self.finished.traces.get(&id_of(case)).cloned(),
        }
    }
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

fn group_text(group: &Group<'_>, source: &Source<'_>) -> String {
    let Some((case, others)) = group.cases.split_first() else {
        return String::new();
    };
    let mut text = case_text(case, source).unwrap_or_default();
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
fn case_text(case: &CaseOutcome, source: &Source<'_>) -> Option<String> {
    let corpus = source.corpus;
    let scenario = corpus
        .scenarios
        .iter()
        .find(|scenario| scenario.id == case.scenario)?;
    let events = source.events(case)?;
    let place = match (source.folder, &case.folder) {
        (Some(folder), Some(place)) => Some(folder.latest().join(place).display().to_string()),
        _ => None,
    };
    let target = source.finished.outcome.targets.get(&case.target);
    let view = CaseView {
        id: &id_of(case),
        scenario,
        judgement: &case.judgement,
        events: &events,
        version: target.and_then(|target| target.version.as_deref()),
        is_external: target.is_some_and(|target| target.provision == Provisioning::External.name()),
        folder: place.as_deref(),
        catalogue: &corpus.catalogue,
    };
    Some(render_case(&view, Grade::Fail, output::colour()))
}
