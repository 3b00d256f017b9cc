//! `ftpspec list`: scenarios, coverage, faults, habits, capabilities.

use super::args::ListArgs;
use super::corpus;
use super::exit::{CliError, Exit};
use super::{output, run};
use crate::mock::{Fault, Habit};
use crate::plan::expand;
use crate::report::coverage;
use crate::requirement::Capability;
use crate::runner::Corpus;
use std::fmt::Write as _;

pub(super) fn run(args: &ListArgs) -> Result<Exit, CliError> {
    if args.faults {
        let lines = Fault::ALL
            .iter()
            .map(|fault| format!("{:46} {}\n", fault.name(), fault.meaning()));
        output::print(&lines.collect::<String>())?;
        return Ok(Exit::Success);
    }
    if args.habits {
        let lines = Habit::ALL
            .iter()
            .map(|habit| format!("{:30} {}\n", habit.name(), habit.meaning()));
        output::print(&lines.collect::<String>())?;
        return Ok(Exit::Success);
    }
    if args.capabilities {
        let lines = Capability::ALL
            .iter()
            .map(|capability| format!("{:26} {}\n", capability.name(), capability.meaning()));
        output::print(&lines.collect::<String>())?;
        return Ok(Exit::Success);
    }
    let corpus = corpus::load(&args.corpus)?;
    if args.uncovered || args.coverage {
        let coverage = coverage_of(&corpus);
        output::print(&if args.uncovered {
            uncovered(&coverage, &corpus)
        } else {
            coverage::render(&coverage)
        })?;
        return Ok(Exit::Success);
    }
    let filters: Vec<&String> = args.what.iter().collect();
    let mut text = String::new();
    let mut cells = 0;
    let scenarios = run::selected(&corpus, &filters)?;
    for scenario in &scenarios {
        let count = expand(scenario).len();
        cells += count;
        let _ = writeln!(text, "{:62} {count:3}  {}", scenario.id, scenario.title);
    }
    let _ = writeln!(text, "{} scenarios, {cells} cells", scenarios.len());
    output::print(&text)?;
    Ok(Exit::Success)
}

/// The coverage of the whole catalogue, by what the scenarios say they detect.
pub(super) fn coverage_of(corpus: &Corpus) -> coverage::Coverage {
    let scenarios = corpus.scenarios.iter().map(|scenario| &**scenario);
    coverage::compute(&coverage::wanted(&corpus.catalogue), scenarios)
}

/// The requirements without a scenario and without a waiver, each with what it asks.
fn uncovered(coverage: &coverage::Coverage, corpus: &Corpus) -> String {
    let mut text = String::new();
    for row in coverage.uncovered() {
        let summary = corpus
            .catalogue
            .get(&row.id)
            .map_or("", |requirement| requirement.summary.trim());
        let _ = writeln!(text, "{:58} {}", row.id, summary.replace('\n', " "));
    }
    let _ = writeln!(
        text,
        "{} of {} server requirements without a scenario or a waiver",
        coverage.uncovered().count(),
        coverage.rows.len()
    );
    text
}
