//! Text for people: made harmless, cut to a width, put into columns.
//!
//! Everything that can hold peer text goes through [`plain`], whatever the format: the judge has escaped it already, but
//! a report can also be made from a file that somebody else wrote.

use std::fmt::Write as _;

use crate::base::escape_peer_full;
use crate::judge::{Finding, Verdict};
use crate::runner::outcome::{CaseOutcome, Counts};
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

/// The command line that runs just this case again.
pub(super) fn rerun(case: &CaseOutcome) -> String {
    let mut command = format!(
        "ftpspec run {} --target {}",
        plain(&case.scenario),
        plain(&case.target)
    );
    for (axis, value) in &case.cell {
        let _ = write!(command, " --matrix {}={}", plain(axis), plain(value));
    }
    command
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
}
