//! Events to verdict. Pure: no clock, no I/O; the same trace always gives the same verdict.

mod verdict;

pub use verdict::{Finding, Judgement, Next, Proven, StepJudgement, Verdict};
