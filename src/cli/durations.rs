//! How long cases took before: `--durations`, the list in this program, and the making of such lists.

use std::path::Path;
use std::time::Duration;

use super::exit::CliError;
use super::stored::StoredRun;
use crate::plan::{CaseId, Cell, Durations};
use crate::runner::outcome::RunOutcome;

/// The list that was committed with this program.
const COMMITTED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docker/durations.json"));

/// Shorter cases are not worth a line, in seconds: they are taken to need about that much anyway.
const SHORTEST: f64 = 0.5;

/// A larger list is none of ours, in bytes.
const LIMIT: u64 = 256 * 1024 * 1024;

/// The durations at `path`: a list, or the stored run there; the committed list without a path.
pub(super) fn load(path: Option<&Path>) -> Result<Durations, CliError> {
    let Some(path) = path else {
        return parse(COMMITTED)
            .map_err(|reason| CliError::internal(format!("the list of durations: {reason}")));
    };
    if path.is_dir() {
        return Ok(of(&StoredRun::open(path)?.outcome));
    }
    let cannot = |reason: String| CliError::usage(format!("cannot read {}: {reason}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if size.len() > LIMIT {
        return Err(cannot(format!("it has more than {LIMIT} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    if text.contains("\"ftpspec-report\"") {
        return Ok(of(&StoredRun::open(path)?.outcome));
    }
    parse(&text).map_err(cannot)
}

/// How long the cases of `run` took.
pub(super) fn of(run: &RunOutcome) -> Durations {
    let cases = run.cases.iter();
    cases
        .filter_map(|case| {
            let id = CaseId {
                scenario: case.scenario.clone(),
                target: case.target.clone(),
                cell: Cell(case.cell.clone()),
            };
            Some((id.to_string(), Duration::try_from_secs_f64(case.seconds).ok()?))
        })
        .collect()
}

/// The list for a file: sorted, a line per case, to a tenth of a second, without those that are over at once.
pub(super) fn render(durations: &Durations) -> String {
    let lines: Vec<String> = durations
        .iter()
        .filter(|(_, duration)| duration.as_secs_f64() >= SHORTEST)
        .map(|(id, duration)| {
            let id = serde_json::Value::String(id.clone());
            format!("  {id}: {:.1}", duration.as_secs_f64())
        })
        .collect();
    if lines.is_empty() {
        return "{}\n".to_owned();
    }
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

fn parse(text: &str) -> Result<Durations, String> {
    let seconds: std::collections::BTreeMap<String, f64> =
        serde_json::from_str(text).map_err(|error| format!("not a list of durations: {error}"))?;
    let one = |(id, seconds): (String, f64)| match Duration::try_from_secs_f64(seconds) {
        Ok(duration) => Ok((id, duration)),
        Err(_) => Err(format!("{id} has the duration {seconds}")),
    };
    seconds.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_and_the_committed_one_is_fine() {
        let text = "{\n  \"a/b@x[tls=tls1.3]\": 1.5,\n  \"a/c@x\": 0.7\n}\n";
        let durations = parse(text).unwrap();
        assert_eq!(durations["a/c@x"], Duration::from_millis(700));
        assert_eq!(render(&durations), text);
        let mut more = durations.clone();
        more.insert("a/d@x".into(), Duration::from_millis(20));
        assert_eq!(render(&more), text, "what is over at once is left out");
        let committed = load(None).unwrap();
        assert_eq!(render(&committed), COMMITTED);
        assert!(parse("[]").is_err() && parse("{\"a\": -1}").is_err());
    }
}
