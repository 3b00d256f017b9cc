//! Known deviations: findings that a profile accepts, with a reason and an optional last day.

use std::collections::BTreeSet;

use super::outcome::{CaseOutcome, RunOutcome};
use crate::judge::{Judgement, Verdict};
use crate::plan::{Case, Cell};
use crate::requirement::Grade;
use crate::target::KnownDeviation;

/// Whether the fail of a case is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The reasons, when every finding of grade fail is known.
    pub(super) reason: Option<String>,
}

/// Looks up the failing findings of `judgement` among `deviations`; one past its last day counts as not there.
pub(super) fn apply_known(
    case: &Case,
    judgement: &Judgement,
    deviations: &[KnownDeviation],
    today: &str,
) -> Known {
    if judgement.verdict != Verdict::Fail {
        return Known::default();
    }
    let cell = case.id.cell.to_string();
    let mut reasons: Vec<&str> = Vec::new();
    for finding in judgement
        .findings
        .iter()
        .filter(|finding| finding.grade == Some(Grade::Fail))
    {
        let found = deviations.iter().find(|deviation| {
            finding.requirement.as_deref() == Some(&deviation.requirement)
                && deviation.speaks_of(&case.id.scenario, &cell)
                && deviation.holds_on(today)
        });
        match found {
            Some(deviation) if !reasons.contains(&deviation.reason.as_str()) => {
                reasons.push(&deviation.reason);
            }
            Some(_) => {}
            None => return Known::default(),
        }
    }
    Known {
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

/// Whether every failing finding of `judgement` is among `deviations`, whatever the day.
#[must_use]
pub fn is_known(case: &Case, judgement: &Judgement, deviations: &[KnownDeviation]) -> bool {
    apply_known(case, judgement, deviations, "").reason.is_some()
}

/// The known deviations of `run` that everything was run for, and that did not happen.
///
/// A part of a run, an interrupted one, or one with a filter that left out where it could happen, says nothing.
pub(super) fn stale(run: &RunOutcome) -> Vec<String> {
    if run.run.shard.is_some() || run.run.interrupted || run.cases.len() < run.run.planned {
        return Vec::new();
    }
    let whole_matrix = !run.run.options.iter().any(|option| option.starts_with("matrix "));
    let is_filtered = run.run.options.iter().any(|option| option.starts_with("filter "));
    let mut stale = BTreeSet::new();
    for (name, target) in &run.targets {
        for deviation in &target.known_deviations {
            let could_have_happened = whole_matrix
                && (deviation.scenario.is_some() || !is_filtered)
                && deviation
                    .targets
                    .iter()
                    .all(|other| run.targets.contains_key(other));
            if could_have_happened && !deviation.varies && no_longer_happens(run, name, deviation) {
                stale.insert(format!(
                    "the known deviation from {} matches nothing any more; remove it from the profile of {} ({})",
                    deviation.requirement,
                    deviation.targets.join(", "),
                    deviation.reason
                ));
            }
        }
    }
    stale.into_iter().collect()
}

/// Whether the requirement was seen to hold where `deviation` says it is broken, and nothing hid it.
fn no_longer_happens(run: &RunOutcome, name: &str, deviation: &KnownDeviation) -> bool {
    let mut held = false;
    for case in run.cases.iter().filter(|case| is_about(deviation, name, case)) {
        let judgement = &case.judgement;
        let happens = judgement
            .findings
            .iter()
            .any(|finding| finding.requirement.as_ref() == Some(&deviation.requirement));
        // A case that stopped early may not have come to it.
        let is_open = matches!(
            judgement.verdict,
            Verdict::Fail | Verdict::Inconclusive | Verdict::Error
        );
        if happens || is_open {
            return false;
        }
        held |= judgement
            .held
            .iter()
            .any(|held| held.requirement == deviation.requirement);
    }
    held
}

fn is_about(deviation: &KnownDeviation, name: &str, case: &CaseOutcome) -> bool {
    let is_for_it = case.target == name || deviation.targets.contains(&case.target);
    is_for_it && deviation.speaks_of(&case.scenario, &Cell(case.cell.clone()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Proven;
    use crate::runner::outcome::fixtures::{case, case_with, outcome};

    /// A run against `targets`, each with a deviation of both; the requirement is broken at those of `broken`.
    fn run(targets: &[&str], broken: &[&str]) -> RunOutcome {
        let deviation = KnownDeviation {
            requirement: "sec.truncation.stor".into(),
            reason: "fixed in 2.0".into(),
            targets: vec!["one".into(), "two".into()],
            ..KnownDeviation::default()
        };
        let mut run = outcome(Vec::new());
        let embedded = run.targets.pop_first().unwrap().1;
        for name in targets {
            let mut target = embedded.clone();
            target.known_deviations.push(deviation.clone());
            run.targets.insert((*name).to_owned(), target);
            let mut case = if broken.contains(name) {
                case_with("shutdown/upload", Verdict::Fail, Grade::Fail)
            } else {
                let mut case = case("shutdown/upload", Verdict::Pass);
                case.judgement.held.push(Proven {
                    requirement: "sec.truncation.stor".into(),
                    step: crate::trace::StepIndex {
                        phase: crate::trace::Phase::Steps,
                        index: 0,
                    },
                });
                case
            };
            case.target = (*name).to_owned();
            run.cases.push(case);
        }
        run.run.planned = run.cases.len();
        run
    }

    #[test]
    fn a_deviation_is_out_of_date_when_it_happens_at_none_of_its_targets() {
        assert_eq!(run(&["one", "two"], &[]).stale_deviations().len(), 1);
        assert!(run(&["one", "two"], &["two"]).stale_deviations().is_empty());
        let alone = run(&["one"], &[]);
        assert!(
            alone.stale_deviations().is_empty(),
            "the other variant was not run"
        );
        assert_eq!(run(&["one", "two"], &[]).exit_code(false), 1);
        assert_eq!(alone.exit_code(false), 0);
    }

    #[test]
    fn only_a_run_that_could_have_shown_it_says_that_it_is_out_of_date() {
        let whole = run(&["one", "two"], &[]);
        for option in ["filter shutdown", "matrix tls=tls1.3"] {
            let mut part = whole.clone();
            part.run.options.push(option.into());
            assert!(part.stale_deviations().is_empty(), "{option}");
        }
        let mut part = whole.clone();
        part.run.shard = Some("1/2".into());
        assert!(part.stale_deviations().is_empty());
        let mut varies = whole.clone();
        for target in varies.targets.values_mut() {
            target.known_deviations[0].varies = true;
        }
        assert!(varies.stale_deviations().is_empty());
        let mut hidden = whole;
        hidden.cases[0].judgement.verdict = Verdict::Inconclusive;
        assert!(hidden.stale_deviations().is_empty());
    }
}
