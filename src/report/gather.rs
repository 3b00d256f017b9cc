//! Findings put together: the same finding in several cells of a matrix is one entry.

use std::cmp::Reverse;

use super::text;
use crate::judge::Finding;
use crate::runner::outcome::{CaseOutcome, RunOutcome};

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

/// All graded findings, worst first: by severity, grade, target, scenario.
pub(super) fn groups(run: &RunOutcome) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for case in &run.cases {
        for finding in case
            .judgement
            .findings
            .iter()
            .filter(|finding| finding.grade.is_some() && !is_said_already(case, finding))
        {
            let cell = text::cell(case);
            match groups.iter_mut().find(|group| is_same(group, case, finding)) {
                Some(group) if !cell.is_empty() && !group.cells.contains(&cell) => group.cells.push(cell),
                Some(_) => {}
                None => {
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

fn is_same(group: &Group<'_>, case: &CaseOutcome, finding: &Finding) -> bool {
    group.case.target == case.target
        && group.case.scenario == case.scenario
        && group.case.known.is_some() == case.known.is_some()
        && group.finding.requirement == finding.requirement
        && group.finding.grade == finding.grade
        && group.finding.step == finding.step
        && group.finding.check == finding.check
        && group.finding.expected == finding.expected
}
