//! What reports quote besides the outcome: the scenarios of the run and the requirements of the catalogue.
//!
//! Written beside the outcome as `sources.json`, so that a stored run is rendered by any later version of this program, and
//! with scenarios that only its author had, exactly as it was on the day. Read back, never interpreted: what a scenario
//! means is the business of `scenario`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::coverage::{self, CoverageRow, Wanted};
use super::json::{JsonError, JsonErrorKind};
use crate::base::{Source, Span};
use crate::judge::Finding;
use crate::plan::requirements_of;
use crate::requirement::{Catalogue, Grade, Level, Requirement, Side};
use crate::scenario::Scenario;
use crate::scenario::model::{Severity, Step};
use crate::trace::{Phase, StepIndex};

/// Version of the format of `sources.json`.
pub const SOURCES_FORMAT: u32 = 1;

/// Scenarios and requirements, by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sources {
    /// [`SOURCES_FORMAT`].
    pub ftpspec_sources: u32,
    /// The requirements on servers, and every other that a scenario of the run names.
    pub requirements: BTreeMap<String, RequirementSource>,
    /// The scenarios of the run.
    pub scenarios: BTreeMap<String, ScenarioSource>,
}

/// A requirement as reports quote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RequirementSource {
    /// `RFC 4217`; none for practice.
    pub document: Option<String>,
    /// As the document numbers it.
    pub section: Option<String>,
    /// `RFC 4217 section 9`.
    pub citation: String,
    /// What the text says.
    pub level: Level,
    /// What breaking it costs.
    pub grade: Grade,
    /// Topic.
    pub area: String,
    /// In our own words, on one line.
    pub summary: String,
    /// Why no scenario has to check it, when none has to.
    pub waived: Option<String>,
    /// All scenarios that check it, whether they were part of the run or not; sorted.
    pub scenarios: Vec<String>,
    /// Faults of the embedded server that prove that those can fail; sorted.
    pub faults: Vec<String>,
}

/// A scenario as reports quote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScenarioSource {
    /// Path of the file, as messages show it.
    pub file: String,
    /// The file.
    pub text: String,
    /// The harm when the good behaviour is missing, on one line.
    pub why: String,
    /// How bad that is.
    pub severity: Severity,
    /// Requirements that its checks prove, sorted.
    pub requirements: Vec<String>,
    /// Faults of the embedded server that it notices.
    pub detects: Vec<String>,
    /// Where the steps of set-up, steps and clean-up stand.
    pub places: [Vec<StepPlace>; 3],
}

/// Where a step stands in its file. Lines are counted from 1; first and last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepPlace {
    /// The whole step.
    pub step: (usize, usize),
    /// Its action, when it has one.
    pub action: Option<(usize, usize)>,
    /// Its checks, in order.
    pub checks: Vec<(usize, usize)>,
}

/// The lines that a finding is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What we did.
    pub action: Option<(usize, usize)>,
    /// What was expected and did not hold.
    pub broken: Option<(usize, usize)>,
}

impl Sources {
    /// The scenarios of `all` whose id `is_selected`, with the requirements of `catalogue`.
    #[must_use]
    pub fn of(catalogue: &Catalogue, all: &[Arc<Scenario>], is_selected: impl Fn(&str) -> bool) -> Self {
        let scenarios: BTreeMap<String, ScenarioSource> = all
            .iter()
            .filter(|scenario| is_selected(&scenario.id))
            .map(|scenario| (scenario.id.clone(), scenario_source(scenario)))
            .collect();
        let named: BTreeSet<&str> = scenarios
            .values()
            .flat_map(|scenario| scenario.requirements.iter().map(String::as_str))
            .collect();
        let wanted: Vec<Wanted> = catalogue
            .iter()
            .filter(|entry| entry.applies_to == Side::Server || named.contains(entry.id.as_str()))
            .map(|entry| Wanted {
                id: entry.id.clone(),
                area: entry.area.clone(),
                grade: entry.grade,
                waived: entry.waived.clone(),
                partly_waived: None,
            })
            .collect();
        let rows = coverage::compute(&wanted, all.iter().map(|scenario| &**scenario)).rows;
        let requirements = rows
            .into_iter()
            .filter_map(|row| {
                let source = requirement_source(catalogue.get(&row.id)?, &row);
                Some((row.id, source))
            })
            .collect();
        Self {
            ftpspec_sources: SOURCES_FORMAT,
            requirements,
            scenarios,
        }
    }

