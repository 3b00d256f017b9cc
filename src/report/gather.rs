//! Findings put together: the same finding in several cells of a matrix is one entry.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::text;
use crate::judge::{Finding, Verdict};
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, RunOutcome};
use crate::trace::StepIndex;

/// How many characters of a reason that is in no usual form are kept.
const REASON: usize = 60;

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

/// Why cases do not apply, in a few words, and how many each; the most frequent first.
pub(super) fn not_applicable(run: &RunOutcome) -> Vec<(String, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for case in &run.cases {
        if case.judgement.verdict == Verdict::NotApplicable {
            let reason = case.judgement.reason.as_deref().unwrap_or("no reason given");
            *counts.entry(reason).or_default() += 1;
        }
    }
    // Different evidence for the same lack is the same reason.
    let mut reasons: HashMap<String, usize> = HashMap::new();
    for (reason, count) in counts {
        *reasons.entry(why_not_applicable(reason)).or_default() += count;
    }
    let mut reasons: Vec<(String, usize)> = reasons
        .into_iter()
        .map(|(reason, count)| match reason.strip_prefix("need ") {
            Some(what) if count == 1 => (format!("needs {what}"), count),
            _ => (reason, count),
        })
        .collect();
    reasons.sort_by(|(a, few), (b, many)| many.cmp(few).then_with(|| a.cmp(b)));
    reasons
}

/// What could be done about it where the reason says that, otherwise what is missing.
fn why_not_applicable(reason: &str) -> String {
    if let Some((_, option)) = reason.rsplit_once("or --allow ") {
        return format!(
            "need --allow {}",
            text::short(option.trim_end_matches(')'), REASON)
        );
    }
    if reason == "slow; run with --slow" {
        return "need --slow".to_owned();
    }
    let lacking = ["requires `", " needs `"]
        .iter()
        .find_map(|before| reason.split_once(before))
        .and_then(|(_, rest)| rest.split_once('`'));
    match lacking {
        Some((capability, _)) => format!("need {}", text::short(capability, REASON)),
        None => text::short(reason, REASON),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_what_would_help() {
        for (reason, short) in [
            (
                "requires upload, which needs the permission `write` (profile `allow`, or --allow write)",
                "need --allow write",
            ),
            ("slow; run with --slow", "need --slow"),
            (
                "requires `mlsd`, which the target lacks (discovered: 500 to MLSD)",
                "need mlsd",
            ),
            (
                "requires `ipv6`, which was neither declared nor discovered",
                "need ipv6",
            ),
            (
                "tls=tls1.3 needs `tls1.3`, which the target lacks (declared)",
                "need tls1.3",
            ),
            ("the run was stopped", "the run was stopped"),
            ("\u{1b}[31m", "\\x1b[31m"),
        ] {
            assert_eq!(why_not_applicable(reason), short);
        }
    }
}
