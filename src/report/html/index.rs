//! Every case of the run in a few bytes: columns of numbers over tables of names. The matrix is drawn from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::judge::Verdict;
use crate::report::input::Input;
use crate::report::text;
use crate::runner::outcome::CaseOutcome;

/// How many different reasons are kept; what is beyond them is in `report.json`.
const REASONS: usize = 2000;

/// How many characters of a reason are kept.
const REASON: usize = 300;

/// The order of the verdicts in the page: their place is their number in [`Columns::v`].
pub(super) const VERDICTS: [&str; 8] = [
    "pass",
    "info",
    "warn",
    "known",
    "fail",
    "inconclusive",
    "not-applicable",
    "error",
];

/// Number of the verdict of `case` in [`VERDICTS`].
pub(super) fn verdict_number(case: &CaseOutcome) -> usize {
    match case.judgement.verdict {
        Verdict::Pass => 0,
        Verdict::Info => 1,
        Verdict::Warn => 2,
        Verdict::Fail if case.known.is_some() => 3,
        Verdict::Fail => 4,
        Verdict::Inconclusive => 5,
        Verdict::NotApplicable => 6,
        Verdict::Error => 7,
    }
}

/// What the script reads. Names are short because some stand there a hundred thousand times.
#[derive(Serialize)]
pub(super) struct Index {
    verdicts: [&'static str; 8],
    targets: Vec<TargetEntry>,
    scenarios: Vec<ScenarioEntry>,
    cells: Vec<CellEntry>,
    requirements: Vec<RequirementEntry>,
    reasons: Vec<String>,
    cases: Columns,
    /// Case number to the requirements it breaks.
    broken: BTreeMap<usize, Vec<usize>>,
    /// Case number to its reason.
    reason: BTreeMap<usize, usize>,
    /// Case number to `k of n`.
    repeated: BTreeMap<usize, (u32, u32)>,
    /// Numbers of the cases whose details are in the page.
    details: Vec<usize>,
}

#[derive(Serialize)]
struct TargetEntry {
    name: String,
    version: String,
    /// What follows the scenario in the command that runs a case again, and what follows its matrix.
    rerun: (String, &'static str),
}

#[derive(Serialize)]
struct ScenarioEntry {
    id: String,
    title: String,
    why: String,
    /// 0 (low) to 3 (critical).
    severity: u8,
    requirements: Vec<usize>,
}

#[derive(Serialize)]
struct CellEntry {
    name: String,
    tls: String,
    rerun: String,
}

#[derive(Serialize)]
struct RequirementEntry {
    id: String,
    citation: String,
    summary: String,
    level: String,
    grade: String,
}

/// One place per case.
#[derive(Default, Serialize)]
struct Columns {
    /// Scenario.
    s: Vec<usize>,
    /// Target.
    t: Vec<usize>,
    /// Cell.
    c: Vec<usize>,
    /// Verdict, one digit each.
    v: String,
    /// Milliseconds.
    m: Vec<u64>,
}

/// Names in the order of their first use.
#[derive(Default)]
struct Table<'a> {
    numbers: HashMap<&'a str, usize>,
    names: Vec<&'a str>,
}

impl<'a> Table<'a> {
    fn number(&mut self, name: &'a str) -> usize {
        let next = self.names.len();
        *self.numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            next
        })
    }
}

/// The index of the run; `details` are the numbers of the cases whose details are in the page.
pub(super) fn index(input: &Input<'_>, details: Vec<usize>) -> Index {
    let mut builder = Builder::new(input);
    for (number, case) in input.run.cases.iter().enumerate() {
        builder.add(number, case);
    }
    builder.finish(details)
}

struct Builder<'a> {
    input: &'a Input<'a>,
    targets: Vec<&'a str>,
    scenarios: Table<'a>,
    titles: Vec<&'a CaseOutcome>,
    requirements: Table<'a>,
    cells: HashMap<&'a [(String, String)], usize>,
    cell_entries: Vec<CellEntry>,
    reasons: Table<'a>,
    columns: Columns,
    broken: BTreeMap<usize, Vec<usize>>,
    reason: BTreeMap<usize, usize>,
    repeated: BTreeMap<usize, (u32, u32)>,
}

impl<'a> Builder<'a> {
    fn new(input: &'a Input<'a>) -> Self {
        Self {
            input,
            targets: input.run.targets.keys().map(String::as_str).collect(),
            scenarios: Table::default(),
            titles: Vec::new(),
            requirements: Table::default(),
            cells: HashMap::new(),
            cell_entries: Vec::new(),
            reasons: Table::default(),
            columns: Columns::default(),
            broken: BTreeMap::new(),
            reason: BTreeMap::new(),
            repeated: BTreeMap::new(),
        }
    }

