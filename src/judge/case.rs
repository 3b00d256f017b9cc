//! The judge's two questions: may the case go on after this step, and what is the verdict of the whole case.
//!
//! Pure functions of the events; a trace read back from disk gives the same answers.

use std::collections::BTreeMap;

use super::step::{JudgedStep, judge_range, missing_step};
use super::verdict::{Finding, Judgement, Next, StepJudgement, Verdict};
use super::view::{StepRange, find_step};
use super::words;
use crate::plan::Case;
use crate::requirement::{Grade, Level};
use crate::scenario::model::Step;
use crate::trace::{Event, EventKind, Phase, StepIndex, Waited};

/// What the judge needs of the catalogue: requirement id to its level and its grade.
pub type Requirements = BTreeMap<String, (Level, Grade)>;

/// Judges one step from all events so far. Called after the step's last event, before or after its `StepFinished`.
///
/// A step that was never started gives a precondition and [`Next::Stop`]. Clean-up is never judged.
#[must_use]
pub fn judge_step(
    case: &Case,
    requirements: &Requirements,
    events: &[Event],
    step: StepIndex,
) -> StepJudgement {
    let judged = match (step_of(case, step), find_step(events, step, 0)) {
        (Some(model), Some(range)) => judge_range(case, requirements, events, range, step, model),
        _ if step.phase == Phase::Cleanup => JudgedStep::default(),
        _ => missing_step(events, step),
    };
    StepJudgement {
        findings: judged.findings,
        held: judged.held,
        next: judged.next,
    }
}

/// Judges a case from its whole trace: set-up, then the steps up to the first that stops the case.
#[must_use]
pub fn judge_case(case: &Case, requirements: &Requirements, events: &[Event]) -> Judgement {
    let mut judgement = collect(case, requirements, events).into_judgement(case);
    let harness = events.iter().find_map(|event| match &event.kind {
        EventKind::HarnessFailed { reason } => Some(words::shown(reason)),
        _ => None,
    });
    if let Some(reason) = harness {
        judgement.verdict = Verdict::Error;
        judgement.reason = Some(reason);
    }
    judgement
}

/// The value of the property that `case` asks for, and the step that settled it.
pub(super) fn settled(
    case: &Case,
    requirements: &Requirements,
    events: &[Event],
) -> Option<(String, StepRange)> {
    collect(case, requirements, events).yielded
}

fn collect(case: &Case, requirements: &Requirements, events: &[Event]) -> Collected {
    let mut collected = Collected::default();
    let scenario = &case.scenario;
    for (phase, steps) in [(Phase::Setup, &scenario.setup), (Phase::Steps, &scenario.steps)] {
        for (index, model) in steps.iter().enumerate() {
            let step = StepIndex { phase, index };
            let unjudged = unjudged_from(case, step);
            let range = find_step(events, step, collected.position).filter(|range| range.finished);
            let Some(range) = range else {
                collected.cut_off(unjudged, out_of_time(events));
                return collected;
            };
            collected.position = range.end;
            let judged = judge_range(case, requirements, events, range, step, model);
            let stop = judged.next == Next::Stop;
            if let Some(absent) = &judged.absent {
                collected.absent = Some(format!(
                    "set-up step {} ({}): {absent}",
                    index + 1,
                    words::step(model)
                ));
            }
            collected.add(judged, range);
            if stop {
                collected.stopped(unjudged - 1);
                return collected;
            }
        }
    }
    collected
}

/// How many set-up steps and steps there are from `step` on, `step` included.
fn unjudged_from(case: &Case, step: StepIndex) -> usize {
    let (setup, steps) = (case.scenario.setup.len(), case.scenario.steps.len());
    match step.phase {
        Phase::Setup => (setup + steps).saturating_sub(step.index),
        Phase::Steps | Phase::Cleanup => steps.saturating_sub(step.index),
    }
}

fn step_of(case: &Case, step: StepIndex) -> Option<&Step> {
    match step.phase {
        Phase::Setup => case.scenario.setup.get(step.index),
        Phase::Steps => case.scenario.steps.get(step.index),
        Phase::Cleanup => case.scenario.cleanup.get(step.index),
    }
}

