//! Findings put together: the same finding in several cells of a matrix is one entry.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::text;
use crate::judge::Finding;
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, RunOutcome};
use crate::trace::StepIndex;

/// One finding, and the cells it was found in.
pub(super) struct Group<'a> {
    /// The first case that has it.
    pub case: &'a CaseOutcome,
    /// The finding there.
    pub finding: &'a Finding,
    /// Cells as text; empty for scenarios without a matrix.
    pub cells: Vec<String>,
}

/// Whether a worse finding of the same requirement at the same step tells it all (`2yz` or fail, `200` or warn).
fn is_said_already(case: &CaseOutcome, finding: &Finding) -> bool {
    case.judgement.findings.iter().any(|worse| {
        worse.requirement == finding.requirement && worse.step == finding.step && worse.grade > finding.grade
    })
}

/// What makes two findings the same one.
type Key<'a> = (
    (&'a str, &'a str, bool),
    (Option<&'a str>, Option<Grade>),
    (StepIndex, Option<usize>, &'a str),
);

/// All graded findings, worst first: by severity, grade, target, scenario.
pub(super) fn groups(run: &RunOutcome) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    for case in &run.cases {
        for finding in case
            .judgement
            .findings
            .iter()
            .filter(|finding| finding.grade.is_some() && !is_said_already(case, finding))
        {
            let cell = text::cell(case);
            match known.entry(key(case, finding)) {
                Entry::Occupied(place) => {
                    if let Some(group) = groups.get_mut(*place.get())
                        && !cell.is_empty()
                        && !group.cells.contains(&cell)
                    {
                        group.cells.push(cell);
                    }
                }
                Entry::Vacant(place) => {
                    place.insert(groups.len());
                    let cells = if cell.is_empty() { Vec::new() } else { vec![cell] };
                    groups.push(Group { case, finding, cells });
                }
            }
        }
    }
    groups.sort_by_key(|group| {
        (
            Reverse(group.case.severity),
            group.case.known.is_some(),
            Reverse(group.finding.grade),
            &group.case.target,
            &group.case.scenario,
            group.finding.step,
            group.finding.check,
        )
    });
    groups
}

fn key<'a>(case: &'a CaseOutcome, finding: &'a Finding) -> Key<'a> {
    (
        (&case.target, &case.scenario, case.known.is_some()),
        (finding.requirement.as_deref(), finding.grade),
        (finding.step, finding.check, &finding.expected),
    )
}
