//! Text for people: made harmless, cut to a width, put into columns.
//!
//! Everything that can hold peer text goes through [`plain`], whatever the format: the judge has escaped it already, but
//! a report can also be made from a file that somebody else wrote.

use std::fmt::Write as _;

use crate::base::{escape_peer_full, shell_word};
use crate::judge::{Finding, Verdict};
use crate::runner::outcome::{CaseOutcome, Counts, RunOutcome};
use crate::scenario::model::Severity;

/// `text` as one line without control characters, bidirectional overrides and the like; those become escapes.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        if character == '\\' {
            safe.push('\\');
        } else {
            safe.push_str(&escape_peer_full(character.encode_utf8(&mut buffer).as_bytes()));
        }
    }
    safe
}

/// `text` cut to `width` characters, the last one being `…` when something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// [`plain`] and [`cut`] together, which does not look at what is cut off.
pub(super) fn short(text: &str, width: usize) -> String {
    let end = text
        .char_indices()
        .nth(width.saturating_add(1))
        .map_or(text.len(), |(at, _)| at);
    cut(&plain(text.get(..end).unwrap_or("")), width)
}

/// `tls=tls1.3,data=passive`; empty without axes.
pub(super) fn cell(case: &CaseOutcome) -> String {
    let pairs: Vec<String> = case
        .cell
        .iter()
        .map(|(axis, value)| format!("{}={}", plain(axis), plain(value)))
        .collect();
    pairs.join(",")
}

/// `scenario[cell]`.
pub(super) fn case_name(case: &CaseOutcome) -> String {
    let cell = cell(case);
    let scenario = plain(&case.scenario);
    if cell.is_empty() {
        scenario
    } else {
        format!("{scenario}[{cell}]")
    }
}

/// How targets are provided that were named by a URL or a file.
const EXTERNAL: &str = "external";

/// The command line that runs just this case again.
pub(super) fn rerun(run: &RunOutcome, case: &CaseOutcome) -> String {
    let (target, rest) = rerun_target(run, &case.target);
    format!(
        "ftpspec run {}{target}{}{rest}",
        plain(&case.scenario),
        rerun_cell(case)
    )
}

/// What names the target in the command that runs a case again: behind the scenario, and at the end.
pub(super) fn rerun_target(run: &RunOutcome, target: &str) -> (String, &'static str) {
    let is_external = run
        .targets
        .get(target)
        .is_some_and(|target| target.provision == EXTERNAL);
    if is_external {
        (String::new(), " and the URL or target file as before")
    } else {
        (format!(" --target {}", plain(target)), "")
    }
}

/// What names the cell in that command.
pub(super) fn rerun_cell(case: &CaseOutcome) -> String {
    let mut words = String::new();
    for (axis, value) in &case.cell {
        let word = format!("{}={}", plain(axis), plain(value));
        let _ = write!(words, " --matrix {}", shell_word(&word));
    }
    words
}

/// `text` in lines of `width` characters, broken at spaces where there are some; what does not fit into `limit` lines is
/// cut.
pub(super) fn wrap(text: &str, width: usize, limit: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > width && lines.len() + 1 < limit {
        // A word longer than half a line is broken rather than moved.
        let space = rest.iter().take(width + 1).rposition(|c| *c == ' ');
        let at = space.filter(|at| *at > width / 2).unwrap_or(width);
        let tail = rest.split_off(at);
        lines.push(rest.iter().collect::<String>());
        rest = tail.into_iter().skip_while(|c| *c == ' ').collect();
    }
    lines.push(cut(&rest.iter().collect::<String>(), width));
    lines
}

/// `expected …, got …`.
pub(super) fn expected_got(finding: &Finding) -> String {
    format!(
        "expected {}, got {}",
        plain(&finding.expected),
        plain(&finding.observed)
    )
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// The verdict of a case, with known deviations told apart.
pub(super) fn verdict(case: &CaseOutcome) -> &'static str {
    match case.judgement.verdict {
        Verdict::Fail if case.known.is_some() => "fail (known)",
        verdict => verdict.name(),
    }
}

/// Head and value of the columns that every table of counts has.
pub(super) fn columns(counts: &Counts) -> [(&'static str, usize); 8] {
    [
        ("pass", counts.pass),
        ("info", counts.info),
        ("warn", counts.warn),
        ("fail", counts.fail),
        ("known", counts.known),
        ("inconclusive", counts.inconclusive),
        ("n.a.", counts.not_applicable),
        ("error", counts.error),
    ]
}

/// `1 case`, `2 cases`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_harmless_and_stays_readable() {
        assert_eq!(plain("a\u{1b}[31m\r\n\0b"), "a\\x1b[31m\\r\\n\\x00b");
        assert_eq!(plain("already \\x1b escaped"), "already \\x1b escaped");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }

    #[test]
    fn long_text_is_broken_at_spaces_and_cut_at_the_end() {
        assert_eq!(wrap("one two three", 8, 3), ["one two", "three"]);
        assert_eq!(wrap("one two three four five", 8, 2), ["one two", "three f…"]);
        assert_eq!(wrap("abcdefghij", 4, 9), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4, 3), [""]);
        assert_eq!(wrap("short", 40, 1), ["short"]);
    }
}