    fn add(&mut self, number: usize, case: &'a CaseOutcome) {
        // A stored file may name targets that it does not list.
        let target = match self.targets.iter().position(|name| *name == case.target) {
            Some(known) => known,
            None => {
                self.targets.push(&case.target);
                self.targets.len() - 1
            }
        };
        let scenario = self.scenarios.number(&case.scenario);
        if scenario == self.titles.len() {
            self.titles.push(case);
        }
        self.columns.s.push(scenario);
        self.columns.t.push(target);
        let cell = self.cell(case);
        self.columns.c.push(cell);
        let digits = ["0", "1", "2", "3", "4", "5", "6", "7"];
        self.columns
            .v
            .push_str(digits.get(verdict_number(case)).copied().unwrap_or("7"));
        self.columns.m.push(milliseconds(case.seconds));
        let broken: BTreeSet<&str> = case
            .judgement
            .findings
            .iter()
            .filter(|finding| finding.grade.is_some())
            .filter_map(|finding| finding.requirement.as_deref())
            .collect();
        if !broken.is_empty() {
            let numbers = broken
                .into_iter()
                .map(|id| self.requirements.number(id))
                .collect();
            self.broken.insert(number, numbers);
        }
        if let Some(reason) = case.judgement.reason.as_deref().or(case.known.as_deref())
            && (self.reasons.names.len() < REASONS || self.reasons.numbers.contains_key(reason))
        {
            self.reason.insert(number, self.reasons.number(reason));
        }
        if let Some(repeated) = case.repeated {
            self.repeated.insert(number, repeated);
        }
    }

    fn cell(&mut self, case: &'a CaseOutcome) -> usize {
        if let Some(number) = self.cells.get(case.cell.as_slice()) {
            return *number;
        }
        let number = self.cell_entries.len();
        let tls = case.cell.iter().find(|(axis, _)| axis == "tls");
        self.cell_entries.push(CellEntry {
            name: text::cell(case),
            tls: tls.map_or_else(String::new, |(_, value)| text::plain(value)),
            rerun: text::rerun_cell(case),
        });
        self.cells.insert(&case.cell, number);
        number
    }

    fn finish(mut self, details: Vec<usize>) -> Index {
        let scenarios = self.scenario_entries();
        let run = self.input.run;
        let targets = self
            .targets
            .iter()
            .map(|name| TargetEntry {
                name: text::plain(name),
                version: run
                    .targets
                    .get(*name)
                    .and_then(|target| target.version.as_deref())
                    .map_or_else(String::new, text::plain),
                rerun: text::rerun_target(run, name),
            })
            .collect();
        let requirements = self
            .requirements
            .names
            .iter()
            .map(|id| self.requirement(id))
            .collect();
        let short = |reason: &&str| text::short(reason, REASON);
        Index {
            verdicts: VERDICTS,
            targets,
            scenarios,
            cells: self.cell_entries,
            requirements,
            reasons: self.reasons.names.iter().map(short).collect(),
            cases: self.columns,
            broken: self.broken,
            reason: self.reason,
            repeated: self.repeated,
            details,
        }
    }

    fn scenario_entries(&mut self) -> Vec<ScenarioEntry> {
        let mut entries = Vec::with_capacity(self.titles.len());
        for case in &self.titles {
            let source = self.input.sources.scenarios.get(&case.scenario);
            let ids = source.map_or(&[][..], |source| &source.requirements);
            entries.push(ScenarioEntry {
                id: text::plain(&case.scenario),
                title: text::plain(&case.title),
                why: source.map_or_else(String::new, |source| text::plain(&source.why)),
                severity: case.severity as u8,
                requirements: ids.iter().map(|id| self.requirements.number(id)).collect(),
            });
        }
        entries
    }

    fn requirement(&self, id: &str) -> RequirementEntry {
        let source = self.input.sources.requirements.get(id);
        let word = |word: Option<String>| word.unwrap_or_default();
        RequirementEntry {
            id: text::plain(id),
            citation: word(source.map(|source| text::plain(&source.citation))),
            summary: word(source.map(|source| text::plain(&source.summary))),
            level: word(source.map(|source| source.level.to_string())),
            grade: word(source.map(|source| source.grade.to_string())),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and far below the limit"
)]
fn milliseconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1000.0).round().min(1e15) as u64
}
