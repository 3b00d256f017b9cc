//! Events to verdict. Pure: no clock, no I/O; the same trace always gives the same verdict.

mod case;
mod verdict;

pub use case::{Requirements, judge_case, judge_step};
pub use verdict::{Finding, Judgement, Next, Proven, StepJudgement, Verdict};
