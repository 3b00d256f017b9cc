//! `ftpspec explain`: a scenario, requirement, fault, habit or capability in words.

use super::args::ExplainArgs;
use super::corpus;
use super::exit::{CliError, Exit};
use super::output;
use crate::base::closest;
use crate::mock::{Fault, Habit};
use crate::plan::requirements_of;
use crate::requirement::{Capability, Requirement};
use crate::runner::Corpus;
use crate::scenario;
use std::fmt::Write as _;

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, CliError> {
    let corpus = corpus::load(&args.corpus)?;
    let text = explain(&args.id, &corpus).ok_or_else(|| {
        let names = names(&corpus);
        let area = format!("{}/", args.id);
        if names.iter().any(|name| name.starts_with(&area)) {
            return CliError::nothing(format!(
                "`{}` is an area of scenarios; `ftpspec list {}` names them",
                args.id, args.id
            ));
        }
        let near = closest(&args.id, names.iter().map(String::as_str));
        let hint = near.map_or_else(
            || " (see `ftpspec list` and `ftpspec list --coverage`)".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        );
        CliError::nothing(format!(
            "there is no scenario, requirement, fault, habit or capability `{}`{hint}",
            args.id
        ))
    })?;
    output::print(&text)?;
    Ok(Exit::Success)
}

fn names(corpus: &Corpus) -> Vec<String> {
    let scenarios = corpus
        .scenarios
        .iter()
        .chain(&corpus.discover)
        .chain(&corpus.properties)
        .map(|scenario| scenario.id.clone());
    let requirements = corpus.catalogue.ids().map(str::to_owned);
    let faults = Fault::ALL.iter().map(|fault| fault.name().to_owned());
    let capabilities = Capability::ALL
        .iter()
        .map(|capability| capability.name().to_owned());
    scenarios
        .chain(requirements)
        .chain(faults)
        .chain(Habit::ALL.iter().map(|habit| habit.name().to_owned()))
        .chain(capabilities)
        .collect()
}

fn explain(id: &str, corpus: &Corpus) -> Option<String> {
    let known = corpus
        .scenarios
        .iter()
        .chain(&corpus.discover)
        .chain(&corpus.properties)
        .find(|scenario| scenario.id == id);
    if let Some(known) = known {
        let meaning = |fault: &str| fault.parse::<Fault>().ok().map(Fault::meaning);
        return Some(scenario::explain::render(known, &corpus.catalogue, &meaning));
    }
    if let Some(requirement) = corpus.catalogue.get(id) {
        return Some(explain_requirement(requirement, corpus));
    }
    if let Ok(fault) = id.parse::<Fault>() {
        let detecting = corpus.scenarios.iter().filter(|scenario| {
            scenario
                .detects
                .iter()
                .any(|detected| detected.value == fault.name())
        });
        let list: Vec<&str> = detecting.map(|scenario| scenario.id.as_str()).collect();
        return Some(format!(
            "{fault}\n\n{}\n\ndetected by  {}\ntry it       ftpspec serve --fault {fault}\n",
            fault.meaning(),
            list.join(", ")
        ));
    }
    if let Ok(habit) = id.parse::<Habit>() {
        return Some(format!("{habit}\n\n{}\n", habit.meaning()));
    }
    if let Ok(capability) = id.parse::<Capability>() {
        return Some(format!("{capability}\n\n{}\n", capability.meaning()));
    }
    explain_prefix(id, corpus)
}

/// The requirements below `id`, when it is the beginning of some (`rfc4217.s9`).
fn explain_prefix(id: &str, corpus: &Corpus) -> Option<String> {
    let below = format!("{id}.");
    let lines: Vec<String> = corpus
        .catalogue
        .iter()
        .filter(|requirement| requirement.id.starts_with(&below))
        .map(|requirement| {
            let summary = requirement
                .summary
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            format!("{}\n    {summary}\n", requirement.id)
        })
        .collect();
    (!lines.is_empty()).then(|| lines.concat())
}

fn explain_requirement(requirement: &Requirement, corpus: &Corpus) -> String {
    let mut text = format!("{}\n\n{}\n\n", requirement.id, requirement.summary.trim());
    let _ = writeln!(text, "because      {}", requirement.citation());
    let _ = writeln!(
        text,
        "level        {}\ngrade        {}",
        requirement.level, requirement.grade
    );
    let _ = writeln!(text, "area         {}", requirement.area);
    let covering: Vec<&str> = corpus
        .scenarios
        .iter()
        .filter(|scenario| requirements_of(scenario).contains(requirement.id.as_str()))
        .map(|scenario| scenario.id.as_str())
        .collect();
    let covering = if covering.is_empty() {
        "no scenario yet".to_owned()
    } else {
        covering.join("\n             ")
    };
    let _ = writeln!(text, "checked by   {covering}");
    text
}
