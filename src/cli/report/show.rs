//! `ftpspec report show`: from the summary of a stored run down to a single scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::closest;
use crate::cli::args::ShowArgs;
use crate::cli::corpus;
use crate::cli::exit::{CliError, Exit};
use crate::cli::findings::{self, Place, Shown};
use crate::cli::output;
use crate::cli::run;
use crate::cli::stored::StoredRun;
use crate::plan::Filter;
use crate::report::terminal;
use crate::runner::Corpus;
use crate::runner::outcome::RunOutcome;
use crate::scenario::Scenario;

pub(super) fn run(args: &ShowArgs) -> Result<Exit, CliError> {
    let mut stored = StoredRun::open(&args.folder)?;
    let corpus = corpus::load(&args.corpus)?;
    keep_targets(&mut stored.outcome, &args.targets)?;
    let (width, colour) = (output::width(), output::colour());
    if args.what.is_empty() {
        let summary = terminal::render_summary(&stored.outcome, width, colour);
        output::print(&summary)?;
        return Ok(Exit::Success);
    }
    keep_scenarios(&mut stored.outcome, &corpus, &args.what)?;
    let mut text = terminal::render_scenarios(&stored.outcome, width, colour);
    text.push('\n');
    let place = Place {
        traces: &stored.folder,
        named: &stored.folder,
    };
    let shown = Shown {
        place: Some(place),
        kept: &BTreeMap::new(),
        everything: true,
    };
    text.push_str(&findings::render(&corpus, &stored.outcome, &shown));
    output::print(&text)?;
    Ok(Exit::Success)
}

/// Leaves the targets that were asked for.
fn keep_targets(outcome: &mut RunOutcome, names: &[String]) -> Result<(), CliError> {
    for name in names {
        if !outcome.targets.contains_key(name) {
            let near = closest(name, outcome.targets.keys().map(String::as_str))
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(CliError::nothing(format!(
                "the target `{name}` is not in that run{near}"
            )));
        }
    }
    if !names.is_empty() {
        outcome.targets.retain(|name, _| names.contains(name));
        outcome.cases.retain(|case| names.contains(&case.target));
    }
    Ok(())
}

/// Leaves the scenarios that any of `filters` selects; each must select something.
fn keep_scenarios(outcome: &mut RunOutcome, corpus: &Corpus, filters: &[String]) -> Result<(), CliError> {
    let scenarios: BTreeMap<&str, &Arc<Scenario>> = corpus
        .scenarios
        .iter()
        .map(|scenario| (scenario.id.as_str(), scenario))
        .collect();
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for text in filters {
        let filter = run::filter(text)?;
        let matching = outcome
            .cases
            .iter()
            .map(|case| case.scenario.as_str())
            .filter(|id| selects(&filter, id, &scenarios));
        let found: BTreeSet<String> = matching.map(str::to_owned).collect();
        if found.is_empty() {
            let ids = outcome.cases.iter().map(|case| case.scenario.as_str());
            let near = closest(text, ids)
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(CliError::nothing(format!(
                "the filter `{filter}` matches nothing in that run{near}"
            )));
        }
        kept.extend(found);
    }
    outcome.cases.retain(|case| kept.contains(&case.scenario));
    Ok(())
}

/// Whether `filter` selects the scenario `id`, which need not be known today.
fn selects(filter: &Filter, id: &str, scenarios: &BTreeMap<&str, &Arc<Scenario>>) -> bool {
    filter
        .matches_id(id)
        .unwrap_or_else(|| scenarios.get(id).is_some_and(|scenario| filter.matches(scenario)))
}
