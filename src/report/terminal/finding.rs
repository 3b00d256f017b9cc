//! One finding in full, in the shape of design section 9 without the scenario's source (which `diagnostic` adds).

use std::fmt::Write as _;

use super::paint::Paint;
use crate::judge::Finding;
use crate::report::text;
use crate::runner::outcome::{CaseOutcome, RunOutcome};
use crate::trace::Phase;

/// `finding` of `case`, over several lines. `citation` is where the requirement is written, e.g. `RFC 4217 section 9`.
#[must_use]
pub fn render_finding(
    run: &RunOutcome,
    case: &CaseOutcome,
    finding: &Finding,
    citation: Option<&str>,
    colour: bool,
) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    let head = finding
        .requirement
        .as_deref()
        .map_or_else(|| "precondition".to_owned(), text::plain);
    let _ = writeln!(out, "{}\n", paint.bold(&head));
    let mark = paint.mark(finding.grade, case.known.is_some());
    let _ = writeln!(
        out,
        "  {mark} {} {}",
        text::plain(&case.target),
        text::plain(&finding.message)
    );
    let _ = writeln!(out, "    {}", text::expected_got(finding));
    for (name, value) in help(run, case, finding, citation) {
        let _ = writeln!(out, "    {} {value}", paint.dim(&format!("{name:<9}")));
    }
    out
}

fn help(
    run: &RunOutcome,
    case: &CaseOutcome,
    finding: &Finding,
    citation: Option<&str>,
) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut target = text::plain(&case.target);
    if let Some(version) = run
        .targets
        .get(&case.target)
        .and_then(|target| target.version.as_deref())
    {
        target.push(' ');
        target.push_str(&text::plain(version));
    }
    let cell = text::cell(case);
    if !cell.is_empty() {
        target.push_str(", ");
        target.push_str(&cell);
    }
    lines.push(("target", target));
    lines.push(("scenario", place(case, finding)));
    let mut weight = text::severity(case.severity).to_owned();
    if let (Some(level), Some(grade)) = (finding.level, finding.grade) {
        let _ = write!(weight, ", {level}, {grade}");
    }
    lines.push(("severity", weight));
    if let Some(citation) = citation {
        lines.push(("because", text::plain(citation)));
    }
    if let Some(reason) = &case.known {
        lines.push(("known", text::plain(reason)));
    }
    if let Some((times, of)) = case.repeated {
        lines.push(("repeated", format!("{times} of {of} times")));
    }
    lines.push(("rerun", text::rerun(run, case)));
    if let Some(folder) = &case.folder {
        lines.push(("trace", text::plain(folder)));
    }
    if let Some(capture) = &case.capture {
        lines.push(("capture", text::plain(capture)));
    }
    lines
}

/// `shutdown/truncated-upload, step 6, check 1, at +0.281s`.
fn place(case: &CaseOutcome, finding: &Finding) -> String {
    let phase = match finding.step.phase {
        Phase::Setup => "set-up step",
        Phase::Steps => "step",
        Phase::Cleanup => "clean-up step",
    };
    let check = finding
        .check
        .map_or_else(String::new, |check| format!(", check {}", check + 1));
    format!(
        "{}, {phase} {}{check}, at +{:.3}s",
        text::plain(&case.scenario),
        finding.step.index.saturating_add(1),
        finding.at.as_secs_f64()
    )
}
