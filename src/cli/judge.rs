//! `ftpspec judge`: the verdicts of a stored run, from its traces.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::JudgeArgs;
use super::corpus;
use super::exit::{CliError, Exit};
use super::output;
use crate::judge::judge_case;
use crate::plan::{Case, CaseId, Cell};
use crate::report;
use crate::runner::outcome::RunOutcome;
use crate::runner::{Corpus, read_case};
use crate::scenario::Scenario;

pub(super) fn run(args: &JudgeArgs) -> Result<Exit, CliError> {
    let path = args.folder.join("report.json");
    let cannot = |reason: String| CliError::usage(format!("cannot read {}: {reason}", path.display()));
    let stored = std::fs::read_to_string(&path).map_err(|error| cannot(error.to_string()))?;
    let stored = report::json::parse(&stored).map_err(|error| cannot(error.to_string()))?;
    let corpus = corpus::load(&args.corpus)?;
    if stored.run.corpus != corpus.digest {
        output::complain("note: the scenarios have changed since that run; it is judged by those of today");
    }
    let (judged, changed) = judge_again(args, &corpus, stored)?;
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
fn judge_again(
    args: &JudgeArgs,
    corpus: &Corpus,
    mut stored: RunOutcome,
) -> Result<(RunOutcome, usize), CliError> {
    let requirements = corpus.catalogue.grades();
    let scenarios: BTreeMap<&str, &Arc<Scenario>> = corpus
        .scenarios
        .iter()
        .map(|scenario| (scenario.id.as_str(), scenario))
        .collect();
    let mut changed = 0;
    for outcome in &mut stored.cases {
        let Some(folder) = &outcome.folder else { continue };
        let scenario = scenarios.get(outcome.scenario.as_str()).ok_or_else(|| {
            CliError::usage(format!(
                "the scenario {} of that run is not known here",
                outcome.scenario
            ))
        })?;
        let events = read_case(&args.folder, folder).map_err(|error| CliError::usage(error.to_string()))?;
        let id = CaseId {
            scenario: outcome.scenario.clone(),
            target: outcome.target.clone(),
            cell: Cell(outcome.cell.clone()),
        };
        let case = Case {
            id,
            scenario: Arc::clone(scenario),
        };
        let judgement = judge_case(&case, &requirements, &events);
        if judgement != outcome.judgement {
            changed += 1;
            outcome.judgement = judgement;
        }
    }
    Ok((stored, changed))
}
