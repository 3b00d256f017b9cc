//! The verdict of a case and what it rests on.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::requirement::{Grade, Level};
use crate::trace::StepIndex;

/// The verdict of a case (design section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All checks held.
    Pass,
    /// Something the scenario requires is not there.
    NotApplicable,
    /// Only checks of grade info are broken.
    Info,
    /// Only checks of grade warn (and info) are broken.
    Warn,
    /// Nothing is said about the target: set-up or control experiment did not work.
    Inconclusive,
    /// A check of grade fail is broken.
    Fail,
    /// The harness had trouble.
    Error,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::NotApplicable,
        Self::Info,
        Self::Warn,
        Self::Inconclusive,
        Self::Fail,
        Self::Error,
    ];

    /// The word, as in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A violated check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// The requirement; none for a broken precondition (then the case is inconclusive).
    pub requirement: Option<String>,
    /// Level of the requirement.
    pub level: Option<Level>,
    /// What it costs; none for a precondition.
    pub grade: Option<Grade>,
    /// The step.
    pub step: StepIndex,
    /// Which check of the step, from 0; none when the action failed and no check was about that.
    pub check: Option<usize>,
    /// One lower-case sentence that says what is wrong and for whom, without the target's name.
    pub message: String,
    /// What was expected, e.g. `4yz or 5yz within 10s`.
    pub expected: String,
    /// What was observed, e.g. `226 after 0.04s`.
    pub observed: String,
    /// Position in the trace (index of the event) that shows it; the end of the trace when nothing came.
    pub event: usize,
    /// When, since the start of the case, in seconds.
    #[serde(with = "duration_seconds")]
    #[schemars(with = "f64")]
    pub at: Duration,
}

/// A check that held and named a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Proven {
    /// The requirement.
    pub requirement: String,
    /// The step.
    pub step: StepIndex,
}

/// The judge's word on a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Violated checks, in the order of the steps.
    pub findings: Vec<Finding>,
    /// Checks that held.
    pub held: Vec<Proven>,
    /// Why, for inconclusive, not-applicable and error; one lower-case sentence.
    pub reason: Option<String>,
}

/// Whether the runner goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With the next step.
    GoOn,
    /// With the clean-up.
    Stop,
}

/// The judge's word on one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepJudgement {
    /// Violated checks.
    pub findings: Vec<Finding>,
    /// Checks that held.
    pub held: Vec<Proven>,
    /// Whether to go on.
    pub next: Next,
}

/// `Duration` as seconds.
mod duration_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(at.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
