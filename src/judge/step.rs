//! One step: its checks, what its action's failure means, and whether the case goes on.

use super::case::Requirements;
use super::check::{self, Account, CheckResult};
use super::property;
use super::verdict::{Finding, Next, Proven};
use super::view::{StepRange, View};
use super::words;
use crate::plan::Case;
use crate::requirement::{Grade, Level};
use crate::scenario::model::{Check, CheckKind, Otherwise, Step};
use crate::trace::{ActionProblem, Event, EventKind, Phase, StepIndex};

/// A judged step.
#[derive(Debug)]
pub(super) struct JudgedStep {
    pub findings: Vec<Finding>,
    pub held: Vec<Proven>,
    /// How many checks held, with or without a requirement; none are counted in set-up.
    pub held_checks: usize,
    /// What the target is without, where the scenario says that this makes the case not applicable.
    pub absent: Option<String>,
    pub next: Next,
    /// The value of the property that the step settles.
    pub yielded: Option<String>,
}

impl Default for JudgedStep {
    fn default() -> Self {
        Self {
            findings: Vec::new(),
            held: Vec::new(),
            held_checks: 0,
            absent: None,
            next: Next::GoOn,
            yielded: None,
        }
    }
}

/// Judges the events of `range` as the step `model`.
pub(super) fn judge_range(
    case: &Case,
    requirements: &Requirements,
    events: &[Event],
    range: StepRange,
    index: StepIndex,
    model: &Step,
) -> JudgedStep {
    if index.phase == Phase::Cleanup {
        return JudgedStep::default();
    }
    let view = View::new(events, range, model, &case.id.cell);
    let mut judged = JudgedStep::default();
    let results: Vec<Vec<CheckResult>> = model
        .expect
        .iter()
        .map(|check| {
            check
                .kinds
                .iter()
                .map(|kind| check::judge(&view, check, kind))
                .collect()
        })
        .collect();
    if !model.yields.is_empty() {
        return property::judge(&view, &results);
    }
    let failure = unallowed_failure(&view, 0, &results);
    let scribe = Scribe {
        view,
        requirements,
        index,
        failure,
    };
    for (number, (check, results)) in model.expect.iter().zip(&results).enumerate() {
        scribe.write(&mut judged, number, check, results);
    }
    if judged.findings.is_empty()
        && judged.absent.is_none()
        && let Some((event, problem)) = failure
    {
        judged.findings.push(scribe.action_finding(event, problem));
    }
    let stops = |finding: &Finding| finding.grade.is_none_or(|grade| grade == Grade::Fail);
    if judged.absent.is_some() || judged.findings.iter().any(stops) {
        judged.next = Next::Stop;
    }
    judged
}

/// The answer for a step that was never started.
pub(super) fn missing_step(events: &[Event], index: StepIndex) -> JudgedStep {
    let event = events.len().saturating_sub(1);
    JudgedStep {
        findings: vec![Finding {
            requirement: None,
            level: None,
            grade: None,
            step: index,
            check: None,
            message: "was not put to this step".to_owned(),
            expected: "the step to be run".to_owned(),
            observed: "it was not started".to_owned(),
            event,
            at: events.get(event).map(|event| event.at).unwrap_or_default(),
        }],
        next: Next::Stop,
        ..JudgedStep::default()
    }
}

/// The problem of the action, when there is one and none of the checks from `first` on that have `results` accepts it.
pub(super) fn unallowed_failure<'a>(
    view: &View<'a>,
    first: usize,
    results: &[Vec<CheckResult>],
) -> Option<(usize, &'a ActionProblem)> {
    let (event, problem, _) = view.problem()?;
    let checks = view.step().expect.iter().skip(first);
    let allowed = checks.zip(results).any(|(check, results)| {
        check
            .kinds
            .iter()
            .zip(results)
            .any(|(kind, result)| check::allows_failure(view, kind, result))
    });
    (!allowed).then_some((event, problem))
}

/// What a check counts as.
enum Standing {
    Precondition,
    Requirement { id: String, level: Level, grade: Grade },
}

struct Scribe<'a> {
    view: View<'a>,
    requirements: &'a Requirements,
    index: StepIndex,
    failure: Option<(usize, &'a ActionProblem)>,
}

fn asks_for_data(check: &Check) -> bool {
    check.kinds.iter().any(|kind| matches!(kind, CheckKind::Data(_)))
}

