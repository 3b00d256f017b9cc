//! A baseline: what is known to be wrong with targets, so that a run can tell what changed.
//!
//! Pure: text in, text out. Which file belongs to which target is the business of `cli`. A baseline holds findings of
//! grade fail and warn, cases that say nothing, and what a target is able to do; what is not named is expected to be
//! right. It holds no times, no ports and no order of its own, so that a changed line is a changed fact.

mod compare;
mod make;
mod stable;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use compare::{Change, Comparison, compare, render_comparison};
pub use make::{Accepted, target_baseline};
pub(super) use stable::stable;

use crate::base::closest;
use crate::judge::{Judgement, Verdict};
use crate::plan::{expand, requirements_of};
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, RunOutcome};
use crate::scenario::Scenario;

/// Version of the format.
pub const BASELINE_FORMAT: u32 = 1;

/// The baselines of some targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Baseline {
    /// [`BASELINE_FORMAT`].
    pub ftpspec_baseline: u32,
    /// By name of the target.
    pub targets: BTreeMap<String, TargetBaseline>,
}

/// What is expected of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TargetBaseline {
    /// The version that was looked at.
    #[serde(default)]
    pub version: Option<String>,
    /// Capabilities that it has.
    #[serde(default)]
    pub has: Vec<String>,
    /// Capabilities that it lacks.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// What is wrong, sorted by scenario, requirement and outcome.
    #[serde(default)]
    pub entries: Vec<Entry>,
}

impl TargetBaseline {
    /// Whether everything that is wrong with a case is known: every finding of grade fail, or that it says nothing. `cell` is
    /// `axis=value,axis=value`.
    #[must_use]
    pub fn accepts(&self, scenario: &str, cell: &str, judgement: &Judgement) -> bool {
        let knows = |requirement: Option<&str>, outcome: EntryOutcome| {
            self.entries.iter().any(|entry| {
                entry.scenario == scenario
                    && (entry.cells.is_empty() || entry.cells.iter().any(|only| only == cell))
                    && entry.requirement.as_deref() == requirement
                    && entry.outcome >= outcome
            })
        };
        match judgement.verdict {
            Verdict::Pass | Verdict::Info | Verdict::Warn | Verdict::NotApplicable => true,
            Verdict::Inconclusive => knows(None, EntryOutcome::Inconclusive),
            Verdict::Fail => judgement
                .findings
                .iter()
                .filter(|finding| finding.grade == Some(Grade::Fail))
                .all(|finding| knows(finding.requirement.as_deref(), EntryOutcome::Fail)),
            Verdict::Error => false,
        }
    }
}

/// How bad an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryOutcome {
    /// A finding of grade warn.
    Warn,
    /// The case says nothing about the target.
    Inconclusive,
    /// A finding of grade fail.
    Fail,
}

impl EntryOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entry {
    /// The scenario that shows it.
    pub scenario: String,
    /// Cells of its matrix, as `axis=value,axis=value`; all that apply when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<String>,
    /// How bad it is.
    pub outcome: EntryOutcome,
    /// The broken requirement; none for cases that say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// What was seen when the entry was written; for readers, never compared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seen: String,
    /// Why that is so, or why it is accepted. Written by people and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where more is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The last day the entry counts, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// It does not happen every time: its absence is no improvement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub varies: bool,
}

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Not JSON, or not the fields of a baseline.
    #[error("not a baseline: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version of the format.
    #[error("a baseline of format {found}; this version reads format {BASELINE_FORMAT}")]
    Format {
        /// Its version.
        found: u64,
    },
    /// A date that is none.
    #[error("expected `expires` as YYYY-MM-DD in the entry for {scenario}, got `{day}`")]
    Day {
        /// The scenario of the entry.
        scenario: String,
        /// What stands there.
        day: String,
    },
}

impl Baseline {
    /// An empty baseline.
    #[must_use]
    pub fn new() -> Self {
        Self {
            ftpspec_baseline: BASELINE_FORMAT,
            targets: BTreeMap::new(),
        }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// When `text` is none, or of another version.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        if let Some(found) = value.get("ftpspec-baseline").and_then(serde_json::Value::as_u64)
            && found != u64::from(BASELINE_FORMAT)
        {
            return Err(BaselineError::Format { found });
        }
        let baseline: Self = serde_json::from_value(value)?;
        for entry in baseline.targets.values().flat_map(|target| &target.entries) {
            if let Some(day) = &entry.expires
                && day.parse::<jiff::civil::Date>().is_err()
            {
                return Err(BaselineError::Day {
                    scenario: entry.scenario.clone(),
                    day: day.clone(),
                });
            }
        }
        Ok(baseline)
    }