/// What was gathered over the steps.
#[derive(Default)]
struct Collected {
    findings: Vec<Finding>,
    held: Vec<super::verdict::Proven>,
    /// Checks of the steps phase that held, with or without a requirement.
    held_checks: usize,
    /// Where the next step has to begin, at the earliest.
    position: usize,
    /// Steps that were not judged, because the case stopped or the trace ends.
    unjudged: usize,
    /// What the target is without, and may be.
    absent: Option<String>,
    /// The trace ends before the steps do.
    cut_off: bool,
    /// The value of the property, and the step that settled it.
    yielded: Option<(String, StepRange)>,
    /// Because the case as a whole ran out of time, after so many seconds.
    out_of_time: Option<f64>,
}

impl Collected {
    fn add(&mut self, judged: JudgedStep, range: StepRange) {
        self.yielded = judged.yielded.map(|value| (value, range));
        self.findings.extend(judged.findings);
        self.held.extend(judged.held);
        self.held_checks += judged.held_checks;
    }

    fn stopped(&mut self, unjudged: usize) {
        self.unjudged = unjudged;
    }

    fn cut_off(&mut self, unjudged: usize, out_of_time: Option<f64>) {
        self.unjudged = unjudged;
        self.cut_off = true;
        self.out_of_time = out_of_time;
    }

    fn into_judgement(self, case: &Case) -> Judgement {
        let verdict = self.verdict(case);
        let reason = self.reason(verdict, case);
        Judgement {
            verdict,
            findings: self.findings,
            held: self.held,
            reason,
        }
    }

    fn verdict(&self, case: &Case) -> Verdict {
        let worst = self.findings.iter().filter_map(|finding| finding.grade).max();
        let precondition = self.findings.iter().any(|finding| finding.grade.is_none());
        match worst {
            Some(Grade::Fail) => Verdict::Fail,
            None if self.absent.is_some() && !precondition => Verdict::NotApplicable,
            _ if precondition || self.cut_off => Verdict::Inconclusive,
            Some(Grade::Warn) => Verdict::Warn,
            Some(Grade::Info) => Verdict::Info,
            None if case.scenario.is_property() && self.yielded.is_none() => Verdict::Inconclusive,
            None if self.held_checks > 0 => Verdict::Pass,
            None => Verdict::Inconclusive,
        }
    }

    fn reason(&self, verdict: Verdict, case: &Case) -> Option<String> {
        let unjudged = match self.unjudged {
            0 => None,
            1 => Some("1 step was not judged".to_owned()),
            number => Some(format!("{number} steps were not judged")),
        };
        if verdict == Verdict::NotApplicable {
            return self.absent.clone();
        }
        if verdict != Verdict::Inconclusive {
            return unjudged.filter(|_| self.cut_off || verdict == Verdict::Fail);
        }
        let why = match self.findings.iter().find(|finding| finding.grade.is_none()) {
            Some(finding) => precondition_words(finding, case),
            None if self.cut_off => match self.out_of_time {
                Some(seconds) => words::nothing_within(Waited::Case, seconds),
                None => "the trace ends too early".to_owned(),
            },
            None if case.scenario.is_property() => "what was seen fits none of its values".to_owned(),
            None => "no check held".to_owned(),
        };
        Some(match unjudged {
            Some(unjudged) => format!("{why}; {unjudged}"),
            None => why,
        })
    }
}

/// The deadline of the whole case, when it was reached. Every wait of the case has a deadline of its own, so a target that never
/// misses one and never comes to an end is slow, and no clause says how slow it may be: the case is inconclusive.
fn out_of_time(events: &[Event]) -> Option<f64> {
    events.iter().find_map(|event| match event.kind {
        EventKind::TimedOut {
            waited: Waited::Case,
            seconds,
        } => Some(seconds),
        _ => None,
    })
}

fn precondition_words(finding: &Finding, case: &Case) -> String {
    let place = match finding.step.phase {
        Phase::Setup => "set-up step",
        Phase::Steps | Phase::Cleanup => "step",
    };
    let name =
        step_of(case, finding.step).map_or_else(String::new, |step| format!(" ({})", words::step(step)));
    format!(
        "{place} {}{name} did not come about: expected {}, got {}",
        finding.step.index + 1,
        finding.expected,
        finding.observed
    )
}
