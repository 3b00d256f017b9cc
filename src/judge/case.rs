//! The judge's two questions: may the case go on after this step, and what is the verdict of the whole case.
//!
//! Pure functions of the events; a trace read back from disk gives the same answers.

use std::collections::BTreeMap;

use super::verdict::{Judgement, StepJudgement};
use crate::plan::Case;
use crate::requirement::{Grade, Level};
use crate::trace::{Event, StepIndex};

/// What the judge needs of the catalogue: requirement id to its level and its grade.
pub type Requirements = BTreeMap<String, (Level, Grade)>;

/// Judges one step from all events so far. Called after the step's last event, before or after its `StepFinished`.
#[must_use]
pub fn judge_step(
    case: &Case,
    requirements: &Requirements,
    events: &[Event],
    step: StepIndex,
) -> StepJudgement {
    let _ = (case, requirements, events, step);
    todo!("signatures first")
}

/// Judges a case from its whole trace.
#[must_use]
pub fn judge_case(case: &Case, requirements: &Requirements, events: &[Event]) -> Judgement {
    let _ = (case, requirements, events);
    todo!("signatures first")
}
