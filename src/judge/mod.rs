//! Events to verdict. Pure: no clock, no I/O; the same trace always gives the same verdict.
//!
//! The rules are written down in `docs/verdicts.md`.

mod case;
mod check;
mod property;
mod step;
#[cfg(test)]
mod tests;
mod verdict;
mod view;
mod words;

pub use case::{Requirements, judge_case, judge_step};
pub use property::{Yielded, yielded};
pub use verdict::{Finding, Judgement, Next, Proven, StepJudgement, Verdict};
