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
    let (judged, changed, unread) = judge_again(&corpus, &stored);
    output::print(&report::terminal::render_summary(
        &judged,
        output::width(),
        output::colour(),
    ))?;
    output::print(&match changed {
        0 if unread.is_empty() => "judged again from the traces: every verdict is the same\n".to_owned(),
        0 => "judged again from the traces: every verdict that could be judged is the same\n".to_owned(),
        _ => format!("judged again from the traces: {changed} verdicts differ from the stored ones\n"),
    })?;
    if unread.is_empty() {
        return Ok(Exit::of(&judged, args.strict));
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

/// The run with the verdicts of today, how many differ, and why the rest could not be judged.
fn judge_again(corpus: &Corpus, stored: &StoredRun) -> (RunOutcome, usize, Vec<String>) {
    let mut outcome = stored.outcome.clone();
    let requirements = corpus.catalogue.grades();
    let scenarios: BTreeMap<&str, &Arc<Scenario>> = corpus
        .scenarios
        .iter()
        .map(|scenario| (scenario.id.as_str(), scenario))
        .collect();
    let mut changed = 0;
    let mut unread = Vec::new();
    for case_outcome in &mut outcome.cases {
        let events = match stored.events(case_outcome) {
            Ok(Some(events)) => events,
            Ok(None) => continue,
            Err(error) => {
                unread.push(error.to_string());
                continue;
            }
        };
        let Some(scenario) = scenarios.get(case_outcome.scenario.as_str()) else {
            unread.push(format!(
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
            changed += 1;
            case_outcome.judgement = judgement;
        }
    }
    (outcome, changed, unread)
}
