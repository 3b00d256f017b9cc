//! `ftpspec judge`: the verdicts and the properties of a stored run, from its traces.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::args::JudgeArgs;
use super::corpus;
use super::exit::{CliError, Exit};
use super::output;
use super::stored::StoredRun;
use crate::judge::judge_case;
use crate::plan::{Case, CaseId, Cell};
use crate::report;
use crate::runner::outcome::{PropertyOutcome, RunOutcome};
use crate::runner::{Corpus, property_of};
use crate::scenario::Scenario;

/// A stored run, judged anew.
struct Judged {
    /// The run with the verdicts and values of today.
    outcome: RunOutcome,
    /// How many verdicts differ from the stored ones.
    verdicts: usize,
    /// The values of properties that differ from the stored ones, in words.
    values: Vec<String>,
    /// Why the rest could not be judged.
    unread: Vec<String>,
}

pub(super) fn run(args: &JudgeArgs) -> Result<Exit, CliError> {
    let stored = StoredRun::open(&args.folder)?;
    let corpus = corpus::load(&args.corpus)?;
    if stored.outcome.run.corpus != corpus.digest {
        output::complain("note: the scenarios have changed since that run; it is judged by those of today");
    }
    let judged = judge_again(&corpus, &stored);
    output::print(&report::terminal::render_summary(
        &judged.outcome,
        output::width(),
        output::colour(),
    ))?;
    output::print(&judged.in_words())?;
    let unread = &judged.unread;
    if unread.is_empty() {
        return Ok(Exit::of(&judged.outcome, args.strict));
    }
    Err(CliError::usage(format!(
        "{} not be judged again and {} the verdict of that run:\n       {}",
        match unread.len() {
            1 => "1 case could".to_owned(),
            number => format!("{number} cases could"),
        },
        if unread.len() == 1 { "keeps" } else { "keep" },
        unread.join("\n       ")
    )))
}

impl Judged {
    /// What is the same as in the stored run, and what is not.
    fn in_words(&self) -> String {
        let reach = if self.unread.is_empty() {
            ""
        } else {
            " that could be judged"
        };
        let mut text = match self.verdicts {
            0 => format!("judged again from the traces: every verdict{reach} is the same\n"),
            changed => {
                format!("judged again from the traces: {changed} verdicts differ from the stored ones\n")
            }
        };
        let has_properties = self
            .outcome
            .targets
            .values()
            .any(|target| !target.properties.is_empty());
        if has_properties {
            text.push_str("judged again from the traces: ");
            let _ = match self.values.len() {
                0 => writeln!(text, "every value{reach} of a property is the same"),
                changed => writeln!(text, "{changed} values of properties differ from the stored ones"),
            };
        }
        for value in &self.values {
            let _ = writeln!(text, "  {value}");
        }
        text
    }
}

/// Judges the cases and the properties of `stored` by the scenarios of `corpus`.
fn judge_again(corpus: &Corpus, stored: &StoredRun) -> Judged {
    let mut judged = Judged {
        outcome: stored.outcome.clone(),
        verdicts: 0,
        values: Vec::new(),
        unread: Vec::new(),
    };
    judge_cases(corpus, stored, &mut judged);
    judge_properties(corpus, stored, &mut judged);
    judged
}

fn judge_cases(corpus: &Corpus, stored: &StoredRun, judged: &mut Judged) {
    let requirements = corpus.catalogue.grades();
    let scenarios: BTreeMap<&str, &Arc<Scenario>> = corpus
        .scenarios
        .iter()
        .map(|scenario| (scenario.id.as_str(), scenario))
        .collect();
    for case_outcome in &mut judged.outcome.cases {
        let events = match stored.events(case_outcome.folder.as_deref()) {
            Ok(Some(events)) => events,
            Ok(None) => continue,
            Err(error) => {
                judged.unread.push(error.to_string());
                continue;
            }
        };
        let Some(scenario) = scenarios.get(case_outcome.scenario.as_str()) else {
            judged.unread.push(format!(
                "the scenario {} is not known here",
                case_outcome.scenario
            ));
            continue;
        };
        let id = CaseId {
            scenario: case_outcome.scenario.clone(),
            target: case_outcome.target.clone(),
            cell: Cell(case_outcome.cell.clone()),
        };
        let case = Case {
            id,
            scenario: Arc::clone(scenario),
        };
        let judgement = judge_case(&case, &requirements, &events);
        if judgement != case_outcome.judgement {
            judged.verdicts += 1;
            case_outcome.judgement = judgement;
        }
    }
}

fn judge_properties(corpus: &Corpus, stored: &StoredRun, judged: &mut Judged) {
    for (target, outcome) in &mut judged.outcome.targets {
        for property in &mut outcome.properties {
            match property_again(corpus, stored, target, property) {
                Ok(None) => {}
                Ok(Some(today)) => {
                    if today.value != property.value {
                        judged.values.push(changed(target, property, &today));
                    }
                    *property = today;
                }
                Err(reason) => judged.unread.push(reason),
            }
        }
    }
}

/// The property as its trace tells it today; nothing where there is no trace.
fn property_again(
    corpus: &Corpus,
    stored: &StoredRun,
    target: &str,
    property: &PropertyOutcome,
) -> Result<Option<PropertyOutcome>, String> {
    let place = property.folder.as_deref();
    let Some(events) = stored.events(place).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let scenario = corpus
        .properties
        .iter()
        .find(|scenario| scenario.name() == property.property)
        .ok_or_else(|| format!("the property {} is not known here", property.property))?;
    let case = Case {
        id: CaseId {
            scenario: scenario.id.clone(),
            target: target.to_owned(),
            cell: Cell(property.cell.clone()),
        },
        scenario: Arc::clone(scenario),
    };
    let grades = corpus.catalogue.grades();
    let judgement = judge_case(&case, &grades, &events);
    let folder = property.folder.clone();
    Ok(Some(property_of(&case, &grades, &judgement, &events, folder)))
}

/// A value that differs, in words.
fn changed(target: &str, stored: &PropertyOutcome, today: &PropertyOutcome) -> String {
    let value = |outcome: &PropertyOutcome| outcome.value.clone().unwrap_or_else(|| "no value".to_owned());
    let cell = Cell(stored.cell.clone());
    let cell = if cell.0.is_empty() {
        String::new()
    } else {
        format!(" [{cell}]")
    };
    format!(
        "{target} {}{cell}: {}, stored as {}",
        stored.property,
        value(today),
        value(stored)
    )
}