    /// The file: sorted, one line per entry.
    ///
    /// # Errors
    /// Never in practice; the fields are text.
    pub fn render(&self) -> Result<String, BaselineError> {
        let mut out = format!("{{\n  \"ftpspec-baseline\": {BASELINE_FORMAT},\n  \"targets\": {{");
        for (position, (name, target)) in self.targets.iter().enumerate() {
            out.push_str(if position > 0 { ",\n    " } else { "\n    " });
            out.push_str(&line(name)?);
            out.push_str(": {\n      \"version\": ");
            out.push_str(&line(&target.version)?);
            for (key, words) in [("has", &target.has), ("lacks", &target.lacks)] {
                out.push_str(",\n      \"");
                out.push_str(key);
                out.push_str("\": ");
                out.push_str(&line(words)?);
            }
            out.push_str(",\n      \"entries\": [");
            for (position, entry) in target.entries.iter().enumerate() {
                out.push_str(if position > 0 { ",\n        " } else { "\n        " });
                out.push_str(&line(entry)?);
            }
            out.push_str(if target.entries.is_empty() {
                "]\n    }"
            } else {
                "\n      ]\n    }"
            });
        }
        out.push_str(if self.targets.is_empty() {
            "}\n}\n"
        } else {
            "\n  }\n}\n"
        });
        Ok(out)
    }

    /// What `run` would have as its baseline.
    #[must_use]
    pub fn of(run: &RunOutcome) -> Self {
        let mut baseline = Self::new();
        for name in run.targets.keys() {
            let target = target_baseline(run, name, None, &Accepted::default());
            baseline.targets.insert(name.clone(), target);
        }
        baseline
    }
}

impl TargetBaseline {
    /// The entries that can match nothing, whatever is run: their scenario is not among `scenarios`, does not check the
    /// requirement, or has no such cell. One sentence each.
    #[must_use]
    pub fn unknown_entries(&self, scenarios: &[Arc<Scenario>]) -> Vec<String> {
        self.entries
            .iter()
            .filter_map(|entry| unknown(entry, scenarios))
            .collect()
    }
}

fn unknown(entry: &Entry, scenarios: &[Arc<Scenario>]) -> Option<String> {
    let Some(scenario) = scenarios.iter().find(|scenario| scenario.id == entry.scenario) else {
        let ids = scenarios.iter().map(|scenario| scenario.id.as_str());
        let near = closest(&entry.scenario, ids)
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        return Some(format!("there is no scenario `{}`{near}", entry.scenario));
    };
    if let Some(requirement) = &entry.requirement
        && !requirements_of(scenario).contains(requirement.as_str())
    {
        return Some(format!("{} does not check {requirement}", entry.scenario));
    }
    if entry.outcome != EntryOutcome::Inconclusive && entry.requirement.is_none() {
        let outcome = entry.outcome.name();
        return Some(format!(
            "the entry for {} with the outcome {outcome} names no requirement",
            entry.scenario
        ));
    }
    let known: Vec<String> = expand(scenario).iter().map(ToString::to_string).collect();
    let cell = entry.cells.iter().find(|cell| !known.contains(cell))?;
    Some(format!("{} has no cell `{cell}`", entry.scenario))
}

/// What stands at a place of the report that is compared: the worst of each requirement, and whether nothing is said.
pub(super) struct Broken<'a> {
    pub(super) requirement: Option<&'a str>,
    pub(super) outcome: EntryOutcome,
    pub(super) seen: String,
}

/// What is wrong with `case`, in the terms of a baseline.
pub(super) fn broken<'a>(run: &RunOutcome, case: &'a CaseOutcome) -> Vec<Broken<'a>> {
    use crate::requirement::Grade;
    if matches!(case.judgement.verdict, Verdict::Inconclusive | Verdict::Error) {
        let reason = case.judgement.reason.as_deref().unwrap_or_default();
        return vec![Broken {
            requirement: None,
            outcome: EntryOutcome::Inconclusive,
            seen: stable(reason, &run.run.id),
        }];
    }
    let mut all: Vec<Broken<'a>> = Vec::new();
    for finding in &case.judgement.findings {
        let outcome = match finding.grade {
            Some(Grade::Fail) => EntryOutcome::Fail,
            Some(Grade::Warn) => EntryOutcome::Warn,
            Some(Grade::Info) | None => continue,
        };
        let requirement = finding.requirement.as_deref();
        let seen = || {
            stable(
                &format!("expected {}, got {}", finding.expected, finding.observed),
                &run.run.id,
            )
        };
        match all.iter_mut().find(|other| other.requirement == requirement) {
            Some(other) if other.outcome < outcome => {
                other.outcome = outcome;
                other.seen = seen();
            }
            Some(_) => {}
            None => all.push(Broken {
                requirement,
                outcome,
                seen: seen(),
            }),
        }
    }
    all
}

/// Whether a report says of a capability that the target has it.
pub(super) fn is_present(evidence: &str) -> bool {
    !["declared absent", "given absent", "discovered absent"]
        .iter()
        .any(|absent| evidence.starts_with(absent))
}

/// `value` as JSON in one line, with a space behind each comma and colon.
fn line<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, OneLine);
    value.serialize(&mut serializer)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// JSON in one line that people can read.
struct OneLine;

impl serde_json::ser::Formatter for OneLine {
    fn begin_array_value<W: std::io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: std::io::Write + ?Sized>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: std::io::Write + ?Sized>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}
