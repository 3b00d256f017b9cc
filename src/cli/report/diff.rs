//! `ftpspec report diff`: what is different between two stored runs.

use std::collections::BTreeMap;

use crate::cli::args::DiffArgs;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::cli::stored::StoredRun;
use crate::plan::{CaseId, Cell};
use crate::report::diff::{self, ReplyChange};
use crate::runner::outcome::CaseOutcome;

pub(super) fn run(args: &DiffArgs) -> Result<Exit, CliError> {
    let old = StoredRun::open(&args.old)?;
    let new = StoredRun::open(&args.new)?;
    let mut found = diff::diff(&old.outcome, &new.outcome);
    if found.added.len() == new.outcome.targets.len()
        && found.added.values().sum::<usize>() == new.outcome.cases.len()
    {
        return Err(CliError::nothing("the two runs have no case in common"));
    }
    if args.replies {
        found.replies = replies(&old, &new)?;
    }
    if old.outcome.run.corpus != new.outcome.run.corpus {
        output::complain("note: the scenarios have changed between these runs");
    }
    let text = if args.json {
        let mut text =
            serde_json::to_string_pretty(&found).map_err(|error| CliError::internal(error.to_string()))?;
        text.push('\n');
        text
    } else {
        diff::render_diff(
            &found,
            &args.old.display().to_string(),
            output::width(),
            output::colour(),
        )
    };
    output::print(&text)?;
    Ok(if found.findings.worse.is_empty() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// The cases whose replies have another text.
fn replies(old: &StoredRun, new: &StoredRun) -> Result<Vec<ReplyChange>, CliError> {
    let before: BTreeMap<CaseId, &CaseOutcome> =
        old.outcome.cases.iter().map(|case| (id(case), case)).collect();
    let cannot = |error: crate::runner::FolderError| CliError::usage(error.to_string());
    let mut changes = Vec::new();
    for case in &new.outcome.cases {
        let Some(was) = before.get(&id(case)) else {
            continue;
        };
        let (Some(old_events), Some(new_events)) = (
            old.events(was.folder.as_deref()).map_err(cannot)?,
            new.events(case.folder.as_deref()).map_err(cannot)?,
        ) else {
            continue;
        };
        changes.extend(diff::diff_replies(
            case,
            (&old_events, &old.outcome.run.id),
            (&new_events, &new.outcome.run.id),
        ));
    }
    Ok(changes)
}

fn id(case: &CaseOutcome) -> CaseId {
    CaseId {
        scenario: case.scenario.clone(),
        target: case.target.clone(),
        cell: Cell(case.cell.clone()),
    }
}
