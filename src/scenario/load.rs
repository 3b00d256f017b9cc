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

/// Below this many files, threads cost more than they save.
const WORTH_THREADS: usize = 32;

/// A file whose name has been looked at.
struct Named {
    id: String,
    source: Source,
    reader: Reader,
}

/// A file that has been read: its scenario, when nothing is wrong, and what is.
type Loaded = (Option<Scenario>, Vec<LoadError>);

/// Loads scenario files, each a path (or id) and a text. The id is the path below `scenarios/` without `.yaml`.
///
/// Returns the scenarios that have no problem, in the order of the files, and the problems of all files. Many files are read
/// on all processors.
#[must_use]
pub fn load(files: Vec<(String, String)>, known: &Known<'_>) -> (Vec<Scenario>, Vec<LoadError>) {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let mut named = Vec::with_capacity(files.len());
    for (path, text) in files {
        let id = scenario_id(&path);
        let mut reader = Reader::default();
        check_id(&id, &path, &mut ids, &mut reader);
        let source = Source::new(shown_name(&path), text);
        named.push(Named { id, source, reader });
    }
    let mut scenarios = Vec::with_capacity(named.len());
    let mut errors = Vec::new();
    for (scenario, problems) in load_all(named, known) {
        scenarios.extend(scenario);
        errors.extend(problems);
    }
    (scenarios, errors)
}

/// What [`load_named`] makes of each, in their order.
fn load_all(mut named: Vec<Named>, known: &Known<'_>) -> Vec<Loaded> {
    let load_part =
        |part: Vec<Named>| -> Vec<Loaded> { part.into_iter().map(|file| load_named(file, known)).collect() };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads == 1 || named.len() < WORTH_THREADS {
        return load_part(named);
    }
    let size = named.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        while named.len() > size {
            let rest = named.split_off(size);
            let part = std::mem::replace(&mut named, rest);
            running.push(scope.spawn(move || load_part(part)));
        }
        let last = load_part(named);
        let mut loaded: Vec<Loaded> = Vec::new();
        for thread in running {
            match thread.join() {
                Ok(part) => loaded.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        loaded.extend(last);
        loaded
    })
}

fn load_named(file: Named, known: &Known<'_>) -> Loaded {
    let Named {
        id,
        source,
        mut reader,
    } = file;
    let scenario = load_one(&id, &source, known, &mut reader);
    if reader.problems.is_empty() {
        return (scenario, Vec::new());
    }
    // In the order of the file; a stable sort, so that problems of one place keep the order they were found in.
    reader.problems.sort_by_key(|problem| problem.span.start);
    let errors = reader.problems.into_iter().map(|problem| LoadError {
        source: source.clone(),
        span: problem.span,
        kind: problem.kind,
        help: problem.help,
    });
    (None, errors.collect())
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
    fn many_files_give_what_one_after_another_gives_in_the_same_order() {
        let catalogue = Catalogue::embedded().unwrap();
        let known = Known {
            catalogue: &catalogue,
            faults: &["forgets"],
            habits: &[],
            certificates: &[],
        };
        let files: Vec<(String, String)> = (0..WORTH_THREADS * 3)
            .map(|number| {
                let severity = if number % 5 == 0 { "grave" } else { "low" };
                let text = format!(
                    "title: T{number}\nwhy: W\nseverity: {severity}\ndetects: [forgets]\nsteps:\n  - connect: {{}}\n    expect: {{ reply: 220, requirement: rfc959.s5.4.greeting }}\n"
                );
                (format!("area/file-{}.yaml", (number * 7) % 96), text)
            })
            .collect();
        let (together, wrong) = load(files.clone(), &known);
        let (mut apart, mut wrong_apart) = (Vec::new(), Vec::new());
        for file in files {
            let (scenarios, problems) = load(vec![file], &known);
            apart.extend(scenarios);
            wrong_apart.extend(problems);
        }
        let ids = |all: &[Scenario]| all.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&together), ids(&apart));
        assert!(!apart.is_empty(), "{wrong_apart:?}");
        let words = |all: &[LoadError]| {
            all.iter()
                .map(|one| format!("{}: {:?} {:?}", one.source.name(), one.kind, one.span))
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&wrong), words(&wrong_apart));
        assert!(!wrong_apart.is_empty());
    }

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
