//! Texts to scenarios, or to all that is wrong with them.

use std::collections::BTreeMap;

use super::error::{LoadError, LoadErrorKind};
use super::lower::lower;
use super::model::Scenario;
use super::raw::{RawScenario, Read, Reader};
use super::yaml::{Value, YamlProblem, parse_yaml};
use crate::base::{Source, Span, is_kebab_case};
use crate::requirement::Catalogue;

/// The closed lists that a scenario may name and that other layers own.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The requirements.
    pub catalogue: &'a Catalogue,
    /// Names of the faults of the embedded server.
    pub faults: &'a [&'a str],
    /// Names of the lawful habits of the embedded server.
    pub habits: &'a [&'a str],
    /// Names of the certificate recipes.
    pub certificates: &'a [&'a str],
}

/// Loads scenario files, each a path (or id) and a text. The id is the path below `scenarios/` without `.yaml`.
///
/// Returns the scenarios that have no problem, in the order of the files, and the problems of all files.
#[must_use]
pub fn load(files: Vec<(String, String)>, known: &Known<'_>) -> (Vec<Scenario>, Vec<LoadError>) {
    let mut scenarios = Vec::new();
    let mut errors = Vec::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in files {
        let id = scenario_id(&path);
        let source = Source::new(shown_name(&path), text);
        let mut reader = Reader::default();
        check_id(&id, &path, &mut ids, &mut reader);
        let scenario = load_one(&id, &source, known, &mut reader);
        if reader.problems.is_empty() {
            scenarios.extend(scenario);
        }
        // In the order of the file; a stable sort, so that problems of one place keep the order they were found in.
        reader.problems.sort_by_key(|problem| problem.span.start);
        errors.extend(reader.problems.into_iter().map(|problem| LoadError {
            source: source.clone(),
            span: problem.span,
            kind: problem.kind,
            help: problem.help,
        }));
    }
    (scenarios, errors)
}

fn load_one(id: &str, source: &Source, known: &Known<'_>, reader: &mut Reader) -> Option<Scenario> {
    match parse_yaml(source.text()) {
        Ok(node) if node.value == Value::Null => {
            let kind = LoadErrorKind::Syntax {
                what: "the file is empty".into(),
                context: String::new(),
            };
            reader.note(
                Span::new(0, 0),
                kind,
                Some("a scenario begins with `title`".into()),
            );
            None
        }
        Ok(node) => {
            let raw = RawScenario::read(&node, reader)?;
            Some(lower(id, source, &raw, known, reader))
        }
        Err(problem) => {
            note_yaml(problem, reader);
            None
        }
    }
}

fn note_yaml(problem: YamlProblem, reader: &mut Reader) {
    let what = problem.message;
    let context = String::new();
    let kind = if problem.refused {
        LoadErrorKind::Refused { what, context }
    } else {
        LoadErrorKind::Syntax { what, context }
    };
    reader.note(problem.span, kind, problem.help.map(str::to_owned));
}

/// The id of the scenario at `path`: what stands behind the last `scenarios/`, without `.yaml`.
fn scenario_id(path: &str) -> String {
    let path = path.replace('\\', "/");
    let below = path
        .rfind("scenarios/")
        .filter(|at| *at == 0 || path.as_bytes().get(at - 1) == Some(&b'/'));
    let relative = below
        .and_then(|at| path.get(at + "scenarios/".len()..))
        .unwrap_or(&path);
    let relative = relative.trim_start_matches("./");
    relative.strip_suffix(".yaml").unwrap_or(relative).to_owned()
}

/// The name to show for `path`.
fn shown_name(path: &str) -> String {
    if path.ends_with(".yaml") {
        path.to_owned()
    } else {
        format!("scenarios/{path}.yaml")
    }
}

fn check_id(id: &str, path: &str, ids: &mut BTreeMap<String, String>, reader: &mut Reader) {
    let top = Span::new(0, 0);
    if id.split('/').any(|part| !is_kebab_case(part)) {
        let kind = LoadErrorKind::BadName {
            what: id.to_owned(),
            context: String::new(),
        };
        let help = "folders and files are named in lower case with hyphens: `area/what-is-good.yaml`";
        reader.note(top, kind, Some(help.into()));
    }
    if let Some(first) = ids.insert(id.to_owned(), path.to_owned()) {
        let kind = LoadErrorKind::DuplicateId {
            what: id.to_owned(),
            context: String::new(),
        };
        reader.note(top, kind, Some(format!("the other one is {first}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_paths_below_scenarios() {
        assert_eq!(scenario_id("auth/auth-tls.yaml"), "auth/auth-tls");
        assert_eq!(scenario_id("scenarios/auth/auth-tls.yaml"), "auth/auth-tls");
        assert_eq!(scenario_id("/x/scenarios/auth/auth-tls.yaml"), "auth/auth-tls");
        assert_eq!(scenario_id("my-scenarios/auth-tls.yaml"), "my-scenarios/auth-tls");
        assert_eq!(scenario_id("auth/auth-tls"), "auth/auth-tls");
        assert_eq!(shown_name("auth/auth-tls"), "scenarios/auth/auth-tls.yaml");
    }
}