    /// As JSON with a line end.
    ///
    /// # Errors
    /// Never in practice; it is plain JSON.
    pub fn render(&self) -> Result<String, JsonError> {
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads them back.
    ///
    /// # Errors
    /// When `text` is not of this format.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let sources: Self = serde_json::from_str(text)?;
        if sources.ftpspec_sources != SOURCES_FORMAT {
            let found = u64::from(sources.ftpspec_sources);
            return Err(JsonErrorKind::Format { found }.into());
        }
        Ok(sources)
    }

    /// The lines of `scenario` that `finding` is about; empty when the step is not known.
    #[must_use]
    pub fn place(&self, scenario: &str, finding: &Finding) -> Place {
        let source = self.scenarios.get(scenario);
        let Some(step) = source.and_then(|source| source.step(finding.step)) else {
            return Place::default();
        };
        match finding.check.and_then(|check| step.checks.get(check)) {
            Some(check) => Place {
                action: step.action,
                broken: Some(*check),
            },
            None => Place {
                action: None,
                broken: Some(step.action.unwrap_or(step.step)),
            },
        }
    }
}

impl ScenarioSource {
    /// Where a step stands; none when the scenario has no such step.
    #[must_use]
    pub fn step(&self, step: StepIndex) -> Option<&StepPlace> {
        let phase = match step.phase {
            Phase::Setup => 0,
            Phase::Steps => 1,
            Phase::Cleanup => 2,
        };
        self.places.get(phase)?.get(step.index)
    }
}

fn requirement_source(requirement: &Requirement, row: &CoverageRow) -> RequirementSource {
    RequirementSource {
        document: requirement.document.clone(),
        section: requirement.section.clone(),
        citation: requirement.citation(),
        level: requirement.level,
        grade: requirement.grade,
        area: requirement.area.clone(),
        summary: one_line(&requirement.summary),
        waived: requirement.waived.clone(),
        scenarios: row.scenarios.keys().cloned().collect(),
        faults: row
            .scenarios
            .values()
            .flatten()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .cloned()
            .collect(),
    }
}

fn scenario_source(scenario: &Scenario) -> ScenarioSource {
    let places = |steps: &[Step]| {
        steps
            .iter()
            .map(|step| step_place(&scenario.source, step))
            .collect()
    };
    ScenarioSource {
        file: scenario.source.name().to_owned(),
        text: scenario.source.text().to_owned(),
        why: one_line(&scenario.why),
        severity: scenario.severity,
        requirements: requirements_of(scenario).into_iter().map(str::to_owned).collect(),
        detects: scenario.detects.iter().map(|fault| fault.value.clone()).collect(),
        places: [
            places(&scenario.setup),
            places(&scenario.steps),
            places(&scenario.cleanup),
        ],
    }
}

fn step_place(source: &Source, step: &Step) -> StepPlace {
    StepPlace {
        step: lines(source, step.span),
        action: step.action.as_ref().map(|action| lines(source, action.span)),
        checks: step
            .expect
            .iter()
            .map(|check| lines(source, check.span))
            .collect(),
    }
}

/// First and last line of `span`; blank lines and line ends at its end do not count.
fn lines(source: &Source, span: Span) -> (usize, usize) {
    let held = source.slice(span).trim_end().len();
    let first = source.position(span.start).line;
    let last = source.position(span.start + held).line;
    (first, last.max(first))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