impl Scribe<'_> {
    fn write(&self, judged: &mut JudgedStep, number: usize, check: &Check, results: &[CheckResult]) {
        let standing = self.standing(check);
        let mut holds = results.contains(&CheckResult::Held);
        for result in results {
            match result {
                CheckResult::Held | CheckResult::Vacant => {}
                CheckResult::Broken(account) if self.is_optional(check) => {
                    holds = false;
                    let words = format!("expected {}, got {}", account.expected, account.observed);
                    judged.absent.get_or_insert(words);
                }
                CheckResult::Broken(account) => {
                    holds = false;
                    judged.findings.push(self.finding(&standing, number, account));
                }
                CheckResult::Unjudged(account) => {
                    holds = false;
                    judged
                        .findings
                        .push(self.finding(&Standing::Precondition, number, account));
                }
            }
        }
        if holds && self.index.phase == Phase::Steps {
            judged.held_checks += 1;
            if let Standing::Requirement { id, .. } = standing {
                judged.held.push(Proven {
                    requirement: id,
                    step: self.index,
                });
            }
        }
    }

    /// In set-up everything is a precondition; so is a requirement that the catalogue does not have, and an exchange
    /// that the profile forbids.
    fn standing(&self, check: &Check) -> Standing {
        let forbidden = matches!(self.failure, Some((_, ActionProblem::NotAllowed { .. })));
        let Some(requirement) = &check.requirement else {
            return Standing::Precondition;
        };
        let Some((level, grade)) = self.requirements.get(&requirement.value) else {
            return Standing::Precondition;
        };
        if forbidden || self.index.phase != Phase::Steps {
            return Standing::Precondition;
        }
        let softer = check.grade.as_ref().map_or(*grade, |softer| softer.value);
        Standing::Requirement {
            id: requirement.value.clone(),
            level: *level,
            grade: softer.min(*grade),
        }
    }

    /// Whether the target said that it is without what `check` asks for, and may be: by a reply, by its answer to a probe, or,
    /// where the check is about data, by the data it sent. Silence and a lost connection say nothing of the kind.
    fn is_optional(&self, check: &Check) -> bool {
        self.index.phase == Phase::Setup
            && check.otherwise == Otherwise::NotApplicable
            && (self.view.consumed_reply().is_some()
                || self.has_answered_probe()
                || asks_for_data(check) && self.has_brought_data())
    }

    fn has_brought_data(&self) -> bool {
        self.view.in_step().any(
            |(_, event)| matches!(&event.kind, EventKind::TransferFinished(summary) if summary.bytes > 0),
        )
    }

    fn has_answered_probe(&self) -> bool {
        self.view.in_step().any(|(_, event)| {
            matches!(&event.kind, EventKind::ProbeAnswered { answer, .. }
                if answer == "server-hello" || answer == "alert")
        })
    }

    fn finding(&self, standing: &Standing, number: usize, account: &Account) -> Finding {
        let (requirement, level, grade) = match standing {
            Standing::Precondition => (None, None, None),
            Standing::Requirement { id, level, grade } => (Some(id.clone()), Some(*level), Some(*grade)),
        };
        let mut finding = Finding {
            requirement,
            level,
            grade,
            step: self.index,
            check: Some(number),
            message: account.message.clone(),
            expected: account.expected.clone(),
            observed: account.observed.clone(),
            event: account.event,
            at: self.view.time(account.event),
        };
        if account.nothing
            && let Some((event, problem)) = self.failure
        {
            finding.observed = self.problem_words(problem);
            finding.event = event;
            finding.at = self.view.time(event);
        }
        finding
    }

    /// The action failed, nothing accepts that, and no check is broken by it: a precondition.
    fn action_finding(&self, event: usize, problem: &ActionProblem) -> Finding {
        let verb = self
            .view
            .step()
            .action
            .as_ref()
            .map_or("expect", |action| words::action_verb(&action.value));
        let observed = self.problem_words(problem);
        Finding {
            requirement: None,
            level: None,
            grade: None,
            step: self.index,
            check: None,
            message: format!("did not let `{verb}` succeed: {observed}"),
            expected: format!("`{verb}` to succeed"),
            observed,
            event,
            at: self.view.time(event),
        }
    }

    fn problem_words(&self, problem: &ActionProblem) -> String {
        let channel = self.view.problem().and_then(|(_, _, channel)| channel);
        words::problem(problem, channel)
    }
}
