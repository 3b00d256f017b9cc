//! `ftpspec judge`: the verdicts of a stored run, from its traces.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::JudgeArgs;
use super::corpus;
use super::exit::{CliError, Exit};
use super::output;
use super::stored::StoredRun;
use crate::judge::judge_case;
use crate::plan::{Case, CaseId, Cell};
use crate::report;
use crate::runner::Corpus;
use crate::runner::outcome::RunOutcome;
use crate::scenario::Scenario;

pub(super) fn run(args: &JudgeArgs) -> Result<Exit, CliError> {
    let stored = StoredRun::open(&args.folder)?;
    let corpus = corpus::load(&args.corpus)?;
    if stored.outcome.run.corpus != corpus.digest {
        output::complain("note: the scenarios have changed since that run; it is judged by those of today");
    }
    let (judged, changed) = judge_again(&corpus, &stored)?;
    output::print(&report::terminal::render_summary(
        &judged,
        output::width(),
        output::colour(),
    ))?;
    output::print(&match changed {
        0 => "judged again from the traces: every verdict is the same\n".to_owned(),
        _ => format!("judged again from the traces: {changed} verdicts differ from the stored ones\n"),
    })?;
    Ok(Exit::of(&judged, args.strict))
}

/// The run with the verdicts of today, and how many differ.
fn judge_again(corpus: &Corpus, stored: &StoredRun) -> Result<(RunOutcome, usize), CliError> {
    let mut outcome = stored.outcome.clone();
    let requirements = corpus.catalogue.grades();
    let scenarios: BTreeMap<&str, &Arc<Scenario>> = corpus
        .scenarios
        .iter()
        .map(|scenario| (scenario.id.as_str(), scenario))
        .collect();
    let mut changed = 0;
    for case_outcome in &mut outcome.cases {
        let events = stored.events(case_outcome);
        let Some(events) = events.map_err(|error| CliError::usage(error.to_string()))? else {
            continue;
        };
        let scenario = scenarios.get(case_outcome.scenario.as_str()).ok_or_else(|| {
            CliError::usage(format!(
                "the scenario {} of that run is not known here",
                case_outcome.scenario
            ))
        })?;
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
            changed += 1;
            case_outcome.judgement = judgement;
        }
    }
    Ok((outcome, changed))
}
