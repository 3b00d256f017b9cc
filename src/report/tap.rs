//! The report in the Test Anything Protocol, version 14.
//!
//! A test point per case. Known deviations are `TODO`, not-applicable ones `SKIP`; inconclusive and error are not ok, as the
//! protocol has no third word, and say so in their diagnostics.

use std::fmt::Write as _;

use super::text;
use crate::judge::Verdict;
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, RunOutcome};

/// `run` as TAP.
#[must_use]
pub fn render(run: &RunOutcome) -> String {
    let mut out = String::from("TAP version 14\n");
    let unavailable: Vec<(&String, &String)> = run
        .targets
        .iter()
        .filter_map(|(name, target)| Some((name, target.unavailable.as_ref()?)))
        .collect();
    let points = run.cases.len() + unavailable.len();
    match points {
        0 => out.push_str("1..0 # SKIP no case\n"),
        _ => {
            let _ = writeln!(out, "1..{points}");
        }
    }
    for (number, case) in run.cases.iter().enumerate() {
        point(&mut out, number + 1, case);
    }
    for (number, (name, reason)) in (run.cases.len() + 1..).zip(unavailable) {
        let _ = writeln!(out, "not ok {number} - {} can be used", description(name));
        diagnostics(&mut out, &[("reason", reason.clone())]);
    }
    if run.run.interrupted {
        out.push_str("Bail out! interrupted\n");
    }
    out
}

fn point(out: &mut String, number: usize, case: &CaseOutcome) {
    let is_ok = matches!(
        case.judgement.verdict,
        Verdict::Pass | Verdict::Info | Verdict::Warn | Verdict::NotApplicable
    );
    let ok = if is_ok { "ok" } else { "not ok" };
    let name = description(&format!("{} {}", case.target, text::case_name(case)));
    let _ = write!(out, "{ok} {number} - {name}");
    match (case.judgement.verdict, &case.known) {
        (Verdict::Fail, Some(reason)) => {
            let _ = write!(out, " # TODO {}", description(reason));
        }
        (Verdict::NotApplicable, _) => {
            let reason = case.judgement.reason.as_deref().unwrap_or("not applicable");
            let _ = write!(out, " # SKIP {}", description(reason));
        }
        _ => {}
    }
    out.push('\n');
    let mut lines = Vec::new();
    if case.judgement.verdict != Verdict::Pass && case.judgement.verdict != Verdict::NotApplicable {
        lines.push(("verdict", text::verdict(case).to_owned()));
        lines.push(("severity", text::severity(case.severity).to_owned()));
        lines.extend(case.judgement.reason.clone().map(|reason| ("reason", reason)));
    }
    for finding in &case.judgement.findings {
        let word = match finding.grade {
            Some(Grade::Fail) => "fail",
            Some(Grade::Warn) => "warn",
            Some(Grade::Info) => "info",
            None => "precondition",
        };
        let id = finding.requirement.as_deref().unwrap_or("no requirement");
        let said = format!("{}; {} ({id})", finding.message, text::expected_got(finding));
        lines.push((word, said));
    }
    diagnostics(out, &lines);
}

/// A YAML block; its strings are JSON strings, which YAML reads the same.
fn diagnostics(out: &mut String, lines: &[(&str, String)]) {
    if lines.is_empty() {
        return;
    }
    out.push_str("  ---\n");
    // A key must be there once; lists keep several findings of one grade.
    let mut keys: Vec<&str> = lines.iter().map(|(key, _)| *key).collect();
    keys.dedup();
    for key in keys {
        let values: Vec<&String> = lines
            .iter()
            .filter(|(other, _)| *other == key)
            .map(|(_, text)| text)
            .collect();
        match values.as_slice() {
            [one] => {
                let _ = writeln!(out, "  {key}: {}", quoted(one));
            }
            many => {
                let _ = writeln!(out, "  {key}:");
                for text in many {
                    let _ = writeln!(out, "    - {}", quoted(text));
                }
            }
        }
    }
    out.push_str("  ...\n");
}

fn quoted(words: &str) -> String {
    serde_json::Value::String(text::plain(words)).to_string()
}

/// Text that does not end a description or begin a directive.
fn description(words: &str) -> String {
    text::plain(words).replace('\\', "\\\\").replace('#', "\\#")
}
