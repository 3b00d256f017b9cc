//! `file` checks: a file on the target, as the step examined it.

use super::super::view::View;
use super::super::words;
use super::{Account, CheckResult};
use crate::plan::template::FillError;
use crate::scenario::model::{FilePattern, Template};
use crate::trace::EventKind;

pub(super) fn judge(view: &View<'_>, pattern: &FilePattern) -> Result<CheckResult, FillError> {
    let fill = |template: &Option<Template>| template.as_ref().map(|text| view.fill(&text.value)).transpose();
    let path = view.fill(&pattern.path.value)?;
    let (bytes, sha256) = (fill(&pattern.bytes)?, fill(&pattern.sha256)?);
    let expected = expected(pattern, &path, bytes.as_deref(), sha256.as_deref());
    let account = |message: String, observed: String, event: usize| Account {
        message,
        expected: expected.clone(),
        observed,
        event,
        nothing: false,
    };
    let unjudged = |observed: String, event: usize| {
        let message = format!("kept {} from being examined", words::quoted(&path));
        Ok(CheckResult::Unjudged(account(message, observed, event)))
    };
    let examined = view
        .in_step()
        .rev()
        .find_map(|(position, event)| match &event.kind {
            EventKind::FileExamined {
                path: examined,
                exists,
                bytes,
                sha256,
                problem,
            } if *examined == path => {
                Some((position, *exists, *bytes, sha256.as_deref(), problem.as_deref()))
            }
            _ => None,
        });
    let Some((event, exists, found_bytes, found_hash, problem)) = examined else {
        return unjudged("the file was not examined".to_owned(), view.last());
    };
    if let Some(problem) = problem {
        return unjudged(words::shown(problem), event);
    }
    let broken =
        |message: String, observed: String| Ok(CheckResult::Broken(account(message, observed, event)));
    let wants_content = bytes.is_some() || sha256.is_some();
    if !exists {
        return match pattern.exists {
            Some(false) => Ok(CheckResult::Held),
            None if !wants_content => unjudged("no such file".to_owned(), event),
            _ => broken(
                format!("has no file {}", words::quoted(&path)),
                "no such file".to_owned(),
            ),
        };
    }
    let size = found_bytes.map_or_else(
        || "a file".to_owned(),
        |bytes| format!("a file of {}", words::count(bytes, "byte")),
    );
    if pattern.exists == Some(false) {
        return broken(format!("has a file {}", words::quoted(&path)), size);
    }
    if let Some(wanted) = &bytes {
        let Ok(number) = wanted.trim().parse::<u64>() else {
            return unjudged(
                format!("{} is not a number of bytes", words::quoted(wanted)),
                event,
            );
        };
        if found_bytes != Some(number) {
            return broken(format!("kept {} with another size", words::quoted(&path)), size);
        }
    }
    if let Some(wanted) = &sha256
        && !found_hash.is_some_and(|found| found.eq_ignore_ascii_case(wanted))
    {
        return broken(
            format!("kept {} with other content", words::quoted(&path)),
            format!("{size} with other content"),
        );
    }
    Ok(CheckResult::Held)
}

fn expected(pattern: &FilePattern, path: &str, bytes: Option<&str>, sha256: Option<&str>) -> String {
    let path = words::quoted(path);
    if pattern.exists == Some(false) {
        return format!("no file {path}");
    }
    let mut words = format!("a file {path}");
    if let Some(bytes) = bytes {
        words.push_str(" of ");
        words.push_str(&words::shown(bytes));
        words.push_str(" bytes");
    }
    if sha256.is_some() {
        words.push_str(" with the content that was sent");
    }
    words
}
