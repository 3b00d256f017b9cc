//! Workflow commands of GitHub Actions: findings as annotations on the lines of the scenarios.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>. The service shows ten errors and ten
//! warnings a step; what is beyond them is counted.

use std::fmt::Write as _;

use super::gather::groups;
use super::input::Input;
use super::text;
use crate::judge::Verdict;
use crate::requirement::Grade;

/// How many of each kind the service shows.
const SHOWN: usize = 10;

/// The findings of the run as workflow commands, one a line.
#[must_use]
pub fn render(input: &Input<'_>) -> String {
    let run = input.run;
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    for group in groups(run) {
        let (kind, list) = match (group.finding.grade, group.case.known.is_some()) {
            (Some(Grade::Fail), false) => ("error", &mut errors),
            (Some(Grade::Warn), _) => ("warning", &mut warnings),
            _ => continue,
        };
        let finding = group.finding;
        let id = finding.requirement.as_deref().unwrap_or("");
        let mut message = format!("{} {}", group.case.target, finding.message);
        if !group.cells.is_empty() {
            let _ = write!(message, " [{}]", group.cells.join("] ["));
        }
        let _ = write!(message, "\n{}", text::expected_got(finding));
        if let Some(source) = input.sources.requirements.get(id) {
            let _ = write!(message, "\n{}: {}", source.citation, source.summary);
        }
        let _ = write!(message, "\n{}", text::rerun(run, group.case));
        let place = input.sources.place(&group.case.scenario, finding);
        let mut properties = Vec::new();
        if let Some(source) = input.sources.scenarios.get(&group.case.scenario) {
            properties.push(("file", source.file.clone()));
        }
        if let Some((first, last)) = place.broken {
            properties.push(("line", first.to_string()));
            properties.push(("endLine", last.to_string()));
        }
        properties.push(("title", format!("{id} ({})", text::severity(group.case.severity))));
        list.push(command(kind, &properties, &message));
    }
    for case in &run.cases {
        if matches!(case.judgement.verdict, Verdict::Inconclusive | Verdict::Error) {
            let reason = case.judgement.reason.as_deref().unwrap_or("no reason given");
            let message = format!("nothing is said about {}: {reason}", case.target);
            let title = format!("{} {}", text::case_name(case), text::verdict(case));
            warnings.push(command("warning", &[("title", title)], &message));
        }
    }
    let mut out = String::new();
    for (kind, list) in [("error", errors), ("warning", warnings)] {
        for line in list.iter().take(SHOWN - 1) {
            out.push_str(line);
        }
        match list.len().saturating_sub(SHOWN - 1) {
            0 => {}
            1 => out.extend(list.last().map(String::as_str)),
            more => out.push_str(&command(kind, &[], &format!("… and {more} more, in the report"))),
        }
    }
    out
}

/// `::error file=…,line=…::message`, with a line end.
fn command(kind: &str, properties: &[(&str, String)], message: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", property(value)))
        .collect();
    let space = if properties.is_empty() { "" } else { " " };
    let lines: Vec<String> = message
        .lines()
        .map(|line| text::plain(line).replace('%', "%25"))
        .collect();
    format!("::{kind}{space}{}::{}\n", properties.join(","), lines.join("%0A"))
}

/// The value of a property: what would end it is escaped as the service asks.
fn property(value: &str) -> String {
    text::plain(value)
        .replace('%', "%25")
        .replace(':', "%3A")
        .replace(',', "%2C")
}
